// One field list for each parameter struct. It gives the JSON Schema, the defaults (those of the struct
// itself), the documentation, the marks (sensitive, flag, environment variable), validation with the path of
// what is wrong, and both directions of JSON.
//
//   struct Greeter {
//       std::string greeting = "hello";
//       int port = 8080;
//       std::optional<std::string> token;
//
//       static auto fields() {
//           using harmony::plugin::field;
//           return harmony::plugin::fields(
//               field("greeting", &Greeter::greeting, "What it says").flag("greeting"),
//               field("port", &Greeter::port, "Where it listens").range(0, 65535),
//               field("token", &Greeter::token, "Who may call it").sensitive());
//       }
//   };
//
// A member may be bool, any integer, double, std::string, Json, a struct described like this one, an enum
// with a function `EnumNames<Mode> enum_names(Mode)` in its namespace, and std::optional, std::vector or
// std::map<std::string, ...> of any of those.
#pragma once

#include <harmony/plugin/diagnostic.hpp>
#include <harmony/plugin/json.hpp>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace harmony::plugin {

// Each value with its name, in the order in which help shows them.
template <class E>
using EnumNames = std::vector<std::pair<E, std::string_view>>;

// What is known of a field beside its type. Constraints on a vector's or map's values apply to each of them.
struct FieldInfo {
    std::string name;
    std::string summary;
    bool required = false;
    bool sensitive = false;
    bool omit_default = false;
    std::string flag;
    std::string env;
    std::string pattern;
    std::optional<double> minimum;
    std::optional<double> maximum;
    std::optional<std::size_t> min_items;
    std::optional<std::size_t> max_items;
    std::vector<Json> examples;
};

template <class Struct, class Member>
struct Field {
    FieldInfo info;
    Member Struct::*member;

    // Must be given; the schema then shows no default.
    Field required() && {
        return with([](FieldInfo& i) { i.required = true; });
    }
    // Never shown, logged or recorded.
    Field sensitive() && {
        return with([](FieldInfo& i) { i.sensitive = true; });
    }
    // Left out of what is written when it equals the struct's default.
    Field omit_default() && {
        return with([](FieldInfo& i) { i.omit_default = true; });
    }
    // Offered as --name on the command line.
    Field flag(std::string name) && {
        return with([&](FieldInfo& i) { i.flag = std::move(name); });
    }
    // An environment variable of its own.
    Field env(std::string name) && {
        return with([&](FieldInfo& i) { i.env = std::move(name); });
    }
    // ECMAScript, searched for in the text: anchor it with ^ and $.
    Field pattern(std::string expression) && {
        return with([&](FieldInfo& i) { i.pattern = std::move(expression); });
    }
    // Both ends are allowed values.
    Field range(double minimum, double maximum) && {
        return with([&](FieldInfo& i) { i.minimum = minimum, i.maximum = maximum; });
    }
    Field min_items(std::size_t count) && {
        return with([&](FieldInfo& i) { i.min_items = count; });
    }
    Field max_items(std::size_t count) && {
        return with([&](FieldInfo& i) { i.max_items = count; });
    }
    // May be repeated.
    Field example(Json value) && {
        return with([&](FieldInfo& i) { i.examples.push_back(std::move(value)); });
    }

 private:
    template <class Change>
    Field with(Change change) {
        change(info);
        return std::move(*this);
    }
};

template <class Struct, class Member>
[[nodiscard]] Field<Struct, Member> field(std::string name, Member Struct::*member,
                                          std::string summary = {}) {
    FieldInfo info;
    info.name = std::move(name);
    info.summary = std::move(summary);
    return Field<Struct, Member>{std::move(info), member};
}

template <class... Fields>
[[nodiscard]] std::tuple<Fields...> fields(Fields... each) {
    return std::tuple<Fields...>(std::move(each)...);
}

template <class T>
concept Described = requires {
    T::fields();
};

// For Scores, topologies and scenarios that have none.
struct NoParameters {
    static auto fields() { return harmony::plugin::fields(); }
};

// What to do with a member that no field describes. Messages ignore it, so that they can grow; settings
// written by people reject it, so that a typing error is found.
enum class UnknownMembers { Ignore, Reject };

// JSON Schema 2020-12 of T.
template <class T>
[[nodiscard]] Json schema_of();
template <class T>
[[nodiscard]] Json to_json(const T& value);
// The diagnostic's path says which field is wrong, its summary what was found and what was expected.
template <class T>
[[nodiscard]] Result<T> from_json(const Json& json, UnknownMembers unknown = UnknownMembers::Ignore);

}  // namespace harmony::plugin

#include <harmony/plugin/fields_codec.hpp>
