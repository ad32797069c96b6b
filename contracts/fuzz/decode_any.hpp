// What every decoder owes, whatever the bytes: an answer; and what it accepts, it can write and read again.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "harmony/result.hpp"

namespace harmony::contracts::fuzzing {

template <class Document>
void decode_one(std::string_view bytes) {
    const auto first = Document::decode(bytes);
    if (!first) return;
    const auto encoded = first->encode();
    const auto second = Document::decode(encoded);
    if (second && second->encode() == encoded) return;
    std::fprintf(stderr, "accepted but not stable: %s\n", encoded.c_str());
    std::abort();
}

template <class... Documents>
void decode_any(std::string_view bytes) {
    (decode_one<Documents>(bytes), ...);
}

}  // namespace harmony::contracts::fuzzing
