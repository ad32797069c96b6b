#include "harmony/contracts/label_selector.hpp"

#include "codecs.hpp"

namespace harmony::contracts {

namespace {

constexpr EnumNames<SelectorOperator, 4> kOperators{{{SelectorOperator::In, "In"},
                                                     {SelectorOperator::NotIn, "NotIn"},
                                                     {SelectorOperator::Exists, "Exists"},
                                                     {SelectorOperator::DoesNotExist, "DoesNotExist"}}};

bool takes_values(SelectorOperator op) {
    return op == SelectorOperator::In || op == SelectorOperator::NotIn;
}

void read_expression(const Field& field, SelectorExpression& out) {
    if (!field.object()) return;
    const auto key = field.required("key");
    key.text(out.key, 1, kMaxLabelKeyBytes);
    if (key.present()) {
        if (auto checked = check_label_key(key.path(), out.key); !checked) {
            return key.reject("a label's key: [<DNS name>/]<name>");
        }
    }
    field.required("operator").enumeration(out.op, kOperators);
    const auto values = field.optional("values");
    values.items(kMaxSelectorValues, [&](const Field& entry) {
        auto& value = out.values.emplace_back();
        entry.text(value, 0, kMaxLabelValueBytes);
        if (entry.present() && !check_label_value(entry.path(), value)) {
            entry.reject("a label's value: letters, digits, '-', '_' and '.'");
        }
    });
    if (field.failed()) return;
    if (takes_values(out.op) == out.values.empty()) {
        const auto expected =
            takes_values(out.op) ? "at least one value with operator " : "none with operator ";
        return field.required("values").reject(std::string(expected) + std::string(to_string(out.op)));
    }
}

}  // namespace

std::string_view to_string(SelectorOperator op) {
    return name_of(kOperators, op);
}

bool SelectorExpression::matches(const Labels& labels) const {
    const auto found = labels.find(key);
    const bool listed =
        found != labels.end() && std::find(values.begin(), values.end(), found->second) != values.end();
    switch (op) {
        case SelectorOperator::In:
            return listed;
        case SelectorOperator::NotIn:
            return !listed;
        case SelectorOperator::Exists:
            return found != labels.end();
        case SelectorOperator::DoesNotExist:
            return found == labels.end();
    }
    return false;
}

bool LabelSelector::matches(const Labels& labels) const {
    const auto has = [&](const auto& wanted) {
        const auto found = labels.find(wanted.first);
        return found != labels.end() && found->second == wanted.second;
    };
    const auto holds = [&](const SelectorExpression& expression) { return expression.matches(labels); };
    return std::all_of(match_labels.begin(), match_labels.end(), has) &&
           std::all_of(match_expressions.begin(), match_expressions.end(), holds);
}

void read_selector(const Field& field, LabelSelector& out) {
    if (!field.object()) return;
    field.optional("matchLabels").labels(out.match_labels);
    field.optional("matchExpressions").items(kMaxSelectorExpressions, [&](const Field& entry) {
        read_expression(entry, out.match_expressions.emplace_back());
    });
}

Json write_selector(const LabelSelector& selector) {
    Json result = Json::object();
    if (!selector.match_labels.empty()) result["matchLabels"] = selector.match_labels;
    for (const auto& expression : selector.match_expressions) {
        Json entry{{"key", expression.key}, {"operator", to_string(expression.op)}};
        if (!expression.values.empty()) entry["values"] = expression.values;
        result["matchExpressions"].push_back(std::move(entry));
    }
    return result;
}

Result<LabelSelector> LabelSelector::decode(std::string_view json) {
    return decode_document<LabelSelector>(json, kMaxResourceBytes, read_selector);
}

std::string LabelSelector::encode() const {
    return dump_canonical(write_selector(*this));
}

}  // namespace harmony::contracts
