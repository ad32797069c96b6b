#include "host/config/suggestion.hpp"

#include <algorithm>
#include <cctype>

namespace harmony::host {
namespace {

constexpr std::size_t kListAtMost = 12;
constexpr std::size_t kLongestWord = 128;  // the cost is quadratic, and no name of ours is longer

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

}  // namespace

std::size_t edit_distance(std::string_view left_text, std::string_view right_text) {
    const std::string left = lower(left_text);
    const std::string right = lower(right_text);
    const std::size_t width = right.size() + 1;
    std::vector<std::size_t> before_last(width);
    std::vector<std::size_t> last(width);
    std::vector<std::size_t> current(width);
    for (std::size_t j = 0; j < width; ++j)
        last[j] = j;
    for (std::size_t i = 1; i <= left.size(); ++i) {
        current[0] = i;
        for (std::size_t j = 1; j < width; ++j) {
            const std::size_t cost = left[i - 1] == right[j - 1] ? 0 : 1;
            current[j] = std::min({last[j] + 1, current[j - 1] + 1, last[j - 1] + cost});
            const bool swapped = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if (swapped) current[j] = std::min(current[j], before_last[j - 2] + 1);
        }
        std::swap(before_last, last);
        std::swap(last, current);
    }
    return last[right.size()];
}

std::optional<std::string> closest(std::string_view word, const std::vector<std::string>& candidates) {
    if (word.empty() || word.size() > kLongestWord) return std::nullopt;
    const std::size_t limit = std::max<std::size_t>(1, word.size() / 3);
    std::optional<std::string> best;
    std::size_t best_distance = limit + 1;
    for (const auto& candidate : candidates) {
        const std::size_t distance = edit_distance(word, candidate);
        if (distance >= best_distance) continue;
        best_distance = distance;
        best = candidate;
    }
    if (best) return best;
    const std::string prefix = lower(word);
    for (const auto& candidate : candidates) {
        if (lower(candidate).find(prefix) == std::string::npos) continue;
        if (best) return std::nullopt;
        best = candidate;
    }
    return best;
}

std::string suggestion_hint(std::string_view word, const std::vector<std::string>& candidates) {
    if (const auto match = closest(word, candidates)) return "did you mean \"" + *match + "\"?";
    if (candidates.empty() || candidates.size() > kListAtMost) return {};
    std::string hint = "there is ";
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (i > 0) hint += i + 1 == candidates.size() ? " and " : ", ";
        hint += candidates[i];
    }
    return hint;
}

}  // namespace harmony::host
