#include "object_diff.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "object_fields.hpp"

namespace harmony::cluster {
namespace {

// How the elements of a list are told apart, as far as the API's lists go.
constexpr std::array kElementKeys = {"name", "containerPort", "port", "mountPath",
                                     "key",  "type",          "ip",   "uid"};

bool kept_by_server(const std::string& path) {
    static const std::set<std::string> kPaths = {"status",
                                                 "metadata.managedFields",
                                                 "metadata.resourceVersion",
                                                 "metadata.generation",
                                                 "metadata.creationTimestamp",
                                                 "metadata.uid",
                                                 "metadata.selfLink",
                                                 "metadata.annotations.deployment.kubernetes.io/revision"};
    return kPaths.contains(path);
}

bool open_in_secret(const std::string& path) {
    return path == "apiVersion" || path == "kind" || path == "type" || path == "immutable" ||
           path.starts_with("metadata.name") || path.starts_with("metadata.labels");
}

std::string key_text(const json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

bool has_unique(const json& list, const char* key) {
    std::set<std::string> seen;
    return std::all_of(list.begin(), list.end(), [&](const json& element) {
        return element.is_object() && element.contains(key) && seen.insert(key_text(element[key])).second;
    });
}

const char* key_of(const json& left, const json& right) {
    for (const char* key : kElementKeys) {
        if (has_unique(left, key) && has_unique(right, key)) return key;
    }
    return nullptr;
}

const json* element(const json& list, const char* key, const std::string& value) {
    if (!list.is_array()) return nullptr;
    for (const json& each : list) {
        if (each.is_object() && each.contains(key) && key_text(each[key]) == value) return &each;
    }
    return nullptr;
}

const json* member(const json* object, const std::string& name) {
    if (object == nullptr || !object->is_object()) return nullptr;
    const auto found = object->find(name);
    return found == object->end() ? nullptr : &*found;
}

// Walks both values at once. `wanted` is the same place in the desired object, null where it says nothing.
class Comparison {
 public:
    explicit Comparison(bool secret) : secret_(secret) {}

    void compare(const std::string& path, const json* before, const json* after, const json* wanted) {
        if (kept_by_server(path)) return;
        if (before == nullptr && after == nullptr) return;
        if (before != nullptr && after != nullptr && *before == *after) return;
        // A default that comes with the change.
        if (before == nullptr && wanted == nullptr) return;
        if (before != nullptr && after != nullptr && before->is_object() && after->is_object()) {
            return members(path, before, after, wanted);
        }
        if (before == nullptr && after->is_object() && !after->empty()) {
            return members(path, before, after, wanted);
        }
        if (before != nullptr && after != nullptr && before->is_array() && after->is_array()) {
            return elements(path, *before, *after, wanted);
        }
        note(path, before, after);
    }

    std::vector<FieldDifference> take() { return std::move(found_); }

 private:
    void members(const std::string& path, const json* before, const json* after, const json* wanted) {
        std::set<std::string> names;
        for (const json* object : {before, after}) {
            if (object == nullptr) continue;
            for (const auto& [name, value] : object->items())
                names.insert(name);
        }
        for (const auto& name : names) {
            compare(path.empty() ? name : path + "." + name, member(before, name), member(after, name),
                    member(wanted, name));
        }
    }

    void elements(const std::string& path, const json& before, const json& after, const json* wanted) {
        const char* key = key_of(before, after);
        if (key == nullptr) return note(path, &before, &after);
        const std::size_t noted = found_.size();
        std::vector<std::string> names;
        for (const json* list : {&before, &after}) {
            for (const json& each : *list) {
                const std::string name = key_text(each[key]);
                if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
            }
        }
        for (const auto& name : names) {
            const json* next = wanted == nullptr ? nullptr : element(*wanted, key, name);
            compare(path + "[" + name + "]", element(before, key, name), element(after, key, name), next);
        }
        // The same elements in another order, which matters for init containers.
        const auto same_order = [&] {
            return std::equal(before.begin(), before.end(), after.begin(), after.end(),
                              [&](const json& left, const json& right) { return left[key] == right[key]; });
        };
        if (found_.size() == noted && !same_order()) note(path, &before, &after);
    }

    void note(const std::string& path, const json* before, const json* after) {
        if (secret_ && !open_in_secret(path)) {
            found_.push_back({path, std::nullopt, std::nullopt, true});
            return;
        }
        FieldDifference difference{path, std::nullopt, std::nullopt, false};
        if (before != nullptr) difference.before = *before;
        if (after != nullptr) difference.after = *after;
        found_.push_back(std::move(difference));
    }

    bool secret_;
    std::vector<FieldDifference> found_;
};

bool is_secret(const json& object) {
    return text_at(object, {"kind"}) == "Secret";
}

}  // namespace

std::vector<FieldDifference> object_diff(const json& live, const json& merged, const json& desired) {
    Comparison comparison(is_secret(live) || is_secret(merged) || is_secret(desired));
    comparison.compare("", &live, &merged, &desired);
    return comparison.take();
}

std::vector<FieldDifference> creation_diff(const json& desired) {
    Comparison comparison(is_secret(desired));
    comparison.compare("", nullptr, &desired, &desired);
    return comparison.take();
}

}  // namespace harmony::cluster
