// The simulated store does what the real ones do, by the same cases.
#include "store.hpp"

#include <catch2/catch.hpp>

#include "resource_store_behaviour.hpp"

namespace harmony::simulation {

TEST_CASE("the simulation's store behaves as every resource store") {
    for (const op::testing::StoreCase& one : op::testing::resource_store_cases()) {
        DYNAMIC_SECTION(one.name) {
            StoreFile file;
            one.run([&] { return file.open(nullptr, nullptr, nullptr, nullptr); });
        }
    }
}

}  // namespace harmony::simulation
