#include <algorithm>
#include <harmony/plugin/command.hpp>

namespace harmony::plugin {

namespace {

bool has_kind(ArgumentKind kind, const Json& value) {
    switch (kind) {
        case ArgumentKind::String:
            return value.is_string();
        case ArgumentKind::Integer:
            return value.is_integer();
        case ArgumentKind::Number:
            return value.is_number();
        case ArgumentKind::Boolean:
            return value.is_bool();
        case ArgumentKind::File:
            return from_json<FileArgument>(value).has_value();
    }
    return false;
}

std::string_view kind_text(ArgumentKind kind) {
    switch (kind) {
        case ArgumentKind::String:
            return "a string";
        case ArgumentKind::Integer:
            return "a whole number";
        case ArgumentKind::Number:
            return "a number";
        case ArgumentKind::Boolean:
            return "true or false";
        case ArgumentKind::File:
            return "a file";
    }
    return "something else";
}

Result<void> check_one(const CommandArgument& argument, const Json& value) {
    if (!has_kind(argument.kind, value)) {
        return invalid_parameter(argument.name, argument.name + " is " + std::string(value.type_name()) +
                                                    ", expected " + std::string(kind_text(argument.kind)));
    }
    if (argument.values.empty()) return {};
    const std::string text = value.is_string() ? value.string_or("") : value.dump();
    if (std::find(argument.values.begin(), argument.values.end(), text) != argument.values.end()) return {};
    std::string allowed;
    for (const auto& each : argument.values)
        allowed += (allowed.empty() ? "" : ", ") + each;
    return invalid_parameter(argument.name, argument.name + " is " + text + ", expected one of: " + allowed);
}

Result<void> check_argument(const CommandArgument& argument, const Json& value) {
    if (!argument.repeated) return check_one(argument, value);
    if (!value.is_array()) {
        return invalid_parameter(argument.name, argument.name + " is " + std::string(value.type_name()) +
                                                    ", expected an array: it may be repeated");
    }
    for (const Json& item : value.items()) {
        if (auto checked = check_one(argument, item); !checked) return checked;
    }
    return {};
}

}  // namespace

Result<CommandArguments> CommandArguments::check(const CommandInfo& info, const Json& given) {
    CommandArguments arguments;
    arguments.values_ = Json::object();
    for (const auto& argument : info.arguments) {
        const Json* value = given.find(argument.name);
        if (value == nullptr || value->is_null()) {
            if (argument.required) {
                return invalid_parameter(argument.name, "the argument " + argument.name + " is missing");
            }
            if (!argument.default_value.is_null()) arguments.values_[argument.name] = argument.default_value;
            continue;
        }
        if (auto checked = check_argument(argument, *value); !checked) return failure(checked.error());
        arguments.values_[argument.name] = *value;
    }
    for (const auto& member : given.members()) {
        const std::string& name = member.first;
        const bool known =
            std::any_of(info.arguments.begin(), info.arguments.end(),
                        [&](const CommandArgument& argument) { return argument.name == name; });
        if (!known) return invalid_parameter(name, "the command has no argument " + name);
    }
    return arguments;
}

bool CommandArguments::has(std::string_view name) const {
    return values_.find(name) != nullptr;
}

std::string CommandArguments::text(std::string_view name) const {
    return values_[name].string_or("");
}

std::int64_t CommandArguments::integer(std::string_view name) const {
    return values_[name].integer_or(0);
}

double CommandArguments::number(std::string_view name) const {
    return values_[name].number_or(0);
}

bool CommandArguments::boolean(std::string_view name) const {
    return values_[name].boolean_or(false);
}

std::optional<FileArgument> CommandArguments::file(std::string_view name) const {
    auto found = from_json<FileArgument>(values_[name]);
    if (!found) return std::nullopt;
    return *found;
}

std::vector<std::string> CommandArguments::texts(std::string_view name) const {
    const Json& value = values_[name];
    if (value.is_string()) return {value.string_or("")};
    std::vector<std::string> all;
    for (const Json& item : value.items())
        all.push_back(item.string_or(""));
    return all;
}

std::vector<FileArgument> CommandArguments::files(std::string_view name) const {
    if (auto one = file(name)) return {*one};
    std::vector<FileArgument> all;
    for (const Json& item : values_[name].items()) {
        if (auto found = from_json<FileArgument>(item)) all.push_back(*found);
    }
    return all;
}

}  // namespace harmony::plugin
