#include "host/output/table.hpp"

#include <algorithm>
#include <ostream>

namespace harmony::host {
namespace {

std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string cell_text(const std::string& text) {
    std::string result = printable(text);
    std::ranges::replace(result, '\n', ' ');
    return result;
}

}  // namespace

void Table::print(std::ostream& out, const Style& style) const {
    std::vector<std::size_t> widths;
    for (const auto& title : titles_)
        widths.push_back(width_of(title));
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i)
            widths[i] = std::max(widths[i], width_of(cell_text(row[i])));
    }
    auto line = [&](const std::vector<std::string>& cells, bool heading) {
        std::string text;
        std::size_t owed = 0;
        for (std::size_t i = 0; i < cells.size() && i < widths.size(); ++i) {
            const std::string cell = cell_text(cells[i]);
            if (!cell.empty()) {
                text.append(owed, ' ');
                text += heading ? style.bold(cell) : cell;
                owed = 0;
            }
            owed += widths[i] - width_of(cell) + 2;
        }
        out << text << "\n";
    };
    line(titles_, true);
    for (const auto& row : rows_)
        line(row, false);
}

std::string age_text(long seconds) {
    seconds = std::max(0L, seconds);
    if (seconds < 60) return std::to_string(seconds) + "s";
    if (seconds < 3600) return std::to_string(seconds / 60) + "m";
    if (seconds < 48L * 3600) return std::to_string(seconds / 3600) + "h";
    return std::to_string(seconds / 86400) + "d";
}

}  // namespace harmony::host
