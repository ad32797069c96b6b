#include "scripted_server.hpp"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "loopback_listener.hpp"

namespace harmony::runtime::kubernetes::testing {
namespace {

struct Free {
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* connection) const { SSL_free(connection); }
    void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long length = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(length)};
}

template <class T>
Owned<T> read_pem(const std::string& pem, T* (*read)(BIO*, T**, pem_password_cb*, void*)) {
    const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return Owned<T>(read(bio.get(), nullptr, nullptr, nullptr));
}

// Whoever shows a certificate is let in: the handler looks at its name.
int accept_any(int, X509_STORE_CTX*) {
    return 1;
}

Owned<SSL_CTX> server_context(const Identity& identity) {
    Owned<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
    const auto certificate = read_pem<X509>(identity.certificate, PEM_read_bio_X509);
    const auto key = read_pem<EVP_PKEY>(identity.key, PEM_read_bio_PrivateKey);
    REQUIRE(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, accept_any);
    return context;
}

std::string client_name(const SSL* connection) {
    const Owned<X509> certificate(SSL_get1_peer_certificate(connection));
    if (!certificate) return {};
    char name[256] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name, sizeof name);
    return name;
}

std::string field(const std::string& head, const std::string& name) {
    const auto at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const auto start = at + name.size() + 4;
    return head.substr(start, head.find("\r\n", start) - start);
}

// Nothing: the client is gone.
std::optional<ServerRequest> read_request(SSL* connection) {
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
        char byte = 0;
        if (SSL_read(connection, &byte, 1) != 1) return std::nullopt;
        head += byte;
    }
    const std::string length = field(head, "Content-Length");
    for (int left = length.empty() ? 0 : std::stoi(length); left > 0;) {
        char body[4096];
        const int count = SSL_read(connection, body, std::min<int>(left, sizeof body));
        if (count <= 0) return std::nullopt;
        left -= count;
    }
    ServerRequest request;
    request.method = head.substr(0, head.find(' '));
    const auto target = request.method.size() + 1;
    request.target = head.substr(target, head.find(' ', target) - target);
    request.authorization = field(head, "Authorization");
    request.client = client_name(connection);
    return request;
}

}  // namespace

Identity make_identity(const std::string& common_name) {
    const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
    const Owned<X509> certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3'600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3'600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    const Owned<X509_EXTENSION> address(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1"));
    X509_add_ext(certificate.get(), address.get(), -1);
    REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) != 0);
    const Owned<BIO> certificate_text(BIO_new(BIO_s_mem()));
    const Owned<BIO> key_text(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(certificate_text.get(), certificate.get());
    PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return {text_of(certificate_text.get()), text_of(key_text.get())};
}

std::string answer(int status, const std::string& body, const std::string& further) {
    return "HTTP/1.1 " + std::to_string(status) +
           " Said\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n" + further + "\r\n" + body;
}

class ScriptedServer::Listener {
 public:
    explicit Listener(Handler handler) : handler_(std::move(handler)), context_(server_context(identity_)) {
        std::signal(SIGPIPE, SIG_IGN);  // of a client that is gone
        thread_ = std::thread([this] { accept_all(); });
    }
    ~Listener() {
        ::shutdown(listening_.socket(), SHUT_RDWR);
        thread_.join();
        {
            const std::lock_guard lock(mutex_);
            for (const int connection : open_)
                ::shutdown(connection, SHUT_RDWR);
        }
        for (std::thread& thread : threads_)
            thread.join();
        for (const int connection : open_)
            ::close(connection);
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    [[nodiscard]] std::uint16_t port() const { return listening_.port(); }
    [[nodiscard]] int connections() const { return connections_; }
    [[nodiscard]] std::vector<ServerRequest> requests() const {
        const std::lock_guard lock(handler_mutex_);
        return requests_;
    }
    [[nodiscard]] const std::string& certificate() const { return identity_.certificate; }

 private:
    void accept_all() {
        while (true) {
            const int connection = ::accept4(listening_.socket(), nullptr, nullptr, SOCK_CLOEXEC);
            if (connection < 0) return;
            ++connections_;
            const std::lock_guard lock(mutex_);
            open_.push_back(connection);
            threads_.emplace_back([this, connection] { serve(connection); });
        }
    }

    void serve(int connection) {
        const Owned<SSL> tls(SSL_new(context_.get()));
        SSL_set_fd(tls.get(), connection);
        if (SSL_accept(tls.get()) != 1) return;
        while (const auto request = read_request(tls.get())) {
            std::string said;
            {
                const std::lock_guard one_at_a_time(handler_mutex_);
                requests_.push_back(*request);
                said = handler_(*request, static_cast<int>(requests_.size()));
            }
            if (SSL_write(tls.get(), said.data(), static_cast<int>(said.size())) <= 0) return;
        }
    }

    const Handler handler_;
    const Identity identity_ = make_identity("scripted");
    Owned<SSL_CTX> context_;
    const LoopbackListener listening_;
    std::atomic<int> connections_{0};
    mutable std::mutex handler_mutex_;
    std::vector<ServerRequest> requests_;
    std::mutex mutex_;
    std::vector<int> open_;  // closed at the end, so that no number is another connection's
    std::vector<std::thread> threads_;
    std::thread thread_;
};

ScriptedServer::ScriptedServer(Handler handler) : listener_(std::make_unique<Listener>(std::move(handler))) {}
ScriptedServer::~ScriptedServer() = default;

ClusterAccess ScriptedServer::access() const {
    ClusterAccess access;
    access.origin = "a test";
    access.host = "127.0.0.1";
    access.port = listener_->port();
    access.authority_pem = listener_->certificate();
    access.authority_origin = "the test's own";
    return access;
}

int ScriptedServer::connections() const {
    return listener_->connections();
}

std::vector<ServerRequest> ScriptedServer::requests() const {
    return listener_->requests();
}

}  // namespace harmony::runtime::kubernetes::testing
