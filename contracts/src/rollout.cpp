#include "codecs.hpp"

namespace harmony::contracts {

namespace {

enum class StrategyType { AllAtOnce, Rolling };
constexpr EnumNames<StrategyType, 2> kStrategyTypes{
    {{StrategyType::AllAtOnce, "AllAtOnce"}, {StrategyType::Rolling, "Rolling"}}};

// "0%" to "100%".
std::optional<std::int64_t> parse_percent(std::string_view text) {
    if (text.size() < 2 || text.size() > 4 || text.back() != '%') return std::nullopt;
    std::int64_t value = 0;
    for (const char digit : text.substr(0, text.size() - 1)) {
        if (digit < '0' || digit > '9') return std::nullopt;
        value = value * 10 + (digit - '0');
    }
    return value <= 100 ? std::optional(value) : std::nullopt;
}

void read_count(const Field& field, std::int64_t min, CountOrPercent& out) {
    if (!field.present()) return;
    std::optional<CountOrPercent> found;
    if (field.json().is_string()) {
        const auto percent = parse_percent(field.json().get_ref<const std::string&>());
        if (percent) found = CountOrPercent{*percent, true};
    } else if (field.json().is_number_integer() && field.json() <= kMaxDevices && field.json() >= 0) {
        found = CountOrPercent{field.json().get<std::int64_t>(), false};
    }
    if (!found || found->value < min) {
        const auto from = std::to_string(min);
        return field.reject("a whole number of at least " + from + " or \"" + from + "%\" to \"100%\"");
    }
    out = *found;
}

Json write_count(const CountOrPercent& count) {
    if (count.percent) return std::to_string(count.value) + "%";
    return count.value;
}

Rolling read_rolling(const Field& field) {
    Rolling result;
    read_count(field.optional("maxUnavailable"), 1, result.max_unavailable);
    auto min_ready = static_cast<std::int64_t>(result.min_ready.count());
    field.optional("minReadySeconds").integer(min_ready, 0, kMaxMinReadySeconds);
    result.min_ready = std::chrono::seconds{min_ready};
    read_count(field.optional("maxFailures"), 0, result.max_failures);
    return result;
}

}  // namespace

std::int64_t CountOrPercent::of(std::int64_t total) const {
    return percent ? (total * value + 99) / 100 : value;
}

void read_rollout(const Field& field, RolloutStrategy& out) {
    if (!field.object()) return;
    const auto strategy = field.optional("strategy");
    if (!strategy.object()) return;
    auto type = StrategyType::AllAtOnce;
    strategy.required("type").enumeration(type, kStrategyTypes);
    if (type == StrategyType::Rolling) {
        out = read_rolling(strategy);
    } else {
        out = AllAtOnce{};
    }
}

Json write_rollout(const RolloutStrategy& strategy) {
    Json result;
    if (const auto* rolling = std::get_if<Rolling>(&strategy)) {
        result = {{"type", "Rolling"},
                  {"maxUnavailable", write_count(rolling->max_unavailable)},
                  {"minReadySeconds", rolling->min_ready.count()},
                  {"maxFailures", write_count(rolling->max_failures)}};
    } else {
        result["type"] = "AllAtOnce";
    }
    return {{"strategy", std::move(result)}};
}

}  // namespace harmony::contracts
