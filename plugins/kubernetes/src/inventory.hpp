// The labels that say which objects of a cluster are whose.
#pragma once

#include <harmony/capability/kubernetes.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace harmony::cluster {

using nlohmann::json;

inline constexpr std::string_view kManagedByLabel = "app.kubernetes.io/managed-by";
inline constexpr std::string_view kManagedBy = "harmony";
inline constexpr std::string_view kPartOfLabel = "app.kubernetes.io/part-of";
inline constexpr std::string_view kContextLabel = "io.nationtech.harmony/context";
inline constexpr std::string_view kScoreLabel = "io.nationtech.harmony/score";
inline constexpr std::string_view kServiceLabel = "io.nationtech.harmony/service";
inline constexpr std::string_view kSecretLabel = "io.nationtech.harmony/secret-store";
// The name of a secret as the store's callers know it.
inline constexpr std::string_view kSecretNameAnnotation = "io.nationtech.harmony/secret-name";
// Of server-side apply.
inline constexpr const char* kFieldManager = "harmony";

using Labels = std::map<std::string, std::string>;

// Of what every context of a cluster may use.
[[nodiscard]] Labels shared_labels();
[[nodiscard]] Labels context_labels(const std::string& context);
[[nodiscard]] Labels owner_labels(const std::string& context, const plugin::KubernetesOwner& owner);
// Label values have at most 63 letters, digits, '-', '_' and '.'; names the one that is not.
[[nodiscard]] plugin::Result<void> check_owner(const plugin::KubernetesOwner& owner);

// `a=b,c=d`
[[nodiscard]] std::string selector_of(const Labels& labels);
[[nodiscard]] Labels labels_of(const json& object);
[[nodiscard]] bool carries(const json& object, const Labels& labels);

// Somebody else's, as far as labels say: which context and Score. Nothing for an object that no Harmony
// labelled, or that is ours.
[[nodiscard]] std::optional<std::string> other_owner(const json& live, const std::string& context,
                                                     const std::string& score);

}  // namespace harmony::cluster
