#include "tls.hpp"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>

#include "../status.hpp"

namespace harmony::runtime::kubernetes {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using ErrorCode = boost::system::error_code;

struct FreeBio {
    void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

std::string drain(BIO* bio) {
    char* data = nullptr;
    const long length = BIO_get_mem_data(bio, &data);
    return length > 0 ? foreign_text(std::string_view(data, static_cast<std::size_t>(length)))
                      : std::string{};
}

std::string name_text(const X509_NAME* name) {
    const Bio bio(BIO_new(BIO_s_mem()));
    X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253);
    return drain(bio.get());
}

std::string time_text(const ASN1_TIME* time) {
    const Bio bio(BIO_new(BIO_s_mem()));
    ASN1_TIME_print(bio.get(), time);
    return drain(bio.get());
}

std::string address_text(const ASN1_OCTET_STRING* address) {
    const unsigned char* data = ASN1_STRING_get0_data(address);
    if (ASN1_STRING_length(address) == 4) {
        asio::ip::address_v4::bytes_type bytes;
        std::copy_n(data, bytes.size(), bytes.begin());
        return asio::ip::address_v4(bytes).to_string();
    }
    if (ASN1_STRING_length(address) == 16) {
        asio::ip::address_v6::bytes_type bytes;
        std::copy_n(data, bytes.size(), bytes.begin());
        return asio::ip::address_v6(bytes).to_string();
    }
    return "an address of another length";
}

// The names and addresses that a certificate is for.
std::string alternative_names(const X509* certificate) {
    auto* names =
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    if (names == nullptr) return "none";
    std::string text;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
        std::string one;
        if (name->type == GEN_DNS) {
            const auto length = static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName));
            one.assign(ASN1_STRING_get0_data(name->d.dNSName),
                       ASN1_STRING_get0_data(name->d.dNSName) + length);
        } else if (name->type == GEN_IPADD) {
            one = address_text(name->d.iPAddress);
        }
        if (!one.empty()) text += (text.empty() ? "" : ", ") + one;
    }
    GENERAL_NAMES_free(names);
    return foreign_text(text);
}

// The subjects of the configured authorities.
std::string authority_names(const std::string& pem) {
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    std::string text;
    while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
        text += (text.empty() ? "\"" : ", \"") + name_text(X509_get_subject_name(certificate)) + "\"";
        X509_free(certificate);
    }
    ERR_clear_error();  // the end of the text counts as an error
    return text;
}

const std::string& expected_name(const ClusterAccess& access) {
    return access.server_name.empty() ? access.host : access.server_name;
}

Answer<void> add_client_certificate(ssl::context& context, const ClusterAccess& access) {
    if (access.client_certificate_pem.empty()) return {};
    ErrorCode error;
    context.use_certificate_chain(asio::buffer(access.client_certificate_pem), error);
    if (error)
        return refuse(Reason::Configuration, access.origin + ": client-certificate is no PEM certificate");
    context.use_private_key(asio::buffer(access.client_key_pem), ssl::context::pem, error);
    if (error || SSL_CTX_check_private_key(context.native_handle()) != 1) {
        ERR_clear_error();
        return refuse(Reason::Configuration,
                      access.origin + ": client-key is not the key of client-certificate");
    }
    return {};
}

}  // namespace

Answer<TlsContext> make_tls_context(const ClusterAccess& access) {
    // OpenSSL would ask for the passphrase at the terminal, and wait.
    const std::pair<const char*, const std::string*> texts[] = {
        {"certificate-authority", &access.authority_pem},
        {"client-certificate", &access.client_certificate_pem},
        {"client-key", &access.client_key_pem}};
    for (const auto& [name, pem] : texts) {
        if (pem->find("ENCRYPTED") == std::string::npos) continue;
        return refuse(Reason::Configuration,
                      access.origin + ": " + name + " is encrypted; give one without a passphrase");
    }
    auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
    ErrorCode error;
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    if (access.insecure) {
        context->set_verify_mode(ssl::verify_none, error);
    } else {
        context->set_verify_mode(ssl::verify_peer, error);
        if (access.authority_pem.empty()) {
            context->set_default_verify_paths(error);
        } else {
            context->add_certificate_authority(asio::buffer(access.authority_pem), error);
            if (error || authority_names(access.authority_pem).empty()) {
                return refuse(Reason::Configuration, access.authority_origin + ": no PEM certificate in it");
            }
        }
        // As other clients of the API do: a certificate that is configured is trusted, whoever signed it.
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context->native_handle()), X509_V_FLAG_PARTIAL_CHAIN);
    }
    if (const auto added = add_client_certificate(*context, access); !added) return refuse(added.error());
    return context;
}

void expect_server(SSL* connection, const ClusterAccess& access) {
    const std::string& name = expected_name(access);
    ErrorCode error;
    asio::ip::make_address(name, error);
    X509_VERIFY_PARAM* parameters = SSL_get0_param(connection);
    if (!error) {
        X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str());
        return;
    }
    X509_VERIFY_PARAM_set1_host(parameters, name.c_str(), name.size());
    // SSL_set_tlsext_host_name, whose macro casts as C does.
    SSL_ctrl(connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(name.c_str()));
}

bool judge_certificate(bool verified, X509_STORE_CTX* store, const ClusterAccess& access,
                       PeerVerdict& verdict) {
    if (verified) return true;
    const int code = X509_STORE_CTX_get_error(store);
    const X509* certificate = X509_STORE_CTX_get_current_cert(store);
    std::string text = "the server's certificate is not accepted: ";
    if (certificate == nullptr) {
        verdict.problem = text + X509_verify_cert_error_string(code);
        return false;
    }
    if (code == X509_V_ERR_HOSTNAME_MISMATCH || code == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        text += "it is for " + alternative_names(certificate) + ", expected " + expected_name(access) +
                "; tls-server-name in the kubeconfig changes what is expected";
    } else if (code == X509_V_ERR_CERT_HAS_EXPIRED) {
        text += "it expired at " + time_text(X509_get0_notAfter(certificate));
    } else if (code == X509_V_ERR_CERT_NOT_YET_VALID) {
        text += "it is valid only from " + time_text(X509_get0_notBefore(certificate)) +
                "; is this machine's clock right?";
    } else {
        const std::string expected = access.authority_pem.empty() ? "one of the system's authorities"
                                                                  : authority_names(access.authority_pem) +
                                                                        " (" + access.authority_origin + ")";
        text += "found one issued by \"" + name_text(X509_get_issuer_name(certificate)) +
                "\", expected one issued by " + expected + ": " + X509_verify_cert_error_string(code);
    }
    verdict.problem = std::move(text);
    return false;
}

}  // namespace harmony::runtime::kubernetes
