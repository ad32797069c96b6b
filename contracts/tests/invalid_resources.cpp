#include "invalid_resources.hpp"

#include "samples.hpp"

namespace harmony::contracts::testing {

namespace {

using Json = nlohmann::json;

std::string pointer_of(const std::string& field) {
    std::string result = "/";
    for (const char c : field) {
        if (c == ']') continue;
        result += c == '.' || c == '[' ? '/' : c;
    }
    return result;
}

class List {
 public:
    explicit List(Json valid) : valid_(std::move(valid)) {}

    void change(const std::string& field, Json value, const std::string& why) {
        auto document = valid_;
        document[Json::json_pointer(pointer_of(field))] = std::move(value);
        entries.push_back({why, std::move(document), field});
    }
    void remove(const std::string& field) {
        auto document = valid_;
        const Json::json_pointer where(pointer_of(field));
        document[where.parent_pointer()].erase(where.back());
        entries.push_back({field + " is missing", std::move(document), field});
    }
    std::vector<InvalidResource> entries;

 private:
    Json valid_;
};

void add_selectors(List& list) {
    const std::string expressions = "spec.targetSelector.matchExpressions";
    list.remove("spec.targetSelector");
    list.change(expressions + "[0].operator", "Near", "an operator that is none");
    list.change(expressions + "[0].key", "a b", "a key with a space");
    list.change(expressions + "[0].values[1]", "-x", "a value that begins with a hyphen");
    list.change("spec.targetSelector.matchLabels.site", "in Lyon", "a label's value with a space");
    list.change("spec.targetSelector.matchLabels.site", 7, "a label's value that is a number");
    list.change(expressions + "[0]", Json{{"key", "role"}, {"operator", "In"}}, "In without values");
    list.change(expressions + "[2]",
                Json{{"key", "role"}, {"operator", "Exists"}, {"values", Json::array({"x"})}},
                "Exists with a value");
}

void add_scores(List& list) {
    list.remove("spec.score");
    list.remove("spec.score.data");
    list.change("spec.score.type", "HelmV1", "a score of an unknown type");
    list.remove("spec.score.data.services");
    list.change("spec.score.data.services", Json::array(), "no service");
    const std::string service = "spec.score.data.services[0]";
    list.remove(service + ".image");
    list.change(service + ".image", "No Image", "an image that none could be");
    list.change(service + ".image", "nginx:", "an image with an empty tag");
    list.change(service + ".name", "App_1", "a name with capitals");
    list.change(service + ".name", std::string(64, 'a'), "a name that is too long");
    list.change(service + ".ports[0]", "80", "a port of the device alone");
    list.change(service + ".volumes[0]", "data:/data", "a volume from a relative path");
    list.change(service + ".restart_policy", "never", "a restart policy that is none");
    list.change(service + ".env.MODE", 1, "an environment variable that is a number");
    list.change(service + ".args[0]", true, "an argument that is no text");
    list.change("spec.score.data.services",
                Json::array({{{"name", "a"}, {"image", "x"}}, {{"name", "a"}, {"image", "x"}}}),
                "two services of one name");
    list.entries.back().field += "[1]";
    list.change("spec.score.data.init_containers[0].timeout", 0, "no time to end in");
    list.change("spec.score.data.lifecycle.stop_signal", "SIGNOPE", "a signal that is none");
    list.change("spec.score.data.lifecycle.grace_period_secs", 3601, "a grace period that is too long");
}

void add_rollouts(List& list) {
    const std::string strategy = "spec.rollout.strategy";
    list.remove(strategy + ".type");
    list.change(strategy + ".type", "Canary", "a strategy that is none");
    list.change(strategy + ".maxUnavailable", 0, "none may be unavailable");
    list.change(strategy + ".maxUnavailable", "0%", "no share may be unavailable");
    list.change(strategy + ".maxUnavailable", "101%", "more than all may be unavailable");
    list.change(strategy + ".maxUnavailable", 1.5, "one and a half may be unavailable");
    list.change(strategy + ".maxFailures", -1, "fewer than no failures");
    list.change(strategy + ".maxFailures", "many", "a number in words");
    list.change(strategy + ".minReadySeconds", 86'401, "more than a day");
    list.change("spec.paused", "yes", "a text for a boolean");
}

}  // namespace

std::vector<InvalidResource> invalid_deployments() {
    auto valid = deployment_sample();
    valid.status.reset();
    valid.metadata = {};
    valid.metadata.name = "web";
    List list(Json::parse(valid.encode()));
    list.remove("spec");
    list.change("metadata.name", "web.example", "a name with a dot");
    add_selectors(list);
    add_scores(list);
    add_rollouts(list);
    return list.entries;
}

std::vector<InvalidResource> invalid_devices() {
    auto valid = device_sample();
    valid.status.reset();
    valid.metadata = {};
    valid.metadata.name = "edge-01";
    List list(Json::parse(valid.encode()));
    list.remove("spec");
    list.change("metadata.name", "edge.01", "a name with a dot");
    list.change("spec.inventory", "none", "a text for the inventory");
    list.change("spec.inventory.cpuCores", -1, "fewer than no cores");
    list.change("spec.inventory.memoryBytes", "4G", "a size with a unit");
    list.change("spec.inventory.hostname", std::string(257, 'h'), "a host name that is too long");
    list.change("spec.inventory.addresses", "192.0.2.17", "one address instead of a list");
    return list.entries;
}

}  // namespace harmony::contracts::testing
