// The shell of a watch: performs what WatchProgress decides, on the transport's I/O thread.
#pragma once

#include <memory>

#include "credentials.hpp"
#include "harmony/kubernetes/client.hpp"
#include "status.hpp"
#include "transport/transport.hpp"

namespace harmony::runtime::kubernetes {

// Credentials and transport must outlive it.
[[nodiscard]] Answer<std::unique_ptr<Watch>> start_watch(Transport& transport, Credentials& credentials,
                                                         const WatchScope& scope, WatchHandlers handlers,
                                                         const WatchOptions& options);

// Shared with list().
[[nodiscard]] Answer<ListPage> decode_page(const CallName& call, const std::string& body,
                                           const std::string& api_version, const std::string& kind);

}  // namespace harmony::runtime::kubernetes
