#include "field_owners.hpp"

#include <algorithm>

namespace harmony::runtime::kubernetes {
namespace {

void collect(const Json& value, const Json::json_pointer& at, std::map<std::string, Json>& leaves) {
    if (!value.is_object() || value.empty()) {
        leaves[at.to_string()] = value;
        return;
    }
    for (const auto& [key, child] : value.items())
        collect(child, at / key, leaves);
}

// Identity is nobody's.
bool ownable(const std::string& pointer) {
    return pointer != "/apiVersion" && pointer != "/kind" && pointer != "/metadata/name" &&
           pointer != "/metadata/namespace";
}

std::string path_text(std::string pointer) {
    std::replace(pointer.begin(), pointer.end(), '/', '.');
    return pointer;
}

void erase_at(Json& object, const std::string& pointer) {
    const Json::json_pointer path(pointer);
    const Json::json_pointer parent = path.parent_pointer();
    if (object.contains(parent) && object.at(parent).is_object()) object.at(parent).erase(path.back());
}

}  // namespace

std::vector<FieldConflict> FieldOwners::apply(Json& stored, const Json& applied, const std::string& manager,
                                              bool force) {
    std::map<std::string, Json> leaves;
    collect(applied, Json::json_pointer(), leaves);
    std::vector<FieldConflict> conflicts;
    for (const auto& [pointer, value] : leaves) {
        const auto owner = owners_.find(pointer);
        if (owner == owners_.end() || owner->second == manager) continue;
        const Json::json_pointer path(pointer);
        if (!stored.contains(path) || stored.at(path) != value)
            conflicts.push_back({owner->second, path_text(pointer)});
    }
    if (!conflicts.empty() && !force) return conflicts;
    for (auto owner = owners_.begin(); owner != owners_.end();) {
        const bool given_up = owner->second == manager && leaves.count(owner->first) == 0;
        if (given_up) erase_at(stored, owner->first);
        owner = given_up ? owners_.erase(owner) : std::next(owner);
    }
    for (const auto& [pointer, value] : leaves) {
        stored[Json::json_pointer(pointer)] = value;
        if (ownable(pointer)) owners_[pointer] = manager;
    }
    return {};
}

}  // namespace harmony::runtime::kubernetes
