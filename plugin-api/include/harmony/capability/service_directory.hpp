// service-directory/1: where a service listens (spec/capabilities.md).
#pragma once

#include <harmony/plugin/capability.hpp>
#include <string>
#include <vector>

namespace harmony::plugin {

struct Endpoint {
    std::string host;
    int port = 0;

    static auto fields() {
        return harmony::plugin::fields(field("host", &Endpoint::host).required(),
                                       field("port", &Endpoint::port).required().range(1, 65535));
    }
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// One named port of one service.
struct ServicePort {
    std::string service;
    std::string port;  // its name
    std::string host;
    int number = 0;

    static auto fields() {
        using Self = ServicePort;
        return harmony::plugin::fields(
            field("service", &Self::service).required(), field("port", &Self::port).required(),
            field("host", &Self::host).required(), field("number", &Self::number).required());
    }
    friend bool operator==(const ServicePort&, const ServicePort&) = default;
};

// Both methods only read.
class ServiceDirectory {
 public:
    static constexpr std::string_view kId = "service-directory/1";
    static constexpr std::string_view kNotFound = "service-directory.not-found";

    virtual ~ServiceDirectory() = default;

    // kNotFound when nothing of that name is deployed.
    virtual Result<Endpoint> resolve(const std::string& service, const std::string& port) = 0;
    virtual Result<std::vector<ServicePort>> list() = 0;

    [[nodiscard]] static std::unique_ptr<ServiceDirectory> client(CapabilityCaller& caller);
    [[nodiscard]] static Result<Json> dispatch(ServiceDirectory& server, std::string_view method,
                                               const Json& params);
};

}  // namespace harmony::plugin
