// The address of an API server as kubeconfig files write it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "harmony/kubernetes/failure.hpp"

namespace harmony::runtime::kubernetes {

struct ServerUrl {
    std::string host;  // without brackets
    std::uint16_t port = 443;
    std::string path_prefix;
};

// https only: a token over plain HTTP is given away. Configuration: says what was found.
[[nodiscard]] Answer<ServerUrl> parse_server_url(std::string_view field, std::string_view text);

}  // namespace harmony::runtime::kubernetes
