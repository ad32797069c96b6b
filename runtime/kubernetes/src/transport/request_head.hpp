// What every request to an API server carries. Internal to this folder.
#pragma once

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>

#include "transport.hpp"

namespace harmony::runtime::kubernetes {

[[nodiscard]] inline std::string host_header(const ClusterAccess& access) {
    const bool six = access.host.find(':') != std::string::npos;
    return (six ? "[" + access.host + "]" : access.host) + ":" + std::to_string(access.port);
}

// Clears the message first.
template <class Body>
void fill_head(boost::beast::http::request<Body>& message, const WireRequest& request,
               const ClusterAccess& access) {
    namespace bhttp = boost::beast::http;
    message = {};
    message.version(11);
    message.method_string(request.method);
    message.target(access.path_prefix + request.target);
    message.set(bhttp::field::host, host_header(access));
    message.set(bhttp::field::user_agent, "harmony");
    message.set(bhttp::field::accept, "application/json, */*;q=0.5");
    if (!request.authorization.empty()) message.set(bhttp::field::authorization, request.authorization);
    if (!request.content_type.empty()) message.set(bhttp::field::content_type, request.content_type);
}

}  // namespace harmony::runtime::kubernetes
