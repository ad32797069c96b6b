/* acme/motd: a Score that owns one file, the message of the day, in a folder of the user's choice. Plain C on
 * plugin.h and the C library, to show that the interface needs nothing else.
 *
 * A state is one of three: no file, a file with other text, a file with the wanted text. Every verb reads it
 * anew.
 */
#define _POSIX_C_SOURCE 200809L
#define HP_DECLARE_ENTRY
#include <harmony/plugin.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"

#define MAX_PATH 1024
#define MAX_TEXT 4096
#define MAX_INSTANCES 16
#define ANSWER_BYTES (8 * MAX_TEXT + 8 * MAX_PATH)

static const char MANIFEST[] =
    "{\"format\":1,\"id\":\"acme/motd\",\"version\":\"1.0.0\",\"summary\":\"The message of the "
    "day\",\"generation\":1,"
    "\"levels\":{\"min\":1,\"max\":1},\"sdk\":\"plugin.h\",\"concurrency\":\"serial\",\"license\":\"MIT\","
    "\"permissions\":{\"network\":[],\"programs\":[],\"paths\":[\"the folder given as a parameter\"]},"
    "\"topologies\":[],\"commands\":[],\"scenarios\":[],\"scores\":[{\"name\":\"MotdScore\","
    "\"summary\":\"A file with the message of the day\",\"requires\":[],\"optional\":[],\"after\":[],"
    "\"destructive\":false,\"verbs\":[\"validate\",\"read\",\"plan\",\"apply\",\"verify\",\"destroy\"],"
    "\"parameters\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"folder\"],"
    "\"properties\":{"
    "\"folder\":{\"type\":\"string\",\"description\":\"An existing folder, as an absolute "
    "path\",\"x-flag\":\"motd-folder\"},"
    "\"message\":{\"type\":\"string\",\"default\":\"Welcome.\",\"description\":\"What the file says\"}}}}]}";

typedef struct instance {
    int used;
    uint32_t generation;
    char path[MAX_PATH];
    char message[MAX_TEXT];
} instance;

/* Calls to one plugin of concurrency "serial" come one at a time for an instance, and create and destroy one
 * at a time for the plugin; the table needs no lock because a slot is only written by create and destroy. */
static instance instances[MAX_INSTANCES];

static json_span span_of(hp_bytes bytes) {
    json_span span = {(const char*)bytes.data, (size_t)bytes.length};
    return span;
}

static hp_bytes bytes_of(const char* text, size_t length) {
    hp_bytes bytes;
    bytes.data = (const uint8_t*)text;
    bytes.length = length;
    return bytes;
}

static int is_method(const hp_call* call, const char* name) {
    return call->method.length == strlen(name) && memcmp(call->method.data, name, strlen(name)) == 0;
}

static int32_t answer(const hp_call* call, const json_writer* writer) {
    if (writer->failed) return HP_E_TOO_LARGE;
    if (!call->result) return HP_OK;
    return call->result->write(call->result->context, bytes_of(writer->out, writer->length));
}

static int32_t answer_text(const hp_call* call, const char* text) {
    if (!call->result) return HP_OK;
    return call->result->write(call->result->context, bytes_of(text, strlen(text)));
}

static int32_t fail(const hp_call* call, int32_t status, const char* code, const char* summary,
                    const char* path) {
    char text[MAX_PATH * 7 + 512];
    json_writer writer = {text, sizeof text, 0, 0};
    json_raw(&writer, "{\"code\":");
    json_quoted(&writer, code);
    json_raw(&writer, ",\"summary\":");
    json_quoted(&writer, summary);
    if (path) {
        json_raw(&writer, ",\"path\":");
        json_quoted(&writer, path);
    }
    json_raw(&writer, "}");
    if (call->diagnostic && !writer.failed) {
        call->diagnostic->write(call->diagnostic->context, bytes_of(writer.out, writer.length));
    }
    return status;
}

static instance* find(uint64_t handle) {
    uint32_t slot = (uint32_t)(handle & 0xffffffffu);
    if (slot >= MAX_INSTANCES || !instances[slot].used) return NULL;
    return instances[slot].generation == (uint32_t)(handle >> 32) ? &instances[slot] : NULL;
}

/* What the file says: 1 and the text, 0 when there is none, -1 when it cannot be read or is longer than any
 * message. */
