// Where a command reads and writes. stdout carries data, stderr carries talk.
#pragma once

#include <iosfwd>

namespace harmony::host {

// Borrows its streams; they outlive every command. Used by one thread.
struct Streams {
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
    bool in_terminal = false;
    bool out_terminal = false;
    bool err_terminal = false;
};

}  // namespace harmony::host
