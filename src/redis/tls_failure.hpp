#pragma once

#include <string>

namespace ordercache {

/// Returns OpenSSL's or the system's words for an error that OpenSSL noted.
std::string openssl_reason(unsigned long error);

/// Returns what is wrong with a certificate, and what to do, by OpenSSL's verdict.
std::string why_certificate_is_refused(long verdict);

/// Returns why a connection by TLS failed, and what to do, by the error that OpenSSL noted.
std::string why_tls_failed(unsigned long error);

} // namespace ordercache
