// "Did you mean": the nearest of the words that would have been right.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace harmony::host {

// Insertions, deletions, substitutions and swaps of neighbours between the two words, ignoring case.
[[nodiscard]] std::size_t edit_distance(std::string_view left, std::string_view right);

// The candidate that is likely meant by word: at most a third of its letters differ, or word is a beginning
// of exactly one candidate. None when nothing is near.
[[nodiscard]] std::optional<std::string> closest(std::string_view word,
                                                 const std::vector<std::string>& candidates);

// A hint for a diagnostic: did you mean "x"? Else the candidates, when there are at most a dozen; else empty.
[[nodiscard]] std::string suggestion_hint(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace harmony::host
