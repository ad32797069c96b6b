#include <harmony/capability/secret_store.hpp>

#include "wire.hpp"

namespace harmony::plugin {

namespace {

// Words of lowercase letters, digits and '-', joined by '/'.
constexpr const char* kNamePattern = "^[a-z0-9-]+(/[a-z0-9-]+)*$";
constexpr const char* kPrefixPattern = "^[a-z0-9/-]*$";

struct NameParams {
    std::string name;

    static auto fields() {
        return harmony::plugin::fields(field("name", &NameParams::name).required().pattern(kNamePattern));
    }
};

struct PrefixParams {
    std::string prefix;

    static auto fields() {
        return harmony::plugin::fields(field("prefix", &PrefixParams::prefix).pattern(kPrefixPattern));
    }
};

struct EnsureParams {
    std::string name;
    int bytes = 32;

    static auto fields() {
        return harmony::plugin::fields(field("name", &EnsureParams::name).required().pattern(kNamePattern),
                                       field("bytes", &EnsureParams::bytes).range(16, 1024));
    }
};

struct PutParams {
    std::string name;
    std::string value;

    static auto fields() {
        return harmony::plugin::fields(field("name", &PutParams::name).required().pattern(kNamePattern),
                                       field("value", &PutParams::value).required().sensitive());
    }
};

class Client final : public SecretStore {
 public:
    explicit Client(CapabilityCaller& caller) : caller_(caller) {}

    Result<std::string> get(const std::string& name) override {
        auto answer = caller_.call(kId, "get", to_json(NameParams{name}));
        if (!answer) return failure(std::move(answer.error()));
        const std::string* value = (*answer)["value"].if_string();
        // Not through the generic decoder: what was found must not be repeated in a message.
        if (value == nullptr) return failure("capability.bad-answer", "secret-store/1 get returned no text");
        return *value;
    }
    Result<std::vector<std::string>> list(const std::string& prefix) override {
        return wire::ask_member<std::vector<std::string>>(caller_, kId, "list", to_json(PrefixParams{prefix}),
                                                          "names");
    }
    Result<EnsuredSecret> ensure(const std::string& name, int bytes) override {
        return wire::ask<EnsuredSecret>(caller_, kId, "ensure", to_json(EnsureParams{name, bytes}));
    }
    Result<void> put(const std::string& name, const std::string& value) override {
        auto answer = caller_.call(kId, "put", to_json(PutParams{name, value}));
        if (!answer) return failure(std::move(answer.error()));
        return {};
    }
    Result<bool> remove(const std::string& name) override {
        return wire::ask_member<bool>(caller_, kId, "remove", to_json(NameParams{name}), "removed");
    }

 private:
    CapabilityCaller& caller_;
};

}  // namespace

std::unique_ptr<SecretStore> SecretStore::client(CapabilityCaller& caller) {
    return std::make_unique<Client>(caller);
}

Result<Json> SecretStore::dispatch(SecretStore& server, std::string_view method, const Json& params) {
    using wire::reply;
    using wire::serve;
    if (method == "get") {
        return serve<NameParams>(params,
                                 [&](const NameParams& p) { return reply("value", server.get(p.name)); });
    }
    if (method == "list") {
        return serve<PrefixParams>(
            params, [&](const PrefixParams& p) { return reply("names", server.list(p.prefix)); });
    }
    if (method == "ensure") {
        return serve<EnsureParams>(
            params, [&](const EnsureParams& p) { return reply(server.ensure(p.name, p.bytes)); });
    }
    if (method == "put") {
        return serve<PutParams>(params,
                                [&](const PutParams& p) { return reply(server.put(p.name, p.value)); });
    }
    if (method == "remove") {
        return serve<NameParams>(
            params, [&](const NameParams& p) { return reply("removed", server.remove(p.name)); });
    }
    return unknown_capability_method(kId, method);
}

}  // namespace harmony::plugin