static int read_file(const char* path, char* out, size_t capacity) {
    FILE* file = fopen(path, "rb");
    size_t length;
    int bad;
    if (!file) return errno == ENOENT ? 0 : -1;
    length = fread(out, 1, capacity - 1, file);
    bad = ferror(file) || fgetc(file) != EOF;
    fclose(file);
    out[length] = '\0';
    return bad ? -1 : 1;
}

/* Written beside it and renamed, so that nobody ever reads half a message. */
static int write_file(const char* path, const char* text) {
    char temporary[MAX_PATH + 8];
    FILE* file;
    int bad;
    snprintf(temporary, sizeof temporary, "%s.new", path);
    file = fopen(temporary, "wb");
    if (!file) return -1;
    bad = fputs(text, file) == EOF;
    if (fflush(file) != 0 || fsync(fileno(file)) != 0) bad = 1;
    if (fclose(file) != 0) bad = 1;
    if (!bad && rename(temporary, path) == 0) return 0;
    unlink(temporary);
    return -1;
}

static void object(json_writer* writer, const instance* self) {
    json_raw(writer, "{\"kind\":\"file\",\"name\":");
    json_quoted(writer, self->path);
    json_raw(writer, "}");
}

static int32_t objects(const hp_call* call, const instance* self, int there) {
    char text[ANSWER_BYTES];
    json_writer writer = {text, sizeof text, 0, 0};
    json_raw(&writer, "{\"objects\":[");
    if (there) object(&writer, self);
    json_raw(&writer, "]}");
    return answer(call, &writer);
}

static int32_t unreadable(const hp_call* call, const instance* self) {
    char summary[MAX_PATH + 64];
    snprintf(summary, sizeof summary, "%s cannot be read as a message", self->path);
    return fail(call, HP_E_FAILED, "motd.unreadable", summary, NULL);
}

static int32_t do_plan(const hp_call* call, const instance* self) {
    char text[ANSWER_BYTES];
    char current[MAX_TEXT];
    json_writer writer = {text, sizeof text, 0, 0};
    const int destroying = json_equals(json_member(span_of(call->params), "purpose"), "destroy");
    const int there = read_file(self->path, current, sizeof current);
    const int same = there == 1 && strcmp(current, self->message) == 0;
    if (there < 0) return unreadable(call, self);
    if (destroying ? !there : same) return answer_text(call, "{\"steps\":[]}");
    json_raw(&writer, "{\"steps\":[{\"id\":\"motd\",\"action\":");
    json_raw(&writer, destroying ? "\"delete\"" : there ? "\"update\"" : "\"create\"");
    json_raw(&writer, ",\"object\":");
    object(&writer, self);
    json_raw(&writer, ",\"diff\":[{\"path\":\"content\"");
    if (there) {
        json_raw(&writer, ",\"before\":");
        json_quoted(&writer, current);
    }
    if (!destroying) {
        json_raw(&writer, ",\"after\":");
        json_quoted(&writer, self->message);
    }
    json_raw(&writer, "}]}]}");
    return answer(call, &writer);
}

static int32_t do_apply(const hp_call* call, const instance* self) {
    char summary[MAX_PATH + 128];
    if (write_file(self->path, self->message) == 0) return answer_text(call, "{}");
    snprintf(summary, sizeof summary, "%s cannot be written: %s", self->path, strerror(errno));
    return fail(call, HP_E_FAILED, "motd.unwritable", summary, "folder");
}

static int32_t do_destroy(const hp_call* call, const instance* self) {
    char summary[MAX_PATH + 128];
    if (unlink(self->path) == 0 || errno == ENOENT) return answer_text(call, "{}");
    snprintf(summary, sizeof summary, "%s cannot be removed: %s", self->path, strerror(errno));
    return fail(call, HP_E_FAILED, "motd.unremovable", summary, NULL);
}

static int32_t do_verify(const hp_call* call, const instance* self) {
    char current[MAX_TEXT];
    const int there = read_file(self->path, current, sizeof current);
    if (there == 1 && strcmp(current, self->message) == 0) {
        return answer_text(call, "{\"checks\":[{\"name\":\"the file says the message\",\"ok\":true}]}");
    }
    return answer_text(call,
                       "{\"checks\":[{\"name\":\"the file says the message\",\"ok\":false,"
                       "\"detail\":\"it is missing or says something else\"}]}");
}

static int32_t do_read(const hp_call* call, const instance* self) {
    char current[MAX_TEXT];
    const int there = read_file(self->path, current, sizeof current);
    return there < 0 ? unreadable(call, self) : objects(call, self, there);
}

