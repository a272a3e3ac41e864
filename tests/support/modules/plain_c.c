/* SPDX-License-Identifier: Apache-2.0
 *
 * A module in plain C, built by a C compiler from dunlin/abi.h alone.
 *
 *   plainc/reverse   takes a msgpack blob and gives it back with its bytes in reverse order
 *   plainc/refuse    fails, whatever it is given
 *   plainc/nap       waits for 1 ms without a thread and answers nil
 */
#include <dunlin/abi.h>

#include <stdlib.h>
#include <string.h>

enum { INVALID_ARGUMENT = 2, FAILED = 11 };

static void fail(const dunlin_host* host, dunlin_call* call, int32_t code, const char* detail) {
    host->fail(call, code, detail, strlen(detail));
}

/* Finds the content of a msgpack blob; zero when the payload is something else. */
static int read_blob(const uint8_t* payload, size_t size, const uint8_t** content,
                     size_t* content_size) {
    size_t head;
    size_t length;
    if (size >= 2 && payload[0] == 0xc4) {
        head = 2;
        length = payload[1];
    } else if (size >= 3 && payload[0] == 0xc5) {
        head = 3;
        length = (size_t)payload[1] << 8 | payload[2];
    } else if (size >= 5 && payload[0] == 0xc6) {
        head = 5;
        length = (size_t)payload[1] << 24 | (size_t)payload[2] << 16 | (size_t)payload[3] << 8 |
                 payload[4];
    } else {
        return 0;
    }
    if (size - head != length) return 0;
    *content = payload + head;
    *content_size = length;
    return 1;
}

static int32_t reverse(void* self, const dunlin_host* host, dunlin_call* call,
                       const uint8_t* payload, size_t payload_size) {
    const uint8_t* content;
    size_t content_size;
    size_t i;
    dunlin_buffer* out;
    (void)self;
    if (!read_blob(payload, payload_size, &content, &content_size)) {
        fail(host, call, INVALID_ARGUMENT, "payload: expected binary");
        return DUNLIN_DONE;
    }
    out = host->output(call);
    if (out->capacity - out->size < payload_size && out->grow(out, out->size + payload_size) != 0) {
        fail(host, call, FAILED, "the reply is larger than the limit");
        return DUNLIN_DONE;
    }
    /* The head stays what it was; only the content turns round. */
    memcpy(out->data + out->size, payload, payload_size - content_size);
    out->size += payload_size - content_size;
    for (i = 0; i < content_size; ++i) out->data[out->size++] = content[content_size - 1 - i];
    return DUNLIN_DONE;
}

static int32_t refuse(void* self, const dunlin_host* host, dunlin_call* call,
                      const uint8_t* payload, size_t payload_size) {
    (void)self;
    (void)payload;
    (void)payload_size;
    fail(host, call, FAILED, "refused, in plain C");
    return DUNLIN_DONE;
}

struct napping {
    const dunlin_host* host;
    dunlin_call* call;
};

static void woken(void* user, int32_t code, const uint8_t* data, size_t size) {
    struct napping* nap = user;
    const dunlin_host* host = nap->host;
    dunlin_call* call = nap->call;
    dunlin_buffer* out;
    free(nap);
    out = host->output(call);
    if (code != 0) {
        host->fail(call, code, (const char*)data, size);
    } else if (out->capacity - out->size < 1 && out->grow(out, out->size + 1) != 0) {
        fail(host, call, FAILED, "the reply is larger than the limit");
    } else {
        out->data[out->size++] = 0xc0;
    }
    host->finish(call);
}

static int32_t nap(void* self, const dunlin_host* host, dunlin_call* call, const uint8_t* payload,
                   size_t payload_size) {
    struct napping* state = malloc(sizeof *state);
    (void)self;
    (void)payload;
    (void)payload_size;
    if (state == NULL) {
        fail(host, call, FAILED, "out of memory");
        return DUNLIN_DONE;
    }
    state->host = host;
    state->call = call;
    host->sleep(call, 1000000, woken, state);
    return DUNLIN_PENDING;
}

/* How a function wants to be scaled is the last six: actors at least and at most, the wait to aim
 * at and the time to stay idle in nanoseconds, priority, weight. 0 leaves it to the node. */
static const dunlin_function functions[] = {
    {"reverse", DUNLIN_IDEMPOTENT, 0, NULL, reverse, "Turns a blob round.", NULL, NULL, 1, 64,
     2000000, 30000000000, DUNLIN_PRIORITY_HIGH, 3},
    {"refuse", 0, 0, NULL, refuse, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0},
    {"nap", DUNLIN_ASYNC, 0, NULL, nap, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0},
};

static const dunlin_module_info info = {
    sizeof(dunlin_module_info),
    DUNLIN_ABI_VERSION,
    sizeof(dunlin_function),
    "plainc",
    "1.0",
    functions,
    sizeof functions / sizeof functions[0],
    NULL,
};

const dunlin_module_info* dunlin_module(const dunlin_host* host) {
    (void)host;
    return &info;
}
