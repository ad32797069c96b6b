#include "harmony/daemon/health.hpp"

#include "json_text.hpp"

namespace harmony::runtime::daemon {

void HealthRegistry::Flag::pass() {
    const std::lock_guard lock(mutex_);
    ok_ = true;
    reason_.clear();
}

void HealthRegistry::Flag::fail(std::string reason) {
    const std::lock_guard lock(mutex_);
    ok_ = false;
    reason_ = std::move(reason);
}

Result<void> HealthRegistry::Flag::state() const {
    const std::lock_guard lock(mutex_);
    if (ok_) return {};
    return harmony::fail(ErrorKind::Unavailable, reason_);
}

void HealthRegistry::add(CheckKind kind, std::string name, Check check) {
    const std::lock_guard lock(mutex_);
    auto& checks = kind == CheckKind::Health ? health_ : readiness_;
    checks.insert_or_assign(std::move(name), std::move(check));
}

std::shared_ptr<HealthRegistry::Flag> HealthRegistry::add_flag(CheckKind kind, std::string name,
                                                               std::string reason) {
    auto flag = std::make_shared<Flag>(std::move(reason));
    add(kind, std::move(name), [flag] { return flag->state(); });
    return flag;
}

HealthReport HealthRegistry::report(CheckKind kind) const {
    std::map<std::string, Check> checks;
    {
        const std::lock_guard lock(mutex_);
        checks = kind == CheckKind::Health ? health_ : readiness_;
    }
    HealthReport report;
    report.json = R"({"checks":{)";
    bool first = true;
    for (const auto& [name, check] : checks) {
        if (!std::exchange(first, false)) report.json += ',';
        append_json_string(report.json, name);
        const auto state = check();
        if (state) {
            report.json += R"(:{"ok":true})";
            continue;
        }
        report.ok = false;
        report.json += R"(:{"ok":false,"reason":)";
        append_json_string(report.json, state.error().text());
        report.json += '}';
    }
    report.json += report.ok ? R"(},"status":"ok"})" : R"(},"status":"unavailable"})";
    return report;
}

}  // namespace harmony::runtime::daemon