static int32_t plugin_invoke(void* context, const hp_call* call) {
    const instance* self;
    (void)context;
    if (!call || call->size < sizeof(hp_call)) return HP_E_INTERNAL;
    if (!json_is_object(span_of(call->params))) {
        return fail(call, HP_E_INVALID, "motd.bad-params", "the parameters are no JSON object", NULL);
    }
    if (is_method(call, "plugin.describe")) return answer_text(call, MANIFEST);
    self = find(call->instance);
    if (!self && call->instance != 0) {
        return fail(call, HP_E_HANDLE, "motd.stale-handle", "there is no such instance", NULL);
    }
    if (self && is_method(call, "score.validate")) return answer_text(call, "{}");
    if (self && is_method(call, "score.read")) return do_read(call, self);
    if (self && is_method(call, "score.plan")) return do_plan(call, self);
    if (self && is_method(call, "score.apply")) return do_apply(call, self);
    if (self && is_method(call, "score.verify")) return do_verify(call, self);
    if (self && is_method(call, "score.destroy")) return do_destroy(call, self);
    return fail(call, HP_E_METHOD, "motd.unknown-method", "this plugin has no such method", NULL);
}

/* Fills in a free instance. Null when it did, else the parameter at fault. */
static const char* configure(json_span settings, instance* fresh) {
    char folder[MAX_PATH - 8];
    const json_span message = json_member(settings, "message");
    if (json_string(json_member(settings, "folder"), folder, sizeof folder) != 0 || folder[0] != '/')
        return "folder";
    snprintf(fresh->path, sizeof fresh->path, "%s/motd", folder);
    strcpy(fresh->message, "Welcome.");
    if (message.text && json_string(message, fresh->message, sizeof fresh->message) != 0) return "message";
    return NULL;
}

static int32_t plugin_create(void* context, const hp_call* call, uint64_t* handle) {
    const json_span params = call ? span_of(call->params) : span_of(bytes_of(NULL, 0));
    const char* wrong;
    uint32_t slot = 0;
    (void)context;
    if (!call || call->size < sizeof(hp_call) || !handle) return HP_E_INTERNAL;
    if (!json_is_object(params)) {
        return fail(call, HP_E_INVALID, "motd.bad-params", "the parameters are no JSON object", NULL);
    }
    if (!json_equals(json_member(params, "kind"), "score") ||
        !json_equals(json_member(params, "name"), "MotdScore")) {
        return fail(call, HP_E_METHOD, "motd.unknown-contribution",
                    "this plugin has only the Score MotdScore", NULL);
    }
    while (slot < MAX_INSTANCES && instances[slot].used)
        slot++;
    if (slot == MAX_INSTANCES) return fail(call, HP_E_FAILED, "motd.too-many", "too many instances", NULL);
    wrong = configure(json_member(params, "settings"), &instances[slot]);
    if (wrong) {
        return fail(call, HP_E_INVALID, "motd.bad-parameter",
                    "expected an absolute folder and a message of less than 4096 bytes", wrong);
    }
    instances[slot].used = 1;
    instances[slot].generation++;
    *handle = ((uint64_t)instances[slot].generation << 32) | slot;
    return answer_text(call, "{}");
}

static int32_t plugin_destroy(void* context, uint64_t handle) {
    instance* found = find(handle);
    (void)context;
    if (!found) return HP_E_HANDLE;
    found->used = 0;
    return HP_OK;
}

/* Every method is over in a moment, so there is nothing to stop. */
static void plugin_cancel(void* context, uint64_t call_id) {
    (void)context;
    (void)call_id;
}

static void plugin_shutdown(void* context) {
    uint32_t slot;
    (void)context;
    for (slot = 0; slot < MAX_INSTANCES; slot++)
        instances[slot].used = 0;
}

int32_t harmony_plugin_entry_1(const hp_hello* hello, hp_plugin* out) {
    if (!hello || !out || hello->size < sizeof(hp_hello) || out->size < sizeof(hp_plugin))
        return HP_E_INTERNAL;
    out->level_min = HP_LEVEL_MIN;
    out->level_max = HP_LEVEL_MAX;
    if (hello->level_max < HP_LEVEL_MIN || hello->level_min > HP_LEVEL_MAX) return HP_E_LEVEL;
    out->level = HP_LEVEL_MAX;
    out->context = NULL;
    out->create = plugin_create;
    out->invoke = plugin_invoke;
    out->cancel = plugin_cancel;
    out->destroy = plugin_destroy;
    out->shutdown = plugin_shutdown;
    return HP_OK;
}
