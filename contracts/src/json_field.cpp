#include "json_field.hpp"

namespace harmony::contracts {

namespace {

// The parser itself needs no stack, but writing and destroying what it built does.
bool too_deep(std::string_view text) {
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') {
                ++i;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > kMaxNestingDepth) return true;
        } else if (c == '}' || c == ']') {
            if (depth > 0) --depth;
        }
    }
    return false;
}

std::string describe(const Json& value) {
    switch (value.type()) {
        case Json::value_t::object:
            return "an object";
        case Json::value_t::array:
            return "an array";
        case Json::value_t::string:
            return in_quotes(value.get_ref<const std::string&>());
        default:
            return dump_canonical(value);
    }
}

std::string text_expectation(std::size_t min_bytes, std::size_t max_bytes) {
    if (min_bytes == 0) return "a text of at most " + std::to_string(max_bytes) + " bytes";
    return "a text of " + std::to_string(min_bytes) + " to " + std::to_string(max_bytes) + " bytes";
}

}  // namespace

Result<Json> parse_document(std::string_view text, std::size_t max_bytes) {
    if (text.size() > max_bytes) {
        return fail(ErrorKind::InvalidInput, "the document has " + std::to_string(text.size()) +
                                                 " bytes, expected at most " + std::to_string(max_bytes));
    }
    if (too_deep(text)) {
        return fail(ErrorKind::InvalidInput,
                    "the document nests deeper than " + std::to_string(kMaxNestingDepth) + " levels");
    }
    auto value = Json::parse(text.begin(), text.end(), nullptr, false);
    if (value.is_discarded()) return fail(ErrorKind::InvalidInput, "the document is not valid JSON");
    return value;
}

std::string dump_canonical(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string valid_utf8(std::string_view text) {
    return Json::parse(dump_canonical(Json(text))).get<std::string>();
}

std::string_view cut_utf8(std::string_view text, std::size_t max_bytes) {
    if (text.size() <= max_bytes) return text;
    std::size_t end = max_bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
        --end;
    return text.substr(0, end);
}

std::string shortened(std::string_view text, std::size_t max_bytes) {
    const auto valid = valid_utf8(text);  // replacing a stray byte triples it, so this comes before measuring
    if (valid.size() <= max_bytes) return valid;
    constexpr std::string_view kEllipsis = "...";
    return std::string(cut_utf8(valid, max_bytes - kEllipsis.size())) + std::string(kEllipsis);
}

std::string in_quotes(std::string_view text) {
    constexpr std::size_t kShown = 64;
    const auto shown = cut_utf8(text, kShown);
    auto result = dump_canonical(Json(shown));
    if (shown.size() < text.size()) result.insert(result.size() - 1, "...");
    return result;
}

std::string one_of(const std::vector<std::string_view>& names) {
    std::string result;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) result += i + 1 == names.size() ? " or " : ", ";
        result += names[i];
    }
    return result;
}

void Field::reject_because(std::string_view message) const {
    if (state_->error) return;
    const auto& where = path_.empty() ? std::string("the document") : path_;
    state_->error.emplace(ErrorKind::InvalidInput, where + ": " + std::string(message));
}

void Field::reject(std::string_view expected, Secrecy secrecy) const {
    if (value_ == nullptr) {
        reject_because("missing, expected " + std::string(expected));
    } else if (secrecy == Secrecy::Secret) {
        reject_because("expected " + std::string(expected));
    } else {
        reject_because("found " + describe(*value_) + ", expected " + std::string(expected));
    }
}

bool Field::skip() const {
    if (state_->error) return true;
    return value_ == nullptr && !required_;
}

Field Field::member(std::string_view key, bool is_required) const {
    auto path = path_.empty() ? std::string(key) : path_ + "." + std::string(key);
    const Json* found = nullptr;
    if (value_ != nullptr && value_->is_object()) {
        if (const auto it = value_->find(key); it != value_->end() && !it->is_null()) found = &*it;
    }
    return {found, state_, std::move(path), is_required};
}

Field Field::item(std::size_t index) const {
    return {&(*value_)[index], state_, path_ + "[" + std::to_string(index) + "]", true};
}

bool Field::object() const {
    if (skip()) return false;
    if (value_ != nullptr && value_->is_object()) return true;
    reject("an object");
    return false;
}

bool Field::array(std::size_t max_items) const {
    if (value_ == nullptr || !value_->is_array()) {
        reject("an array");
        return false;
    }
    if (value_->size() > max_items) {
        reject_because("holds " + std::to_string(value_->size()) + " items, expected at most " +
                       std::to_string(max_items));
        return false;
    }
    return true;
}

void Field::text(std::string& out, std::size_t min_bytes, std::size_t max_bytes) const {
    if (skip()) return;
    if (value_ == nullptr || !value_->is_string()) return reject(text_expectation(min_bytes, max_bytes));
    const auto& found = value_->get_ref<const std::string&>();
    if (found.size() < min_bytes || found.size() > max_bytes) {
        return reject(text_expectation(min_bytes, max_bytes));
    }
    out = found;
}

void Field::text(std::optional<std::string>& out, std::size_t min_bytes, std::size_t max_bytes) const {
    if (skip()) return;
    std::string found;
    text(found, min_bytes, max_bytes);
    if (!failed()) out = std::move(found);
}

void Field::integer(std::int64_t& out, std::int64_t min, std::int64_t max) const {
    if (skip()) return;
    if (value_ != nullptr && value_->is_number_integer()) {
        const bool beyond = value_->is_number_unsigned() &&
                            value_->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
        const auto found = beyond ? INT64_MAX : value_->get<std::int64_t>();
        if (!beyond && found >= min && found <= max) {
            out = found;
            return;
        }
    }
    reject(max == INT64_MAX ? "a whole number of at least " + std::to_string(min)
                            : "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
}

void Field::boolean(bool& out) const {
    if (skip()) return;
    if (value_ == nullptr || !value_->is_boolean()) return reject("true or false");
    out = value_->get<bool>();
}

void Field::hash(std::string& out) const {
    if (skip()) return;
    if (value_ == nullptr || !value_->is_string() || !is_hex16(value_->get_ref<const std::string&>())) {
        return reject("16 lower-case hexadecimal digits");
    }
    out = value_->get_ref<const std::string&>();
}

void Field::timestamp(Timestamp& out) const {
    if (skip()) return;
    if (value_ != nullptr && value_->is_string()) {
        if (auto parsed = Timestamp::parse(value_->get_ref<const std::string&>())) {
            out = *parsed;
            return;
        }
    }
    reject("an RFC 3339 time such as 2025-03-01T12:00:00.000000Z");
}

void Field::timestamp(std::optional<Timestamp>& out) const {
    if (skip()) return;
    Timestamp found;
    timestamp(found);
    if (!failed()) out = found;
}

void Field::texts(std::vector<std::string>& out, std::size_t max_items, std::size_t max_bytes) const {
    items(max_items, [&](const Field& entry) { entry.text(out.emplace_back(), 0, max_bytes); });
}

void Field::labels(Labels& out) const {
    members(kMaxLabels, [&](const std::string& key, const Field& entry) {
        if (!entry.json().is_string()) return entry.reject("a text");
        const auto& value = entry.json().get_ref<const std::string&>();
        if (auto checked = check_label_key(path_, key); !checked) {
            state_->error = checked.error();
        } else if (checked = check_label_value(entry.path(), value); !checked) {
            state_->error = checked.error();
        } else {
            out.emplace(key, value);
        }
    });
}

}  // namespace harmony::contracts
