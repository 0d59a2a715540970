#include "redis/tls_stream.hpp"

#include "base/error.hpp"
#include "base/lazy_library.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <string>
#include <utility>

namespace ordercache {

namespace {

template <auto Free>
struct Freeing {
    void operator()(auto* object) const { Free(object); }
};

using Context = std::unique_ptr<SSL_CTX, Freeing<SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, Freeing<SSL_free>>;

constexpr auto k_wants_certificate = "it wants a certificate of the client's: set ssl_certfile and "
                                     "ssl_keyfile in REDIS_SERVICE_URI";

/// The reason that OpenSSL noted last in this thread.
std::string noted_reason() {
    const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason != nullptr ? reason : "unknown error";
}

void require(bool done, const char* act) {
    if (!done) {
        throw StreamError(fmt::format("cannot {}: {}", act, noted_reason()));
    }
}

template <typename Object>
Object* made(Object* object) {
    require(object != nullptr, "set TLS up");
    return object;
}

void require_file(bool is_good, const char* option) {
    if (!is_good) {
        throw usage_error(fmt::format("REDIS_SERVICE_URI: the file that {} names is no good: {}",
                                      option, noted_reason()));
    }
}

/// In place of OpenSSL's own, which asks a terminal and waits there for ever.
int refuse_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* was_asked) {
    *static_cast<bool*>(was_asked) = true;
    return -1;
}

void use_authorities(SSL_CTX* context, const RedisService& service) {
    if (!service.verify_certificate) {
        return;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    if (service.ca_file.empty()) {
        require(SSL_CTX_set_default_verify_paths(context) == 1, "find the certificate authorities");
    } else {
        require_file(SSL_CTX_load_verify_file(context, service.ca_file.c_str()) == 1,
                     "ssl_ca_certs");
    }
}

void use_client_certificate(SSL_CTX* context, const RedisService& service) {
    if (service.certificate_file.empty()) {
        return;
    }
    const auto& key_file = service.key_file.empty() ? service.certificate_file : service.key_file;
    require_file(SSL_CTX_use_certificate_chain_file(context, service.certificate_file.c_str()) == 1,
                 "ssl_certfile");
    bool wants_passphrase = false;
    SSL_CTX_set_default_passwd_cb(context, refuse_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(context, &wants_passphrase);
    const int used = SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
    if (wants_passphrase) {
        throw usage_error("REDIS_SERVICE_URI: the file that ssl_keyfile names wants a passphrase: "
                          "name a key without one, in a file that none but its owner may read");
    }
    require_file(used == 1, "ssl_keyfile");
}

Context make_context(const RedisService& service) {
    Context context(made(SSL_CTX_new(TLS_client_method())));
    require(SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1, "ask for TLS 1.2");
    use_authorities(context.get(), service);
    use_client_certificate(context.get(), service);
    return context;
}

/// An address is looked for among the certificate's addresses, and never sent as a server's name.
void expect_host(SSL* ssl, const std::string& host) {
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1) {
        return;
    }
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    require(SSL_set1_host(ssl, host.c_str()) == 1, "check the host's name");
    require(SSL_set_tlsext_host_name(ssl, host.c_str()) == 1, "send the host's name");
}

std::string why_certificate_is_refused(long verdict) {
    switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "its certificate has expired: have it renewed";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "its certificate is not valid yet: set the clocks right";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "its certificate is another host's: write the host into REDIS_SERVICE_URI as the "
               "certificate names it";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "its certificate comes from an unknown authority: name that authority's file by "
               "ssl_ca_certs in REDIS_SERVICE_URI, or by SSL_CERT_FILE";
    default:
        return fmt::format("its certificate is refused: {}",
                           X509_verify_cert_error_string(verdict));
    }
}

std::string why_failed(const SSL* ssl) {
    const long verdict = SSL_get_verify_result(ssl);
    if (SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE && verdict != X509_V_OK) {
        return why_certificate_is_refused(verdict);
    }
    switch (ERR_GET_REASON(ERR_peek_last_error())) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
        return "it does not speak TLS: use its TLS port, or redis:// where there is none";
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
        return "it does not speak TLS 1.2 or newer: bring it up to date";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        return k_wants_certificate;
    default:
        return "TLS: " + noted_reason();
    }
}

