#include <sys/eventfd.h>
#include <unistd.h>
#include <harmony/host/cancellation.hpp>

#include <cstdint>

namespace harmony::host {

Cancellation::Cancellation() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Cancellation::~Cancellation() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

void Cancellation::request() noexcept {
    requests_.fetch_add(1);
    const std::uint64_t one = 1;
    // Full or not there: then poll() does not wake at once, and the caller's next look sees the count.
    [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof one);
}

}  // namespace harmony::host
