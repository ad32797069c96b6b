// Turns what a plugin wrote to its standard streams into log lines.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace harmony::host {

class LineSplitter {
 public:
    using Emit = std::function<void(std::string_view line)>;

    // Longer lines are cut into pieces of this size.
    static constexpr std::size_t kMaxLine = 4096;

    void feed(std::string_view bytes, const Emit& emit);
    // What is left without a newline.
    void finish(const Emit& emit);

 private:
    std::string line_;
};

}  // namespace harmony::host
