// Names that are at once a NATS token, a Kubernetes name, a part of a container's name and a file name.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "harmony/result.hpp"

namespace harmony::contracts {

// A Kubernetes name's limit; a file name with a short suffix still fits into 255 bytes.
inline constexpr std::size_t kMaxNameBytes = 253;
// A DNS label's limit; services, whose name becomes one part of a container's name among others.
inline constexpr std::size_t kMaxServiceNameBytes = 63;

// Checks lowercase letters, digits and '-', beginning and ending with a letter or digit, 1 to max_bytes long.
// `what` begins the error's message ("device id", or a field path).
[[nodiscard]] Result<void> check_name(std::string_view what, std::string_view name,
                                      std::size_t max_bytes = kMaxNameBytes);

// A checked name. Different tags are different types, so that a device cannot pass for a deployment.
// A default-constructed name is empty and stands for "none yet"; it is never a valid key.
template <class Tag>
class Name {
 public:
    Name() = default;

    [[nodiscard]] static Result<Name> parse(std::string_view text) {
        if (auto checked = check_name(Tag::kWhat, text); !checked) return fail(checked.error());
        return Name(std::string(text));
    }

    [[nodiscard]] const std::string& str() const { return text_; }
    [[nodiscard]] bool empty() const { return text_.empty(); }

    auto operator<=>(const Name&) const = default;

 private:
    explicit Name(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

struct DeviceIdTag {
    static constexpr std::string_view kWhat = "device id";
};
struct DeploymentNameTag {
    static constexpr std::string_view kWhat = "deployment name";
};
using DeviceId = Name<DeviceIdTag>;
using DeploymentName = Name<DeploymentNameTag>;

}  // namespace harmony::contracts

template <class Tag>
struct std::hash<harmony::contracts::Name<Tag>> {
    std::size_t operator()(const harmony::contracts::Name<Tag>& name) const noexcept {
        return std::hash<std::string>{}(name.str());
    }
};
