/* SPDX-License-Identifier: Apache-2.0
 *
 * A module of an ABI version that does not exist yet. A node must look at no other field: they
 * are nonsense here. */
#include <dunlin/abi.h>

static const dunlin_module_info info = {
    sizeof(dunlin_module_info),
    DUNLIN_ABI_VERSION + 1,
    1,
    (const char*)1,
    (const char*)1,
    (const dunlin_function*)1,
    (size_t)-1,
    (const char*)1,
};

const dunlin_module_info* dunlin_module(const dunlin_host* host) {
    (void)host;
    return &info;
}
