// Columns of text.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "host/output/style.hpp"

namespace harmony::host {

class Table {
 public:
    explicit Table(std::vector<std::string> titles) : titles_(std::move(titles)) {}
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    [[nodiscard]] bool empty() const { return rows_.empty(); }
    // Left-aligned, two spaces between columns, no space at the ends of lines. Cells are made printable.
    void print(std::ostream& out, const Style& style) const;

 private:
    std::vector<std::string> titles_;
    std::vector<std::vector<std::string>> rows_;
};

// "45s", "3m", "2h", "5d".
[[nodiscard]] std::string age_text(long seconds);

}  // namespace harmony::host
