#include "redis/socket.hpp"

#include "base/error.hpp"
#include "base/lazy_library.hpp"
#include "redis/tls_failure.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
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

constexpr auto k_read_too_late = "the files for TLS could not be read in time";

void require(bool done, const char* act) {
    if (!done) {
        throw StreamError(fmt::format("cannot {}: {}", act, openssl_reason(ERR_peek_error())));
    }
}

void require_file(bool is_usable, const char* option) {
    if (!is_usable) {
        throw usage_error(fmt::format("REDIS_SERVICE_URI: cannot use {}: {}", option,
                                      openssl_reason(ERR_peek_error())));
    }
}

/// Replaces OpenSSL's function, which asks at the terminal and waits there for ever.
int refuse_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* is_wanted) {
    *static_cast<bool*>(is_wanted) = true;
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
        throw usage_error("REDIS_SERVICE_URI: the key in ssl_keyfile has a passphrase: use a key "
                          "without one, in a file that only its owner can read");
    }
    require_file(used == 1, "ssl_keyfile");
}

/// Loads OpenSSL and reads its configuration and the files that the service names.
Context make_context(const RedisService& service) {
    try {
        open_library(openssl);
    } catch (const std::runtime_error& error) {
        throw StreamError(error.what());
    }
    Context context(SSL_CTX_new(TLS_client_method()));
    require(context != nullptr, "set up TLS");
    ERR_clear_error(); // an error in OpenSSL's configuration does not matter
    require(SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1, "require TLS 1.2");
    SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    use_authorities(context.get(), service);
    use_client_certificate(context.get(), service);
    return context;
}

/// Accepts a certificate without the node's address if it has the cluster's name.
int accept_cluster_name(int is_valid, X509_STORE_CTX* store) {
    if (is_valid == 1 || X509_STORE_CTX_get_error(store) != X509_V_ERR_IP_ADDRESS_MISMATCH) {
        return is_valid;
    }
    const int index = SSL_get_ex_data_X509_STORE_CTX_idx();
    const auto* const ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, index));
    const auto* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr || X509_check_host(X509_STORE_CTX_get0_cert(store), name, 0,
                                           X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) != 1) {
        return 0;
    }
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

bool is_address(const std::string& host) {
    using Address = std::unique_ptr<ASN1_OCTET_STRING, Freeing<ASN1_OCTET_STRING_free>>;
    return Address(a2i_IPADDRESS(host.c_str())) != nullptr;
}

void send_name(SSL* ssl, const std::string& name) {
    require(SSL_set_tlsext_host_name(ssl, name.c_str()) == 1, "send the host's name");
}

/// An address must be among the certificate's addresses, and is not sent as the server's name. A
/// node that its cluster tells by address may show the cluster's name instead.
void expect_host(SSL* ssl, const RedisService& service) {
    const char* const host = service.host.c_str();
    if (!is_address(service.host)) {
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        require(SSL_set1_host(ssl, host) == 1, "check the host's name");
        send_name(ssl, service.host);
        return;
    }
    require(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1, "check the address");
    if (!service.cluster_host.empty() && !is_address(service.cluster_host)) {
        send_name(ssl, service.cluster_host);
        SSL_set_verify(ssl, SSL_get_verify_mode(ssl), accept_cluster_name);
    }
}

std::string why_refused(const SSL* ssl) {
    const long verdict = SSL_get_verify_result(ssl);
    if (SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE && verdict != X509_V_OK) {
        return why_certificate_is_refused(verdict);
    }
    return why_tls_failed(ERR_peek_last_error());
}

int to_length(std::size_t size) {
    constexpr std::size_t most = 1 << 20;
    return static_cast<int>(std::min(size, most));
}

/// A connection. A thread that hangs in a call to OpenSSL shares it.
struct Session {
    Socket socket;
    Ssl ssl;
};

