#include "harmony/kubernetes/resource.hpp"

#include <algorithm>

#include "harmony/http/client.hpp"

namespace harmony::runtime::kubernetes {
namespace {

constexpr std::size_t kMaxSegment = 253;  // the longest name that the API allows

// The API's own rules differ from kind to kind and are the server's; these keep a name from becoming another
// path.
Answer<std::string> segment(std::string_view what, std::string_view text) {
    const bool good = !text.empty() && text.size() <= kMaxSegment && text != "." && text != ".." &&
                      std::none_of(text.begin(), text.end(), [](char c) {
                          const auto byte = static_cast<unsigned char>(c);
                          return c == '/' || c == '%' || byte <= 0x20 || byte >= 0x7f;
                      });
    if (!good) {
        return refuse(Reason::Configuration,
                      std::string(what) + ": found \"" + std::string(text.substr(0, 64)) +
                          "\", expected 1 to 253 printable characters without '/' and '%'");
    }
    return http::percent_encode(text);
}

Answer<std::string> type_path(const ResourceType& type, std::string_view name_space) {
    const auto version = segment("version", type.version);
    if (!version) return refuse(version.error());
    const auto plural = segment("plural of " + type.kind, type.plural);
    if (!plural) return refuse(plural.error());
    std::string path = "/api/" + *version;
    if (!type.group.empty()) {
        const auto group = segment("group", type.group);
        if (!group) return refuse(group.error());
        path = "/apis/" + *group + "/" + *version;
    }
    if (!name_space.empty()) {
        if (!type.namespaced) {
            return refuse(Reason::Configuration, type.qualified() +
                                                     " are not in namespaces, found namespace \"" +
                                                     std::string(name_space) + "\"");
        }
        const auto encoded = segment("namespace", name_space);
        if (!encoded) return refuse(encoded.error());
        path += "/namespaces/" + *encoded;
    }
    return path + "/" + *plural;
}

}  // namespace

Answer<std::string> collection_path(const ResourceType& type, std::string_view name_space) {
    return type_path(type, name_space);
}

Answer<std::string> object_path(const ObjectRef& ref, std::string_view subresource) {
    if (ref.type.namespaced && ref.name_space.empty()) {
        return refuse(Reason::Configuration, ref.type.kind + " " + ref.name + ": a namespace is needed");
    }
    auto path = type_path(ref.type, ref.name_space);
    if (!path) return path;
    const auto name = segment("name of " + ref.type.kind, ref.name);
    if (!name) return refuse(name.error());
    *path += "/" + *name;
    if (!subresource.empty()) {
        const auto encoded = segment("subresource", subresource);
        if (!encoded) return refuse(encoded.error());
        *path += "/" + *encoded;
    }
    return path;
}

std::string query(const std::vector<std::pair<std::string_view, std::string>>& pairs) {
    std::string text;
    for (const auto& [key, value] : pairs) {
        if (value.empty()) continue;
        text += text.empty() ? "?" : "&";
        text += http::percent_encode(key) + "=" + http::percent_encode(value);
    }
    return text;
}

}  // namespace harmony::runtime::kubernetes
