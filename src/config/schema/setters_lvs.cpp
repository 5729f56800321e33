// Setters of virtual_server, real_server and the checkers. What needs the whole block is in check_lvs.cpp.

#include <array>
#include <utility>

#include "mainstay/config/keywords.hpp"
#include "mainstay/config/model.hpp"
#include "setters.hpp"

namespace mainstay::config {
namespace {

constexpr std::size_t kDigestDigits = 32;
constexpr std::size_t kUsualServers = 4;  // of a service: room for them is made at once

bool contains(std::string_view choices, std::string_view word) {
    while (!choices.empty()) {
        const std::size_t bar = choices.find('|');
        if (choices.substr(0, bar) == word) return true;
        choices = bar == std::string_view::npos ? std::string_view{} : choices.substr(bar + 1);
    }
    return false;
}

bool same_but_for_case(std::string_view a, std::string_view upper) {
    return std::ranges::equal(a, upper, [](char x, char y) { return (x >= 'a' && x <= 'z' ? x - 32 : x) == y; });
}

}  // namespace

void begin_service(ParseContext& r, const Value& v) {
    ServiceDraft service;
    service.mark = v.mark;
    constexpr std::string_view kSkipped = "the whole block is ignored";
    if (v.word == "fwmark" || v.word == "group") {
        if (v.count() < 2) {
            r.diag.add(Severity::Fatal, Rank::MissingWord, Code::MissingWord, v.mark,
                       fmt::format("virtual_server {} has no value", v.word));
            r.skip_block = true;
            return;
        }
        if (v.word == "group") {
            service.model.group = std::string{v.arg(1)};
        } else if (const auto mark = whole_number(v.arg(1), 1, args::kMost32)) {
            service.model.fwmark = static_cast<std::uint32_t>(*mark);
        } else {
            r.diag
                .error(Code::OutOfRange, v.arg_mark(1),
                       fmt::format("a firewall mark is 1 to 4294967295, got {}", v.arg(1)))
                .effect = kSkipped;
            r.skip_block = true;
            return;
        }
        service.model.family = Family::None;
    } else if (const auto found = read_address_and_port(r, v, 0, "virtual_server", kSkipped)) {
        service.model.endpoint = {found->address, found->port.value_or(0)};
        service.model.family = found->address.family();
    } else {
        r.skip_block = true;
        return;
    }
    r.service = &r.services.emplace_back(std::move(service));
}

void begin_server(ParseContext& r, const Value& v) {
    const auto found = read_address_and_port(r, v, 0, "real_server", "this real server is ignored");
    if (!found) {
        r.skip_block = true;
        return;
    }
    if (r.service->servers.capacity() == 0) r.service->servers.reserve(kUsualServers);
    r.server = &r.service->servers.emplace_back();
    r.server->mark = v.mark;
    r.server->model.endpoint = {found->address, found->port.value_or(0)};
    r.server->port_given = found->port.has_value();
    // keepalived: the service's method as far as it was read when the block begins.
    r.server->forwarding = r.service->forwarding;
    r.server->tunnel = r.service->tunnel;
}

void begin_checker(ParseContext& r, const Value& v) {
    static constexpr std::array<std::pair<std::string_view, Checker::Type>, 12> kTypes{{
        {"TCP_CHECK", Checker::Type::Tcp},
        {"HTTP_GET", Checker::Type::Http},
        {"SSL_GET", Checker::Type::Ssl},
        {"SMTP_CHECK", Checker::Type::Smtp},
        {"DNS_CHECK", Checker::Type::Dns},
        {"UDP_CHECK", Checker::Type::Udp},
        {"PING_CHECK", Checker::Type::Ping},
        {"MISC_CHECK", Checker::Type::Misc},
        {"FILE_CHECK", Checker::Type::File},
        {"BFD_CHECK", Checker::Type::Bfd},
        {"GRPC_CHECK", Checker::Type::Grpc},
        {"AGENT_CHECK", Checker::Type::Agent},
    }};
    r.checker = &r.server->checkers.emplace_back();
    r.checker->mark = v.mark;
    for (const auto& [name, type] : kTypes)
        if (name == v.row.name) r.checker->model.type = type;
}

void set_scheduler(ParseContext& r, const Value& v) {
    r.service->scheduler_given = true;
    if (contains(kSchedulers, v.word)) {
        r.service->scheduler = v.word;
        return;
    }
    auto& d = r.diag.error(Code::UnknownWord, v.mark, fmt::format("there is no scheduler '{}'", v.word));
    d.expected = "rr, wrr, lc, wlc, lblc, lblcr, sh, mh, dh, fo, ovf, sed, nq or twos, in lower case";
    d.effect = "the keyword is ignored; without it the scheduler is wlc";
    if (const auto near = nearest_choice(kSchedulers, v.word); !near.empty())
        d.fix = fmt::format("write `{} {}`", v.row.name, near);
}

void set_scheduler_flag(ParseContext& r, const Value& v) {
    const std::string_view name = v.row.name;
    if (name.starts_with("flag-")) {
        r.service->model.scheduler_flags |= name == "flag-1" ? kFlag1 : name == "flag-2" ? kFlag2 : kFlag3;
        return;
    }
    const std::string_view wanted = name.substr(0, 2);
    if (r.service->scheduler == wanted) {
        r.service->model.scheduler_flags |= name.ends_with("port") ? kFlag2 : kFlag1;
        return;
    }
    // keepalived: silent when the other hash scheduler is set, an error with any other.
    const bool other_hash = r.service->scheduler == "sh" || r.service->scheduler == "mh";
    auto& d = other_hash
                  ? r.diag.advise(Code::FlagIgnored, v.mark, fmt::format("{} needs lb_algo {} before it", name, wanted))
                  : r.diag.error(Code::FlagIgnored, v.mark, fmt::format("{} needs lb_algo {} before it", name, wanted));
    d.effect = "the flag is ignored";
}

// keepalived: a flag of the kernel's own, which nobody can set.
void set_hashed(ParseContext& r, const Value& v) {
    if (r.service->scheduler == "sh" || r.service->scheduler == "mh") return;
    r.diag.error(Code::FlagIgnored, v.mark, "hashed needs lb_algo sh or mh before it").effect =
        "it would have no effect anyway";
}

void set_ha_suspend(ParseContext& r, const Value& v) {
    if (r.service->model.fwmark == 0) return;
    r.diag.error(Code::SuspendIgnored, v.mark, "ha_suspend needs an address: a firewall mark has none").effect =
        "its checks always run";
}

void set_sorry_server(ParseContext& r, const Value& v) {
    const auto found = read_address_and_port(r, v, 0, "sorry_server", "there is no sorry server");
    if (!found) return;
    r.service->model.sorry_server = SorryServer{.endpoint = {found->address, found->port.value_or(0)}};
    r.service->sorry_port_given = found->port.has_value();
    r.service->sorry_mark = v.mark;
}

void set_sorry_inhibit(ParseContext& r, const Value& v) {
    if (r.service->model.sorry_server) {
        r.service->model.sorry_server->inhibit = true;
        return;
    }
    r.diag.error(Code::FlagIgnored, v.mark, "sorry_server_inhibit must follow sorry_server").effect =
        "the keyword is ignored";
}

void set_protocol(ParseContext& r, const Value& v) {
    r.service->protocol_mark = v.mark;
    if (same_but_for_case(v.word, "TCP"))
        r.service->protocol = Protocol::Tcp;
    else if (same_but_for_case(v.word, "UDP"))
        r.service->protocol = Protocol::Udp;
    else if (same_but_for_case(v.word, "SCTP"))
        r.service->protocol = Protocol::Sctp;
    else {
        auto& d = r.diag.error(Code::UnknownWord, v.mark, fmt::format("protocol does not accept '{}'", v.word));
        d.expected = "TCP, UDP or SCTP";
        d.effect = "the keyword is ignored; without it the protocol is UDP, as in keepalived";
        if (const auto near = nearest_choice("TCP|UDP|SCTP", v.word); !near.empty())
            d.fix = fmt::format("write `protocol {}`", near);
    }
}

void set_family(ParseContext& r, const Value& v) {
    const Family family = v.word == "inet" ? Family::V4 : v.word == "inet6" ? Family::V6 : Family::None;
    if (family == Family::None) {
        r.diag.error(Code::UnknownWord, v.mark, fmt::format("ip_family is inet or inet6, got '{}'", v.word)).effect =
            "the keyword is ignored";
        return;
    }
    Family& have = r.service->model.family;
    if (have != Family::None && have != family) {
        r.diag.error(Code::FamilyMismatch, v.mark, "ip_family does not fit the address of the virtual server").effect =
            "the keyword is ignored";
        return;
    }
    have = family;
}

// IPv4: a dotted mask. IPv6: a prefix length. It also turns persistence on, and is the family of a service without one.
void set_granularity(ParseContext& r, const Value& v) {
    Family& family = r.service->model.family;
    const auto mask = IpAddress::parse(v.word);
    if (mask && mask->is_v4() && family != Family::V6) {
        r.service->netmask = mask->v4_host_order();
        family = Family::V4;
        return;
    }
    if (const auto length = whole_number(v.word, 1, 128); length && family != Family::V4) {
        r.service->netmask = static_cast<std::uint32_t>(*length);
        family = Family::V6;
        return;
    }
    auto& d =
        r.diag.error(Code::BadPrefix, v.mark, fmt::format("persistence_granularity does not accept '{}'", v.word));
    d.expected = family == Family::V6 ? "a prefix length, 1 to 128" : "a mask such as 255.255.255.0";
    d.effect = "the keyword is ignored";
}

void set_quorum(ParseContext& r, const Value& v) {
    r.service->model.quorum = u32(v);
    r.service->quorum_mark = v.mark;
}

void set_digest(ParseContext& r, const Value& v) {
    const bool hex = v.word.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
    if (v.word.size() != kDigestDigits || !hex) {
        auto& d = r.diag.error(Code::UnknownWord, v.mark,
                               fmt::format("digest needs 32 hex digits, got {} characters", v.word.size()));
        d.effect = "the digest is not compared";
        d.fix = "genhash prints it";
        return;
    }
    if (!r.url->digest.empty()) {
        r.diag.error(Code::GivenTwice, v.mark, "digest was given before").effect = "the first one is kept";
        return;
    }
    r.url->digest = v.word;
    std::ranges::transform(r.url->digest, r.url->digest.begin(),
                           [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
}

std::string_view host_name(ParseContext& r, const Value& v) {
    // RFC 3986 section 3.2.2, without what never stands in a real name. A name that was not expanded has its own
    // message.
    constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_~%:[]*${}";
    const auto is_wrong = [&](char c) { return static_cast<unsigned char>(c) < 0x80 && !kLetters.contains(c); };
    const auto wrong = std::ranges::find_if(v.word, is_wrong);
    if (wrong == v.word.end()) return v.word;
    auto& d = r.diag.advise(Code::BadVirtualHost, v.mark,
                            fmt::format("virtualhost '{}' is no host name: it has {}", v.word,
                                        *wrong <= ' ' ? std::string{"a blank"} : fmt::format("'{}'", *wrong)));
    d.effect = "it is sent as Host, and with enable_sni as the server's name: most servers answer 400";
    std::string_view meant = v.word;
    if (const auto scheme = meant.find("://"); scheme != std::string_view::npos) meant.remove_prefix(scheme + 3);
    meant = meant.substr(0, static_cast<std::size_t>(std::ranges::find_if(meant, is_wrong) - meant.begin()));
    d.fix = meant.empty() ? "write the name alone, as in `virtualhost www.example.com`"
                          : fmt::format("write `virtualhost {}`", meant);
    return v.word;
}

void set_path(ParseContext& r, const Value& v) {
    r.url->path = v.word;
    // RFC 9112 section 3.2: also a whole URI, or * of OPTIONS. An empty one has its own message.
    if (v.word.empty() || v.word.starts_with('/') || v.word.contains("://") || v.word == "*") return;
    auto& d = r.diag.advise(Code::BadPath, v.mark, fmt::format("path {} does not begin with /", plain_quote(v.word)));
    d.effect = "it is asked for as it stands: most servers answer 400";
    d.fix = fmt::format("write `path /{}`", v.word);
}

void add_status_codes(ParseContext& r, const Value& v) {
    constexpr std::int64_t kLeast = 100, kMost = 599;
    if (v.count() == 0) {  // keepalived (2.2.7) says nothing
        auto& d = r.diag.advise(Code::MissingWord, v.mark, "status_code has no value");
        d.effect = "the line is ignored";
        d.expected = "status_code <100..599>[-<100..599>] ...";
    }
    for (std::size_t i = 0; i < v.count(); ++i) {
        const std::string_view word = v.arg(i);
        const std::size_t dash = word.find('-');
        const auto from = whole_number(word.substr(0, dash), kLeast, kMost);
        const auto to = dash == std::string_view::npos ? from : whole_number(word.substr(dash + 1), kLeast, kMost);
        if (from && to && *from <= *to) {
            r.url->status_codes.push_back({static_cast<std::uint16_t>(*from), static_cast<std::uint16_t>(*to)});
            continue;
        }
        r.diag
            .error(Code::OutOfRange, v.arg_mark(i),
                   fmt::format("status_code needs codes of 100 to 599 or ranges of them, got {}", word))
            .effect = "the word is ignored";
    }
}

// Forwarding methods: NAT, DR, TUN, and what a tunnel is made of.

namespace {

std::optional<Forwarding> method_of(const Value& v) {
    const std::string method = first_word(v.section->values, keyword::method);
    if (method == "NAT") return Forwarding::Nat;
    if (method == "DR") return Forwarding::DirectRoute;
    if (method == "TUN") return Forwarding::Tunnel;
    return std::nullopt;
}

Tunnel::Type type_of(const KeywordValues& values) {
    const std::string type = first_word(values, keyword::type);
    if (type == "gue") return Tunnel::Type::Gue;
    return type == "gre" ? Tunnel::Type::Gre : Tunnel::Type::Ipip;
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
    tunnel.port = static_cast<std::uint16_t>(value_of(values, keyword::port).value_or(0));
    if (is_given(values, keyword::csum)) tunnel.checksum = Tunnel::Checksum::Sum;
    if (is_given(values, keyword::remcsum)) tunnel.checksum = Tunnel::Checksum::Remote;
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
    if (!method) {
        if (const auto last = r.diag.last(); last != Diagnoser::kNowhere)
            if (auto& d = r.diag.entries()[last].diagnostic; d.code == static_cast<std::uint16_t>(Code::UnknownWord))
                d.effect = "the keyword is ignored; without another lb_kind NAT is used";
        return;
    }
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
