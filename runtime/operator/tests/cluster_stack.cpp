#include "cluster_stack.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "cluster_check.hpp"
#include "harmony/contracts/resource_definitions.hpp"
#include "harmony/daemon/files.hpp"
#include "harmony/kubernetes/lease.hpp"
#include "harmony/kubernetes/objects.hpp"

namespace harmony::op::testing {

namespace kubernetes = runtime::kubernetes;
using kubernetes::ObjectRef;
using kubernetes::ResourceType;

namespace {

const ResourceType kDefinitions{"apiextensions.k8s.io", "v1", "customresourcedefinitions",
                                "CustomResourceDefinition", false};
const std::string kRbac = "rbac.authorization.k8s.io";

kubernetes::WriteOptions as_user() {
    kubernetes::WriteOptions options;
    options.field_manager = "kubectl";
    options.force = true;
    return options;
}

void must_apply(kubernetes::KubernetesClient& client, const ObjectRef& ref, const Json& object) {
    const auto applied = client.patch(ref, kubernetes::PatchKind::Apply, object, as_user());
    INFO((applied ? std::string() : applied.error().text()));
    REQUIRE(applied);
}

bool established(const Json& definition) {
    for (const Json& condition : definition.value("/status/conditions"_json_pointer, Json::array())) {
        if (condition["type"] == "Established" && condition["status"] == "True") return true;
    }
    return false;
}

Json rules_of(bool in_namespace) {
    std::map<std::pair<std::string, std::string>, Json> rules;
    for (const Permission& permission : needed_permissions(true)) {
        if (permission.in_namespace != in_namespace) continue;
        Json& rule = rules[{permission.group, permission.resource}];
        rule["apiGroups"] = {permission.group};
        rule["resources"] = {permission.resource};
        rule["verbs"].push_back(permission.verb);
    }
    Json result = Json::array();
    for (auto& [key, rule] : rules)
        result.push_back(std::move(rule));
    if (!in_namespace) {
        result.push_back(
            {{"apiGroups", {kDefinitions.group}}, {"resources", {kDefinitions.plural}}, {"verbs", {"get"}}});
    }
    return result;
}

}  // namespace

void install_definitions(kubernetes::KubernetesClient& client) {
    for (const Json& definition : {contracts::deployment_definition(), contracts::device_definition()}) {
        const ObjectRef ref{kDefinitions, "", definition.at("metadata").at("name")};
        must_apply(client, ref, definition);
        REQUIRE(eventually([&] {
            const auto found = client.get(ref);
            return found && established(*found);
        }));
    }
    // Established is said before every request is served.
    REQUIRE(eventually([&] { return client.list(deployment_type(), "").has_value(); }));
}

void remove_definitions(kubernetes::KubernetesClient& client) {
    for (const Json& definition : {contracts::deployment_definition(), contracts::device_definition()}) {
        const ObjectRef ref{kDefinitions, "", definition.at("metadata").at("name")};
        static_cast<void>(client.remove(ref));
        REQUIRE(kubernetes::wait_until_gone(client, ref, std::chrono::seconds(60)));
    }
}

PreparedCluster::PreparedCluster(bool with_role) {
    kubernetes::testing::need_cluster();
    admin = kubernetes::testing::connect(kubernetes::testing::cluster_access());
    install_definitions(*admin);
    name_space_ = std::make_unique<kubernetes::testing::TestNamespace>(*admin);
    if (with_role) grant();
    std::string pattern = (std::filesystem::temp_directory_path() / "harmony-cluster-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    write_kubeconfig();
}

PreparedCluster::~PreparedCluster() {
    // Finalizers whose operator has ended would keep the namespace for ever.
    if (auto left = admin->list(deployment_type(), name_space())) {
        for (const Json& object : left->items) {
            const ObjectRef one = ref(object["metadata"]["name"]);
            static_cast<void>(admin->remove(one));
            static_cast<void>(
                kubernetes::set_finalizer(*admin, one, std::string(contracts::kFinalizer), false));
        }
    }
    static_cast<void>(admin->remove({{kRbac, "v1", "clusterrolebindings", "", false}, "", name_space()}));
    static_cast<void>(admin->remove({{kRbac, "v1", "clusterroles", "", false}, "", name_space()}));
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void PreparedCluster::grant() {
    const std::string& name = name_space();
    const Json subjects{{{"kind", "ServiceAccount"}, {"name", "default"}, {"namespace", name}}};
    const auto add = [&](const std::string& kind, bool namespaced) {
        const std::string plural = namespaced ? "role" : "clusterrole";
        const std::string home = namespaced ? name : "";
        Json role{{"apiVersion", kRbac + "/v1"},
                  {"kind", kind},
                  {"metadata", {{"name", name}}},
                  {"rules", rules_of(namespaced)}};
        must_apply(*admin, {{kRbac, "v1", plural + "s", kind, namespaced}, home, name}, role);
        Json binding{{"apiVersion", kRbac + "/v1"},
                     {"kind", kind + "Binding"},
                     {"metadata", {{"name", name}}},
                     {"subjects", subjects},
                     {"roleRef", {{"apiGroup", kRbac}, {"kind", kind}, {"name", name}}}};
        must_apply(*admin, {{kRbac, "v1", plural + "bindings", kind + "Binding", namespaced}, home, name},
                   binding);
    };
    add("Role", true);
    add("ClusterRole", false);
}

void PreparedCluster::write_kubeconfig() {
    const auto access = kubernetes::testing::cluster_access();
    const std::string token = kubernetes::testing::service_account_token(*admin, name_space());
    REQUIRE(runtime::daemon::write_file_durably(folder_ + "/ca.crt", access.authority_pem));
    const std::string text =
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n"
        "contexts: [{name: test, context: {cluster: test, user: test}}]\n"
        "clusters: [{name: test, cluster: {server: 'https://" +
        access.host + ":" + std::to_string(access.port) +
        "', certificate-authority: ca.crt}}]\n"
        "users: [{name: test, user: {token: '" +
        token + "'}}]\n";
    REQUIRE(runtime::daemon::write_file_durably(folder_ + "/kubeconfig", text));
}

std::string PreparedCluster::settings() const {
    return "[resources]\nstore = \"kubernetes\"\n[kubernetes]\nkubeconfig = \"" + folder_ + "/kubeconfig\"\n";
}

ObjectRef PreparedCluster::ref(const std::string& name) const {
    return {deployment_type(), name_space(), name};
}

void PreparedCluster::apply(const contracts::Deployment& deployment) {
    apply_spec(deployment.metadata.name, Json::parse(deployment.encode()).at("spec"));
}

void PreparedCluster::apply_spec(const std::string& name, const Json& spec) {
    must_apply(*admin, ref(name),
               {{"apiVersion", contracts::kApiVersion},
                {"kind", contracts::kDeploymentKind},
                {"metadata", {{"name", name}}},
                {"spec", spec}});
}

void PreparedCluster::remove(const std::string& name) {
    const auto removed = admin->remove(ref(name));
    INFO((removed ? std::string() : removed.error().text()));
    REQUIRE(removed);
}

Json PreparedCluster::get(const std::string& name) {
    auto found = admin->get(ref(name));
    return found ? std::move(*found) : Json{};
}

bool PreparedCluster::held(const std::string& name) {
    const Json object = get(name);
    return !object.is_null() && object["metadata"].contains("finalizers");
}

std::string PreparedCluster::reason(const std::string& name, const std::string& type) {
    const Json object = get(name);
    for (const Json& condition :
         object.is_null() ? Json::array() : object.value("/status/conditions"_json_pointer, Json::array())) {
        if (condition["type"] == type) return condition["reason"];
    }
    return {};
}

std::string PreparedCluster::holder() {
    const auto lease = admin->get({kubernetes::lease_type(), name_space(), "harmony-fleet-operator"});
    return lease ? lease->value("/spec/holderIdentity"_json_pointer, std::string()) : std::string();
}

std::size_t PreparedCluster::records() {
    kubernetes::ListOptions options;
    options.label_selector = rollout_selector();
    const auto found = admin->list(config_map_type(), name_space(), options);
    return found ? found->items.size() : 0;
}

std::set<std::string> PreparedCluster::events(const std::string& name) {
    std::set<std::string> reasons;
    const auto found = admin->list({"", "v1", "events", "Event", true}, name_space());
    if (!found) return reasons;
    for (const Json& event : found->items) {
        if (event["involvedObject"]["name"] == name) reasons.insert(event["reason"]);
    }
    return reasons;
}

}  // namespace harmony::op::testing
