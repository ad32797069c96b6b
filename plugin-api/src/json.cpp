#include <harmony/plugin/json.hpp>
#include <nlohmann/json.hpp>

namespace harmony::plugin {

namespace {

// Builds a Json while the parser reads, so that the depth is checked before anything recurses over it.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
    Json root;
    std::string problem;

    bool null() override { return place(Json()); }
    bool boolean(bool value) override { return place(Json(value)); }
    bool number_integer(number_integer_t value) override { return place(Json(value)); }
    bool number_unsigned(number_unsigned_t value) override { return place(Json(value)); }
    bool number_float(number_float_t value, const string_t& /*text*/) override { return place(Json(value)); }
    bool string(string_t& value) override { return place(Json(std::move(value))); }
    bool binary(binary_t& /*value*/) override { return false; }
    bool start_object(std::size_t /*size*/) override { return open(Json::object()); }
    bool start_array(std::size_t /*size*/) override { return open(Json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(string_t& value) override {
        key_ = std::move(value);
        return true;
    }
    bool parse_error(std::size_t position, const std::string& /*token*/,
                     const nlohmann::detail::exception& /*error*/) override {
        // The parser's own text may repeat the input, which may hold a secret.
        problem = "it is not JSON from byte " + std::to_string(position);
        return false;
    }

 private:
    Json& put(Json value) {
        if (open_.empty()) return root = std::move(value);
        Json& parent = *open_.back();
        if (parent.is_array()) return parent.push_back(std::move(value));
        return parent[key_] = std::move(value);
    }
    bool place(Json value) {
        put(std::move(value));
        return true;
    }
    bool open(Json container) {
        if (open_.size() >= Json::kMaxDepth) {
            problem = "it is nested deeper than " + std::to_string(Json::kMaxDepth) + " levels";
            return false;
        }
        open_.push_back(&put(std::move(container)));
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    // Only the innermost container grows, so pointers to the outer ones stay good.
    std::vector<Json*> open_;
    std::string key_;
};

nlohmann::json convert(const Json& value) {
    if (const bool* found = value.if_bool()) return *found;
    if (const auto* found = value.if_integer()) return *found;
    if (const auto* found = value.if_double()) return *found;
    if (const auto* found = value.if_string()) return *found;
    if (value.is_array()) {
        auto out = nlohmann::json::array();
        for (const Json& item : value.items())
            out.push_back(convert(item));
        return out;
    }
    if (value.is_object()) {
        auto out = nlohmann::json::object();
        for (const auto& [key, item] : value.members())
            out[key] = convert(item);
        return out;
    }
    return nullptr;
}

}  // namespace

Json::Json() = default;
Json::Json(const Json& other) = default;
Json::Json(Json&& other) noexcept = default;
Json& Json::operator=(const Json& other) = default;
Json& Json::operator=(Json&& other) noexcept = default;
Json::~Json() = default;

Result<Json> Json::parse(std::string_view text) {
    Builder builder;
    if (!nlohmann::json::sax_parse(text, &builder)) {
        return failure(Diagnostic{.code = "json.invalid",
                                  .summary = builder.problem.empty() ? "it is not JSON" : builder.problem,
                                  .status = HP_E_INVALID});
    }
    return std::move(builder.root);
}

std::string Json::dump(int indent) const {
    return convert(*this).dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool Json::boolean_or(bool fallback) const {
    const bool* found = if_bool();
    return found != nullptr ? *found : fallback;
}

std::int64_t Json::integer_or(std::int64_t fallback) const {
    const auto* found = if_integer();
    return found != nullptr ? *found : fallback;
}

double Json::number_or(double fallback) const {
    if (const auto* found = if_double()) return *found;
    if (const auto* found = if_integer()) return static_cast<double>(*found);
    return fallback;
}

std::string Json::string_or(std::string_view fallback) const {
    const auto* found = if_string();
    return found != nullptr ? *found : std::string(fallback);
}

const Json::Array& Json::items() const {
    static const Array kNone;
    const auto* found = std::get_if<Array>(&value_);
    return found != nullptr ? *found : kNone;
}

const Json::Object& Json::members() const {
    static const Object kNone;
    const auto* found = std::get_if<Object>(&value_);
    return found != nullptr ? *found : kNone;
}

const Json* Json::find(std::string_view key) const {
    const auto& all = members();
    auto found = all.find(key);
    return found == all.end() ? nullptr : &found->second;
}

const Json& Json::operator[](std::string_view key) const {
    static const Json kNull;
    const Json* found = find(key);
    return found != nullptr ? *found : kNull;
}

Json& Json::operator[](std::string_view key) {
    if (!is_object()) value_ = Object{};
    auto& all = std::get<Object>(value_);
    auto found = all.find(key);
    if (found == all.end()) found = all.emplace(std::string(key), Json()).first;
    return found->second;
}

Json& Json::push_back(Json item) {
    if (!is_array()) value_ = Array{};
    return std::get<Array>(value_).emplace_back(std::move(item));
}

std::size_t Json::size() const {
    return is_array() ? items().size() : members().size();
}

std::string_view Json::type_name() const {
    if (is_object()) return "an object";
    if (is_array()) return "an array";
    if (is_string()) return "a string";
    if (is_bool()) return "a boolean";
    if (is_integer()) return "an integer";
    return is_null() ? "null" : "a number";
}

}  // namespace harmony::plugin
