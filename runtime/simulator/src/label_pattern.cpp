#include "harmony/simulator/label_pattern.hpp"

#include <charconv>

#include "harmony/contracts/labels.hpp"
#include "harmony/simulator/options.hpp"

namespace harmony::simulator {

namespace {

constexpr std::uint64_t kMaxWeight = 1'000'000;
constexpr std::uint64_t kMaxRangeEnd = 1'000'000'000;

bool read_number(std::string_view text, std::uint64_t max, std::uint64_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size() && out <= max;
}

auto refused(std::string_view text, const std::string& expected) {
    return fail(ErrorKind::InvalidInput, "found \"" + std::string(text) + "\", expected " + expected);
}

}  // namespace

Result<LabelPattern::Alternative> LabelPattern::parse_alternative(std::string_view text) {
    const std::string_view whole = text;
    Alternative result;
    if (const auto star = text.rfind('*'); star != std::string_view::npos) {
        if (!read_number(text.substr(star + 1), kMaxWeight, result.weight) || result.weight == 0) {
            return refused(whole, "a weight from 1 to " + std::to_string(kMaxWeight) + " after *");
        }
        text = text.substr(0, star);
    }
    std::string longest(text);
    if (const auto open = text.find('{'); open != std::string_view::npos) {
        const auto close = text.find('}', open);
        if (close == std::string_view::npos) return refused(whole, "a } after {");
        const std::string_view inside = text.substr(open + 1, close - open - 1);
        result.before = text.substr(0, open);
        result.after = text.substr(close + 1);
        std::uint64_t last = kMaxDevices - 1;
        if (inside == "n") {
            result.device_number = true;
        } else {
            const auto dots = inside.find("..");
            if (dots == std::string_view::npos ||
                !read_number(inside.substr(0, dots), kMaxRangeEnd, result.first) ||
                !read_number(inside.substr(dots + 2), kMaxRangeEnd, last) || last < result.first) {
                return refused(whole, "{n} or a range such as {0..99}");
            }
            result.count = last - result.first + 1;
        }
        longest = result.before + std::to_string(last) + result.after;
    } else {
        result.before = text;
    }
    if (auto good = contracts::check_label_value("", longest); !good) {
        return refused(whole, "a label's value: letters, digits and -_. inside, at most " +
                                  std::to_string(contracts::kMaxLabelValueBytes) + " bytes");
    }
    return result;
}

Result<LabelPattern> LabelPattern::parse(std::string_view text) {
    LabelPattern pattern;
    for (std::string_view rest = text;;) {
        const auto comma = rest.find(',');
        auto alternative = parse_alternative(rest.substr(0, comma));
        if (!alternative) return fail(alternative.error());
        pattern.total_weight_ += alternative->weight;
        pattern.alternatives_.push_back(*std::move(alternative));
        if (comma == std::string_view::npos) return pattern;
        rest.remove_prefix(comma + 1);
    }
}

std::string LabelPattern::value(std::uint64_t drawn, std::uint32_t device) const {
    std::uint64_t left = drawn % total_weight_;
    const Alternative* chosen = alternatives_.data();
    while (left >= chosen->weight) {
        left -= chosen->weight;
        ++chosen;
    }
    if (chosen->device_number) return chosen->before + std::to_string(device) + chosen->after;
    if (chosen->count == 0) return chosen->before;
    const std::uint64_t number = chosen->first + drawn / total_weight_ % chosen->count;
    return chosen->before + std::to_string(number) + chosen->after;
}

}  // namespace harmony::simulator
