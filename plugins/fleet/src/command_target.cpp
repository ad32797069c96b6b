#include "command_target.hpp"

#include <charconv>

namespace harmony::fleet {

namespace {

// 0: no unit.
std::int64_t seconds_in(char unit) {
    switch (unit) {
        case 's':
            return 1;
        case 'm':
            return 60;
        case 'h':
            return 3600;
        case 'd':
            return 86'400;
        default:
            return 0;
    }
}

constexpr std::int64_t kMaxDays = 3660;

}  // namespace

plugin::Result<CommandTarget> parse_target(const std::string& text) {
    const auto slash = text.find('/');
    auto deployment = contracts::DeploymentName::parse(text.substr(0, slash));
    if (!deployment) {
        return plugin::invalid_parameter("target", deployment.error().text(),
                                         "DEPLOYMENT or DEPLOYMENT/SERVICE is expected");
    }
    CommandTarget target{*std::move(deployment), std::nullopt};
    if (slash == std::string::npos) return target;
    const std::string service = text.substr(slash + 1);
    if (auto valid = contracts::check_name("service", service, contracts::kMaxServiceNameBytes); !valid) {
        return plugin::invalid_parameter("target", valid.error().text(),
                                         "DEPLOYMENT or DEPLOYMENT/SERVICE is expected");
    }
    target.service = service;
    return target;
}

plugin::Result<contracts::Timestamp> parse_since(const std::string& text, contracts::Timestamp now) {
    std::int64_t count = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), count);
    const bool is_duration = read.ec == std::errc() && read.ptr + 1 == text.data() + text.size();
    if (is_duration) {
        const std::int64_t unit = seconds_in(*read.ptr);
        if (unit > 0 && count >= 0 && count <= kMaxDays * 86'400 / unit) {
            return contracts::Timestamp::from_microseconds(now.microseconds() - count * unit * 1'000'000);
        }
    }
    if (auto time = contracts::Timestamp::parse(text)) return *time;
    return plugin::invalid_parameter("since", "--since: found \"" + text +
                                                  "\", expected a time such as 10m, 3h, 2d or "
                                                  "2026-01-31T12:00:00Z");
}

}  // namespace harmony::fleet
