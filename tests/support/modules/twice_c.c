/* SPDX-License-Identifier: Apache-2.0
 *
 * A module in C with two functions of one name; nothing but the node can notice. */
#include <dunlin/abi.h>

static int32_t run(void* self, const dunlin_host* host, dunlin_call* call, const uint8_t* payload,
                   size_t payload_size) {
    (void)self;
    (void)payload;
    (void)payload_size;
    host->fail(call, 11, "never called", 12);
    return DUNLIN_DONE;
}

static const dunlin_function functions[] = {
    {"count", 0, 0, NULL, run, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"other", 0, 0, NULL, run, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"count", 0, 0, NULL, run, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0},
};

static const dunlin_module_info info = {
    sizeof(dunlin_module_info),
    DUNLIN_ABI_VERSION,
    sizeof(dunlin_function),
    "twicec",
    NULL,
    functions,
    3,
    NULL,
};

const dunlin_module_info* dunlin_module(const dunlin_host* host) {
    (void)host;
    return &info;
}
