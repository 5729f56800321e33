// DNS_CHECK: whether a name server answers a query without an error.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>

#include <memory>

#include "mainstay/probe/attempt.hpp"
#include "mainstay/probe/finding.hpp"
#include "mainstay/wire/dns.hpp"

namespace mainstay::probe {

// At most this many datagrams that do not answer the query are ignored.
inline constexpr int kDnsStrayMax = 64;

struct DnsCheck {
    Connection connection;
    wire::DnsQuestion question{.name = {}, .type = wire::DnsType::SOA};
};
[[nodiscard]] DnsCheck dns_check_of(const config::Checker& checker);

[[nodiscard]] boost::asio::awaitable<Finding> dns_check(DnsCheck check, std::shared_ptr<Attempt> attempt);

}  // namespace mainstay::probe
