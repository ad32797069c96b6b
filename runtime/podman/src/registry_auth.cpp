#include "harmony/podman/registry_auth.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "harmony/http/base64.hpp"

namespace harmony::runtime::podman {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kDockerHub = "docker.io";

// "https://index.docker.io/v1/" is how docker writes its own registry.
std::string normalized(std::string_view key) {
    for (const std::string_view scheme : {"https://", "http://"}) {
        if (!key.starts_with(scheme)) continue;
        key.remove_prefix(scheme.size());
        key = key.substr(0, key.find('/'));
    }
    while (key.ends_with('/'))
        key.remove_suffix(1);
    if (key == "index.docker.io" || key == "registry-1.docker.io") return std::string(kDockerHub);
    return std::string(key);
}

std::string text_of(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<RegistryCredentials> decode_entry(const Json& entry, const std::string& where) {
    if (!entry.is_object()) return fail(ErrorKind::InvalidInput, where + ": expected an object");
    RegistryCredentials credentials;
    credentials.identity_token = text_of(entry, "identitytoken");
    const std::string encoded = text_of(entry, "auth");
    if (encoded.empty()) {
        if (!credentials.identity_token.empty()) return credentials;
        return fail(ErrorKind::InvalidInput, where + ".auth: missing, expected base64 of <user>:<password>");
    }
    const auto pair = http::decode_base64(encoded);
    const auto colon = pair ? pair->find(':') : std::string::npos;
    if (colon == std::string::npos || colon == 0) {
        return fail(ErrorKind::InvalidInput, where + ".auth: expected base64 of <user>:<password>");
    }
    credentials.user = pair->substr(0, colon);
    credentials.password = pair->substr(colon + 1);
    return credentials;
}

// The name without tag and digest.
std::string_view repository_of(std::string_view image) {
    image = image.substr(0, image.find('@'));
    const auto slash = image.rfind('/');
    const auto colon = image.rfind(':');
    const bool tagged = colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
    return tagged ? image.substr(0, colon) : image;
}

bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

Result<RegistryAuths> RegistryAuths::decode(std::string_view json, const std::string& file) {
    const Json document = Json::parse(json, nullptr, false);
    if (!document.is_object()) {
        return fail(ErrorKind::InvalidInput,
                    file + R"(: expected JSON such as {"auths":{"<registry>":{"auth":"…"}}})");
    }
    for (const char* program : {"credHelpers", "credsStore"}) {
        if (!document.contains(program)) continue;
        return fail(ErrorKind::InvalidInput,
                    file + ": " + program + ": not supported, expected credentials in auths");
    }
    const auto auths = document.find("auths");
    if (auths == document.end() || !auths->is_object()) {
        return fail(ErrorKind::InvalidInput,
                    file + ": auths: expected an object with a member for each registry");
    }
    RegistryAuths result;
    for (const auto& [key, entry] : auths->items()) {
        auto credentials = decode_entry(entry, file + ": auths." + key);
        if (!credentials) return fail(credentials.error());
        result.entries_.insert_or_assign(normalized(key), *std::move(credentials));
    }
    return result;
}

const RegistryCredentials* RegistryAuths::find(std::string_view image) const {
    if (registry_of(image).empty()) return nullptr;
    std::string_view part = repository_of(image);
    while (true) {
        if (const auto found = entries_.find(part); found != entries_.end()) return &found->second;
        const auto slash = part.rfind('/');
        if (slash == std::string_view::npos) return nullptr;
        part = part.substr(0, slash);
    }
}

std::string registry_of(std::string_view image) {
    const auto slash = image.find('/');
    if (slash == std::string_view::npos) return {};
    const std::string_view first = image.substr(0, slash);
    const bool is_host = first.find_first_of(".:") != std::string_view::npos || first == "localhost";
    return is_host ? std::string(first) : std::string();
}

bool is_loopback_registry(std::string_view registry) {
    if (registry.starts_with("[::1]")) return true;
    const auto colon = registry.rfind(':');
    const bool has_port = colon != std::string_view::npos && is_number(registry.substr(colon + 1));
    const std::string_view host = has_port ? registry.substr(0, colon) : registry;
    if (host == "localhost") return has_port;
    if (!host.starts_with("127.")) return false;
    // A name such as 127.example.com is none of this machine's addresses.
    return host.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::string encode_registry_auth(const RegistryCredentials& credentials) {
    Json document = Json::object();
    if (!credentials.identity_token.empty()) {
        document["identitytoken"] = credentials.identity_token;
    } else {
        document["username"] = credentials.user;
        document["password"] = credentials.password;
    }
    return http::encode_base64_url(document.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace harmony::runtime::podman
