// What every ResourceStore does, stated once and run against each implementation.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "harmony/operator/resource_store.hpp"

namespace harmony::op::testing {

// One more operator's view of the same store, which holds nothing when the first is opened.
using OpenStore = std::function<std::unique_ptr<ResourceStore>()>;

struct StoreCase {
    const char* name;
    void (*run)(const OpenStore& open);
};

// Each needs a store of its own. In a test: a DYNAMIC_SECTION for each.
[[nodiscard]] std::span<const StoreCase> resource_store_cases();

[[nodiscard]] StoredDeployment stored_deployment(const std::string& name);
[[nodiscard]] contracts::DeviceInfo device_info(const std::string& id, const contracts::Labels& labels);
// In a transaction of its own.
void put_deployment(ResourceStore& store, const StoredDeployment& document);
void put_device(ResourceStore& store, const contracts::DeviceInfo& info, contracts::Timestamp now);

}  // namespace harmony::op::testing
