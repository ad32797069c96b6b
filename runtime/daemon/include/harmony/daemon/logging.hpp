// Structured log lines: one JSON object a line on stderr.
//
//     {"ts":"2026-01-31T12:00:00.123456Z","level":"info","component":"reconciler","msg":"...","device":"a"}
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "harmony/result.hpp"

namespace harmony::runtime::daemon {

enum class LogLevel { Debug, Info, Warning, Error };

struct LogField {
    using Value = std::variant<std::string_view, std::int64_t, double, bool>;

    std::string_view name;
    Value value;

    LogField(std::string_view field, std::string_view text) : name(field), value(text) {}
    LogField(std::string_view field, const char* text) : name(field), value(std::string_view(text)) {}
    LogField(std::string_view field, const std::string& text) : name(field), value(std::string_view(text)) {}
    template <class T>
    requires std::is_arithmetic_v<T> LogField(std::string_view field, T number)
        : name(field), value(convert(number)) {}

 private:
    template <class T>
    static Value convert(T number) {
        if constexpr (std::is_same_v<T, bool>) {
            return number;
        } else if constexpr (std::is_floating_point_v<T>) {
            return static_cast<double>(number);
        } else {
            return static_cast<std::int64_t>(number);
        }
    }
};

// Before any thread starts. `level` is debug, info, warning or error; InvalidInput names the choice.
[[nodiscard]] Result<void> start_logging(std::string_view level);
// Where lines go; the default is file descriptor 2. For tests.
void log_to_descriptor(int descriptor);

// Thread-safe. Secrets are never passed here.
void log(LogLevel level, std::string_view component, std::string_view message,
         std::initializer_list<LogField> fields = {});
// True where such a line would be written: guards expensive fields.
[[nodiscard]] bool log_enabled(LogLevel level);

// A component's own name, bound once.
class Logger {
 public:
    explicit constexpr Logger(std::string_view component) : component_(component) {}
    void debug(std::string_view message, std::initializer_list<LogField> fields = {}) const {
        log(LogLevel::Debug, component_, message, fields);
    }
    void info(std::string_view message, std::initializer_list<LogField> fields = {}) const {
        log(LogLevel::Info, component_, message, fields);
    }
    void warning(std::string_view message, std::initializer_list<LogField> fields = {}) const {
        log(LogLevel::Warning, component_, message, fields);
    }
    void error(std::string_view message, std::initializer_list<LogField> fields = {}) const {
        log(LogLevel::Error, component_, message, fields);
    }

 private:
    std::string_view component_;  // a literal: it must outlive the logger
};

}  // namespace harmony::runtime::daemon
