#include "catalog_index.hpp"

namespace harmony::host {
namespace {

// Changes with the format, and with what makes a manifest valid on this machine.
std::string signature() {
    const auto& support = HostSupport::current();
    return "harmony-index-1 " + std::to_string(support.generation) + " " + std::to_string(support.level_min) +
           " " + std::to_string(support.level_max) + " " + support.glibc + " " + support.target;
}

// FNV-1a: against damage, not against attackers, who could write the folder of the index anyway.
std::uint64_t checksum(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char byte : bytes)
        hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
    return hash;
}

class Writer {
 public:
    std::string bytes;
    void number(std::uint64_t value) {
        for (unsigned shift = 0; shift < 64; shift += 8)
            bytes += static_cast<char>((value >> shift) & 0xFF);
    }
    void text(std::string_view value) {
        number(value.size());
        bytes += value;
    }
};

class Reader {
 public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::size_t position() const { return position_; }

    std::uint64_t number() {
        if (!ok_ || bytes_.size() - position_ < 8) return fail();
        std::uint64_t value = 0;
        for (unsigned i = 0; i < 8; ++i) {
            value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes_[position_++])) << (8 * i);
        }
        return value;
    }
    std::string_view text() {
        const auto length = number();
        if (!ok_ || length > bytes_.size() - position_) return fail(), std::string_view();
        const auto value = bytes_.substr(position_, length);
        position_ += length;
        return value;
    }
    // A count of items that take at least 8 bytes each.
    std::uint64_t count() {
        const auto value = number();
        return value <= (bytes_.size() - position_) / 8 ? value : fail();
    }

 private:
    std::uint64_t fail() {
        ok_ = false;
        return 0;
    }
    std::string_view bytes_;
    std::size_t position_ = 0;
    bool ok_ = true;
};

void write_list(Writer& writer, const std::vector<Contribution>& list) {
    writer.number(list.size());
    for (const auto& item : list) {
        writer.text(item.name);
        writer.text(item.summary);
    }
}

std::vector<Contribution> read_list(Reader& reader) {
    std::vector<Contribution> list(reader.count());
    for (auto& item : list)
        item = {std::string(reader.text()), std::string(reader.text())};
    return list;
}

std::string write_summary(const PluginSummary& plugin) {
    Writer writer;
    writer.text(plugin.id);
    writer.text(plugin.version);
    writer.text(plugin.summary);
    write_list(writer, plugin.scores);
    write_list(writer, plugin.topologies);
    write_list(writer, plugin.scenarios);
    writer.number(plugin.commands.size());
    for (const auto& command : plugin.commands) {
        writer.number(command.path.size());
        for (const auto& word : command.path)
            writer.text(word);
        writer.text(command.summary);
    }
    return std::move(writer.bytes);
}

std::optional<PluginSummary> read_summary(std::string_view bytes) {
    Reader reader(bytes);
    PluginSummary plugin;
    plugin.id = reader.text();
    plugin.version = reader.text();
    plugin.summary = reader.text();
    plugin.scores = read_list(reader);
    plugin.topologies = read_list(reader);
    plugin.scenarios = read_list(reader);
    plugin.commands.resize(reader.count());
    for (auto& command : plugin.commands) {
        command.path.resize(reader.count());
        for (auto& word : command.path)
            word = reader.text();
        command.summary = reader.text();
    }
    if (!reader.ok()) return std::nullopt;
    return plugin;
}

}  // namespace

CatalogIndex CatalogIndex::parse(std::string bytes) {
    CatalogIndex index;
    index.bytes_ = std::move(bytes);
    Reader reader(index.bytes_);
    const bool ours = reader.text() == signature();
    const auto sum = reader.number();
    if (!ours || !reader.ok() || sum != checksum(std::string_view(index.bytes_).substr(reader.position())))
        return index;
    const auto count = reader.count();
    for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
        FileKey key{reader.number(), reader.number(), reader.number(), reader.number(), reader.number()};
        const auto record = reader.text();
        if (reader.ok()) index.records_[key] = {reader.position() - record.size(), record.size()};
    }
    if (!reader.ok()) index.records_.clear();
    return index;
}

std::optional<PluginSummary> CatalogIndex::find(const FileKey& key) const {
    const auto found = records_.find(key);
    if (found == records_.end()) return std::nullopt;
    return read_summary(std::string_view(bytes_).substr(found->second.offset, found->second.length));
}

std::string CatalogIndex::format(const std::map<FileKey, PluginSummary>& plugins) {
    Writer body;
    body.number(plugins.size());
    for (const auto& [key, plugin] : plugins) {
        for (const auto value : {key.device, key.inode, key.size, key.mtime_ns, key.ctime_ns})
            body.number(value);
        body.text(write_summary(plugin));
    }
    Writer file;
    file.text(signature());
    file.number(checksum(body.bytes));
    return file.bytes + body.bytes;
}

}  // namespace harmony::host
