#include "harmony/contracts/timestamps.hpp"

#include <array>
#include <cstdio>
#include <optional>

#include "json_field.hpp"

namespace harmony::contracts {

namespace {

// Consumes what it recognises from the front of `rest`; nullopt at the first thing it does not.
class Scanner {
 public:
    explicit Scanner(std::string_view rest) : rest_(rest) {}

    std::optional<int> digits(std::size_t count) {
        if (rest_.size() < count) return std::nullopt;
        int value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (rest_[i] < '0' || rest_[i] > '9') return std::nullopt;
            value = value * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(count);
        return value;
    }

    bool accept(std::string_view any_of) {
        if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) return false;
        rest_.remove_prefix(1);
        return true;
    }

    [[nodiscard]] char front() const { return rest_.empty() ? '\0' : rest_.front(); }
    [[nodiscard]] bool done() const { return rest_.empty(); }

 private:
    std::string_view rest_;
};

std::optional<std::int64_t> parse_date(Scanner& scanner) {
    const auto year = scanner.digits(4);
    if (!year || !scanner.accept("-")) return std::nullopt;
    const auto month = scanner.digits(2);
    if (!month || !scanner.accept("-")) return std::nullopt;
    const auto day = scanner.digits(2);
    if (!day || *year < 1) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{*year},
                                           std::chrono::month{static_cast<unsigned>(*month)},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    if (!date.ok()) return std::nullopt;
    return std::chrono::sys_days{date}.time_since_epoch().count();
}

std::optional<std::int64_t> parse_clock(Scanner& scanner) {
    const auto hour = scanner.digits(2);
    if (!hour || *hour > 23 || !scanner.accept(":")) return std::nullopt;
    const auto minute = scanner.digits(2);
    if (!minute || *minute > 59 || !scanner.accept(":")) return std::nullopt;
    const auto second = scanner.digits(2);
    if (!second || *second > 59) return std::nullopt;
    return (static_cast<std::int64_t>(*hour) * 60 + *minute) * 60 + *second;
}

std::optional<std::int64_t> parse_fraction(Scanner& scanner) {
    if (!scanner.accept(".")) return 0;
    std::int64_t microseconds = 0;
    int count = 0;
    for (; count < 9 && scanner.front() >= '0' && scanner.front() <= '9'; ++count) {
        const int digit = *scanner.digits(1);
        if (count < 6) microseconds = microseconds * 10 + digit;
    }
    if (count == 0) return std::nullopt;
    for (; count < 6; ++count)
        microseconds *= 10;
    return microseconds;
}

std::optional<std::int64_t> parse_offset(Scanner& scanner) {
    if (scanner.accept("Zz")) return 0;
    const bool west = scanner.front() == '-';
    if (!scanner.accept("+-")) return std::nullopt;
    const auto hours = scanner.digits(2);
    if (!hours || *hours > 23 || !scanner.accept(":")) return std::nullopt;
    const auto minutes = scanner.digits(2);
    if (!minutes || *minutes > 59) return std::nullopt;
    const std::int64_t seconds = (static_cast<std::int64_t>(*hours) * 60 + *minutes) * 60;
    return west ? -seconds : seconds;
}

std::optional<std::int64_t> parse_microseconds(std::string_view text) {
    Scanner scanner(text);
    const auto days = parse_date(scanner);
    if (!days || !scanner.accept("Tt")) return std::nullopt;
    const auto clock = parse_clock(scanner);
    if (!clock) return std::nullopt;
    const auto fraction = parse_fraction(scanner);
    if (!fraction) return std::nullopt;
    const auto offset = parse_offset(scanner);
    if (!offset || !scanner.done()) return std::nullopt;
    const auto result = (*days * 86'400 + *clock - *offset) * 1'000'000 + *fraction;
    if (result < Timestamp::kMinMicroseconds || result > Timestamp::kMaxMicroseconds) return std::nullopt;
    return result;
}

}  // namespace

Timestamp Timestamp::from(std::chrono::system_clock::time_point when) {
    return from_microseconds(std::chrono::floor<std::chrono::microseconds>(when).time_since_epoch().count());
}

Timestamp Timestamp::now() {
    return from(std::chrono::system_clock::now());
}

Result<Timestamp> Timestamp::parse(std::string_view text) {
    if (const auto microseconds = parse_microseconds(text)) return from_microseconds(*microseconds);
    return fail(
        ErrorKind::InvalidInput,
        "found " + in_quotes(text) + ", expected an RFC 3339 time such as 2025-03-01T12:00:00.000000Z");
}

std::string Timestamp::format() const {
    using namespace std::chrono;
    const sys_time<std::chrono::microseconds> when{std::chrono::microseconds{microseconds_}};
    const auto midnight = floor<days>(when);
    const year_month_day date{midnight};
    const hh_mm_ss clock{when - midnight};
    std::array<char, 64> buffer{};
    const int written = std::snprintf(
        buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
        static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
        static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
    return {buffer.data(), static_cast<std::size_t>(written)};
}

}  // namespace harmony::contracts
