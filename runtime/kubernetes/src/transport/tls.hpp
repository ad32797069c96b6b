// Certificates: what we show, whom we trust, and why we did not. Internal to this folder.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <memory>
#include <string>

#include "harmony/kubernetes/access.hpp"
#include "harmony/kubernetes/failure.hpp"

namespace harmony::runtime::kubernetes {

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

[[nodiscard]] Answer<TlsContext> make_tls_context(const ClusterAccess& access);

// Why a server's certificate was refused; empty while it was not.
struct PeerVerdict {
    std::string problem;
};

// Sets name, SNI and the verification of a connection; the verdict must live as long as the handshake.
void expect_server(SSL* ssl, const ClusterAccess& access);
[[nodiscard]] bool judge_certificate(bool verified, X509_STORE_CTX* store, const ClusterAccess& access,
                                     PeerVerdict& verdict);

}  // namespace harmony::runtime::kubernetes
