#include "template_yaml.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace harmony::fleet_operator {

namespace {

using nlohmann::json;

bool letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Text that every YAML reader takes for that text.
bool plain(const std::string& text) {
    static constexpr std::array<std::string_view, 9> kWords{"true", "false", "null", "yes", "no",
                                                            "on",   "off",   "y",    "n"};
    if (text.empty() || !letter(text.front())) return false;
    const bool simple = std::all_of(text.begin(), text.end(), [](char c) {
        return letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == '/';
    });
    std::string lower = text;
    for (char& c : lower)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c;
    return simple && std::find(kWords.begin(), kWords.end(), lower) == kWords.end();
}

class Writer {
 public:
    explicit Writer(const TemplateValues& places) : places_(places) {}

    [[nodiscard]] std::string document(const json& object) {
        if (empty_or_scalar(object)) return scalar(object) + "\n";
        block(object, 0);
        return std::move(text_);
    }

 private:
    static bool empty_or_scalar(const json& value) { return !value.is_structured() || value.empty(); }

    [[nodiscard]] std::string scalar(const json& value) const {
        if (value.is_object()) return "{}";
        if (value.is_array()) return "[]";
        if (!value.is_string()) return value.dump();
        const auto& text = value.get_ref<const std::string&>();
        if (const auto found = places_.values.find(text); found != places_.values.end())
            return found->second.whole;
        std::string filled = value.dump();
        bool filled_in = false;
        for (const auto& [placeholder, place] : places_.values) {
            for (auto at = filled.find(placeholder); at != std::string::npos; at = filled.find(placeholder)) {
                filled.replace(at, placeholder.size(), place.inner);
                filled_in = true;
            }
        }
        return !filled_in && plain(text) ? text : filled;
    }

    void line(std::size_t indent, const std::string& text) {
        text_ += std::string(indent, ' ') + text + "\n";
    }

    void block(const json& value, std::size_t indent) {
        if (value.is_array()) return items(value, indent);
        for (const auto& [name, member_value] : value.items()) {
            const auto condition = places_.conditional_members.find(name);
            const bool conditional = condition != places_.conditional_members.end();
            if (conditional) line(indent, "{{- if " + condition->second + " }}");
            member(name, member_value, indent);
            if (conditional) line(indent, "{{- end }}");
        }
    }

    void member(const std::string& name, const json& value, std::size_t indent) {
        const std::string key = scalar(json(name)) + ":";
        if (empty_or_scalar(value)) return line(indent, key + " " + scalar(value));
        line(indent, key);
        block(value, indent + 2);
    }

    void items(const json& list, std::size_t indent) {
        for (const auto& item : list) {
            if (empty_or_scalar(item)) {
                line(indent, "- " + scalar(item));
                continue;
            }
            const std::size_t start = text_.size();
            block(item, indent + 2);
            text_[start + indent] = '-';
        }
    }

    const TemplateValues& places_;
    std::string text_;
};

}  // namespace

std::string yaml_of(const json& object, const TemplateValues& places) {
    return Writer(places).document(object);
}

}  // namespace harmony::fleet_operator
