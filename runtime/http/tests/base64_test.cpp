#include "harmony/http/base64.hpp"

#include <catch2/catch.hpp>

using namespace harmony::runtime::http;

TEST_CASE("base64 is written with padding, in either alphabet") {
    CHECK(encode_base64("").empty());
    CHECK(encode_base64("f") == "Zg==");
    CHECK(encode_base64("fo") == "Zm8=");
    CHECK(encode_base64("foobar") == "Zm9vYmFy");
    CHECK(encode_base64("\xff\xef") == "/+8=");
    CHECK(encode_base64_url("\xff\xef") == "_-8=");
}

TEST_CASE("base64 is read in both alphabets and refused when it is none") {
    CHECK(decode_base64("aGVsbG8=").value() == "hello");
    CHECK(decode_base64("aGVs\n bG8").value() == "hello");
    CHECK(decode_base64("_-8").value() == "\xff\xef");
    CHECK(decode_base64("").value().empty());
    for (const char* none : {"a", "a=bc", "a*bc", "Z==="})
        CHECK_FALSE(decode_base64(none));
    for (const char* text : {"", "a", "ab", "abc", "abcd"})
        CHECK(decode_base64(encode_base64(text)) == text);
}
