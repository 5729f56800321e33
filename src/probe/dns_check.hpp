// DNS_CHECK: does a name server answer a question without an error?
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>

#include <memory>

#include "mainstay/probe/attempt.hpp"
#include "mainstay/probe/finding.hpp"
#include "mainstay/wire/dns.hpp"

namespace mainstay::probe {

// Datagrams that are no answer to the question are passed over, so many of them.
inline constexpr int kDnsStrayMax = 64;

struct DnsCheck {
    Connection connection;
    wire::DnsQuestion question{.name = {}, .type = wire::DnsType::SOA};
};
[[nodiscard]] DnsCheck dns_check_of(const config::Checker& checker);

[[nodiscard]] boost::asio::awaitable<Finding> dns_check(DnsCheck check, std::shared_ptr<Attempt> attempt);

}  // namespace mainstay::probe
