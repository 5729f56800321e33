// The kinds of health checks: one coroutine each, in the file of its name.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/probe/attempt.hpp"
#include "mainstay/probe/finding.hpp"
#include "mainstay/probe/toolbox.hpp"
#include "mainstay/wire/dns.hpp"

namespace mainstay::probe {

// AGENT_CHECK: asks an agent on the server for its state and weight, like HAProxy's agent-check; keepalived has no such
// check.
struct AgentCheck {
    Connection connection;
    std::string send;  // sent before the agent's line is read; may be empty
};
[[nodiscard]] AgentCheck agent_check_of(const config::Checker& checker);
// \r, \n, \t and \\ as in C; any other backslash stands for itself.
[[nodiscard]] std::string without_escapes(std::string_view text);

// "drain" requests weight 0, "75%" that percentage of the configured weight.
[[nodiscard]] boost::asio::awaitable<Finding> agent_check(AgentCheck check, std::shared_ptr<Attempt> attempt);

// DNS_CHECK: whether a name server answers a query without an error.

struct DnsCheck {
    Connection connection;
    wire::DnsQuestion question{.name = {}, .type = wire::DnsType::SOA};
};
[[nodiscard]] DnsCheck dns_check_of(const config::Checker& checker);

[[nodiscard]] boost::asio::awaitable<Finding> dns_check(DnsCheck check, std::shared_ptr<Attempt> attempt);

// GRPC_CHECK: whether grpc.health.v1.Health/Check answers SERVING. HTTP/2 by prior knowledge, or with TLS by ALPN.
struct GrpcCheck {
    Connection connection;
    std::string service;  // the service to check; empty: the server as a whole
    std::string authority, path;
    std::string not_possible;              // what this host lacks: the check is not run
    std::shared_ptr<const TlsClient> tls;  // null: no TLS
    TlsWish wish;
};
[[nodiscard]] GrpcCheck grpc_check_of(const config::Checker& checker, Toolbox& tools);

[[nodiscard]] boost::asio::awaitable<Finding> grpc_check(GrpcCheck check, std::shared_ptr<Attempt> attempt);

// PING_CHECK: whether the server answers an ICMP echo in time (RFC 792, RFC 4443).

// keepalived's.
inline constexpr std::size_t kPingPayloadBytes = 128;

// Uses a datagram socket, which receives only its own answers; where net.ipv4.ping_group_range forbids that, a raw one,
// which receives all answers of the server. Every try has its own socket and identifier, so that a late answer to an
// earlier try is ignored.
[[nodiscard]] boost::asio::awaitable<Finding> ping_check(Connection check, std::shared_ptr<Attempt> attempt);

// SMTP_CHECK: whether a mail server greets, and accepts HELO and QUIT.
struct SmtpCheck {
    Connection connection;
    std::string helo;
};
[[nodiscard]] SmtpCheck smtp_check_of(const config::Checker& checker);

[[nodiscard]] boost::asio::awaitable<Finding> smtp_check(SmtpCheck check, std::shared_ptr<Attempt> attempt);

// TCP_CHECK: whether a connection can be established in time. Sends no data and closes at once with a normal FIN.

// Refused, unreachable, reset: Failed. No connection in time: TimedOut. A shortage of this host (no descriptor, no
// local port), or a source that it has not got: NotRun. connect.hpp has the numbers.
[[nodiscard]] boost::asio::awaitable<Finding> tcp_check(Connection check, std::shared_ptr<Attempt> attempt);

// UDP_CHECK: sends one datagram. An ICMP error fails the check; silence passes it unless a reply is required.
struct UdpCheck {
    struct Wanted {  // one byte of the reply's beginning
        std::byte value{0}, mask{0xff};
    };
    Connection connection;
    std::vector<std::byte> payload;
    bool reply_required = false;
    std::vector<Wanted> pattern;  // empty: any reply will do, of any length
    std::size_t reply_min = 0, reply_max = 0;
};
[[nodiscard]] UdpCheck udp_check_of(const config::Checker& checker);

[[nodiscard]] boost::asio::awaitable<Finding> udp_check(UdpCheck check, std::shared_ptr<Attempt> attempt);

}  // namespace mainstay::probe
