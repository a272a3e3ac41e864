/* SPDX-License-Identifier: Apache-2.0
 *
 * A module in plain C whose functions have state, built from dunlin/abi.h alone.
 *
 *   statec/count   adds one to the number under its caller's key and answers it
 *   statec/tell    answers that number, or nil where there is none
 *   statec/forget  takes it away and answers nil
 */
#include <dunlin/abi.h>

#include <stdlib.h>
#include <string.h>

enum { FAILED = 11, UNAVAILABLE = 9 };

/* -- the type of state: a number, or none -------------------------------------------------------- */

struct number {
    int there;
    uint64_t value;
};

static void* create(void) { return calloc(1, sizeof(struct number)); }
static void destroy(void* object) { free(object); }
static int has_value(const void* object) { return ((const struct number*)object)->there; }
static void reset(void* object) { ((struct number*)object)->there = 0; }

static int append(dunlin_buffer* to, const void* data, size_t size) {
    if (to->capacity - to->size < size && to->grow(to, to->size + size) != 0) return 1;
    memcpy(to->data + to->size, data, size);
    to->size += size;
    return 0;
}

/* A msgpack integer of eight bytes, which is one of the forms of any number. */
static int append_number(dunlin_buffer* to, uint64_t value) {
    uint8_t encoded[9] = {0xcf};
    int i;
    for (i = 8; i > 0; --i, value >>= 8) encoded[i] = (uint8_t)value;
    return append(to, encoded, sizeof encoded);
}

static int decode(void* object, const uint8_t* data, size_t size, dunlin_buffer* why) {
    static const char wanted[] = "expected a msgpack integer of eight bytes";
    struct number* to = object;
    int i;
    to->there = 0;
    if (size != 9 || data[0] != 0xcf) {
        (void)append(why, wanted, sizeof wanted - 1);
        return 1;
    }
    to->there = 1;
    to->value = 0;
    for (i = 1; i < 9; ++i) to->value = to->value << 8 | data[i];
    return 0;
}

static int encode(const void* object, dunlin_buffer* to) {
    return append_number(to, ((const struct number*)object)->value);
}

static int assign(void* object, const void* other) {
    memcpy(object, other, sizeof(struct number));
    return 0;
}

static size_t memory_bytes(const void* object) {
    (void)object;
    return sizeof(struct number);
}

static const dunlin_state_type number_type = {
    sizeof(dunlin_state_type),
    DUNLIN_STATE_CHEAP_COPY,
    "{\"type\":\"integer\",\"minimum\":0}",
    create,
    destroy,
    has_value,
    reset,
    decode,
    encode,
    assign,
    memory_bytes,
};

/* -- the functions ------------------------------------------------------------------------------- */

/* NULL when the call has been answered. */
static struct number* state_of(const dunlin_host* host, dunlin_call* call) {
    static const char older[] = "this node is older than state";
    static const char none[] = "the node gave no state";
    struct number* found;
    if (host->struct_size < offsetof(dunlin_host, state) + sizeof host->state) {
        host->fail(call, UNAVAILABLE, older, sizeof older - 1);
        return NULL;
    }
    found = host->state(call);
    if (found == NULL) host->fail(call, FAILED, none, sizeof none - 1);
    return found;
}

static int32_t answer(const dunlin_host* host, dunlin_call* call, const struct number* number) {
    static const uint8_t nil = 0xc0;
    static const char large[] = "the reply is larger than the limit";
    dunlin_buffer* out = host->output(call);
    const int failed =
        number->there ? append_number(out, number->value) : append(out, &nil, sizeof nil);
    if (failed) host->fail(call, FAILED, large, sizeof large - 1);
    return DUNLIN_DONE;
}

static int32_t count(void* self, const dunlin_host* host, dunlin_call* call,
                     const uint8_t* payload, size_t payload_size) {
    struct number* number = state_of(host, call);
    (void)self;
    (void)payload;
    (void)payload_size;
    if (number == NULL) return DUNLIN_DONE;
    number->value = number->there ? number->value + 1 : 1;
    number->there = 1;
    return answer(host, call, number);
}

static int32_t tell(void* self, const dunlin_host* host, dunlin_call* call, const uint8_t* payload,
                    size_t payload_size) {
    const struct number* number = state_of(host, call);
    (void)self;
    (void)payload;
    (void)payload_size;
    return number == NULL ? DUNLIN_DONE : answer(host, call, number);
}

static int32_t forget(void* self, const dunlin_host* host, dunlin_call* call,
                      const uint8_t* payload, size_t payload_size) {
    struct number* number = state_of(host, call);
    (void)self;
    (void)payload;
    (void)payload_size;
    if (number == NULL) return DUNLIN_DONE;
    number->there = 0;
    return answer(host, call, number);
}

/* The last five: no field of the input is the key, the space, the type of state, what the function
 * does with it, and when replies leave. */
static const dunlin_function functions[] = {
    {"count", 0, 0, NULL, count, "Adds one.", NULL, NULL, 0, 0, 0, 0, 0, 0, NULL, "numbers",
     &number_type, DUNLIN_STATE_WRITE, DUNLIN_STATE_RELAXED},
    {"tell", 0, 0, NULL, tell, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, NULL, "numbers", &number_type,
     DUNLIN_STATE_READ, 0},
    {"forget", 0, 0, NULL, forget, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, NULL, "numbers",
     &number_type, DUNLIN_STATE_WRITE, 0},
};

static const dunlin_module_info info = {
    sizeof(dunlin_module_info),
    DUNLIN_ABI_VERSION,
    sizeof(dunlin_function),
    "statec",
    "1.0",
    functions,
    sizeof functions / sizeof functions[0],
    NULL,
};

const dunlin_module_info* dunlin_module(const dunlin_host* host) {
    (void)host;
    return &info;
}
