// The vrrp role on a host of the test's own: eth0 is the director's, with 10.0.0.1/24, and the test is the rest of the
// network, at the other end of a cable.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../../kernel/own_network.hpp"
#include "../lvs/fakes.hpp"
#include "mainstay/base/checksum.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/ipc/status.hpp"
#include "mainstay/kernel/link_maker.hpp"
#include "mainstay/role/vrrp/role.hpp"
#include "mainstay/wire/arp.hpp"
#include "mainstay/wire/ipv4.hpp"
#include "mainstay/wire/vrrp.hpp"

namespace mainstay::role::test {

using mainstay::test::ip;
using Texts = std::vector<std::string>;

inline std::size_t count(const Texts& texts, std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count(texts, text));
}

// Runs `body` with a host of its kind, in a network of its own.
template <class Host, class Body>
void on_host(const Body& body) {
    mainstay::test::in_own_network([&] {
        Host host;
        body(host);
    });
}

inline bool has_route(const std::string& route) { return ip("route show table all | grep -qF '" + route + "'"); }

inline const std::string kVip = "10.0.0.100/32", kOwnAdvert = "advert 51 100 10.0.0.1";

// eth1. What eth0 sends is read as text: "advert 51 100 10.0.0.1" (VRID, priority, source), "arp 10.0.0.100" (a
// gratuitous one), "na 2001:db8::1", "router na 2001:db8::1" (of an interface that forwards).
class Cable {
public:
    Cable() {
        mainstay::test::join_two_interfaces();
        REQUIRE(ip("addr add 10.0.0.1/24 dev eth0"));
        fd_.reset(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL)));
        sockaddr_ll at{};
        at.sll_family = AF_PACKET;
        at.sll_protocol = htons(ETH_P_ALL);
        at.sll_ifindex = static_cast<int>(kernel::interface_index("eth1"));
        REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    }

    // All that came until now.
    const Texts& heard() {
        std::array<std::byte, 2048> room{};
        sockaddr_ll from{};
        for (;;) {
            socklen_t size = sizeof from;
            const auto got =
                ::recvfrom(fd_.get(), room.data(), room.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
            if (got < 0) return heard_;
            if (from.sll_pkttype == PACKET_OUTGOING) continue;
            auto text = text_of(std::span{room}.first(static_cast<std::size_t>(got)));
            if (!text.empty()) heard_.push_back(std::move(text));
        }
    }
    std::size_t heard(std::string_view text) { return count(heard(), text); }
    void forget() { (void)heard(), heard_.clear(); }

    // Another router's advert to the group.
    void advertise(std::uint8_t priority, const char* router, std::uint8_t virtual_router_id = 51,
                   Micros interval = Micros{100'000}) const {
        const auto source = IpAddress::parse(router).value(), group = IpAddress::parse("224.0.0.18").value();
        const auto payload = wire::encode_vrrp({.version = 3,
                                                .virtual_router_id = virtual_router_id,
                                                .priority = priority,
                                                .interval = interval,
                                                .addresses = {IpAddress::parse("10.0.0.100").value()}},
                                               source, group);
        std::vector<std::byte> frame;
        const auto add = [&frame](std::initializer_list<int> octets) {
            for (const int octet : octets) frame.push_back(static_cast<std::byte>(octet));
        };
        add({0x01, 0x00, 0x5e, 0x00, 0x00, 0x12, 0x02, 0x00, 0x00, 0x00, 0x00, 0x0b, 0x08, 0x00});
        add({0x45, 0xc0, 0, static_cast<int>(20 + payload.size()), 0, 1, 0, 0, 255, 112, 0, 0});
        for (const auto& address : {source, group})
            frame.insert(frame.end(), address.bytes().begin(), address.bytes().end());
        const auto sum = ChecksumSum{}.add(std::span{frame}.subspan(14)).finish();
        frame[24] = static_cast<std::byte>(sum >> 8U);
        frame[25] = static_cast<std::byte>(sum & 0xffU);
        frame.insert(frame.end(), payload.begin(), payload.end());
        REQUIRE(::send(fd_.get(), frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size()));
    }

private:
    static std::string text_of(std::span<const std::byte> frame) {
        if (const auto arp = wire::decode_arp(frame); arp)
            return !arp->reply && arp->sender == arp->target ? "arp " + arp->sender.to_string() : std::string{};
        if (frame.size() < 34) return {};
        const auto type = std::to_integer<int>(frame[12]) * 256 + std::to_integer<int>(frame[13]);
        if (type == ETH_P_IPV6 && frame.size() >= 78 && frame[20] == std::byte{58} && frame[54] == std::byte{136})
            return (std::to_integer<int>(frame[58]) & 0x80 ? "router na " : "na ") +
                   IpAddress::v6(frame.subspan(62).first<16>()).to_string();
        const auto packet = type == ETH_P_IP ? wire::decode_ipv4(frame.subspan(14)) : std::nullopt;
        if (!packet || packet->protocol != wire::kVrrpProtocol) return {};
        const auto advert = wire::decode_vrrp(packet->payload, Family::V4);
        if (!advert) return "broken advert";
        return "advert " + std::to_string(advert->virtual_router_id) + " " + std::to_string(advert->priority) + " " +
               packet->source.to_string();
    }

    UniqueFd fd_;
    Texts heard_;
};

// An instance with VRID 51 on eth0 that advertises ten times a second.
inline std::string instance(const std::string& more = "", const std::string& addresses = "10.0.0.100",
                            const std::string& name = "VI_1", int virtual_router_id = 51) {
    return "vrrp_instance " + name + " {\ninterface eth0\nversion 3\nadvert_int 0.1\nvirtual_router_id " +
           std::to_string(virtual_router_id) + "\nvirtual_ipaddress {\n" + addresses + "\n}\n" + more + "\n}\n";
}

inline bool has_address(const std::string& prefix, const std::string& device = "eth0") {
    return ip("-o addr show dev " + device + " | grep -qF ' " + prefix + " '");
}

struct Office {
    Cable cable;
    FakeRuntime runtime;
    std::unique_ptr<Role> role = make_vrrp_role(runtime);

    static config::Config written(const std::string& text) {
        auto loaded = config::load_text("x.conf", text, {});
        REQUIRE(loaded.can_run());
        return std::move(loaded.config);
    }
    void start(const std::string& text, bool restarted = false) { REQUIRE(role->start(written(text), restarted)); }
    void reload(const std::string& text) {
        REQUIRE(role->prepare(written(text)));
        role->commit();
    }
    // With what the role would publish now; without it, with what it has published.
    Office& fresh() {
        role->save_state();
        return *this;
    }
    [[nodiscard]] report::VrrpStatus status() const {
        return decode<report::VrrpStatus>(runtime.state.value()).value();
    }
    [[nodiscard]] vrrp::InstanceSnapshot snapshot(std::size_t at = 0) const { return status().router.instances.at(at); }
    [[nodiscard]] vrrp::State state(std::size_t at = 0) const { return snapshot(at).state; }
    bool until(const std::function<bool()>& holds) { return runtime.until(holds); }
    bool until_state(vrrp::State wanted, std::size_t at = 0) {
        return until([&] { return runtime.state && status().router.instances.size() > at && state(at) == wanted; });
    }
    // With an instance that is MASTER.
    void start_as_master(const std::string& text) {
        start(text);
        REQUIRE(until_state(vrrp::State::Master));
    }
    void stop() {
        bool stopped = false;
        role->stop([&stopped] { stopped = true; });
        CHECK(until([&stopped] { return stopped; }));
    }
};

template <class Body>
void in_office(const Body& body) {
    mainstay::test::in_own_network([&] {
        Office office;
        body(office);
    });
}

}  // namespace mainstay::role::test
