// The index: summaries of plugins that were valid, found again by what identifies a file's content.
// Binary, checksummed, private to one machine and one build; a damaged one counts as empty.
#pragma once

#include <compare>
#include <cstdint>
#include <harmony/host/catalog.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace harmony::host {

struct FileKey {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::uint64_t mtime_ns = 0;
    std::uint64_t ctime_ns = 0;
    auto operator<=>(const FileKey&) const = default;
};

class CatalogIndex {
 public:
    // Never fails: what can't be read is not in it.
    [[nodiscard]] static CatalogIndex parse(std::string bytes);

    [[nodiscard]] std::optional<PluginSummary> find(const FileKey& key) const;
    [[nodiscard]] std::size_t size() const { return records_.size(); }

    // Bytes that parse() reads back.
    [[nodiscard]] static std::string format(const std::map<FileKey, PluginSummary>& plugins);

 private:
    std::string bytes_;
    struct Span {
        std::size_t offset;
        std::size_t length;
    };
    std::map<FileKey, Span> records_;
};

}  // namespace harmony::host
