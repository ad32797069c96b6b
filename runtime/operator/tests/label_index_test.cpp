#include "harmony/operator/label_index.hpp"

#include <catch2/catch.hpp>

namespace {

using harmony::contracts::LabelSelector;
using harmony::contracts::SelectorExpression;
using harmony::contracts::SelectorOperator;
using harmony::op::Bitmap;
using harmony::op::LabelIndex;

LabelSelector expression(SelectorOperator op, std::vector<std::string> values = {}) {
    LabelSelector selector;
    selector.match_expressions.push_back({"site", op, std::move(values)});
    return selector;
}

}  // namespace

TEST_CASE("a selector answered from bitmaps agrees with the selector applied to each device") {
    LabelIndex index;
    const std::vector<harmony::contracts::Labels> fleet = {
        {}, {{"site", "a"}}, {{"site", "b"}}, {{"site", "c"}, {"arch", "arm"}}, {{"arch", "arm"}}};
    Bitmap everyone;
    std::vector<std::vector<harmony::op::LabelId>> ids;
    for (std::uint32_t slot = 0; slot < fleet.size(); ++slot) {
        ids.push_back(index.add_device(slot, fleet[slot]));
        everyone.add(slot);
    }
    LabelSelector both = expression(SelectorOperator::NotIn, {"a", "b"});
    both.match_labels = {{"arch", "arm"}};
    for (const LabelSelector& selector :
         {LabelSelector{}, expression(SelectorOperator::In, {"a", "c"}),
          expression(SelectorOperator::NotIn, {"a"}), expression(SelectorOperator::Exists),
          expression(SelectorOperator::DoesNotExist), both}) {
        const auto compiled = index.compile(selector);
        const Bitmap found = index.evaluate(compiled, everyone);
        for (std::uint32_t slot = 0; slot < fleet.size(); ++slot) {
            INFO(selector.encode() << " on device " << slot);
            CHECK(found.contains(slot) == selector.matches(fleet[slot]));
            CHECK(index.matches(compiled, ids[slot]) == selector.matches(fleet[slot]));
        }
        index.release(compiled);
    }
}

TEST_CASE(
    "only selectors filed under a device's labels are candidates, and those that need no label always are") {
    LabelIndex index;
    const auto a = index.compile(expression(SelectorOperator::In, {"a"}));
    const auto b = index.compile(expression(SelectorOperator::In, {"b"}));
    const auto any = index.compile(expression(SelectorOperator::Exists));
    const auto none = index.compile(expression(SelectorOperator::DoesNotExist));
    index.file(0, a);
    index.file(1, b);
    index.file(2, any);
    index.file(3, none);
    const auto labels = index.add_device(7, {{"site", "a"}});
    std::vector<harmony::op::DeploymentSlot> found;
    index.candidates(labels, found);
    CHECK(found == std::vector<harmony::op::DeploymentSlot>{0, 2, 3});
    index.unfile(2, any);
    index.unfile(3, none);
    index.candidates(labels, found);
    CHECK(found == std::vector<harmony::op::DeploymentSlot>{0});
}

TEST_CASE("labels that nobody carries or asks for any more are forgotten") {
    LabelIndex index;
    for (int round = 0; round < 100; ++round) {
        const auto labels = index.add_device(1, {{"boot", std::to_string(round)}});
        const auto selector = index.compile(expression(SelectorOperator::In, {std::to_string(round)}));
        index.file(0, selector);
        index.unfile(0, selector);
        index.release(selector);
        index.remove_device(1, labels);
    }
    CHECK(index.label_count() == 0);
}
