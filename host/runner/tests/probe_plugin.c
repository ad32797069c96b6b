/* A plugin for the runner's tests, in plain C: each method is one way to behave or to misbehave. */
#define _GNU_SOURCE
#define HP_DECLARE_ENTRY
#include <harmony/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef PROBE_DESCRIBED_VERSION
#define PROBE_DESCRIBED_VERSION "1.0.0"
#endif
#ifndef PROBE_LEVEL
#define PROBE_LEVEL 1
#endif
#define MANIFEST(version)                                                                                 \
    "{\"format\":1,\"id\":\"harmony-test/probe\",\"version\":\"" version                                  \
    "\",\"summary\":\"Probe\","                                                                           \
    "\"generation\":1,\"levels\":{\"min\":1,\"max\":1},\"scores\":[{\"name\":\"ProbeScore\",\"summary\":" \
    "\"Probes\","                                                                                         \
    "\"parameters\":{\"type\":\"object\"},\"requires\":[[\"process-host/"                                 \
    "1\"]],\"verbs\":[\"plan\",\"apply\"]}]}"

__attribute__((section(".harmony.manifest"), used)) static const char embedded[] = MANIFEST("1.0.0");

static const hp_services* services;
static uint64_t last_instance;
static volatile uint64_t cancelled_call;

static hp_bytes text(const char* value) {
    hp_bytes bytes = {(const uint8_t*)value, strlen(value)};
    return bytes;
}

static int is(hp_bytes method, const char* name) {
    return method.length == strlen(name) && memcmp(method.data, name, method.length) == 0;
}

static int32_t answer(const hp_call* call, const char* json) {
    return call->result->write(call->result->context, text(json));
}

static int32_t diagnose(const hp_call* call, int32_t code, const char* json) {
    call->diagnostic->write(call->diagnostic->context, text(json));
    return code;
}

static int32_t append(void* context, hp_bytes chunk) {
    char* into = context;
    const size_t used = strlen(into);
    if (chunk.length > 4000 - used) return HP_E_TOO_LARGE;
    memcpy(into + used, chunk.data, chunk.length);
    into[used + chunk.length] = 0;
    return HP_OK;
}

/* Asks the host for what was in params and passes the answer on. */
static int32_t ask_host(const hp_call* call) {
    char result[4096] = "";
    char problem[4096] = "";
    hp_sink result_sink = {sizeof result_sink, 0, result, append};
    hp_sink problem_sink = {sizeof problem_sink, 0, problem, append};
    hp_call inner;
    memset(&inner, 0, sizeof inner);
    inner.size = sizeof inner;
    inner.id = call->id;
    inner.method = text("capability.invoke");
    inner.params = call->params;
    inner.result = &result_sink;
    inner.diagnostic = &problem_sink;
    const int32_t code = services->invoke(services->context, &inner);
    return code == HP_OK ? answer(call, result) : diagnose(call, code, problem);
}

static int32_t wait_for_cancel(const hp_call* call) {
    services->log(services->context, call->id, HP_LOG_INFO, text("waiting"));
    while (!services->cancelled(services->context, call->id))
        usleep(1000);
    return diagnose(call, HP_E_CANCELLED,
                    cancelled_call == call->id ? "{\"code\":\"probe.told\",\"summary\":\"told\"}"
                                               : "{\"code\":\"probe.saw\",\"summary\":\"saw\"}");
}

static int32_t large_result(const hp_call* call) {
    static char block[1024 * 1024];
    int32_t code = HP_OK;
    memset(block, 'x', sizeof block);
    hp_bytes bytes = {(const uint8_t*)block, sizeof block};
    for (int i = 0; i < 20 && code == HP_OK; ++i)
        code = call->result->write(call->result->context, bytes);
    return code;
}

static int32_t probe_invoke(void* context, const hp_call* call) {
    (void)context;
    if (is(call->method, "plugin.describe")) return answer(call, MANIFEST(PROBE_DESCRIBED_VERSION));
    if (is(call->method, "plugin.ok")) return answer(call, "{\"ok\":true}");
    if (call->instance == 0 || call->instance > last_instance) {
        return diagnose(call, HP_E_HANDLE, "{\"code\":\"probe.handle\",\"summary\":\"no such instance\"}");
    }
    if (is(call->method, "ok")) return answer(call, "{\"ok\":true}");
    if (is(call->method, "echo")) return call->result->write(call->result->context, call->params);
    if (is(call->method, "service")) return ask_host(call);
    if (is(call->method, "wait")) return wait_for_cancel(call);
    if (is(call->method, "large")) return large_result(call);
    if (is(call->method, "garbage")) return answer(call, "[not an object");
    if (is(call->method, "fail")) {
        return diagnose(call, HP_E_FAILED,
                        "{\"code\":\"probe.failed\",\"summary\":\"it\\u001b failed\",\"retryable\":true}");
    }
    if (is(call->method, "noisy")) {
        printf("to standard output\n");
        fflush(stdout);
        fprintf(stderr, "to standard error\n");
        services->log(services->context, call->id, HP_LOG_WARNING, text("a log line"));
        services->progress(services->context, call->id, text("{\"message\":\"half\",\"fraction\":0.5}"));
        return answer(call, "{}");
    }
    if (is(call->method, "crash")) {
        fprintf(stderr, "about to crash\n");
        *(volatile int*)8 = 1;
    }
    if (is(call->method, "abort")) abort();
    if (is(call->method, "exit")) exit(7);
    for (; is(call->method, "hang");)
        usleep(1000);
    return diagnose(call, HP_E_METHOD, "{}");
}

static int32_t probe_create(void* context, const hp_call* call, uint64_t* instance) {
    (void)context;
    *instance = ++last_instance;
    return answer(call, "{}");
}

static void probe_cancel(void* context, uint64_t id) {
    (void)context;
    cancelled_call = id;
}

static int32_t probe_destroy(void* context, uint64_t instance) {
    (void)context;
    return instance == 0 || instance > last_instance ? HP_E_HANDLE : HP_OK;
}

static void probe_shutdown(void* context) {
    (void)context;
}

int32_t harmony_plugin_entry_1(const hp_hello* hello, hp_plugin* out) {
    (void)embedded;
    out->level = PROBE_LEVEL;
    out->level_min = PROBE_LEVEL;
    out->level_max = PROBE_LEVEL;
    if (PROBE_LEVEL > hello->level_max) return HP_E_LEVEL;
    services = hello->services;
    out->create = probe_create;
    out->invoke = probe_invoke;
    out->cancel = probe_cancel;
    out->destroy = probe_destroy;
    out->shutdown = probe_shutdown;
    return HP_OK;
}
