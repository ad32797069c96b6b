// What the tests start as a runner. With HARMONY_TEST_RUNNER set it breaks the protocol instead.
#include <harmony/host/runner_main.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

int main(int argc, char** argv) {
    const char* mode = std::getenv("HARMONY_TEST_RUNNER");
    if (mode == nullptr) return harmony::host::runner_main(argc, argv);
    const std::string_view broken = mode;
    std::string frame;
    if (broken == "nonce") {
        const std::string body = R"({"type":"ready","nonce":"guessed","level":1})";
        frame = std::string{static_cast<char>(body.size()), 0, 0, 0} + body;
    } else if (broken == "huge") {
        frame = "\xff\xff\xff\x7f";
    } else if (broken == "garbage") {
        frame = std::string{5, 0, 0, 0} + "hello";
    } else {
        ::pause();
    }
    (void)!::write(3, frame.data(), frame.size());
    ::pause();
}
