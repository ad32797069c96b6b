// RAND_set_rand_method is deprecated in favour of a provider of one's own, which would load what this avoids.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "kernel_randomness.hpp"

#include <openssl/rand.h>
#include <sys/random.h>

#include <cerrno>

namespace harmony::agent {
namespace {

int fill(unsigned char* buffer, int size) {
    for (int filled = 0; filled < size;) {
        const ssize_t got = getrandom(buffer + filled, static_cast<std::size_t>(size - filled), 0);
        if (got > 0) {
            filled += static_cast<int>(got);
        } else if (errno != EINTR) {
            return 0;
        }
    }
    return 1;
}

int ready() {
    return 1;
}

}  // namespace

void draw_randomness_from_kernel() {
    static constexpr RAND_METHOD kKernel{nullptr, fill, nullptr, nullptr, fill, ready};
    (void)RAND_set_rand_method(&kKernel);
}

}  // namespace harmony::agent
