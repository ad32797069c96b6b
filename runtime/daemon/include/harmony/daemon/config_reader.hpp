// Reading a daemon's TOML file field by field: every field is checked, and no field goes unnoticed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/result.hpp"

namespace harmony::runtime::daemon {

// Collects every problem instead of stopping at the first. Typical use:
//
//     auto reader = ConfigReader::parse(text, path);
//     if (!reader) return fail(reader.error());
//     config.device_id = reader->required_string("agent.device_id");
//     config.period = reader->integer("agent.heartbeat_seconds", 30, 1, 3600);
//     if (auto done = reader->finish(); !done) return fail(done.error());
//
// Field names are dotted paths. A reader returns the default (or an empty value) where the field is missing
// or wrong, and remembers the problem for finish(). A message names the file, the field, what was found and
// what was expected; the found value of a field whose name looks secret (pass, token, key, secret) is left
// out.
class ConfigReader {
 public:
    // InvalidInput with file and line where it is not TOML.
    [[nodiscard]] static Result<ConfigReader> parse(std::string_view text, std::string file);
    ConfigReader(ConfigReader&&) noexcept;
    ConfigReader& operator=(ConfigReader&&) noexcept;
    ~ConfigReader();

    [[nodiscard]] bool has(std::string_view path) const;

    [[nodiscard]] std::string required_string(std::string_view path);
    [[nodiscard]] std::string string(std::string_view path, std::string_view fallback);
    [[nodiscard]] std::int64_t required_integer(std::string_view path, std::int64_t min, std::int64_t max);
    [[nodiscard]] std::int64_t integer(std::string_view path, std::int64_t fallback, std::int64_t min,
                                       std::int64_t max);
    [[nodiscard]] double number(std::string_view path, double fallback, double min, double max);
    [[nodiscard]] bool boolean(std::string_view path, bool fallback);
    // A field with a closed set of values; required where `fallback` is unset.
    [[nodiscard]] std::string one_of(std::string_view path, const std::vector<std::string>& allowed,
                                     std::optional<std::string_view> fallback = std::nullopt);
    // A missing list is empty; `required` also refuses an empty one.
    [[nodiscard]] std::vector<std::string> string_list(std::string_view path, bool required = false);
    // An IPv4 or IPv6 address, not a name.
    [[nodiscard]] std::string ip_address(std::string_view path, std::string_view fallback);
    // A table of free keys to strings, such as [labels].
    [[nodiscard]] std::map<std::string, std::string> string_map(std::string_view path);

    // For checks of the caller's own: the problem is reported with the others.
    void problem(std::string_view path, std::string message);

    // InvalidInput with every problem, one per line, and every field that nobody asked for, with a suggestion
    // where a known name is close.
    [[nodiscard]] Result<void> finish();

 private:
    struct Impl;
    explicit ConfigReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// The candidate nearest to what was typed, where one is near enough to be a slip.
[[nodiscard]] std::optional<std::string> closest_match(std::string_view typed,
                                                       const std::vector<std::string>& candidates);

}  // namespace harmony::runtime::daemon
