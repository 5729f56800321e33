#include "mainstay/netlink/announce.hpp"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "kernel_numbers.hpp"
#include "mainstay/netlink/routing.hpp"
#include "request_buffer.hpp"

namespace mainstay::netlink {
namespace {

constexpr std::size_t kAnnounceRequestLimit = 128;  // an address request takes some 90 bytes

std::uint8_t full_length(const IpAddress& address) { return address.is_v4() ? 32 : 128; }

// NLM_F_REPLACE renews the lifetimes of an address that exists; the kernel notifies its listeners as of a new one.
void append_address(std::vector<std::byte>& out, const AnnounceOperation& operation, std::uint32_t index,
                    std::uint32_t sequence) {
    using Kind = AnnounceOperation::Kind;
    const bool adds = operation.kind == Kind::Announce;
    const unsigned flags = NLM_F_REQUEST | NLM_F_ACK | (adds ? NLM_F_CREATE | NLM_F_REPLACE : 0U);
    RequestBuffer<kAnnounceRequestLimit> request{adds ? std::uint16_t{RTM_NEWADDR} : std::uint16_t{RTM_DELADDR},
                                                 static_cast<std::uint16_t>(flags), sequence};
    auto* body = request.body<ifaddrmsg>();
    body->ifa_family = operation.address.is_v4() ? kFamilyV4 : kFamilyV6;
    body->ifa_prefixlen = full_length(operation.address);
    body->ifa_flags = adds && operation.address.is_v6() ? IFA_F_NODAD : 0;
    body->ifa_index = index;
    const auto bytes = operation.address.bytes();
    mnl_attr_put(request.header(), IFA_LOCAL, bytes.size(), bytes.data());
    mnl_attr_put(request.header(), IFA_ADDRESS, bytes.size(), bytes.data());
    if (adds) {
        const auto seconds =
            operation.lifetime.count() > 0 ? static_cast<std::uint32_t>(operation.lifetime.count()) : kForever;
        const ifa_cacheinfo lifetimes{.ifa_prefered = seconds, .ifa_valid = seconds, .cstamp = 0, .tstamp = 0};
        mnl_attr_put(request.header(), IFA_CACHEINFO, sizeof lifetimes, &lifetimes);
    }
    request.append_to(out);
}

Route route_of(const IpAddress& address, std::uint32_t loopback) {
    Route route;
    route.destination = {address, full_length(address)};
    route.type = RTN_LOCAL;
    route.table = RT_TABLE_LOCAL;
    if (address.is_v4()) route.scope = RT_SCOPE_HOST;
    route.hop.interface_index = loopback;
    return route;
}

Request request_of(AnnounceOperation::Kind kind) {
    using Kind = AnnounceOperation::Kind;
    switch (kind) {
        case Kind::AddRoute:
            return Request::AddRouting;
        case Kind::RemoveRoute:
            return Request::RemoveRouting;
        default:
            return Request::RemoveAddress;
    }
}

}  // namespace

std::string describe(const AnnounceOperation& operation) {
    using Kind = AnnounceOperation::Kind;
    std::string address = operation.address.to_string();
    switch (operation.kind) {
        case Kind::AddRoute:
            return "take the packets to " + address;
        case Kind::Announce:
            return "announce " + address + " on " + operation.interface;
        case Kind::Withdraw:
            return "withdraw " + address + " from " + operation.interface;
        case Kind::RemoveRoute:
            return "take no more packets to " + address;
    }
    return address;
}

Verdict judge(AnnounceOperation::Kind kind, int sys_errno) {
    using Kind = AnnounceOperation::Kind;
    if (kind == Kind::Announce) return sys_errno == 0 ? Verdict::Done : Verdict::Failed;
    return judge(request_of(kind), sys_errno);
}

Result<void> append_announce(std::vector<std::byte>& out, const AnnounceOperation& operation, std::uint32_t index,
                             std::uint32_t sequence) {
    using Kind = AnnounceOperation::Kind;
    if (operation.address.empty()) return fail(Errc::Invalid, "announce: no address");
    if (index == 0) return fail(Errc::Invalid, describe(operation) + ": no interface");
    switch (operation.kind) {
        case Kind::AddRoute:
            return append_route_add(out, route_of(operation.address, index), sequence);
        case Kind::RemoveRoute:
            return append_route_remove(out, route_of(operation.address, index), sequence);
        default:
            append_address(out, operation, index, sequence);
            return {};
    }
}

}  // namespace mainstay::netlink
