// The fleet as pods of a cluster, in a namespace of its own that is called like the scenario's context.
#pragma once

#include <functional>
#include <harmony/capability/kubernetes.hpp>
#include <map>
#include <vector>

#include "fleet_host.hpp"

namespace harmony::fleet_e2e {

// The reference of each program's image, by the image's name.
using Images = std::map<std::string, std::string>;

// Of the file that FLEET_E2E_IMAGES names, as e2e/images/build writes it. None without the variable: the
// Scores then choose the image themselves.
[[nodiscard]] Result<Images> images_of_environment();

class KubernetesFleetHost final : public FleetHost {
 public:
    using Apply = std::function<Result<void>(std::string_view score, const Json& settings)>;

    // `apply` plans and applies a Score in the scenario's context.
    KubernetesFleetHost(plugin::Call& call, const plugin::Session& session, plugin::Kubernetes& cluster,
                        Images images, Apply apply)
        : call_(call),
          name_space_(session.context),
          cluster_(cluster),
          images_(std::move(images)),
          apply_(std::move(apply)) {}

    [[nodiscard]] const std::string& name_space() const { return name_space_; }

    Result<void> prepare() override;
    Json settings_of(std::string_view score, Json settings) override;
    // A workload's next pod begins once the deleted one is gone. The kubelet of 1.20 keeps a pod until its
    // sandbox is removed: one that had not stopped when the containers were removed waits for the collection
    // of each minute, and what is gone is told in rounds of ten seconds. Seen: up to 68 s.
    [[nodiscard]] std::chrono::milliseconds patience() const override { return std::chrono::seconds(120); }
    Result<Instance> instance(const std::string& program) override;
    // Removes the workload; `start` applies its Score again.
    Result<void> stop(const std::string& program) override;
    Result<void> start(const std::string& program) override;
    // Deletes the pod.
    Result<void> kill(const std::string& program) override;
    // A standby: one more replica.
    Result<void> add_operator() override;
    Result<void> remove_second_operator() override;

 private:
    [[nodiscard]] Result<std::vector<Json>> pods(const std::string& program);
    // Without those that are on their way out.
    [[nodiscard]] Result<std::vector<Json>> running_pods(const std::string& program);
    [[nodiscard]] Result<void> apply_operator(int replicas);

    plugin::Call& call_;
    std::string name_space_;
    plugin::Kubernetes& cluster_;
    Images images_;
    Apply apply_;
    // With what each Score was last applied.
    std::map<std::string, Json, std::less<>> settings_;
};

}  // namespace harmony::fleet_e2e
