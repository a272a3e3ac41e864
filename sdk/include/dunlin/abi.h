/* SPDX-License-Identifier: Apache-2.0
 *
 * The C ABI between a node and a module.
 *
 * A module is a shared object with one exported symbol, `dunlin_module`. Everything that crosses
 * the border is plain C: sizes first, so either side can be older; pointers and lengths; no
 * exception, no allocator, no C++ type. A module built by another compiler, or in C, loads.
 *
 * Versions: DUNLIN_ABI_VERSION changes only when an existing field changes its meaning; a node
 * refuses another version. New fields are appended; a reader of a struct looks at its
 * `struct_size` (or the array's stride) before touching a field that was added later.
 *
 * Threads: a node may run different calls of one function at the same time on different threads,
 * but everything about one call, `run` and the completions of its operations, happens one after
 * another. Host functions that take a `dunlin_call*` may be called only from there, except
 * `stop_requested` and `remaining_ns`, which any thread may call while the call is unanswered.
 */
#ifndef DUNLIN_ABI_H
#define DUNLIN_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DUNLIN_ABI_VERSION 1u

/* What `run` returns. */
enum {
    DUNLIN_DONE = 0,   /* answered: the output buffer, or the error given to `fail`, is the reply */
    DUNLIN_PENDING = 1 /* waits for operations; `finish` will be called from a completion */
};

/* Properties a function declares. */
enum {
    DUNLIN_IDEMPOTENT = 1u << 0, /* running it twice is as good as once: may be retried elsewhere */
    DUNLIN_BLOCKING = 1u << 1,   /* waits inside (files, sockets, locks): runs on its own threads */
    DUNLIN_ASYNC = 1u << 2       /* may return DUNLIN_PENDING */
};

/* Whose calls go first when a node has more to do than time. */
enum { DUNLIN_PRIORITY_LOW = 1, DUNLIN_PRIORITY_NORMAL = 2, DUNLIN_PRIORITY_HIGH = 3 };

/* What a function does with the state under its call's key. */
enum {
    DUNLIN_STATE_READ = 1, /* only reads it, beside others that do */
    DUNLIN_STATE_WRITE = 2 /* may change it, and is alone with it */
};

/* When a reply leaves that depends on a change of state. The number 0 is DUNLIN_STATE_DURABLE. */
enum {
    DUNLIN_STATE_DURABLE = 1,  /* once the change is on stable storage */
    DUNLIN_STATE_RELAXED = 2,  /* at once; the change is stored within a second or so */
    DUNLIN_STATE_EPHEMERAL = 3 /* at once; the change is never stored */
};

/* Properties of a type of state. */
enum {
    /* `assign` copies a few bytes and nothing else, so that it costs nothing before each call. */
    DUNLIN_STATE_CHEAP_COPY = 1u << 0
};

enum { DUNLIN_LOG_DEBUG = 0, DUNLIN_LOG_INFO = 1, DUNLIN_LOG_WARN = 2, DUNLIN_LOG_ERROR = 3 };

/* A growable byte buffer. Append at data + size, at most up to capacity; call `grow` for more. */
typedef struct dunlin_buffer dunlin_buffer;
struct dunlin_buffer {
    uint8_t* data;
    size_t size;
    size_t capacity;
    /* Makes capacity at least `capacity_min`, keeping the first `size` bytes. Zero on success;
     * otherwise the buffer is unchanged and the limit on replies is exceeded. */
    int (*grow)(dunlin_buffer* self, size_t capacity_min);
};

/* One invocation while it runs. Owned by the node. */
typedef struct dunlin_call dunlin_call;

/* Facts about the invocation, valid until it is answered. */
typedef struct dunlin_call_info {
    size_t struct_size;
    uint64_t invocation_id;
    uint32_t attempt;     /* 0 at first, another number each time the call is sent again */
    const char* function; /* full name, "module/function", not zero-terminated */
    size_t function_size;
    const uint8_t* trace; /* W3C trace context in its text form, or NULL */
    size_t trace_size;
    const uint8_t* key; /* partition key, or NULL */
    size_t key_size;
} dunlin_call_info;

