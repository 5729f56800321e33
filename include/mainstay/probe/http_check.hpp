// HTTP_GET and SSL_GET: does a URL answer in time, with an accepted status and the wanted body? One connection, read to
// its end. The body is looked at as it comes and never kept.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <vector>

#include "attempt.hpp"
#include "finding.hpp"
#include "toolbox.hpp"

namespace mainstay::probe {

// Each wait has connect_timeout; an answer that trickles has this many of them in all (keepalived: for ever).
inline constexpr int kHttpWaitsMax = 12;

struct HttpCheck {
    Connection connection;
    std::string request;     // HTTP/1
    std::string host, path;  // HTTP/2
    bool http2 = false;
    std::string refused;       // why there is no request: the check fails
    std::string not_possible;  // what this host lacks: the check is not run
    std::string digest;        // MD5 of the body in lower case; empty: not compared
    std::vector<config::HttpUrl::Codes> status_codes;
    std::shared_ptr<const Regex> regex;    // null: not compared
    std::shared_ptr<const TlsClient> tls;  // null: in the clear
    TlsWish wish;
};
// `url` counts the checker's URLs from 0.
[[nodiscard]] HttpCheck http_check_of(const config::Checker& checker, std::size_t url, Toolbox& tools);

// Findings as of tcp_check; an answer that does not hold is Failed.
[[nodiscard]] boost::asio::awaitable<Finding> http_check(HttpCheck check, std::shared_ptr<Attempt> attempt);

}  // namespace mainstay::probe
