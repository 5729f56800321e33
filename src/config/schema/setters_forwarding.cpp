// Forwarding methods: NAT, DR, TUN, and what a tunnel is made of.
#include "setters.hpp"

namespace mainstay::config {
namespace {

std::optional<Forwarding> method_of(const Value& v) {
    const auto words = value_of<WordList>(v.section->values, "method");
    if (!words || words->empty()) return std::nullopt;
    if (words->front() == "NAT") return Forwarding::Nat;
    if (words->front() == "DR") return Forwarding::DirectRoute;
    if (words->front() == "TUN") return Forwarding::Tunnel;
    return std::nullopt;
}

Tunnel::Type type_of(const KeywordValues& values) {
    const auto words = value_of<WordList>(values, "type");
    if (!words || words->empty()) return Tunnel::Type::Ipip;
    if (words->front() == "gue") return Tunnel::Type::Gue;
    return words->front() == "gre" ? Tunnel::Type::Gre : Tunnel::Type::Ipip;
}

// What is wrong with it; empty: nothing.
std::string_view fault_of(const Tunnel& tunnel) {
    using Type = Tunnel::Type;
    if (tunnel.type == Type::Gue && tunnel.port == 0) return "a gue tunnel needs a port";
    if (tunnel.type != Type::Gue && tunnel.port != 0) return "only a gue tunnel has a port";
    if (tunnel.type == Type::Ipip && tunnel.checksum != Tunnel::Checksum::None) return "an ipip tunnel has no checksum";
    if (tunnel.type == Type::Gre && tunnel.checksum == Tunnel::Checksum::Remote) return "remcsum is for gue tunnels";
    return {};
}

// keepalived also accepts tunnel words after NAT and DR, where they have no meaning; an invalid combination yields a
// plain ipip tunnel.
Tunnel tunnel_of(ParseContext& r, const Value& v) {
    const KeywordValues& values = v.section->values;
    Tunnel tunnel;
    tunnel.type = type_of(values);
    tunnel.port = static_cast<std::uint16_t>(value_of<std::int64_t>(values, "port").value_or(0));
    if (find_value(values, "csum") != nullptr) tunnel.checksum = Tunnel::Checksum::Sum;
    if (find_value(values, "remcsum") != nullptr) tunnel.checksum = Tunnel::Checksum::Remote;
    const std::string_view fault = fault_of(tunnel);
    if (fault.empty()) return tunnel;
    // An invalid port was reported already.
    for (std::size_t i = 0; tunnel.port == 0 && i < v.count(); ++i)
        if (v.arg(i) == "port") return {};
    auto& d = r.diag.error(Code::FlagIgnored, v.mark, fmt::format("{}: {}", v.row.name, fault));
    d.expected = "type ipip | type gue port N [nocsum|csum|remcsum] | type gre [nocsum|csum]";
    d.effect = "the words of the tunnel are ignored: a plain ipip tunnel is used";
    return {};
}

}  // namespace

void set_forwarding(ParseContext& r, const Value& v) {
    const auto method = method_of(v);
    if (!method) return;
    r.service->forwarding = method;
    r.service->tunnel = tunnel_of(r, v);
}

void set_server_forwarding(ParseContext& r, const Value& v) {
    const auto method = method_of(v);
    if (!method) return;
    r.server->forwarding = method;
    r.server->tunnel = tunnel_of(r, v);
}

void set_sorry_forwarding(ParseContext& r, const Value& v) {
    if (!r.service->model.sorry_server) {
        r.diag.error(Code::FlagIgnored, v.mark, "sorry_server_lvs_method must follow sorry_server").effect =
            "the keyword is ignored";
        return;
    }
    const auto method = method_of(v);
    if (!method) return;
    r.service->sorry_forwarding = method;
    r.service->sorry_tunnel = tunnel_of(r, v);
}

}  // namespace mainstay::config
