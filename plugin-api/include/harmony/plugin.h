/*
 * The Harmony plugin interface, generation 1. This header is the law; everything else is convenience.
 *
 * A plugin is one ELF shared object, `harmony-<name>.so`, that exports exactly one symbol,
 * harmony_plugin_entry_1, and carries its manifest in the section `.harmony.manifest` (spec/manifest.md).
 * What is said through these structs is UTF-8 JSON, specified method by method in spec/methods.md.
 *
 * Rules that hold for ever inside a generation:
 *  - Structs only grow at the end. `size` is what the side that filled the struct knows; a member beyond
 *    it must not be read. Reserved members are zero.
 *  - Nobody frees the other side's memory. Bytes passed in are valid until the call returns; results go
 *    into the sink that the caller supplied.
 *  - No C++ exception and no longjmp crosses this boundary in either direction.
 *  - Instances are 64-bit handles that carry a generation, so that a stale handle is HP_E_HANDLE, never
 *    a crash. 0 is no instance.
 *
 * Threads, as marked at each function:
 *  [control]  the host serialises these calls: one at a time for an instance, and create/destroy one at a
 *             time for the plugin
 *  [worker]   as [control], except that different instances may be called in parallel where the manifest
 *             says "concurrency": "worker"
 *  [any]      may be called from any thread at any time between entry and the end of shutdown
 */
#ifndef HARMONY_PLUGIN_H
#define HARMONY_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HP_GENERATION 1
#define HP_ENTRY_SYMBOL "harmony_plugin_entry_1"
#define HP_MANIFEST_SECTION ".harmony.manifest"

/* The range of levels this header describes. A level adds methods or struct members, never changes one. */
#define HP_LEVEL_MIN 1u
#define HP_LEVEL_MAX 1u

/* Results of every int32_t function. Values are never reused. */
#define HP_OK 0          /* done; the result is in the sink */
#define HP_E_LEVEL 1     /* no common level: out->level_min and level_max hold the plugin's own range */
#define HP_E_METHOD 2    /* this method or kind is unknown to the callee */
#define HP_E_HANDLE 3    /* no such instance, or one that was destroyed */
#define HP_E_INVALID 4   /* the parameters are wrong: the diagnostic's path says where */
#define HP_E_FAILED 5    /* it was tried and did not succeed: the diagnostic says why */
#define HP_E_CANCELLED 6 /* the caller cancelled it */
#define HP_E_DEADLINE 7  /* the deadline passed */
#define HP_E_TOO_LARGE 8 /* the sink takes no more */
#define HP_E_INTERNAL 9  /* a bug in the callee: an exception was stopped at the boundary, for example */

/* Levels of log lines. */
#define HP_LOG_DEBUG 1
#define HP_LOG_INFO 2
#define HP_LOG_WARNING 3
#define HP_LOG_ERROR 4

/* A run of bytes the callee may read until the call returns. Frozen: never grows. data may be null when
 * length is 0. */
typedef struct hp_bytes {
    const uint8_t* data;
    uint64_t length;
} hp_bytes;

/* Where a callee writes. Owned by the caller, valid until the call returns. */
typedef struct hp_sink {
    uint32_t size;
    uint32_t reserved;
    void* context;
    /* Appends a chunk. HP_OK or HP_E_TOO_LARGE. Used by one thread at a time. */
    int32_t (*write)(void* context, hp_bytes chunk);
} hp_sink;

/* One call in either direction. Valid until the call returns. */
typedef struct hp_call {
    uint32_t size;
    uint32_t reserved;
    uint64_t id;         /* unique among the caller's running calls; names the call to cancel and services */
    uint64_t instance;   /* handle the call is for; 0 where the method needs none */
    int64_t deadline_ns; /* CLOCK_MONOTONIC; 0 means none */
    hp_bytes method;     /* "score.plan"; not null-terminated */
    hp_bytes params;     /* a JSON object */
    const hp_sink* result;     /* gets one JSON object when the call returns HP_OK */
    const hp_sink* diagnostic; /* gets one JSON object (spec/methods.md, Diagnostics) otherwise */
} hp_call;

/* What the host offers to the plugin. Owned by the host, valid until shutdown has returned. */
typedef struct hp_services {
    uint32_t size;
    uint32_t reserved;
    void* context;
    /* [any] Calls the host. call->id is the id of the plugin call on whose behalf this happens. */
    int32_t (*invoke)(void* context, const hp_call* call);
    /* [any] One log line, without a newline. call_id may be 0. */
    void (*log)(void* context, uint64_t call_id, int32_t level, hp_bytes message);
    /* [any] What the user sees while a call runs: {"message": text, "fraction"?: 0..1, "step"?: {...}}
     * (spec/methods.md, Progress). */
    void (*progress)(void* context, uint64_t call_id, hp_bytes event);
    /* [any] 1 once the call has been cancelled or its deadline has passed, else 0. */
    int32_t (*cancelled)(void* context, uint64_t call_id);
} hp_services;

/* The host's side of the handshake. Valid during the entry call, except services (above). */
typedef struct hp_hello {
    uint32_t size;
    uint32_t level_min;
    uint32_t level_max;
    uint32_t reserved;
    hp_bytes host; /* name and version, for logs only */
    const hp_services* services;
} hp_hello;

/* The plugin's side. The host zeroes it, sets size to what it knows, and passes it in. */
typedef struct hp_plugin {
    uint32_t size;
    uint32_t level;     /* the one in use: the highest common one */
    uint32_t level_min; /* the plugin's own range; filled in also when the result is HP_E_LEVEL */
    uint32_t level_max;
    void* context;
    /* [control] Creates an instance of a contributed Score, Topology, command or scenario. The call's
     * method is "create"; *instance is written only with HP_OK. */
    int32_t (*create)(void* context, const hp_call* call, uint64_t* instance);
    /* [worker] Runs a method. */
    int32_t (*invoke)(void* context, const hp_call* call);
    /* [any] Asks a running call to end soon with HP_E_CANCELLED. Returns at once. Unknown ids are ignored. */
    void (*cancel)(void* context, uint64_t call_id);
    /* [control] Ends an instance. */
    int32_t (*destroy)(void* context, uint64_t instance);
    /* [control] Ends every instance and joins every thread of the plugin. Nothing is called after it. */
    void (*shutdown)(void* context);
} hp_plugin;

/* The one symbol. [control] Called once in a process. Returns HP_OK, HP_E_LEVEL or HP_E_INTERNAL. */
typedef int32_t (*hp_entry_fn)(const hp_hello* hello, hp_plugin* out);

#if defined(_WIN32)
#define HP_EXPORT __declspec(dllexport)
#else
#define HP_EXPORT __attribute__((visibility("default")))
#endif

#ifdef HP_DECLARE_ENTRY
HP_EXPORT int32_t harmony_plugin_entry_1(const hp_hello* hello, hp_plugin* out);
#endif

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HARMONY_PLUGIN_H */
