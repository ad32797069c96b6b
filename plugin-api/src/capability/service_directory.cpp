#include <harmony/capability/service_directory.hpp>

#include "wire.hpp"

namespace harmony::plugin {

namespace {

struct ResolveParams {
    std::string service;
    std::string port;

    static auto fields() {
        return harmony::plugin::fields(field("service", &ResolveParams::service).required(),
                                       field("port", &ResolveParams::port).required());
    }
};

class Client final : public ServiceDirectory {
 public:
    explicit Client(CapabilityCaller& caller) : caller_(caller) {}

    Result<Endpoint> resolve(const std::string& service, const std::string& port) override {
        return wire::ask<Endpoint>(caller_, kId, "resolve", to_json(ResolveParams{service, port}));
    }
    Result<std::vector<ServicePort>> list() override {
        return wire::ask_member<std::vector<ServicePort>>(caller_, kId, "list", Json::object(), "services");
    }

 private:
    CapabilityCaller& caller_;
};

}  // namespace

std::unique_ptr<ServiceDirectory> ServiceDirectory::client(CapabilityCaller& caller) {
    return std::make_unique<Client>(caller);
}

Result<Json> ServiceDirectory::dispatch(ServiceDirectory& server, std::string_view method,
                                        const Json& params) {
    if (method == "resolve") {
        return wire::serve<ResolveParams>(
            params, [&](const ResolveParams& p) { return wire::reply(server.resolve(p.service, p.port)); });
    }
    if (method == "list") return wire::reply("services", server.list());
    return unknown_capability_method(kId, method);
}

}  // namespace harmony::plugin
