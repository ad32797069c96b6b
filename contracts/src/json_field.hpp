// How decoders read: a Field is one JSON value and its path in the document. Reads go straight into the typed
// struct; the first thing that is wrong is kept in the document's DecodeState and every later read does
// nothing, so that a decoder is a plain list of fields. Private to contracts.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/labels.hpp"
#include "harmony/contracts/names.hpp"
#include "harmony/contracts/timestamps.hpp"
#include "harmony/result.hpp"

namespace harmony::contracts {

using Json = nlohmann::json;

// InvalidInput for text that is not JSON, too long or too deep.
[[nodiscard]] Result<Json> parse_document(std::string_view text, std::size_t max_bytes);
// Canonical bytes; what is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string dump_canonical(const Json& value);
// The text with U+FFFD in place of what is not UTF-8.
[[nodiscard]] std::string valid_utf8(std::string_view text);
// The longest part of `text` that has at most max_bytes and does not end inside a character.
[[nodiscard]] std::string_view cut_utf8(std::string_view text, std::size_t max_bytes);
// The text, or its beginning and "..." where it has more than max_bytes; always UTF-8.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t max_bytes);
// A value for an error's message: short, quoted, control characters escaped.
[[nodiscard]] std::string in_quotes(std::string_view text);

// An enum's names on the wire, in the order an error lists them.
template <class Enum, std::size_t count>
using EnumNames = std::array<std::pair<Enum, std::string_view>, count>;

template <class Enum, std::size_t count>
[[nodiscard]] std::string_view name_of(const EnumNames<Enum, count>& names, Enum value) {
    for (const auto& [candidate, name] : names) {
        if (candidate == value) return name;
    }
    return "";
}

// "In, NotIn or Exists"
[[nodiscard]] std::string one_of(const std::vector<std::string_view>& names);

struct DecodeState {
    std::optional<Error> error;
};

enum class Secrecy { Public, Secret };  // Secret: the value never appears in a message

class Field {
 public:
    // The document itself; its path is empty unless the document is a part of another.
    Field(const Json& value, DecodeState& state, std::string path = "")
        : value_(&value), state_(&state), path_(std::move(path)) {}

    // A member of this object. Absent and null are the same; a required one is then an error at its first
    // read.
    [[nodiscard]] Field required(std::string_view key) const { return member(key, true); }
    [[nodiscard]] Field optional(std::string_view key) const { return member(key, false); }

    // False for an absent optional field, and after an error: nothing to read.
    [[nodiscard]] bool present() const { return value_ != nullptr && !state_->error; }
    [[nodiscard]] bool failed() const { return state_->error.has_value(); }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] const Json& json() const { return *value_; }

    // Records `<path>: found <value>, expected <expected>`, or `<path>: missing, expected ...`.
    void reject(std::string_view expected, Secrecy secrecy = Secrecy::Public) const;
    // Records `<path>: <message>`.
    void reject_because(std::string_view message) const;

    // True when this is an object to read members of; rejects anything else.
    [[nodiscard]] bool object() const;
    void text(std::string& out, std::size_t min_bytes, std::size_t max_bytes) const;
    void text(std::optional<std::string>& out, std::size_t min_bytes, std::size_t max_bytes) const;
    void integer(std::int64_t& out, std::int64_t min, std::int64_t max) const;
    void boolean(bool& out) const;
    void hash(std::string& out) const;
    void timestamp(Timestamp& out) const;
    void timestamp(std::optional<Timestamp>& out) const;
    void texts(std::vector<std::string>& out, std::size_t max_items, std::size_t max_bytes) const;
    void labels(Labels& out) const;

    template <class Tag>
    void name(Name<Tag>& out) const {
        std::string text_value;
        text(text_value, 1, kMaxNameBytes);
        if (!present()) return;
        if (auto parsed = Name<Tag>::parse(text_value)) {
            out = *std::move(parsed);
        } else {
            reject_because(parsed.error().message());
        }
    }

    template <class Enum, std::size_t count>
    void enumeration(Enum& out, const EnumNames<Enum, count>& names) const {
        if (skip()) return;
        if (value_ != nullptr && value_->is_string()) {
            const auto& tag = value_->get_ref<const std::string&>();
            for (const auto& [candidate, name] : names) {
                if (name == tag) {
                    out = candidate;
                    return;
                }
            }
        }
        std::vector<std::string_view> known;
        for (const auto& entry : names)
            known.push_back(entry.second);
        reject(one_of(known));
    }

    // Calls read(item) for each item of this array.
    template <class Read>
    void items(std::size_t max_items, Read read) const {
        if (skip() || !array(max_items)) return;
        for (std::size_t index = 0; index < value_->size() && !failed(); ++index)
            read(item(index));
    }

    // Calls read(key, member) for each member of this object, in the order of the keys.
    template <class Read>
    void members(std::size_t max_members, Read read) const {
        if (skip() || !object()) return;
        if (value_->size() > max_members) {
            reject_because("holds " + std::to_string(value_->size()) + " entries, expected at most " +
                           std::to_string(max_members));
            return;
        }
        for (auto it = value_->begin(); it != value_->end() && !failed(); ++it) {
            read(it.key(), Field(&it.value(), state_, path_ + "[" + in_quotes(it.key()) + "]", true));
        }
    }

 private:
    Field(const Json* value, DecodeState* state, std::string path, bool is_required)
        : value_(value), state_(state), path_(std::move(path)), required_(is_required) {}

    [[nodiscard]] Field member(std::string_view key, bool is_required) const;
    [[nodiscard]] Field item(std::size_t index) const;
    [[nodiscard]] bool array(std::size_t max_items) const;
    // True when there is nothing to read; records the error of an absent required field.
    [[nodiscard]] bool skip() const;

    const Json* value_;
    DecodeState* state_;
    std::string path_;
    bool required_ = true;
};

// Parses the document and reads it with `read(field, out)`.
template <class Document, class Read>
[[nodiscard]] Result<Document> decode_document(std::string_view json, std::size_t max_bytes, Read read,
                                               std::string_view path = "") {
    auto parsed = parse_document(json, max_bytes);
    if (!parsed) {
        return path.empty()
                   ? fail(parsed.error())
                   : fail(parsed.error().kind(), std::string(path) + ": " + parsed.error().message());
    }
    DecodeState state;
    Document out{};
    const Field root(*parsed, state, std::string(path));
    if (root.object()) read(root, out);
    if (state.error) return fail(*std::move(state.error));
    return out;
}

}  // namespace harmony::contracts
