#include "apply_order.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "object_fields.hpp"

namespace harmony::cluster {
namespace {

// A policy or quota goes before what it is about, so that nothing runs for a moment without it.
constexpr std::array kOrder = {"Namespace",
                               "CustomResourceDefinition",
                               "PriorityClass",
                               "StorageClass",
                               "ResourceQuota",
                               "LimitRange",
                               "NetworkPolicy",
                               "PodDisruptionBudget",
                               "ServiceAccount",
                               "ClusterRole",
                               "ClusterRoleBinding",
                               "Role",
                               "RoleBinding",
                               "Secret",
                               "ConfigMap",
                               "PersistentVolume",
                               "PersistentVolumeClaim",
                               "Service",
                               "DaemonSet",
                               "StatefulSet",
                               "Deployment",
                               "Pod",
                               "Job",
                               "CronJob",
                               "HorizontalPodAutoscaler",
                               "Ingress"};

}  // namespace

int apply_rank(std::string_view kind) {
    return static_cast<int>(std::find(kOrder.begin(), kOrder.end(), kind) - kOrder.begin());
}

std::vector<std::size_t> apply_order(const std::vector<json>& objects) {
    std::vector<std::size_t> order(objects.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t left, std::size_t right) {
        return apply_rank(text_at(objects[left], {"kind"})) < apply_rank(text_at(objects[right], {"kind"}));
    });
    return order;
}

}  // namespace harmony::cluster
