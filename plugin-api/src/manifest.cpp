#include <algorithm>
#include <harmony/plugin/contribution.hpp>

#include "manifest.hpp"

namespace harmony::plugin::detail {

tl::unexpected<Diagnostic> unknown_method(std::string_view method) {
    return failure(Diagnostic{.code = "plugin.unknown-method",
                              .summary = "this instance has no method " + std::string(method),
                              .status = HP_E_METHOD});
}

namespace {

Json with_requirements(Json manifest, const Requirements& requirements) {
    manifest["requires"] = to_json(requirements.required);
    manifest["optional"] = to_json(requirements.optional);
    return manifest;
}

}  // namespace

Json score_manifest(const ScoreInfo& info, const Requirements& requirements, Json parameters) {
    Json manifest =
        Json::object({{"name", info.name},
                      {"summary", info.summary},
                      {"parameters", std::move(parameters)},
                      {"after", to_json(info.after)},
                      {"verbs", Json::array({"validate", "read", "plan", "apply", "verify", "destroy"})},
                      {"destructive", info.destructive}});
    if (info.overlaps) manifest["overlaps"] = true;
    if (!info.renders.empty()) manifest["renders"] = to_json(info.renders);
    return with_requirements(std::move(manifest), requirements);
}

Json topology_manifest(const TopologyInfo& info, const std::vector<std::string>& offers, Json settings) {
    return Json::object({{"name", info.name},
                         {"summary", info.summary},
                         {"settings", std::move(settings)},
                         {"offers", to_json(offers)}});
}

Json command_manifest(const CommandInfo& info, const Requirements& requirements) {
    return with_requirements(to_json(info), requirements);
}

Json scenario_manifest(const ScenarioInfo& info, const Requirements& requirements, Json parameters) {
    return with_requirements(
        Json::object({{"name", info.name}, {"summary", info.summary}, {"parameters", std::move(parameters)}}),
        requirements);
}

std::string command_name(const CommandInfo& info) {
    std::string name;
    for (const auto& word : info.path)
        name += (name.empty() ? "" : " ") + word;
    return name;
}

Result<Step> step_of(const Json& params) {
    const Json* step = params.find("step");
    if (step == nullptr) return invalid_parameter("step", "step is missing");
    return from_json<Step>(*step);
}

Result<RenderRequest> render_request(const Json& params, const std::vector<std::string>& known) {
    auto request = from_json<RenderRequest>(params);
    if (!request) return request;
    if (std::find(known.begin(), known.end(), request->format) != known.end()) return request;
    std::string all;
    for (const auto& format : known)
        all += (all.empty() ? "" : ", ") + format;
    return invalid_parameter("format", "format is " + request->format + ", expected one of: " + all);
}

Result<CapabilityInvocation> capability_invocation(const Json& params) {
    const std::string* capability = params["capability"].if_string();
    const std::string* method = params["method"].if_string();
    if (capability == nullptr) return invalid_parameter("capability", "capability is not a string");
    if (method == nullptr) return invalid_parameter("method", "method is not a string");
    const Json* inner = params.find("params");
    if (inner != nullptr && !inner->is_object())
        return invalid_parameter("params", "params is not an object");
    return CapabilityInvocation{*capability, *method, inner != nullptr ? *inner : Json::object()};
}

tl::unexpected<Diagnostic> capability_not_offered(std::string_view capability) {
    return failure(Diagnostic{.code = "capability.not-offered",
                              .summary = "this topology does not offer " + std::string(capability) + " here",
                              .status = HP_E_INVALID});
}

Json manifest_of(const Contributions& contributions) {
    Json manifest = to_json(contributions.info);
    manifest["format"] = 1;
    manifest["generation"] = HP_GENERATION;
    manifest["levels"] = Json::object({{"min", HP_LEVEL_MIN}, {"max", HP_LEVEL_MAX}});
    manifest["sdk"] = "harmony-plugin-sdk " HARMONY_PLUGIN_SDK_VERSION;
    for (const char* key : {"scores", "topologies", "commands", "scenarios"})
        manifest[key] = Json::array();
    for (const auto& each : contributions.list) {
        const std::string key = each.kind == "topology" ? "topologies" : each.kind + "s";
        manifest[key].push_back(each.manifest);
    }
    return manifest;
}

}  // namespace harmony::plugin::detail
