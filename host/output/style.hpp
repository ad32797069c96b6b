// Colour where a terminal shows it, nothing where it does not.
#pragma once

#include <string>
#include <string_view>

#include "host/config/environment.hpp"

namespace harmony::host {

class Style {
 public:
    Style() = default;
    // Off when NO_COLOR is set, TERM is "dumb" or the stream is no terminal.
    Style(const Environment& environment, bool terminal)
        : on_(terminal && !environment.get("NO_COLOR") &&
              environment.get("TERM").value_or("dumb") != "dumb") {}

    [[nodiscard]] bool on() const { return on_; }
    [[nodiscard]] std::string bold(std::string_view text) const { return wrap("1", text); }
    [[nodiscard]] std::string dim(std::string_view text) const { return wrap("2", text); }
    [[nodiscard]] std::string red(std::string_view text) const { return wrap("31", text); }
    [[nodiscard]] std::string green(std::string_view text) const { return wrap("32", text); }
    [[nodiscard]] std::string yellow(std::string_view text) const { return wrap("33", text); }

 private:
    [[nodiscard]] std::string wrap(std::string_view code, std::string_view text) const {
        if (!on_) return std::string(text);
        return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
    }

    bool on_ = false;
};

// Control characters of foreign text replaced, so that it cannot steer the terminal. Newlines stay.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace harmony::host
