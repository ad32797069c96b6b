#include "log_file.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace harmony::local {
namespace {

namespace fs = std::filesystem;

constexpr std::streamoff kLongestTail = 256 * 1024;

std::vector<std::string> tail(const fs::path& file, std::size_t count) {
    std::ifstream in(file, std::ios::binary);
    std::vector<std::string> lines;
    if (!in) return lines;
    in.seekg(0, std::ios::end);
    const std::streamoff size = in.tellg();
    const std::streamoff start = std::max<std::streamoff>(0, size - kLongestTail);
    in.seekg(start);
    std::string line;
    if (start > 0) std::getline(in, line);
    while (std::getline(in, line))
        lines.push_back(line);
    if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
    return lines;
}

fs::path numbered(const fs::path& file, int number) {
    return file.string() + "." + std::to_string(number);
}

}  // namespace

Outcome<void> rotate_log(const fs::path& file, std::uintmax_t limit) {
    std::error_code error;
    const auto size = fs::file_size(file, error);
    if (error || size <= limit) return {};
    fs::rename(numbered(file, 1), numbered(file, 2), error);
    fs::copy_file(file, numbered(file, 1), fs::copy_options::overwrite_existing, error);
    if (error) return system_problem("copy the log " + file.string(), error.value());
    fs::resize_file(file, 0, error);
    if (error) return system_problem("empty the log " + file.string(), error.value());
    return {};
}

std::vector<std::string> last_lines(const fs::path& file, std::size_t count) {
    std::vector<std::string> lines = tail(file, count);
    if (lines.size() < count) {
        std::vector<std::string> older = tail(numbered(file, 1), count - lines.size());
        older.insert(older.end(), lines.begin(), lines.end());
        lines = std::move(older);
    }
    return lines;
}

}  // namespace harmony::local
