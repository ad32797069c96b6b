// What `--output json` prints: exactly one JSON document, whose first member says what it is.
//
//   {"harmony":{"schema":"apply/1","version":"0.1.0"},"outcome":"ok",...}
//
// Within a schema's number members are only added.
#pragma once

#include <harmony/host/diagnostics.hpp>
#include <iosfwd>
#include <nlohmann/json.hpp>
#include <string>

namespace harmony::host {

// members is an object; it is printed after the first member.
void print_document(std::ostream& out, const std::string& schema, const nlohmann::json& members);

[[nodiscard]] nlohmann::json diagnostic_document(const Diagnostic& what);
}  // namespace harmony::host
