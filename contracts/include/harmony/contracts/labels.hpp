// Labels as Kubernetes knows them: what a device publishes and a selector asks for.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "harmony/result.hpp"

namespace harmony::contracts {

using Labels = std::map<std::string, std::string>;

inline constexpr std::size_t kMaxLabels = 64;             // per object
inline constexpr std::size_t kMaxLabelNameBytes = 63;     // Kubernetes: the part after the '/'
inline constexpr std::size_t kMaxLabelPrefixBytes = 253;  // Kubernetes: the DNS name before the '/'
inline constexpr std::size_t kMaxLabelValueBytes = 63;    // Kubernetes

// `path` names the field in the error's message. An empty value is valid, an empty key is not.
[[nodiscard]] Result<void> check_label_key(std::string_view path, std::string_view key);
[[nodiscard]] Result<void> check_label_value(std::string_view path, std::string_view value);
[[nodiscard]] Result<void> check_labels(std::string_view path, const Labels& labels);

}  // namespace harmony::contracts
