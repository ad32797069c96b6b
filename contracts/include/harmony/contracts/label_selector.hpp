// A Kubernetes LabelSelector: matchLabels and matchExpressions, all of which must hold.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/contracts/labels.hpp"
#include "harmony/result.hpp"

namespace harmony::contracts {

inline constexpr std::size_t kMaxSelectorExpressions = 64;
inline constexpr std::size_t kMaxSelectorValues = 256;  // per expression

enum class SelectorOperator { In, NotIn, Exists, DoesNotExist };
[[nodiscard]] std::string_view to_string(SelectorOperator op);

struct SelectorExpression {
    std::string key;
    SelectorOperator op = SelectorOperator::Exists;
    std::vector<std::string> values;  // at least one for In and NotIn, none otherwise

    // As in Kubernetes: NotIn and DoesNotExist hold where the label is absent.
    [[nodiscard]] bool matches(const Labels& labels) const;

    bool operator==(const SelectorExpression&) const = default;
};

struct LabelSelector {
    Labels match_labels;
    std::vector<SelectorExpression> match_expressions;

    // An empty selector matches everything.
    [[nodiscard]] bool matches(const Labels& labels) const;
    [[nodiscard]] bool empty() const { return match_labels.empty() && match_expressions.empty(); }

    [[nodiscard]] static Result<LabelSelector> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    bool operator==(const LabelSelector&) const = default;
};

}  // namespace harmony::contracts