/* A call from a function to a function. */
typedef struct dunlin_request {
    size_t struct_size;
    const char* function;
    size_t function_size;
    const uint8_t* payload;
    size_t payload_size;
    int64_t timeout_ns; /* 0: the caller's own remaining time, and never more than that;
                           negative: over already, so it ends with deadline_exceeded */
    const uint8_t* key; /* or NULL */
    size_t key_size;
} dunlin_request;

/* A value under a key of a space, to be read. */
typedef struct dunlin_state_key {
    size_t struct_size;
    const char* space;
    size_t space_size;
    const uint8_t* key;
    size_t key_size;
    int64_t max_age_ns; /* the value may be one that has been replaced, but no longer ago than this;
                           0: none that had been when this was asked */
} dunlin_state_key;

/* An operation's end. `code` 0: `data` is the reply's payload (nothing for a timer);
 * otherwise an errc number and `data` is its detail. `data` lives until this returns. */
typedef void (*dunlin_completion)(void* user, int32_t code, const uint8_t* data, size_t size);

/* An operation that the module ends itself. Owned by the module until it is given to `end`. */
typedef struct dunlin_ticket dunlin_ticket;

/* What a node offers to modules. */
typedef struct dunlin_host {
    size_t struct_size;
    uint32_t abi_version;
    /* The reply's payload goes here; empty at first. */
    dunlin_buffer* (*output)(dunlin_call* call);
    /* Makes the reply an error; what the output buffer holds is dropped. */
    void (*fail)(dunlin_call* call, int32_t code, const char* detail, size_t detail_size);
    /* Answers a call whose `run` returned DUNLIN_PENDING. The call is gone afterwards. */
    void (*finish)(dunlin_call* call);
    const dunlin_call_info* (*info)(dunlin_call* call);
    /* Time left until the deadline; negative when it has passed, INT64_MAX without one. */
    int64_t (*remaining_ns)(dunlin_call* call);
    /* Not zero once the caller cancelled, vanished or ran out of time, or the node stops. */
    int (*stop_requested)(dunlin_call* call);
    /* `on_stop(user)` is called once, from any thread, when a stop is requested; at once if it
     * already is. NULL takes it back: afterwards it is not running and will not be called. */
    void (*set_stop_callback)(dunlin_call* call, void (*on_stop)(void* user), void* user);
    /* Starts an operation; `done` is called exactly once, later, never from inside this call;
     * only what is still under way when the call is answered ends without it. */
    void (*invoke)(dunlin_call* call, const dunlin_request* request, dunlin_completion done,
                   void* user);
    void (*sleep)(dunlin_call* call, int64_t duration_ns, dunlin_completion done, void* user);
    /* One structured line: the node adds function and invocation id. */
    void (*log)(dunlin_call* call, int32_t level, const char* text, size_t text_size);
    /* Begins an operation that the module ends itself: for what it waits for outside of the node.
     * `done` is called exactly once, as for the others: because of `end`, or because the call is
     * stopped. NULL: it may not begin, and `done` will tell why. */
    dunlin_ticket* (*begin)(dunlin_call* call, dunlin_completion done, void* user);
    /* Ends it, with what `done` is given; `data` is copied. From any thread, once for each ticket,
     * also when `done` has been called for another reason, or call and node are gone. */
    void (*end)(dunlin_ticket* ticket, int32_t code, const uint8_t* data, size_t size);
    /* The state under the call's key: an object of the function's `state` type, which it may change
     * if it writes. Good until the call is answered. NULL: the function has declared none. */
    void* (*state)(dunlin_call* call);
    /* Stores what the state is now, although the call goes on: an operation. `done` is told an
     * error when it is not stored; then the state is not what it was, and the call should fail. */
    void (*commit)(dunlin_call* call, dunlin_completion done, void* user);
    /* The value ends so long after this call has changed it; 0: never. Not said: as before. */
    void (*expire_after)(dunlin_call* call, int64_t duration_ns);
    /* Reads a value under another key, or in another space: an operation. `done` gets the encoded
     * value, and nothing where there is none. */
    void (*read_state)(dunlin_call* call, const dunlin_state_key* which, dunlin_completion done,
                       void* user);
} dunlin_host;

