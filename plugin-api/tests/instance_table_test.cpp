#include "instance_table.hpp"

#include <catch2/catch.hpp>
#include <set>

using harmony::plugin::Call;
using harmony::plugin::Json;
using harmony::plugin::Result;
using harmony::plugin::detail::Instance;
using harmony::plugin::detail::InstanceTable;

namespace {

class Nothing final : public Instance {
 public:
    Result<Json> invoke(std::string_view, const Json&, Call&) override { return Json(); }
};

}  // namespace

TEST_CASE("a destroyed instance's handle never names its successor") {
    InstanceTable table;
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 100; ++i) {
        const auto handle = table.add(std::make_shared<Nothing>());
        CHECK(handle != 0);
        CHECK(seen.insert(handle).second);
        CHECK(table.find(handle) != nullptr);
        CHECK(table.remove(handle));
        CHECK(table.find(handle) == nullptr);
        CHECK_FALSE(table.remove(handle));
    }
}

TEST_CASE("handles that were never given out name nothing") {
    InstanceTable table;
    const auto handle = table.add(std::make_shared<Nothing>());
    for (std::uint64_t wrong :
         {std::uint64_t{0}, handle + 1, handle ^ (std::uint64_t{1} << 32), ~std::uint64_t{0}}) {
        CHECK(table.find(wrong) == nullptr);
        CHECK_FALSE(table.remove(wrong));
    }
    CHECK(table.find(handle) != nullptr);
}
