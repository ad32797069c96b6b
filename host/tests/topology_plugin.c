/* NowhereTopology that offers nothing and keeps nothing: what the host needs to run Scores that need nothing.
 */
#define HP_DECLARE_ENTRY
#include <harmony/plugin.h>
#include <string.h>

#define MANIFEST                                                                                       \
    "{\"format\":1,\"id\":\"harmony-test/topology\",\"version\":\"1.0.0\",\"summary\":\"Nowhere\","    \
    "\"generation\":1,\"levels\":{\"min\":1,\"max\":1},\"topologies\":[{\"name\":\"NowhereTopology\"," \
    "\"summary\":\"Offers nothing\",\"settings\":{\"type\":\"object\"},\"offers\":[]}]}"

__attribute__((section(".harmony.manifest"), used)) static const char embedded[] = MANIFEST;

static int is(hp_bytes method, const char* name) {
    return method.length == strlen(name) && memcmp(method.data, name, method.length) == 0;
}

static int32_t answer(const hp_call* call, const char* json) {
    hp_bytes bytes;
    bytes.data = (const uint8_t*)json;
    bytes.length = strlen(json);
    return call->result->write(call->result->context, bytes);
}

static int32_t create(void* context, const hp_call* call, uint64_t* instance) {
    (void)context;
    *instance = 1;
    return answer(call, "{}");
}

static int32_t invoke(void* context, const hp_call* call) {
    (void)context;
    if (is(call->method, "plugin.describe")) return answer(call, MANIFEST);
    if (is(call->method, "topology.probe")) return answer(call, "{\"offers\":[]}");
    return answer(call, "{}");
}

static void cancel(void* context, uint64_t call) {
    (void)context;
    (void)call;
}

static int32_t destroy(void* context, uint64_t instance) {
    (void)context;
    (void)instance;
    return HP_OK;
}

static void end(void* context) {
    (void)context;
}

int32_t harmony_plugin_entry_1(const hp_hello* hello, hp_plugin* out) {
    (void)hello;
    out->level = out->level_min = out->level_max = 1;
    out->create = create;
    out->invoke = invoke;
    out->cancel = cancel;
    out->destroy = destroy;
    out->shutdown = end;
    return HP_OK;
}