/* A type of state, as code of the module for objects that the node keeps. An object has a value or
 * none. It is used by one thread at a time, except that several may read it (`encode`, `has_value`,
 * `memory_bytes`, functions that only read) at once. */
typedef struct dunlin_state_type {
    size_t struct_size;
    uint32_t flags;     /* DUNLIN_STATE_CHEAP_COPY */
    const char* schema; /* JSON Schema of the value, or NULL */
    /* An object without a value; NULL when there is no memory. */
    void* (*create)(void);
    void (*destroy)(void* object);
    int (*has_value)(const void* object);
    /* Afterwards it has none. */
    void (*reset)(void* object);
    /* Gives it the value that `data` encodes. Zero on success; otherwise the object has no value,
     * and the reason has been appended to `why`. */
    int (*decode)(void* object, const uint8_t* data, size_t size, dunlin_buffer* why);
    /* Appends the value to `to`, as one msgpack value. Zero on success. */
    int (*encode)(const void* object, dunlin_buffer* to);
    /* Gives it the value of another, or none. Zero on success. */
    int (*assign)(void* object, const void* other);
    /* About how many bytes the object holds, its own included. */
    size_t (*memory_bytes)(const void* object);
} dunlin_state_type;

typedef struct dunlin_function {
    const char* name; /* without the module's name; 1 to 64 of a-z, 0-9, '_', '-' and '.' */
    uint32_t flags;
    uint32_t reserved;
    void* self; /* handed back to `run` */
    /* Runs one invocation; the payload stays valid until the call is answered. */
    int32_t (*run)(void* self, const dunlin_host* host, dunlin_call* call, const uint8_t* payload,
                   size_t payload_size);
    const char* description;   /* one line, or NULL */
    const char* input_schema;  /* JSON Schema, or NULL */
    const char* output_schema; /* JSON Schema, or NULL */
    /* Added later, to be read as far as the array's stride says: how the function wants to be
     * scaled on each node. 0: left to the node. Operators may set each of them otherwise. */
    uint32_t activations_min; /* actors that stay, however quiet it is; up to 131072 */
    uint32_t activations_max; /* at most so many, and so many calls at once; up to 131072 */
    int64_t target_wait_ns;   /* calls should wait no longer before they start; 1 us to 1 h */
    int64_t idle_ns;          /* an actor without work stays at least so long; up to 24 h */
    uint32_t priority;        /* DUNLIN_PRIORITY_..., when there is more to do than time */
    uint32_t weight;          /* share among functions of one priority; up to 1000 */
    /* Added later still: the state that calls find under their keys. */
    const char* key_field; /* the field of the input that is the key, "visitor" or "page.visitor":
                              text, bytes or an integer; NULL: the caller gives the key */
    const char* space;     /* where its keys and values are, a name as a function's that all modules
                              of a cluster share; NULL: calls of one key take no turns */
    const dunlin_state_type* state; /* NULL: none, but calls of one key take turns */
    uint32_t state_access;          /* DUNLIN_STATE_READ or _WRITE; 0 without state */
    uint32_t state_mode;            /* DUNLIN_STATE_DURABLE, ...; 0: as other functions say */
} dunlin_function;

typedef struct dunlin_module_info {
    size_t struct_size;
    uint32_t abi_version;
    uint32_t function_stride; /* sizeof(dunlin_function) as the module was built */
    const char* name;         /* as a function's, and not "dunlin" */
    const char* version;      /* or NULL */
    const dunlin_function* functions;
    size_t function_count;
    const char* error; /* not NULL: the module could not set itself up; says why */
} dunlin_module_info;

#if defined(__GNUC__)
#define DUNLIN_EXPORT __attribute__((visibility("default")))
#else
#define DUNLIN_EXPORT
#endif

/* The one exported symbol. Called once, at load; what it returns lives as long as the module. */
DUNLIN_EXPORT const dunlin_module_info* dunlin_module(const dunlin_host* host);

#ifdef __cplusplus
}
#endif

#endif /* DUNLIN_ABI_H */
