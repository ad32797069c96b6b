#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <arpa/inet.h>

#include <cmath>
#include <set>
#include <sstream>

#include "harmony/daemon/config_reader.hpp"

namespace harmony::runtime::daemon {
namespace {

bool secret_name(std::string_view path) {
    for (const std::string_view word : {"pass", "token", "key", "secret"}) {
        if (path.find(word) != std::string_view::npos) return true;
    }
    return false;
}

std::string_view kind_of(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::table:
            return "a table";
        case toml::node_type::array:
            return "a list";
        case toml::node_type::string:
            return "a string";
        case toml::node_type::integer:
            return "an integer";
        case toml::node_type::floating_point:
            return "a number";
        case toml::node_type::boolean:
            return "a boolean";
        default:
            return "a date or time";
    }
}

std::string shown(const toml::node& node) {
    if (const auto text = node.value_exact<std::string>()) return "\"" + *text + "\"";
    if (const auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
    if (const auto truth = node.value_exact<bool>()) return *truth ? "true" : "false";
    return std::string(kind_of(node));
}

}  // namespace

struct ConfigReader::Impl {
    std::string file;
    toml::table root;
    std::set<std::string, std::less<>> asked;
    std::vector<std::string> problems;

    const toml::node* find(std::string_view path) {
        asked.emplace(path);
        const toml::node* node = &root;
        while (node != nullptr) {
            const auto dot = path.find('.');
            const toml::table* const table = node->as_table();
            node = table != nullptr ? table->get(path.substr(0, dot)) : nullptr;
            if (dot == std::string_view::npos) break;
            path.remove_prefix(dot + 1);
        }
        return node;
    }

    void add_problem(std::string_view path, std::string_view message, const toml::node* node = nullptr) {
        std::string text = file;
        if (node != nullptr && node->source().begin.line > 0) {
            text += ":" + std::to_string(node->source().begin.line);
        }
        text.append(": ").append(path).append(": ").append(message);
        problems.push_back(std::move(text));
    }

    void wrong(std::string_view path, const toml::node& node, std::string_view expected) {
        const std::string found = secret_name(path) ? std::string(kind_of(node)) : shown(node);
        add_problem(path, "found " + found + ", expected " + std::string(expected), &node);
    }
    void missing(std::string_view path, std::string_view expected) {
        add_problem(path, "missing, expected " + std::string(expected));
    }

    template <class T>
    std::optional<T> read(std::string_view path, std::string_view expected, bool required) {
        const toml::node* const node = find(path);
        if (node == nullptr) {
            if (required) missing(path, expected);
            return std::nullopt;
        }
        const auto value = node->value_exact<T>();
        if (!value) wrong(path, *node, expected);
        return value;
    }

    std::optional<std::int64_t> read_integer(std::string_view path, std::int64_t min, std::int64_t max,
                                             bool required) {
        const std::string expected = "an integer from " + std::to_string(min) + " to " + std::to_string(max);
        const auto value = read<std::int64_t>(path, expected, required);
        if (!value || (*value >= min && *value <= max)) return value;
        wrong(path, *find(path), expected);
        return std::nullopt;
    }

    // Fields that nobody asked for; the table of a known field is known, a wholly unknown table is told once.
    void find_unknown(const toml::table& table, const std::string& prefix) {
        for (const auto& [key, node] : table) {
            const std::string path =
                prefix.empty() ? std::string(key.str()) : prefix + "." + std::string(key.str());
            if (asked.count(path) != 0) continue;
            const auto below = asked.lower_bound(path + ".");
            const bool known_table =
                below != asked.end() && below->compare(0, path.size() + 1, path + ".") == 0;
            if (known_table && node.is_table()) {
                find_unknown(*node.as_table(), path);
            } else if (known_table) {
                wrong(path, node, "a table");
            } else {
                const auto near = closest_match(path, known_names());
                add_problem(
                    path, near ? "unknown field; did you mean " + *near + "?" : std::string("unknown field"),
                    &node);
            }
        }
    }

