// A JSON value, for the few places where a plugin's author meets free-form data (a command's output, a
// parameter of any shape). Typed data goes through fields.hpp instead. Parsing and printing are compiled into
// the SDK, so that including this stays cheap. A value type: copies are deep; no thread safety of its own.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <harmony/plugin/diagnostic.hpp>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace harmony::plugin {

class Json {
 public:
    using Array = std::vector<Json>;
    using Object = std::map<std::string, Json, std::less<>>;  // sorted: what is printed is deterministic

    // Deeper nesting is refused by parse(): copying and destroying a value recurse.
    static constexpr std::size_t kMaxDepth = 128;

    // Out of line: five copies of a variant in every user cost more than the calls.
    Json();
    Json(const Json& other);
    Json(Json&& other) noexcept;
    Json& operator=(const Json& other);
    Json& operator=(Json&& other) noexcept;
    ~Json();
    Json(std::nullptr_t) : Json() {}
    template <std::same_as<bool> T>
    Json(T value) : value_(value) {}
    // Unsigned values above the largest int64_t lose precision: they become a double.
    template <std::integral T>
    requires(!std::same_as<T, bool>) Json(T value) : value_(from_integer(value)) {}
    Json(double value) : value_(value) {}
    Json(std::string value) : value_(std::move(value)) {}
    Json(std::string_view value) : value_(std::string(value)) {}
    Json(const char* value) : value_(std::string(value)) {}
    Json(Array value) : value_(std::move(value)) {}
    Json(Object value) : value_(std::move(value)) {}

    // Json::object({{"name", "edge-1"}, {"ready", true}})
    static Json object(std::initializer_list<std::pair<const std::string, Json>> members = {}) {
        return Json(Object(members));
    }
    static Json array(std::initializer_list<Json> items = {}) { return Json(Array(items)); }

    // Refuses what is not JSON, not UTF-8, deeper than kMaxDepth or followed by anything but white space.
    [[nodiscard]] static Result<Json> parse(std::string_view text);
    // One line; with an indent, many. Bytes that are not UTF-8 are replaced, so that this cannot fail.
    [[nodiscard]] std::string dump(int indent = -1) const;

    [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
    [[nodiscard]] bool is_object() const { return std::holds_alternative<Object>(value_); }
    [[nodiscard]] bool is_array() const { return std::holds_alternative<Array>(value_); }
    [[nodiscard]] bool is_string() const { return std::holds_alternative<std::string>(value_); }
    [[nodiscard]] bool is_bool() const { return std::holds_alternative<bool>(value_); }
    [[nodiscard]] bool is_integer() const { return std::holds_alternative<std::int64_t>(value_); }
    [[nodiscard]] bool is_number() const { return is_integer() || std::holds_alternative<double>(value_); }

    // Null when the value is of another type.
    [[nodiscard]] const bool* if_bool() const { return std::get_if<bool>(&value_); }
    [[nodiscard]] const std::int64_t* if_integer() const { return std::get_if<std::int64_t>(&value_); }
    [[nodiscard]] const double* if_double() const { return std::get_if<double>(&value_); }
    [[nodiscard]] const std::string* if_string() const { return std::get_if<std::string>(&value_); }

    // The value when it is of that type, else the fallback.
    [[nodiscard]] bool boolean_or(bool fallback) const;
    [[nodiscard]] std::int64_t integer_or(std::int64_t fallback) const;
    [[nodiscard]] double number_or(double fallback) const;
    [[nodiscard]] std::string string_or(std::string_view fallback) const;

    // Empty when the value is not of that type.
    [[nodiscard]] const Array& items() const;
    [[nodiscard]] const Object& members() const;

    // Null when this is not an object or has no such member.
    [[nodiscard]] const Json* find(std::string_view key) const;
    // The member, or a null value when there is none.
    [[nodiscard]] const Json& operator[](std::string_view key) const;
    // The member, made when there is none. Turns a value that is not an object into one.
    Json& operator[](std::string_view key);
    // Appends. Turns a value that is not an array into one.
    Json& push_back(Json item);
    // Of an array or object; 0 for all else.
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] bool empty() const { return size() == 0; }

    // "a string", "an object" and so on, for messages.
    [[nodiscard]] std::string_view type_name() const;

    friend bool operator==(const Json& left, const Json& right) { return left.value_ == right.value_; }

 private:
    using Value = std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object>;

    template <std::integral T>
    static Value from_integer(T value) {
        if (!std::in_range<std::int64_t>(value)) return static_cast<double>(value);
        return static_cast<std::int64_t>(value);
    }

    Value value_;
};

}  // namespace harmony::plugin
