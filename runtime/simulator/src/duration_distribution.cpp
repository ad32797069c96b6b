#include "harmony/simulator/duration_distribution.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace harmony::simulator {

namespace {

constexpr Microseconds kMax = std::chrono::hours(24);
constexpr std::string_view kRangeMark = "..";
constexpr std::string_view kLogNormal = "lognormal:";
// Of the standard normal distribution.
constexpr double kPercentile99 = 2.3263478740408408;

// The standard normal distribution's quantile by Acklam's rational approximation, off by less than 1.2e-9.
double normal_quantile(double p) {
    constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                            1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
    constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                            6.680131188771972e+01, -1.328068155288572e+01};
    constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                            -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
    constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                            3.754408661907416e+00};
    constexpr double low = 0.02425;
    const auto tail = [&](double q) {
        return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
               ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
    };
    p = std::clamp(p, 1e-12, 1 - 1e-12);
    if (p < low) return tail(std::sqrt(-2 * std::log(p)));
    if (p > 1 - low) return -tail(std::sqrt(-2 * std::log(1 - p)));
    const double q = p - 0.5;
    const double r = q * q;
    return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
           (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

}  // namespace

Result<Microseconds> parse_duration(std::string_view text) {
    const auto refused = [&](const char* expected) {
        return fail(ErrorKind::InvalidInput, "found \"" + std::string(text) + "\", expected " + expected);
    };
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (error != std::errc() || !(number >= 0)) return refused("a duration such as 250ms, 1.5s or 2m");
    double scale = 0;
    if (unit == "us") scale = 1;
    if (unit == "ms") scale = 1e3;
    if (unit == "s") scale = 1e6;
    if (unit == "m") scale = 60e6;
    if (unit == "h") scale = 3600e6;
    if (scale == 0 && !(unit.empty() && number == 0)) return refused("a unit: us, ms, s, m or h");
    if (number * scale > static_cast<double>(kMax.count())) return refused("at most 24h");
    return Microseconds(static_cast<std::int64_t>(std::llround(number * scale)));
}

Result<DurationDistribution> DurationDistribution::parse(std::string_view text) {
    DurationDistribution result;
    std::string_view low = text, high;
    if (text.substr(0, kLogNormal.size()) == kLogNormal) {
        result.kind_ = Kind::LogNormal;
        low = text.substr(kLogNormal.size());
        const auto colon = low.find(':');
        if (colon == std::string_view::npos) {
            return fail(ErrorKind::InvalidInput, "found \"" + std::string(text) +
                                                     "\", expected lognormal:MEDIAN:P99, as in "
                                                     "lognormal:200ms:2s");
        }
        high = low.substr(colon + 1);
        low = low.substr(0, colon);
    } else if (const auto mark = text.find(kRangeMark); mark != std::string_view::npos) {
        result.kind_ = Kind::Uniform;
        low = text.substr(0, mark);
        high = text.substr(mark + kRangeMark.size());
    }
    const auto first = parse_duration(low);
    if (!first) return fail(first.error());
    result.low_ = result.high_ = *first;
    if (result.kind_ == Kind::Fixed) return result;
    const auto second = parse_duration(high);
    if (!second) return fail(second.error());
    result.high_ = *second;
    const bool positive = result.kind_ == Kind::Uniform || result.low_.count() > 0;
    if (result.high_ < result.low_ || !positive) {
        return fail(ErrorKind::InvalidInput, "found \"" + std::string(text) +
                                                 "\", expected the second duration not below the first" +
                                                 (positive ? "" : ", and a median above zero"));
    }
    return result;
}

Microseconds DurationDistribution::quantile(double u) const {
    if (kind_ == Kind::Fixed) return low_;
    const auto low = static_cast<double>(low_.count());
    const auto high = static_cast<double>(high_.count());
    if (kind_ == Kind::Uniform) return Microseconds(static_cast<std::int64_t>(low + u * (high - low)));
    const double sigma = std::log(high / low) / kPercentile99;
    const double value = low * std::exp(sigma * normal_quantile(u));
    return Microseconds(static_cast<std::int64_t>(std::min(value, static_cast<double>(kMax.count()))));
}

}  // namespace harmony::simulator