Ssl make_ssl(const RedisService& service, const Context& context, const Socket& socket) {
    Ssl ssl(SSL_new(context.get()));
    require(ssl != nullptr && SSL_set_fd(ssl.get(), socket.fd()) == 1, "set up TLS");
    expect_host(ssl.get(), service);
    return ssl;
}

/// A server that refuses a client's certificate closes the connection: a write may fail before its
/// alert, which has the reason, was read.
std::string why_broken(SSL* ssl, int system_error) {
    char next = 0;
    if (SSL_peek(ssl, &next, 1) <= 0 && ERR_peek_last_error() != 0) {
        return why_refused(ssl);
    }
    return system_error == 0 ? "the connection was closed" : system_message(system_error);
}

/// What a call to OpenSSL returned or, if `events` (poll's) is not 0, what must come first.
struct Outcome {
    int result;
    short events;
};

/// `call` is one of OpenSSL's functions, which note their errors in the thread that calls them.
/// Throws StreamError.
template <typename Call>
Outcome attempt(SSL* ssl, Call call) {
    ERR_clear_error();
    errno = 0;
    const int result = call(ssl);
    const int system_error = errno;
    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_NONE:
        return {result, 0};
    case SSL_ERROR_WANT_READ:
        return {result, POLLIN};
    case SSL_ERROR_WANT_WRITE:
        return {result, POLLOUT};
    case SSL_ERROR_ZERO_RETURN:
        throw StreamError("the connection was closed");
    case SSL_ERROR_SYSCALL:
        throw StreamError(why_broken(ssl, system_error));
    default:
        throw StreamError(why_refused(ssl));
    }
}

class TlsStream : public Stream {
public:
    explicit TlsStream(std::shared_ptr<Session> session) : m_session(std::move(session)) {}

    /// To check the certificate, OpenSSL reads files from the folder that SSL_CERT_DIR names, which
    /// may hang.
    void shake_hands(Deadline deadline) {
        const auto handshake = [session = m_session] {
            return attempt(session->ssl.get(), SSL_connect);
        };
        while (const short events = run_blocking(handshake, deadline, k_read_too_late).events) {
            m_session->socket.wait(events, deadline);
        }
    }

    void write(std::string_view bytes, Deadline deadline) override {
        while (!bytes.empty()) {
            const auto write_some = [bytes](SSL* ssl) {
                return SSL_write(ssl, bytes.data(), to_length(bytes.size()));
            };
            bytes.remove_prefix(complete(write_some, deadline));
        }
    }

    std::size_t read(std::span<char> buffer, Deadline deadline) override {
        const auto read_some = [buffer](SSL* ssl) {
            return SSL_read(ssl, buffer.data(), to_length(buffer.size()));
        };
        return complete(read_some, deadline);
    }

    /// Bytes that have arrived may be TLS's own, for example a session ticket.
    bool is_silent() override {
        char next = 0;
        const auto peek = [&next](SSL* ssl) { return SSL_peek(ssl, &next, 1); };
        try {
            return attempt(m_session->ssl.get(), peek).events != 0;
        } catch (const StreamError&) {
            return false;
        }
    }

private:
    /// Repeats the call until it succeeds, and returns its result.
    template <typename Call>
    std::size_t complete(Call call, Deadline deadline) {
        for (;;) {
            const auto [result, events] = attempt(m_session->ssl.get(), call);
            if (events == 0) {
                return static_cast<std::size_t>(result);
            }
            m_session->socket.wait(events, deadline);
        }
    }

    std::shared_ptr<Session> m_session;
};

} // namespace

std::unique_ptr<Stream> connect_tls_stream(const RedisService& service, Deadline deadline) {
    const auto context =
        run_blocking([service] { return make_context(service); }, deadline, k_read_too_late);
    Socket socket = Socket::connect(service, deadline);
    Ssl ssl = make_ssl(service, context, socket);
    auto stream = std::make_unique<TlsStream>(
        std::make_shared<Session>(Session{std::move(socket), std::move(ssl)}));
    stream->shake_hands(deadline);
    return stream;
}

} // namespace ordercache
