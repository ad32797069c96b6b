// Reads the fields of one JSON object and remembers the first thing that is wrong, with its path.
#pragma once

#include <cstdint>
#include <functional>
#include <harmony/host/diagnostics.hpp>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace harmony::host {

enum class Presence { Required, Optional };

class FieldReader {
 public:
    // `object` is a JSON object that outlives the reader.
    explicit FieldReader(const nlohmann::json& object)
        : FieldReader(object, "", std::make_shared<Diagnostic>()) {}

    std::string text(const char* key, Presence presence = Presence::Required);
    std::uint32_t number(const char* key);
    bool boolean(const char* key);
    std::vector<std::string> texts(const char* key);
    std::vector<std::vector<std::string>> groups(const char* key);
    std::map<std::string, std::string> text_map(const char* key);
    // A JSON Schema as text; an absent one allows nothing but {}.
    std::string schema(const char* key);
    // Any value as JSON text; empty when absent.
    std::string json_text(const char* key);

    void each(const char* key, const std::function<void(FieldReader&)>& item);
    void object(const char* key, const std::function<void(FieldReader&)>& body,
                Presence presence = Presence::Optional);

    // Only the first failure is kept.
    void fail(const std::string& key, const std::string& message);
    [[nodiscard]] bool failed() const { return !problem_->code.empty(); }
    [[nodiscard]] const Diagnostic& diagnostic() const { return *problem_; }

 private:
    FieldReader(const nlohmann::json& object, std::string prefix, std::shared_ptr<Diagnostic> problem)
        : object_(object), prefix_(std::move(prefix)), problem_(std::move(problem)) {}

    const nlohmann::json* find(const char* key, Presence presence, const char* expected,
                               const std::function<bool(const nlohmann::json&)>& matches);

    const nlohmann::json& object_;
    std::string prefix_;
    std::shared_ptr<Diagnostic> problem_;
};

}  // namespace harmony::host
