// kubernetes/1 in memory, for unit tests of Scores. Not thread-safe.
#pragma once

#include <functional>
#include <harmony/capability/kubernetes.hpp>
#include <harmony/plugin/testing/fake_capabilities.hpp>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace harmony::plugin::testing {

// An object is what was applied last, with labels for its owner: no defaults, no field managers, no status.
// Objects without a namespace are in "default", whatever their kind.
class FakeKubernetes final : public Kubernetes, public CallRecord {
 public:
    Result<KubernetesCluster> info() override;
    Result<std::vector<KubernetesChange>> diff(const KubernetesBatch& batch) override;
    Result<std::vector<KubernetesApplied>> apply(const KubernetesBatch& batch) override;
    Result<std::optional<Json>> get(const KubernetesRef& ref) override;
    Result<std::vector<Json>> list(const KubernetesQuery& query) override;
    Result<std::vector<KubernetesRef>> owned(const KubernetesInventory& inventory) override;
    Result<bool> remove(const KubernetesRemoval& removal) override;
    // All objects that are there are ready, unless stuck() says otherwise.
    Result<std::vector<KubernetesReady>> wait(const KubernetesRollout& rollout) override;
    Result<bool> ensure_namespace(const std::string& name, int timeout_s) override;
    Result<KubernetesAddress> reach(const KubernetesServicePort& service) override;

    // As if somebody had changed or made it by hand.
    void put(Json object);
    // As if another manager had set a field, such as .spec.replicas, of the objects of that name: apply of an
    // object that has the field is a conflict, and with force the field is ours again.
    void claim(const std::string& name, KubernetesConflict conflict) {
        claims_[name].push_back(std::move(conflict));
    }
    // wait() fails with this as soon as it is asked for an object of that name.
    void stuck(const std::string& name, std::string reason) { stuck_[name] = std::move(reason); }
    // What the cluster's own programs do to an object that was applied: set a status, a finalizer.
    void on_apply(std::function<void(Json& object)> change) { on_apply_ = std::move(change); }
    // What reach() answers for a port of a Service.
    void expose(const std::string& service, const std::string& port, KubernetesAddress address);
    [[nodiscard]] std::size_t size() const { return objects_.size(); }

 private:
    // api version, kind, namespace, name
    using Key = std::tuple<std::string, std::string, std::string, std::string>;

    static Key key(const KubernetesRef& ref);
    static Result<KubernetesRef> ref_of(const Json& object, std::size_t index);
    [[nodiscard]] KubernetesAction action_for(const Key& key, const Json& next) const;

    std::map<Key, Json> objects_;
    [[nodiscard]] std::vector<KubernetesConflict> conflicts_of(const Json& object) const;

    std::map<std::string, std::vector<KubernetesConflict>> claims_;
    std::map<std::string, std::string> stuck_;
    std::function<void(Json&)> on_apply_;
    std::map<std::pair<std::string, std::string>, KubernetesAddress> exposed_;
};

}  // namespace harmony::plugin::testing
