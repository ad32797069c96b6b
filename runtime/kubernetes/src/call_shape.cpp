#include "call_shape.hpp"

#include <utility>

namespace harmony::runtime::kubernetes {
namespace {

const char* yes(bool value) {
    return value ? "true" : "";
}
const char* dry(const bool dry_run) {
    return dry_run ? "All" : "";
}

ResourceType pod_type() {
    return {"", "v1", "pods", "Pod", true};
}

std::string resource_of(const ResourceType& type, const std::string& subresource) {
    return subresource.empty() ? type.qualified() : type.qualified() + "/" + subresource;
}

CallName name_of(const char* verb, const ObjectRef& ref, const std::string& subresource = {}) {
    return {verb, resource_of(ref.type, subresource), ref.name_space, ref.name};
}

// A text that is not UTF-8 can't be JSON.
Answer<std::string> body_of(const CallName& call, const Json& object) {
    try {
        return object.dump();
    } catch (const Json::exception&) {
        return refuse(Reason::Configuration, call.text() + ": a text in the object is not UTF-8");
    }
}

Answer<ShapedCall> writing(CallName name, const char* method, Answer<std::string> target,
                           const char* content_type, const Json& body) {
    if (!target) return refuse(target.error());
    auto text = body_of(name, body);
    if (!text) return refuse(text.error());
    WireRequest request;
    request.method = method;
    request.target = std::move(*target);
    request.content_type = content_type;
    request.body = std::move(*text);
    return ShapedCall{std::move(name), std::move(request)};
}

Answer<ShapedCall> reading(CallName name, Answer<std::string> target) {
    if (!target) return refuse(target.error());
    WireRequest request;
    request.target = std::move(*target);
    return ShapedCall{std::move(name), std::move(request)};
}

Answer<std::string> with_query(Answer<std::string> path,
                               const std::vector<std::pair<std::string_view, std::string>>& pairs) {
    if (path) *path += query(pairs);
    return path;
}

}  // namespace

Answer<ShapedCall> shape_discover(const std::string& api_version) {
    const auto slash = api_version.find('/');
    const std::string group = slash == std::string::npos ? "" : api_version.substr(0, slash);
    const std::string version = slash == std::string::npos ? api_version : api_version.substr(slash + 1);
    // The path of a collection without its last segment, so that its checks hold here, too.
    auto path = collection_path({group, version, "any", "resource", false}, {});
    if (!path || (slash == 0)) {
        return refuse(Reason::Configuration, "apiVersion: found \"" + foreign_text(api_version) +
                                                 "\", expected VERSION or GROUP/VERSION");
    }
    path->erase(path->rfind('/'));
    return reading({"get", "the resources of", {}, api_version}, std::move(path));
}

Answer<ShapedCall> shape_get(const ObjectRef& ref) {
    return reading(name_of("get", ref), object_path(ref));
}

Answer<ShapedCall> shape_list(const ResourceType& type, const std::string& name_space,
                              const ListOptions& options) {
    return reading({"list", type.qualified(), name_space, {}},
                   with_query(collection_path(type, name_space), {{"labelSelector", options.label_selector},
                                                                  {"fieldSelector", options.field_selector},
                                                                  {"limit", std::to_string(options.limit)},
                                                                  {"continue", options.continue_token}}));
}

Answer<ShapedCall> shape_create(const ObjectRef& ref, const Json& object, const WriteOptions& options) {
    auto path = options.subresource.empty() ? collection_path(ref.type, ref.name_space)
                                            : object_path(ref, options.subresource);
    if (path && ref.type.namespaced && ref.name_space.empty()) {
        return refuse(Reason::Configuration, "create " + ref.type.kind + ": a namespace is needed");
    }
    auto shaped = writing(name_of("create", ref, options.subresource), "POST",
                          with_query(std::move(path), {{"fieldManager", options.field_manager},
                                                       {"dryRun", dry(options.dry_run)}}),
                          "application/json", object);
    if (shaped) shaped->request.repeatable = options.dry_run;
    return shaped;
}

Answer<ShapedCall> shape_replace(const ObjectRef& ref, const Json& object, const WriteOptions& options) {
    return writing(name_of("update", ref, options.subresource), "PUT",
                   with_query(object_path(ref, options.subresource),
                              {{"fieldManager", options.field_manager}, {"dryRun", dry(options.dry_run)}}),
                   "application/json", object);
}

Answer<ShapedCall> shape_patch(const ObjectRef& ref, PatchKind kind, const Json& body,
                               const WriteOptions& options) {
    const bool apply = kind == PatchKind::Apply;
    // JSON is YAML, and the server knows no apply patch in JSON.
    const char* type = apply                           ? "application/apply-patch+yaml"
                       : kind == PatchKind::MergePatch ? "application/merge-patch+json"
                                                       : "application/json-patch+json";
    auto shaped =
        writing(name_of("patch", ref, options.subresource), "PATCH",
                with_query(object_path(ref, options.subresource), {{"fieldManager", options.field_manager},
                                                                   {"force", yes(apply && options.force)},
                                                                   {"dryRun", dry(options.dry_run)}}),
                type, body);
    // A JSON patch may append to a list.
    if (shaped && kind == PatchKind::JsonPatch) shaped->request.repeatable = options.dry_run;
    return shaped;
}

Answer<ShapedCall> shape_remove(const ObjectRef& ref, const DeleteOptions& options) {
    Json body{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
    switch (options.propagation) {
        case Propagation::Background:
            body["propagationPolicy"] = "Background";
            break;
        case Propagation::Foreground:
            body["propagationPolicy"] = "Foreground";
            break;
        case Propagation::Orphan:
            body["propagationPolicy"] = "Orphan";
            break;
    }
    if (options.grace_period_s) body["gracePeriodSeconds"] = *options.grace_period_s;
    if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
    if (options.dry_run) body["dryRun"] = {"All"};
    return writing(name_of("delete", ref), "DELETE", object_path(ref), "application/json", body);
}

Answer<ShapedCall> shape_logs(const PodRef& pod, const LogOptions& options) {
    const ObjectRef ref{pod_type(), pod.name_space, pod.name};
    const std::string lines = options.tail_lines ? std::to_string(*options.tail_lines) : std::string{};
    return reading(name_of("get", ref, "log"),
                   with_query(object_path(ref, "log"), {{"container", options.container},
                                                        {"tailLines", lines},
                                                        {"limitBytes", "1048576"},
                                                        {"previous", yes(options.previous)}}));
}

Answer<ShapedCall> shape_channels(const PodRef& pod, const ChannelRequest& request) {
    const ObjectRef ref{pod_type(), pod.name_space, pod.name};
    if (const auto* forward = std::get_if<PortForwardRequest>(&request)) {
        if (forward->port == 0) return refuse(Reason::Configuration, "port-forward: a port is needed");
        return reading(
            name_of("get", ref, "portforward"),
            with_query(object_path(ref, "portforward"), {{"ports", std::to_string(forward->port)}}));
    }
    const auto& exec = std::get<ExecRequest>(request);
    if (exec.command.empty()) return refuse(Reason::Configuration, "exec: a command is needed");
    std::vector<std::pair<std::string_view, std::string>> pairs{{"container", exec.container},
                                                                {"stdin", yes(exec.with_stdin)},
                                                                {"stdout", "true"},
                                                                {"stderr", "true"}};
    auto target = with_query(object_path(ref, "exec"), pairs);
    // query() leaves empty values out, and an argument may be empty.
    for (const std::string& argument : exec.command) {
        if (target)
            *target += argument.empty() ? "&command=" : "&" + query({{"command", argument}}).substr(1);
    }
    return reading(name_of("get", ref, "exec"), std::move(target));
}

}  // namespace harmony::runtime::kubernetes
