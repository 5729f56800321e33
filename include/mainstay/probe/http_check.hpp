// HTTP_GET: does a URL answer in time, with an accepted status and the wanted body? One connection, read to its end.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <vector>

#include "mainstay/probe/tcp_check.hpp"

namespace mainstay::probe {

// Each wait has connect_timeout; an answer that trickles has this many of them in all (keepalived: for ever).
inline constexpr int kHttpWaitsMax = 12;

struct HttpCheck {
    Connection connection;
    std::string request;
    std::string refused;  // why there is no request: the check fails
    std::string digest;   // MD5 of the body in lower case; empty: not compared
    std::vector<config::HttpUrl::Codes> status_codes;
};
// `url` counts the checker's URLs from 0.
[[nodiscard]] HttpCheck http_check_of(const config::Checker& checker, std::size_t url);

// Findings as of tcp_check; an answer that does not hold is Failed.
[[nodiscard]] boost::asio::awaitable<Finding> http_check(HttpCheck check, std::shared_ptr<Attempt> attempt);

}  // namespace mainstay::probe