std::string why_ended(const SSL* ssl, int error) {
    return error == SSL_ERROR_ZERO_RETURN ? "the connection was closed" : why_failed(ssl);
}

int to_length(std::size_t size) {
    return static_cast<int>(
        std::min(size, static_cast<std::size_t>(std::numeric_limits<int>::max())));
}

/// OpenSSL is opened here, for only who names TLS needs it.
const RedisService& with_openssl(const RedisService& service) {
    try {
        open_library(openssl);
    } catch (const std::runtime_error& error) {
        throw StreamError(error.what());
    }
    return service;
}

} // namespace

/// OpenSSL between two buffers in memory: what the server sent, and what it is to be sent.
struct TlsStream::Session {
    explicit Session(const RedisService& service)
        : context(make_context(service)), ssl(made(SSL_new(context.get()))),
          incoming(made(BIO_new(BIO_s_mem()))), outgoing(made(BIO_new(BIO_s_mem()))) {
        SSL_set_bio(ssl.get(), incoming, outgoing);
        SSL_set_connect_state(ssl.get());
        expect_host(ssl.get(), service.host);
    }

    Context context;
    Ssl ssl;
    BIO* incoming; // the buffers are ssl's
    BIO* outgoing;
};

TlsStream::TlsStream(const RedisService& service)
    : m_session(std::make_unique<Session>(with_openssl(service))) {}

TlsStream::~TlsStream() = default;

void TlsStream::start(std::unique_ptr<Stream> transport, Deadline deadline) {
    m_transport = std::move(transport);
    complete([](SSL* ssl) { return SSL_do_handshake(ssl); }, deadline);
}

void TlsStream::write(std::string_view bytes, Deadline deadline) {
    while (!bytes.empty()) {
        const auto write_some = [&](SSL* ssl) {
            return SSL_write(ssl, bytes.data(), to_length(bytes.size()));
        };
        bytes.remove_prefix(complete(write_some, deadline));
    }
    send_pending(deadline);
}

std::size_t TlsStream::read(std::span<char> buffer, Deadline deadline) {
    const auto read_some = [&](SSL* ssl) {
        return SSL_read(ssl, buffer.data(), to_length(buffer.size()));
    };
    return complete(read_some, deadline);
}

/// What has come may be TLS's own, such as a ticket for another session.
bool TlsStream::is_silent() {
    try {
        if (!m_transport->is_silent()) {
            receive(Deadline::in(std::chrono::milliseconds(0)));
        }
    } catch (const StreamError&) {
        return false;
    }
    ERR_clear_error();
    char next = 0;
    SSL* const ssl = m_session->ssl.get();
    return SSL_get_error(ssl, SSL_peek(ssl, &next, 1)) == SSL_ERROR_WANT_READ;
}

/// Repeats the call, which is one of OpenSSL's, until the server has sent what it waits for; gives
/// what it returns then.
template <typename Call>
std::size_t TlsStream::complete(Call call, Deadline deadline) {
    SSL* const ssl = m_session->ssl.get();
    for (;;) {
        ERR_clear_error();
        const int result = call(ssl);
        const int error = SSL_get_error(ssl, result);
        if (error == SSL_ERROR_NONE) {
            return static_cast<std::size_t>(result);
        }
        if (error != SSL_ERROR_WANT_READ) {
            throw StreamError(why_ended(ssl, error));
        }
        send_pending(deadline);
        receive(deadline);
    }
}

void TlsStream::send_pending(Deadline deadline) {
    char* pending = nullptr;
    const long size = BIO_get_mem_data(m_session->outgoing, &pending);
    if (size > 0) {
        m_transport->write({pending, static_cast<std::size_t>(size)}, deadline);
        static_cast<void>(BIO_reset(m_session->outgoing));
    }
}

void TlsStream::receive(Deadline deadline) {
    std::array<char, 16384> buffer;
    const std::size_t received = m_transport->read(buffer, deadline);
    const int length = to_length(received);
    require(BIO_write(m_session->incoming, buffer.data(), length) == length, "decrypt");
}

} // namespace ordercache
