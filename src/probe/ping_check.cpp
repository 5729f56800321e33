#include "checks.hpp"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include <array>
#include <optional>
#include <random>

#include "datagram.hpp"
#include "mainstay/base/checksum.hpp"
#include "mainstay/wire/ipv4.hpp"

namespace mainstay::probe {

namespace asio = boost::asio;
using lvs::Outcome;

namespace {

constexpr std::size_t kHeaderBytes = 8;
constexpr std::uint16_t kSequence = 1;
// <linux/icmp.h> and <netinet/ip_icmp.h> cannot be included together.
constexpr int kIcmpFilter = 1;

using Echo = std::array<std::byte, kHeaderBytes + kPingPayloadBytes>;

std::byte high(unsigned value) { return std::byte(value >> 8 & 0xff); }
std::byte low(unsigned value) { return std::byte(value & 0xff); }

// The kernel sets the identifier of a datagram socket and all checksums but a raw IPv4 socket's.
Echo echo_request(bool v6, std::uint16_t id) {
    Echo echo{};
    echo[0] = std::byte(v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO);
    echo[4] = high(id), echo[5] = low(id);
    echo[6] = high(kSequence), echo[7] = low(kSequence);
    for (std::size_t i = kHeaderBytes; i < echo.size(); ++i) echo[i] = std::byte(i & 0xff);
    if (!v6) {
        const std::uint16_t sum = ChecksumSum{}.add(echo).finish();
        echo[2] = high(sum), echo[3] = low(sum);
    }
    return echo;
}

struct Kind {
    bool v6 = false, raw = false;
};

bool is_answer(Kind kind, std::uint16_t id, std::span<const std::byte> bytes) {
    if (kind.raw && !kind.v6) {  // it begins with the IPv4 header
        const auto packet = wire::decode_ipv4(bytes);
        if (!packet) return false;
        bytes = packet->payload;
    }
    if (bytes.size() < kHeaderBytes || bytes[0] != std::byte(kind.v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY)) return false;
    if (kind.raw && (bytes[4] != high(id) || bytes[5] != low(id))) return false;
    return bytes[6] == high(kSequence) && bytes[7] == low(kSequence);
}

// A raw socket would receive every ICMP message.
void hear_answers_only(int fd, bool v6) {
    if (v6) {
        icmp6_filter filter;
        ICMP6_FILTER_SETBLOCKALL(&filter);
        ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
        static_cast<void>(::setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter));
    } else {
        const std::uint32_t blocked = ~(1U << ICMP_ECHOREPLY);
        static_cast<void>(::setsockopt(fd, SOL_RAW, kIcmpFilter, &blocked, sizeof blocked));
    }
}

asio::awaitable<Finding> exchange(Connection check, std::shared_ptr<Attempt::State> state) {
    if (state->cancelled) co_return found(Outcome::NotRun, "cancelled");
    check.target.port = 0;
    Kind kind;
    kind.v6 = check.target.address.is_v6();
    const int protocol = kind.v6 ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP);
    Opened opened = open_datagram(*state, check, SOCK_DGRAM, protocol);
    if (!opened.result && !opened.connecting && opened.result.error().sys_errno() == EACCES) {
        kind.raw = true;
        opened = open_datagram(*state, check, SOCK_RAW, protocol);
        if (opened.result) hear_answers_only(state->datagrams.native_handle(), kind.v6);
    }
    if (!opened.result) {
        co_return found(opened.outcome, opened.result.error().text());
    }
    // A datagram socket's port is the identifier.
    const bool chosen = check.bind && check.bind->port != 0;
    const std::uint16_t id = chosen ? check.bind->port : static_cast<std::uint16_t>(std::random_device{}());
    if (const Sent sent = send_datagram(*state, echo_request(kind.v6, id)); sent.sys_errno != 0) {
        co_return found(sent.outcome(), sent.reason(), kind.v6 ? "send ICMPv6 packet fail" : "send ICMP packet fail");
    }
    state->guard(check.connect_timeout);
    std::array<std::byte, wire::kIpv4HeaderMax + kHeaderBytes + kPingPayloadBytes> answer{};
    for (;;) {
        const Heard heard = co_await hear(state, answer);
        if (heard.error) {
            co_return finding_of(*state, heard.error, "read");
        }
        if (is_answer(kind, id, std::span{answer}.first(std::min(heard.size, answer.size()))))
            co_return found(Outcome::Passed, "answered");
    }
}

}  // namespace

asio::awaitable<Finding> ping_check(Connection check, std::shared_ptr<Attempt> attempt) {
    const auto state = attempt->state();
    co_return co_await complete(exchange(std::move(check), state), state);
}

}  // namespace mainstay::probe
