// The environment variables a run sees: a snapshot, so that tests state it and nothing reads it behind
// their back.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace harmony::host {

class Environment {
 public:
    Environment() = default;
    explicit Environment(std::map<std::string, std::string> variables) : variables_(std::move(variables)) {}

    // From a null-terminated array of NAME=value.
    static Environment from_block(const char* const* block);

    // Absent and empty are the same: an empty variable counts as not set.
    [[nodiscard]] std::optional<std::string> get(std::string_view name) const;
    [[nodiscard]] const std::map<std::string, std::string>& all() const { return variables_; }

 private:
    std::map<std::string, std::string> variables_;
};

}  // namespace harmony::host
