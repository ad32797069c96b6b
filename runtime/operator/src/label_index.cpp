#include "harmony/operator/label_index.hpp"

#include <algorithm>

namespace harmony::op {

using contracts::SelectorOperator;

namespace {

bool names_something_to_have(const Conjunct& conjunct) {
    return conjunct.op == SelectorOperator::In || conjunct.op == SelectorOperator::Exists;
}

void erase_value(std::vector<DeploymentSlot>& list, DeploymentSlot value) {
    const auto found = std::find(list.begin(), list.end(), value);
    if (found == list.end()) return;
    *found = list.back();
    list.pop_back();
}

}  // namespace

std::uint32_t LabelIndex::take_key(std::string_view name) {
    if (const auto found = key_ids_.find(name); found != key_ids_.end()) {
        ++keys_[found->second].references;
        return found->second;
    }
    std::uint32_t id = 0;
    if (free_keys_.empty()) {
        id = static_cast<std::uint32_t>(keys_.size());
        keys_.emplace_back();
    } else {
        id = free_keys_.back();
        free_keys_.pop_back();
    }
    keys_[id].name = name;
    keys_[id].references = 1;
    key_ids_.emplace(name, id);
    return id;
}

void LabelIndex::drop_key(std::uint32_t key) {
    if (--keys_[key].references > 0) return;
    key_ids_.erase(keys_[key].name);
    keys_[key] = Key{};
    free_keys_.push_back(key);
}

LabelId LabelIndex::take_label(std::uint32_t key, std::string_view value) {
    if (const auto found = keys_[key].values.find(value); found != keys_[key].values.end()) {
        ++labels_[found->second].references;
        return found->second;
    }
    LabelId id = 0;
    if (free_labels_.empty()) {
        id = static_cast<LabelId>(labels_.size());
        labels_.emplace_back();
    } else {
        id = free_labels_.back();
        free_labels_.pop_back();
    }
    Label& label = labels_[id];
    label.key = key;
    label.value = value;
    label.references = 1;
    ++keys_[key].references;
    keys_[key].values.emplace(value, id);
    return id;
}

void LabelIndex::drop_label(LabelId id) {
    Label& label = labels_[id];
    if (--label.references > 0) return;
    const std::uint32_t key = label.key;
    keys_[key].values.erase(label.value);
    label = Label{};
    free_labels_.push_back(id);
    drop_key(key);
}

std::vector<LabelId> LabelIndex::add_device(DeviceSlot device, const contracts::Labels& labels) {
    std::vector<LabelId> ids;
    ids.reserve(labels.size());
    for (const auto& [name, value] : labels) {
        const std::uint32_t key = take_key(name);
        const LabelId id = take_label(key, value);
        drop_key(key);  // the label holds the key now
        labels_[id].devices.add(device);
        keys_[key].devices.add(device);
        ids.push_back(id);
    }
    std::sort(ids.begin(), ids.end());
    return ids;
}

void LabelIndex::remove_device(DeviceSlot device, const std::vector<LabelId>& labels) {
    for (const LabelId id : labels) {
        labels_[id].devices.remove(device);
        keys_[labels_[id].key].devices.remove(device);
        drop_label(id);
    }
}

contracts::Labels LabelIndex::labels(const std::vector<LabelId>& ids) const {
    contracts::Labels result;
    for (const LabelId id : ids)
        result.emplace(keys_[labels_[id].key].name, labels_[id].value);
    return result;
}

CompiledSelector LabelIndex::compile(const contracts::LabelSelector& selector) {
    CompiledSelector compiled;
    for (const auto& [name, value] : selector.match_labels) {
        const std::uint32_t key = take_key(name);
        compiled.conjuncts.push_back({SelectorOperator::In, key, {take_label(key, value)}});
    }
    for (const contracts::SelectorExpression& expression : selector.match_expressions) {
        Conjunct conjunct{expression.op, take_key(expression.key), {}};
        std::vector<std::string> values = expression.values;
        std::sort(values.begin(), values.end());
        values.erase(std::unique(values.begin(), values.end()), values.end());
        for (const std::string& value : values)
            conjunct.values.push_back(take_label(conjunct.key, value));
        std::sort(conjunct.values.begin(), conjunct.values.end());
        compiled.conjuncts.push_back(std::move(conjunct));
    }
    return compiled;
}

void LabelIndex::release(const CompiledSelector& selector) {
    for (const Conjunct& conjunct : selector.conjuncts) {
        for (const LabelId label : conjunct.values)
            drop_label(label);
        drop_key(conjunct.key);
    }
}

// What must be there comes first and the rarest before all, so that the work follows the labels named and not
// the size of the fleet.
Bitmap LabelIndex::evaluate(const CompiledSelector& selector, const Bitmap& everyone) const {
    std::deque<Bitmap> unions;
    std::vector<const Bitmap*> needed;
    for (const Conjunct& conjunct : selector.conjuncts) {
        if (conjunct.op == SelectorOperator::Exists) {
            needed.push_back(&keys_[conjunct.key].devices);
        } else if (conjunct.op == SelectorOperator::In && conjunct.values.size() == 1) {
            needed.push_back(&labels_[conjunct.values.front()].devices);
        } else if (conjunct.op == SelectorOperator::In) {
            needed.push_back(&unions.emplace_back(with_value(conjunct)));
        }
    }
    std::sort(needed.begin(), needed.end(), [](const Bitmap* left, const Bitmap* right) {
        return left->cardinality() < right->cardinality();
    });
    Bitmap result = needed.empty() ? everyone : *needed.front();
    for (std::size_t next = 1; next < needed.size(); ++next)
        result &= *needed[next];
    for (const Conjunct& conjunct : selector.conjuncts) {
        if (conjunct.op == SelectorOperator::NotIn) result -= with_value(conjunct);
        if (conjunct.op == SelectorOperator::DoesNotExist) result -= keys_[conjunct.key].devices;
    }
    return result;
}

Bitmap LabelIndex::with_value(const Conjunct& conjunct) const {
    Bitmap result;
    for (const LabelId label : conjunct.values)
        result |= labels_[label].devices;
    return result;
}

bool LabelIndex::holds(const Conjunct& conjunct, const std::vector<LabelId>& labels) const {
    const bool has_value = std::any_of(labels.begin(), labels.end(), [&](LabelId label) {
        return std::binary_search(conjunct.values.begin(), conjunct.values.end(), label);
    });
    const bool has_key = std::any_of(labels.begin(), labels.end(),
                                     [&](LabelId label) { return labels_[label].key == conjunct.key; });
    switch (conjunct.op) {
        case SelectorOperator::In:
            return has_value;
        case SelectorOperator::NotIn:
            return !has_value;
        case SelectorOperator::Exists:
            return has_key;
        case SelectorOperator::DoesNotExist:
            return !has_key;
    }
    return false;
}

bool LabelIndex::matches(const CompiledSelector& selector, const std::vector<LabelId>& labels) const {
    return std::all_of(selector.conjuncts.begin(), selector.conjuncts.end(),
                       [&](const Conjunct& conjunct) { return holds(conjunct, labels); });
}

std::size_t LabelIndex::filed_under(const Conjunct& conjunct) const {
    if (conjunct.op == SelectorOperator::Exists) return keys_[conjunct.key].filed.size();
    std::size_t longest = 0;
    for (const LabelId label : conjunct.values)
        longest = std::max(longest, labels_[label].filed.size());
    return longest;
}

const Conjunct* LabelIndex::anchor(const CompiledSelector& selector) const {
    const Conjunct* best = nullptr;
    for (const Conjunct& conjunct : selector.conjuncts) {
        if (!names_something_to_have(conjunct)) continue;
        if (best == nullptr || filed_under(conjunct) < filed_under(*best)) best = &conjunct;
    }
    return best;
}

void LabelIndex::file(DeploymentSlot deployment, const CompiledSelector& selector) {
    const Conjunct* chosen = anchor(selector);
    if (chosen == nullptr) {
        unanchored_.push_back(deployment);
        return;
    }
    anchors_[deployment] = static_cast<std::uint32_t>(chosen - selector.conjuncts.data());
    if (chosen->op == SelectorOperator::Exists) keys_[chosen->key].filed.push_back(deployment);
    for (const LabelId label : chosen->values)
        labels_[label].filed.push_back(deployment);
}

void LabelIndex::unfile(DeploymentSlot deployment, const CompiledSelector& selector) {
    const auto anchored = anchors_.find(deployment);
    if (anchored == anchors_.end()) {
        erase_value(unanchored_, deployment);
        return;
    }
    const Conjunct& chosen = selector.conjuncts[anchored->second];
    if (chosen.op == SelectorOperator::Exists) erase_value(keys_[chosen.key].filed, deployment);
    for (const LabelId label : chosen.values)
        erase_value(labels_[label].filed, deployment);
    anchors_.erase(anchored);
}

void LabelIndex::candidates(const std::vector<LabelId>& labels, std::vector<DeploymentSlot>& out) const {
    out = unanchored_;
    for (const LabelId id : labels) {
        const Label& label = labels_[id];
        out.insert(out.end(), label.filed.begin(), label.filed.end());
        const std::vector<DeploymentSlot>& by_key = keys_[label.key].filed;
        out.insert(out.end(), by_key.begin(), by_key.end());
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
}

}  // namespace harmony::op
