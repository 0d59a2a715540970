#include "redis/tls_failure.hpp"

#include "redis/socket.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace ordercache {

std::string openssl_reason(unsigned long error) {
    if (ERR_SYSTEM_ERROR(error)) {
        return system_message(ERR_GET_REASON(error));
    }
    const char* const reason = ERR_reason_error_string(error);
    return reason != nullptr ? reason : "unknown error";
}

std::string why_certificate_is_refused(long verdict) {
    switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "its certificate is for another host: write the host in REDIS_SERVICE_URI as the "
               "certificate has it";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "its certificate is signed by an unknown authority: name that authority's file with "
               "ssl_ca_certs in REDIS_SERVICE_URI, or with SSL_CERT_FILE";
    default:
        return fmt::format("its certificate is refused: {}",
                           X509_verify_cert_error_string(verdict));
    }
}

std::string why_tls_failed(unsigned long error) {
    switch (ERR_GET_REASON(error)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
        return "it does not speak TLS: use its TLS port, or redis:// if it has none";
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
        return "it does not speak TLS 1.2 or newer: update it";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        return "it requires a client certificate: set ssl_certfile and ssl_keyfile in "
               "REDIS_SERVICE_URI";
    default:
        return "TLS: " + openssl_reason(error);
    }
}

} // namespace ordercache
