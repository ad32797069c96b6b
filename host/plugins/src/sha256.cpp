// The plain SHA-256 functions, not EVP: EVP pulls in every provider, 3.8 MB and 0.8 ms of each process start,
// and this library is in the path of `harmony --version` and of every runner.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <harmony/host/plugin_file.hpp>
#include <vector>

namespace harmony::host {
namespace {

std::string finish(SHA256_CTX& context) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256_Final(digest, &context);
    static constexpr char kHex[] = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : digest) {
        text += kHex[byte >> 4];
        text += kHex[byte & 15];
    }
    return text;
}

}  // namespace

Result<std::string> sha256_of(int fd) {
    constexpr std::size_t kBlock = 256 * 1024;
    std::vector<unsigned char> block(kBlock);
    SHA256_CTX context;
    SHA256_Init(&context);
    off_t offset = 0;
    for (;;) {
        const ssize_t got = ::pread(fd, block.data(), block.size(), offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return refuse("plugin.io", std::string("The file can't be read: ") + std::strerror(errno));
        if (got == 0) break;
        SHA256_Update(&context, block.data(), static_cast<std::size_t>(got));
        offset += got;
    }
    return finish(context);
}

std::string sha256_of_text(std::string_view text) {
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, text.data(), text.size());
    return finish(context);
}

}  // namespace harmony::host