    std::vector<std::string> known_names() const {
        std::set<std::string> names;
        for (const std::string& path : asked) {
            for (auto dot = path.find('.'); dot != std::string::npos; dot = path.find('.', dot + 1)) {
                names.insert(path.substr(0, dot));
            }
            names.insert(path);
        }
        return {names.begin(), names.end()};
    }
};

ConfigReader::ConfigReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ConfigReader::ConfigReader(ConfigReader&&) noexcept = default;
ConfigReader& ConfigReader::operator=(ConfigReader&&) noexcept = default;
ConfigReader::~ConfigReader() = default;

Result<ConfigReader> ConfigReader::parse(std::string_view text, std::string file) {
    toml::parse_result parsed = toml::parse(text, file);
    if (!parsed) {
        const auto& where = parsed.error().source().begin;
        // The parser's description may quote the line, and with it a secret.
        return fail(ErrorKind::InvalidInput, file + ":" + std::to_string(where.line) + ":" +
                                                 std::to_string(where.column) + ": not valid TOML");
    }
    auto impl = std::make_unique<Impl>();
    impl->file = std::move(file);
    impl->root = std::move(parsed).table();
    return ConfigReader(std::move(impl));
}

bool ConfigReader::has(std::string_view path) const {
    return impl_->find(path) != nullptr;
}

std::string ConfigReader::required_string(std::string_view path) {
    auto value = impl_->read<std::string>(path, "a string that is not empty", true);
    if (value && value->empty()) impl_->wrong(path, *impl_->find(path), "a string that is not empty");
    return value.value_or("");
}

std::string ConfigReader::string(std::string_view path, std::string_view fallback) {
    return impl_->read<std::string>(path, "a string", false).value_or(std::string(fallback));
}

std::string ConfigReader::ip_address(std::string_view path, std::string_view fallback) {
    const toml::node* const node = impl_->find(path);
    if (node == nullptr) return std::string(fallback);
    const std::string text = node->value<std::string>().value_or("");
    in6_addr ignored{};
    const bool good = node->is_string() && (inet_pton(AF_INET, text.c_str(), &ignored) == 1 ||
                                            inet_pton(AF_INET6, text.c_str(), &ignored) == 1);
    if (good) return text;
    impl_->wrong(path, *node, "an IP address such as 127.0.0.1 or 0.0.0.0");
    return std::string(fallback);
}

std::int64_t ConfigReader::required_integer(std::string_view path, std::int64_t min, std::int64_t max) {
    return impl_->read_integer(path, min, max, true).value_or(min);
}

std::int64_t ConfigReader::integer(std::string_view path, std::int64_t fallback, std::int64_t min,
                                   std::int64_t max) {
    return impl_->read_integer(path, min, max, false).value_or(fallback);
}

double ConfigReader::number(std::string_view path, double fallback, double min, double max) {
    const toml::node* const node = impl_->find(path);
    if (node == nullptr) return fallback;
    const auto value = node->value<double>();
    const bool good = node->is_number() && value && std::isfinite(*value) && *value >= min && *value <= max;
    if (good) return *value;
    std::ostringstream expected;
    expected << "a number from " << min << " to " << max;
    impl_->wrong(path, *node, expected.str());
    return fallback;
}

bool ConfigReader::boolean(std::string_view path, bool fallback) {
    return impl_->read<bool>(path, "true or false", false).value_or(fallback);
}

std::string ConfigReader::one_of(std::string_view path, const std::vector<std::string>& allowed,
                                 std::optional<std::string_view> fallback) {
    std::string expected;
    for (std::size_t i = 0; i < allowed.size(); ++i) {
        if (i > 0) expected += i + 1 == allowed.size() ? " or " : ", ";
        expected += "\"" + allowed[i] + "\"";
    }
    const auto value = impl_->read<std::string>(path, expected, !fallback);
    if (!value) return std::string(fallback.value_or(""));
    for (const std::string& candidate : allowed) {
        if (candidate == *value) return candidate;
    }
    const auto near = closest_match(*value, allowed);
    impl_->wrong(path, *impl_->find(path), near ? expected + "; did you mean \"" + *near + "\"?" : expected);
    return std::string(fallback.value_or(""));
}

std::vector<std::string> ConfigReader::string_list(std::string_view path, bool required) {
    const toml::node* const node = impl_->find(path);
    std::vector<std::string> values;
    if (node == nullptr) {
        if (required) impl_->missing(path, "a list of strings");
        return values;
    }
    const toml::array* const list = node->as_array();
    if (list == nullptr || (required && list->empty())) {
        impl_->wrong(path, *node, required ? "a list of strings that is not empty" : "a list of strings");
        return values;
    }
    for (const toml::node& element : *list) {
        if (const auto text = element.value_exact<std::string>()) {
            values.push_back(*text);
        } else {
            impl_->wrong(std::string(path) + "[" + std::to_string(values.size()) + "]", element, "a string");
        }
    }
    return values;
}

std::map<std::string, std::string> ConfigReader::string_map(std::string_view path) {
    std::map<std::string, std::string> values;
    const toml::node* const node = impl_->find(path);
    if (node == nullptr) return values;
    const toml::table* const table = node->as_table();
    if (table == nullptr) {
        impl_->wrong(path, *node, "a table of strings");
        return values;
    }
    for (const auto& [key, element] : *table) {
        if (const auto text = element.value_exact<std::string>()) {
            values.emplace(key.str(), *text);
        } else {
            impl_->wrong(std::string(path) + "." + std::string(key.str()), element, "a string");
        }
    }
    return values;
}

void ConfigReader::problem(std::string_view path, std::string message) {
    impl_->add_problem(path, message);
}

Result<void> ConfigReader::finish() {
    impl_->find_unknown(impl_->root, "");
    if (impl_->problems.empty()) return {};
    std::string all;
    for (const std::string& problem : impl_->problems) {
        if (!all.empty()) all += '\n';
        all += problem;
    }
    return fail(ErrorKind::InvalidInput, std::move(all));
}

}  // namespace harmony::runtime::daemon
