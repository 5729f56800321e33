// HTTP_GET and SSL_GET: whether a URL answers in time, with an accepted status and the expected body. One connection,
// read to its end or to the limit of the body. The body is checked as it arrives and not stored.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "attempt.hpp"
#include "finding.hpp"
#include "toolbox.hpp"

namespace mainstay::probe {

// Bytes of a body that are read where max_body_length says nothing; a digest is of the whole body.
inline constexpr std::uint64_t kHttpBodyMax = std::uint64_t{1} << 20, kHttpDigestBodyMax = std::uint64_t{16} << 20;

struct HttpCheck {
    Connection connection;
    std::string request;     // HTTP/1
    std::string host, path;  // HTTP/2
    bool http2 = false;
    std::string refused;       // why no request can be made: the check fails
    std::string not_possible;  // what this host lacks: the check is not run
    std::string digest;        // MD5 of the body in lower case; empty: not compared
    std::uint64_t body_max = kHttpBodyMax;
    std::vector<config::HttpUrl::Codes> status_codes;
    std::shared_ptr<const Regex> regex;    // null: not compared
    std::shared_ptr<const TlsClient> tls;  // null: no TLS
    TlsWish wish;
};
// `url`: index into the checker's URLs.
[[nodiscard]] HttpCheck http_check_of(const config::Checker& checker, std::size_t url, Toolbox& tools);

// Findings as of tcp_check; an unacceptable answer is Failed.
[[nodiscard]] boost::asio::awaitable<Finding> http_check(HttpCheck check, std::shared_ptr<Attempt> attempt);

}  // namespace mainstay::probe
