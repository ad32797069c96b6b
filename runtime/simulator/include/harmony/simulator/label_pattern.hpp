// One label of the simulated devices, as a user writes it: alternatives with weights.
//
//   "lab"                 every device
//   "s{0..99}"            s0 to s99, equally often
//   "gold*1,silver*9"     one in ten is gold
//   "unit-{n}"            the device's own number
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/result.hpp"

namespace harmony::simulator {

class LabelPattern {
 public:
    // InvalidInput; also where a value that it can produce is no label value.
    [[nodiscard]] static Result<LabelPattern> parse(std::string_view text);

    // Decided by the drawn number alone, but for "{n}".
    [[nodiscard]] std::string value(std::uint64_t drawn, std::uint32_t device) const;

 private:
    struct Alternative {
        std::string before;
        std::string after;
        std::uint64_t first = 0;
        std::uint64_t count = 0;  // of the range; 0: no braces
        bool device_number = false;
        std::uint64_t weight = 1;
    };
    [[nodiscard]] static Result<Alternative> parse_alternative(std::string_view text);

    std::vector<Alternative> alternatives_;
    std::uint64_t total_weight_ = 0;
};

}  // namespace harmony::simulator
