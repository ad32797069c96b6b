#include "manifest_reader.hpp"

#include <harmony/host/json_text.hpp>
#include <nlohmann/json.hpp>

namespace harmony::host {
namespace {

bool is_text(const nlohmann::json& value) {
    return value.is_string();
}
bool is_array(const nlohmann::json& value) {
    return value.is_array();
}
bool is_object(const nlohmann::json& value) {
    return value.is_object();
}

bool all_texts(const nlohmann::json& value) {
    if (!value.is_array()) return false;
    for (const auto& item : value) {
        if (!item.is_string()) return false;
    }
    return true;
}

}  // namespace

void FieldReader::fail(const std::string& key, const std::string& message) {
    if (failed()) return;
    problem_->code = "plugin.manifest-invalid";
    problem_->path = prefix_ + key;
    problem_->summary = "The manifest's field " + problem_->path + " is wrong: " + message;
    problem_->hint = "Build the plugin again with harmony_add_plugin(), or report it to its author.";
}

const nlohmann::json* FieldReader::find(const char* key, Presence presence, const char* expected,
                                        const std::function<bool(const nlohmann::json&)>& matches) {
    const auto found = object_.find(key);
    if (found == object_.end()) {
        if (presence == Presence::Required) fail(key, std::string("found nothing, expected ") + expected);
        return nullptr;
    }
    if (!matches(*found)) {
        fail(key, std::string("found ") + found->type_name() + ", expected " + expected);
        return nullptr;
    }
    return &*found;
}

std::string FieldReader::text(const char* key, Presence presence) {
    const auto* value = find(key, presence, "text", is_text);
    return value != nullptr ? value->get<std::string>() : std::string();
}

std::uint32_t FieldReader::number(const char* key) {
    const auto* value = find(key, Presence::Required, "a whole number", [](const nlohmann::json& item) {
        return item.is_number_unsigned() && item.get<std::uint64_t>() <= 0xFFFFFFFFU;
    });
    return value != nullptr ? value->get<std::uint32_t>() : 0;
}

bool FieldReader::boolean(const char* key) {
    const auto* value = find(key, Presence::Optional, "true or false",
                             [](const nlohmann::json& item) { return item.is_boolean(); });
    return value != nullptr && value->get<bool>();
}

std::vector<std::string> FieldReader::texts(const char* key) {
    const auto* value = find(key, Presence::Optional, "a list of texts", all_texts);
    return value != nullptr ? value->get<std::vector<std::string>>() : std::vector<std::string>();
}

std::vector<std::vector<std::string>> FieldReader::groups(const char* key) {
    const auto* value =
        find(key, Presence::Optional, "a list of lists of texts", [](const nlohmann::json& list) {
            if (!list.is_array()) return false;
            for (const auto& group : list) {
                if (!all_texts(group) || group.empty()) return false;
            }
            return true;
        });
    return value != nullptr ? value->get<std::vector<std::vector<std::string>>>()
                            : std::vector<std::vector<std::string>>();
}

std::map<std::string, std::string> FieldReader::text_map(const char* key) {
    const auto* value = find(key, Presence::Optional, "an object of texts", [](const nlohmann::json& item) {
        if (!item.is_object()) return false;
        for (const auto& member : item) {
            if (!member.is_string()) return false;
        }
        return true;
    });
    return value != nullptr ? value->get<std::map<std::string, std::string>>()
                            : std::map<std::string, std::string>();
}

std::string FieldReader::schema(const char* key) {
    const auto* value = find(key, Presence::Optional, "a JSON Schema object", is_object);
    return value != nullptr ? value->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                            : R"({"type":"object","additionalProperties":false})";
}

std::string FieldReader::json_text(const char* key) {
    const auto* value = find(key, Presence::Optional, "a value", [](const nlohmann::json&) { return true; });
    return value != nullptr ? value->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                            : std::string();
}

void FieldReader::each(const char* key, const std::function<void(FieldReader&)>& item) {
    const auto* list = find(key, Presence::Optional, "a list of objects", is_array);
    if (list == nullptr) return;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const std::string prefix = prefix_ + key + "[" + std::to_string(i) + "]";
        if (!(*list)[i].is_object()) {
            fail(std::string(key) + "[" + std::to_string(i) + "]",
                 std::string("found ") + (*list)[i].type_name() + ", expected an object");
            return;
        }
        FieldReader reader((*list)[i], prefix + ".", problem_);
        item(reader);
    }
}

void FieldReader::object(const char* key, const std::function<void(FieldReader&)>& body, Presence presence) {
    const auto* value = find(key, presence, "an object", is_object);
    if (value == nullptr) return;
    FieldReader reader(*value, prefix_ + key + ".", problem_);
    body(reader);
}

}  // namespace harmony::host
