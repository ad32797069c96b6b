#include "secret_files.hpp"

#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "durable_file.hpp"

namespace harmony::local {
namespace {

namespace fs = std::filesystem;

// No word can end like this, so a secret "a" and a folder for "a/b" never meet.
constexpr std::string_view kSuffix = ".secret";
constexpr std::size_t kLongestValue = 1u << 20;
constexpr std::size_t kLongestName = 200;
constexpr int kFewestBytes = 16;
constexpr int kMostBytes = 1024;

bool is_word(std::string_view word) {
    return !word.empty() &&
           word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

bool is_name(std::string_view name) {
    if (name.size() > kLongestName) return false;
    for (;;) {
        const auto slash = name.find('/');
        if (!is_word(name.substr(0, slash))) return false;
        if (slash == std::string_view::npos) return true;
        name.remove_prefix(slash + 1);
    }
}

std::string base64url(std::string_view bytes) {
    static constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    unsigned bits = 0;
    int count = 0;
    for (const char byte : bytes) {
        bits = bits << 8 | static_cast<unsigned char>(byte);
        for (count += 8; count >= 6; count -= 6)
            text += kAlphabet[bits >> (count - 6) & 63];
    }
    if (count > 0) text += kAlphabet[bits << (6 - count) & 63];
    return text;
}

Outcome<std::string> random_bytes(int count) {
    std::string bytes(static_cast<std::size_t>(count), '\0');
    for (std::size_t filled = 0; filled < bytes.size();) {
        const ssize_t got = ::getrandom(bytes.data() + filled, bytes.size() - filled, 0);
        if (got < 0 && errno != EINTR) return system_problem("get random bytes", errno);
        if (got > 0) filled += static_cast<std::size_t>(got);
    }
    return bytes;
}

}  // namespace

Outcome<fs::path> SecretFiles::file_of(const std::string& name) const {
    if (!is_name(name)) {
        return invalid(
            "secret-store.invalid-name", "name",
            "a secret's name is words of lowercase letters, digits and - with / between them; found \"" +
                name.substr(0, kLongestName) + "\"");
    }
    return folder_ / (name + std::string(kSuffix));
}

Outcome<std::string> SecretFiles::get(const std::string& name) const {
    auto file = file_of(name);
    if (!file) return pass_on(file.error());
    auto content = read_file(*file, kLongestValue);
    if (!content) return pass_on(content.error());
    if (!*content) return problem("secret-store.not-found", "there is no secret named " + name);
    struct stat status {};
    if (::stat(file->c_str(), &status) == 0 && (status.st_mode & 077) != 0) {
        return problem("secret-store.readable-by-others", file->string() + " can be read by other users",
                       "replace the secret, then run chmod 600 on the file");
    }
    return std::move(**content);
}

Outcome<std::vector<std::string>> SecretFiles::list(const std::string& prefix) const {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::recursive_directory_iterator entry(folder_, error), end; !error && entry != end;
         entry.increment(error)) {
        if (entry->path().extension() != kSuffix) continue;
        std::string name = entry->path().lexically_relative(folder_).string();
        name.resize(name.size() - kSuffix.size());
        if (is_name(name) && name.compare(0, prefix.size(), prefix) == 0) names.push_back(std::move(name));
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        return system_problem("list " + folder_.string(), error.value());
    }
    std::sort(names.begin(), names.end());
    return names;
}

Outcome<SecretFiles::Ensured> SecretFiles::ensure(const std::string& name, int bytes) {
    auto file = file_of(name);
    if (!file) return pass_on(file.error());
    if (bytes < kFewestBytes || bytes > kMostBytes) {
        return invalid("secret-store.invalid-size", "bytes",
                       "a generated secret has 16 to 1024 random bytes; asked for " + std::to_string(bytes));
    }
    if (auto made = make_private_folders(file->parent_path()); !made) return pass_on(made.error());
    auto random = random_bytes(bytes);
    if (!random) return pass_on(random.error());
    const std::string value = base64url(*random);
    auto created = create_file(*file, value, 0600);
    if (!created) return pass_on(created.error());
    if (*created) return Ensured{value, true};
    auto present = get(name);
    if (!present) return pass_on(present.error());
    return Ensured{std::move(*present), false};
}

Outcome<void> SecretFiles::put(const std::string& name, const std::string& value) {
    auto file = file_of(name);
    if (!file) return pass_on(file.error());
    if (value.size() > kLongestValue) {
        return invalid("secret-store.invalid-size", "value", "a secret has at most 1 MiB");
    }
    if (auto made = make_private_folders(file->parent_path()); !made) return made;
    return write_file(*file, value, 0600, Durability::OnDisk);
}

Outcome<bool> SecretFiles::remove(const std::string& name) {
    auto file = file_of(name);
    if (!file) return pass_on(file.error());
    std::error_code error;
    const bool removed = fs::remove(*file, error);
    if (error) return system_problem("remove " + file->string(), error.value());
    // Folders that are empty now go too, the store's own included; a folder in use refuses.
    for (fs::path folder = file->parent_path(); removed && !error; folder = folder.parent_path()) {
        if (!fs::remove(folder, error) || folder == folder_) break;
    }
    return removed;
}

}  // namespace harmony::local
