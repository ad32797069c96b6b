// Who carries which label: the inverted index that selectors are answered from.
//
// Keys and values are interned, each label has the bitmap of the devices that carry it. Two questions have to
// be cheap: which devices match a selector (bitmap algebra, whatever the size of the fleet), and which
// deployments may match one device (each selector is filed under one label or key that it needs, its anchor,
// so that only the selectors filed under the device's own labels are looked at).
//
// Not thread-safe: part of the reducer's state.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <roaring/roaring.hh>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "harmony/contracts/label_selector.hpp"
#include "harmony/contracts/labels.hpp"

namespace harmony::op {

using DeviceSlot = std::uint32_t;
using DeploymentSlot = std::uint32_t;
using LabelId = std::uint32_t;
using Bitmap = ::Roaring;

struct Conjunct {
    contracts::SelectorOperator op = contracts::SelectorOperator::Exists;
    std::uint32_t key = 0;
    std::vector<LabelId> values;  // sorted, each once
};

// A selector in interned form. Holds references into the index until release().
struct CompiledSelector {
    std::vector<Conjunct> conjuncts;  // all must hold; none: every device
};

class LabelIndex {
 public:
    // Enters the device; the result is its labels in interned form, sorted.
    [[nodiscard]] std::vector<LabelId> add_device(DeviceSlot device, const contracts::Labels& labels);
    void remove_device(DeviceSlot device, const std::vector<LabelId>& labels);
    [[nodiscard]] contracts::Labels labels(const std::vector<LabelId>& ids) const;

    [[nodiscard]] CompiledSelector compile(const contracts::LabelSelector& selector);
    void release(const CompiledSelector& selector);

    // `everyone`: the devices entered; label bitmaps are part of it.
    [[nodiscard]] Bitmap evaluate(const CompiledSelector& selector, const Bitmap& everyone) const;
    [[nodiscard]] bool matches(const CompiledSelector& selector, const std::vector<LabelId>& labels) const;

    // Files a deployment under the anchor of its selector, and takes it out again. The selector must be the
    // same and unreleased in both calls.
    void file(DeploymentSlot deployment, const CompiledSelector& selector);
    void unfile(DeploymentSlot deployment, const CompiledSelector& selector);
    // Every deployment that can match a device with these labels, each once, sorted; some of them won't.
    void candidates(const std::vector<LabelId>& labels, std::vector<DeploymentSlot>& out) const;

    [[nodiscard]] std::size_t label_count() const { return labels_.size() - free_labels_.size(); }

 private:
    struct TextHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    template <class T>
    using ByText = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

    struct Label {
        std::uint32_t key = 0;
        std::uint32_t references = 0;
        std::string value;
        Bitmap devices;
        std::vector<DeploymentSlot> filed;
    };
    struct Key {
        std::uint32_t references = 0;  // its labels, and conjuncts
        std::string name;
        Bitmap devices;
        ByText<LabelId> values;
        std::vector<DeploymentSlot> filed;
    };

    [[nodiscard]] std::uint32_t take_key(std::string_view name);
    void drop_key(std::uint32_t key);
    [[nodiscard]] LabelId take_label(std::uint32_t key, std::string_view value);
    void drop_label(LabelId label);
    // The conjunct to file under: the one whose lists are shortest; null where none names something to have.
    [[nodiscard]] const Conjunct* anchor(const CompiledSelector& selector) const;
    [[nodiscard]] std::size_t filed_under(const Conjunct& conjunct) const;
    [[nodiscard]] Bitmap with_value(const Conjunct& conjunct) const;
    [[nodiscard]] bool holds(const Conjunct& conjunct, const std::vector<LabelId>& labels) const;

    std::deque<Key> keys_;
    std::vector<std::uint32_t> free_keys_;
    ByText<std::uint32_t> key_ids_;
    std::deque<Label> labels_;
    std::vector<LabelId> free_labels_;
    std::vector<DeploymentSlot> unanchored_;
    std::unordered_map<DeploymentSlot, std::uint32_t> anchors_;  // which conjunct each is filed under
};

}  // namespace harmony::op
