#include "chart.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "chart_texts.hpp"
#include "cluster_objects.hpp"
#include "harmony/contracts/resource_definitions.hpp"
#include "harmony/kubernetes_manifests/metadata.hpp"
#include "release_tag.hpp"
#include "template_yaml.hpp"

namespace harmony::fleet_operator {

using nlohmann::json;
using plugin::RenderedFile;

namespace {

constexpr const char* kChartName = "harmony-fleet-operator";
constexpr const char* kCredentialsValue = "credentials_secret";

// Parameters that are values of the chart, in the order in which it shows them.
constexpr std::array<const char*, 13> kValues{"nats_url",
                                              "heartbeat_interval_s",
                                              "heartbeat_stale_after_s",
                                              "log_level",
                                              "replicas",
                                              "image",
                                              "image_registry",
                                              "image_tag",
                                              "image_pull_secret",
                                              "device_resources",
                                              "cpu_request",
                                              "memory_request",
                                              "memory_limit"};

std::string placeholder(const std::string& name) {
    return "@" + name + "@";
}

std::string value_expression(const std::string& name) {
    return ".Values." + name;
}

// Texts come out as JSON, which is YAML and TOML at once; numbers and truth values as they are.
std::string text_of(const std::string& expression) {
    return "{{ " + expression + " | toJson }}";
}
std::string number_of(const std::string& name) {
    return "{{ int " + value_expression(name) + " }}";
}

// The configuration with placeholders, then with expressions: the body of a named template.
std::string config_template() {
    const ClusterStore store{.write_devices = placeholder("device_resources"), .lease = kLease};
    OperatorSettings settings = pod_settings(store);
    settings.name_space = placeholder("namespace");
    settings.nats_url = placeholder("nats_url");
    settings.heartbeat_interval_s = placeholder("heartbeat_interval_s");
    settings.heartbeat_stale_after_s = placeholder("heartbeat_stale_after_s");
    settings.log_level = placeholder("log_level");
    std::string text = operator_config(settings);
    const std::vector<std::pair<std::string, std::string>> places{
        {"\"@namespace@\"", text_of(".Release.Namespace")},
        {"\"@nats_url@\"", text_of("include \"fleet-operator.nats-url\" .")},
        {"\"@log_level@\"", text_of(value_expression("log_level"))},
        {"@heartbeat_interval_s@", number_of("heartbeat_interval_s")},
        {"@heartbeat_stale_after_s@", number_of("heartbeat_stale_after_s")},
        {"@device_resources@", "{{ .Values.device_resources }}"}};
    for (const auto& [from, to] : places) {
        for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
            text.replace(at, from.size(), to);
    }
    return text;
}

// The new line at the end is the configuration's own.
std::string helpers() {
    return std::string(kHelpersBegin) + config_template() + "{{ end -}}\n";
}

ClusterValues template_values() {
    return {.name_space = placeholder("namespace"),
            .labels = {{kubernetes_manifests::kManagedByLabel, placeholder("service")}},
            .image = placeholder("image"),
            .image_pull_secret = placeholder("image_pull_secret"),
            .config = placeholder("config"),
            .config_hash = placeholder("config_hash"),
            .credentials_secret = placeholder(kCredentialsValue),
            .credentials = std::nullopt,
            .cpu_request = placeholder("cpu_request"),
            .memory_request = placeholder("memory_request"),
            .memory_limit = placeholder("memory_limit")};
}

TemplateValues template_places() {
    TemplateValues places;
    places.values["@namespace@"] = {text_of(".Release.Namespace"), "{{ .Release.Namespace }}"};
    places.values["@service@"] = {text_of(".Release.Service")};
    places.values["@image@"] = {text_of("include \"fleet-operator.image\" .")};
    places.values["@config@"] = {text_of("include \"fleet-operator.config\" .")};
    places.values["@config_hash@"] = {text_of("include \"fleet-operator.config\" . | sha256sum")};
    places.values["@replicas@"] = {number_of("replicas")};
    for (const char* name :
         {"image_pull_secret", kCredentialsValue, "cpu_request", "memory_request", "memory_limit"})
        places.values[placeholder(name)] = {text_of(value_expression(name))};
    places.conditional_members["imagePullSecrets"] = value_expression("image_pull_secret");
    return places;
}

std::string file_name(const json& object) {
    std::string name;
    for (const char c : object.at("kind").get<std::string>()) {
        const bool upper = c >= 'A' && c <= 'Z';
        if (upper && !name.empty()) name += '-';
        name += upper ? static_cast<char>(c + 'a' - 'A') : c;
    }
    return "templates/" + name + ".yaml";
}

std::vector<RenderedFile> templates() {
    std::vector<RenderedFile> files{{"templates/_helpers.tpl", helpers()}, {"templates/NOTES.txt", kNotes}};
    const TemplateValues places = template_places();
    for (json object : cluster_objects(template_values())) {
        if (object["spec"].contains("replicas")) object["spec"]["replicas"] = placeholder("replicas");
        if (object["spec"].is_null()) object.erase("spec");
        files.push_back({file_name(object), yaml_of(object, places)});
    }
    return files;
}

std::vector<RenderedFile> definitions() {
    std::vector<RenderedFile> files;
    for (const auto& definition : {contracts::deployment_definition(), contracts::device_definition()}) {
        files.push_back({"crds/" + definition.at("metadata").at("name").get<std::string>() + ".yaml",
                         yaml_of(definition)});
    }
    return files;
}

struct ChartValue {
    std::string name;
    std::string summary;
    json value;
    json schema;
};

// Where the parameter speaks of what a chart does not have; else "On a cluster: its tag" is simply "Its tag".
std::string own_summary(const std::string& name, std::string summary) {
    if (name == "nats_url") return "The NATS server; empty: that of the namespace, the Service fleet-nats";
    if (name == "image_tag") return "Its tag; empty: that of the chart's appVersion";
    static constexpr std::string_view kPrefix = "On a cluster: ";
    if (!summary.starts_with(kPrefix)) return summary;
    summary.erase(0, kPrefix.size());
    if (!summary.empty() && summary[0] >= 'a' && summary[0] <= 'z')
        summary[0] = static_cast<char>(summary[0] - 'a' + 'A');
    return summary;
}

std::vector<ChartValue> chart_values(const OperatorParameters& parameters) {
    const json schema = json::parse(plugin::schema_of<OperatorParameters>().dump());
    const json values = json::parse(plugin::to_json(parameters).dump());
    std::vector<ChartValue> chosen;
    for (const char* name : kValues) {
        json field = schema.at("properties").at(name);
        for (const char* mark : {"x-flag", "x-env", "x-sensitive"})
            field.erase(mark);
        const std::string summary = own_summary(name, field.value("description", ""));
        field["description"] = summary;
        field["default"] = values.at(name);
        chosen.push_back({name, summary, values.at(name), std::move(field)});
    }
    const std::string summary = "A Secret of the namespace whose key credentials.toml has the NATS user";
    chosen.push_back({kCredentialsValue, summary, kCredentialsSecret,
                      json{{"type", "string"},
                           {"description", summary},
                           {"default", kCredentialsSecret},
                           {"pattern", "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"}}});
    return chosen;
}

std::string values_file(const std::vector<ChartValue>& values) {
    std::string text;
    for (const auto& value : values) {
        text += (text.empty() ? "# " : "\n# ") + value.summary + "\n";
        text += yaml_of(json{{value.name, value.value}});
    }
    return text;
}

// Draft 7 is what Helm evaluates. A parent chart adds `global`.
std::string values_schema(const std::vector<ChartValue>& values) {
    json properties{{"global", {{"type", "object"}}}};
    for (const auto& value : values)
        properties[value.name] = value.schema;
    return json{{"$schema", "http://json-schema.org/draft-07/schema#"},
                {"type", "object"},
                {"additionalProperties", false},
                {"properties", std::move(properties)}}
               .dump(2) +
           "\n";
}

std::string readme(const std::vector<ChartValue>& values) {
    std::string text = kReadme;
    text += "| value | default | meaning |\n|---|---|---|\n";
    for (const auto& value : values)
        text += "| `" + value.name + "` | `" + value.value.dump() + "` | " + value.summary + " |\n";
    return text;
}

std::string chart_file(const std::string& app_version) {
    return yaml_of(json{{"apiVersion", "v2"},
                        {"name", kChartName},
                        {"description", "The operator of a Harmony fleet"},
                        {"type", "application"},
                        {"version", HARMONY_VERSION},
                        {"appVersion", app_version},
                        {"kubeVersion", ">=1.20.0-0"}});
}

}  // namespace

std::vector<RenderedFile> operator_chart(const OperatorParameters& given) {
    OperatorParameters parameters = given;
    std::string app_version = HARMONY_VERSION;
    if (parameters.from_tag) {
        if (const auto version = version_of_tag(*parameters.from_tag)) app_version = *version;
    }
    if (parameters.image_tag.empty()) parameters.image_tag = "v" + app_version;
    const auto values = chart_values(parameters);
    std::vector<RenderedFile> files{{".helmignore", kHelmIgnore},
                                    {"Chart.yaml", chart_file(app_version)},
                                    {"README.md", readme(values)},
                                    {"values.yaml", values_file(values)},
                                    {"values.schema.json", values_schema(values)}};
    for (auto& group : {templates(), definitions()})
        files.insert(files.end(), group.begin(), group.end());
    return files;
}

}  // namespace harmony::fleet_operator
