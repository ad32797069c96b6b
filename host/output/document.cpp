#include "host/output/document.hpp"

#include <ostream>

#include "host/cli/version.hpp"

namespace harmony::host {

using nlohmann::json;

void print_document(std::ostream& out, const std::string& schema, const json& members) {
    const json first = {{"schema", schema}, {"version", kVersion}};
    out << "{\"harmony\":" << first.dump();
    for (const auto& [name, value] : members.items())
        out << "," << json(name).dump() << ":" << value.dump(-1, ' ', false, json::error_handler_t::replace);
    out << "}\n";
}

json diagnostic_document(const Diagnostic& what) {
    json document = {{"code", what.code}, {"summary", what.summary}};
    if (!what.detail.empty()) document["detail"] = what.detail;
    if (!what.hint.empty()) document["hint"] = what.hint;
    if (!what.path.empty()) document["path"] = what.path;
    if (what.retryable) document["retryable"] = true;
    return document;
}

}  // namespace harmony::host
