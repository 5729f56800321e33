#include "import_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "config/language/expand.hpp"
#include "mainstay/base/text.hpp"
#include "mainstay/config/language/lexer.hpp"
#include "mainstay/config/schema/schema.hpp"
#include "print_text.hpp"

namespace mainstay::config {
namespace {

constexpr std::size_t kShownMax = 200, kQuotedMax = 700;

// Whether a $ or ~ here would be expanded by the language: $NAME, ${NAME}, ~SEQ and ~LST.
bool begins_expansion(std::string_view text, std::size_t at) {
    if (text[at] == '~') return true;
    if (text[at] != '$' || at + 1 == text.size()) return false;
    return is_letter(text[at + 1]) || text[at + 1] == '_' || text[at + 1] == '{';
}

}  // namespace

ServiceKey key_of(const ServiceToImport& service) {
    const bool by_mark = service.endpoint.address.empty();
    return {by_mark ? Protocol::None : service.protocol, service.endpoint, service.fwmark, service.family};
}

std::string_view protocol_word(Protocol protocol) {
    return protocol == Protocol::Udp ? "UDP" : protocol == Protocol::Sctp ? "SCTP" : "TCP";
}

std::string method_words(Forwarding forwarding, const Tunnel& tunnel) {
    if (forwarding == Forwarding::Nat) return "NAT";
    if (forwarding == Forwarding::DirectRoute) return "DR";
    if (tunnel.type == Tunnel::Type::Ipip) return "TUN";
    std::string words = tunnel.type == Tunnel::Type::Gue ? fmt::format("TUN type gue port {}", tunnel.port)
                                                         : std::string{"TUN type gre"};
    if (tunnel.checksum == Tunnel::Checksum::Sum) words += " csum";
    if (tunnel.checksum == Tunnel::Checksum::Remote) words += " remcsum";
    return words;
}

std::string shown(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, kShownMax)) out += c == '\t' ? ' ' : is_visible(c) || c == ' ' ? c : '?';
    return text.size() > kShownMax ? out + "..." : out;
}

bool is_plain_word(std::string_view text) {
    return !text.empty() && text.size() <= kShownMax && !text.starts_with("//") &&
           std::ranges::all_of(text, [](char c) {
               return is_letter(c) || is_digit(c) || std::string_view{".:_-@+[]/"}.find(c) != std::string_view::npos;
           });
}

std::optional<std::string> quoted_pattern(std::string_view pattern) {
    std::string out{"\""};
    for (std::size_t at = 0; at < pattern.size(); ++at) {
        const char c = pattern[at];
        if (c == '\0') return std::nullopt;
        if (c == '\\')
            out += "\\\\";  // keepalived resolves one level of escapes before the pattern is compiled
        else if (c == '"' || (!is_visible(c) && c != ' ') || begins_expansion(pattern, at))
            out += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
        else
            out += c;
    }
    if (out.size() > kQuotedMax) return std::nullopt;
    return out + '"';
}

std::optional<std::string> quoted_path(std::string_view path) {
    std::string out{"\""};
    for (std::size_t at = 0; at < path.size(); ++at) {
        const char c = path[at];
        if (c == '"' || c == '\\' || !is_visible(c) || begins_expansion(path, at))
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        else
            out += c;
    }
    if (out.size() > kQuotedMax) return std::nullopt;
    return out + '"';
}

std::optional<std::string> quoted_command(std::string_view command) {
    const bool plain = std::ranges::all_of(command, [](char c) {
        return is_letter(c) || is_digit(c) || std::string_view{" ./:_-=,+@%[]"}.find(c) != std::string_view::npos;
    });
    if (!plain || !command.starts_with('/') || command.starts_with("//") || command.size() > kQuotedMax)
        return std::nullopt;
    return fmt::format("\"{}\"", command);
}

std::optional<std::uint32_t> digits_between(std::string_view text, std::uint32_t least, std::uint32_t most) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) return std::nullopt;
    return value;
}

bool is_scheduler(std::string_view name) {
    const KeywordSpec* row = find_row(Block::Service, "lb_algo");
    std::string_view choices = row != nullptr ? row->args.choices : std::string_view{};
    while (!choices.empty() && !name.empty()) {
        const std::size_t end = std::min(choices.find('|'), choices.size());
        if (choices.substr(0, end) == name) return true;
        choices.remove_prefix(std::min(end + 1, choices.size()));
    }
    return false;
}

bool is_netmask(std::string_view text) {
    const auto mask = IpAddress::parse(text);
    if (!mask || !mask->is_v4() || mask->v4_host_order() == 0) return false;
    const std::uint32_t host = ~mask->v4_host_order();
    return (host & (host + 1)) == 0;
}

std::string why_not(const ServiceToImport& service) {
    const bool for_all_ports = service.fwmark == 0 && service.endpoint.port == 0;
    return for_all_ports && !service.persistence_timeout ? "all ports go with persistence only" : "";
}

std::string why_not(const ServiceToImport& service, const ServerToImport& server) {
    const auto& address = server.endpoint.address;
    if (address.family() != service.family && server.forwarding != Forwarding::Tunnel)
        return "a server of the other address family needs a tunnel";
    if (address.is_multicast()) return "a multicast address is no server";
    const bool by_mark = service.endpoint.address.empty();
    if (!by_mark && server.forwarding != Forwarding::Nat && server.endpoint.port != service.endpoint.port)
        return fmt::format("only masquerading changes the port, which is {} at the service", service.endpoint.port);
    if (server.lower_threshold > server.upper_threshold) return "the lower threshold is above the upper one";
    return service.known.contains(server.endpoint) ? "the service has this server already" : "";
}

void ImportText::lines(const BlockLines& lines, std::size_t depth) {
    for (const std::string& line : lines) {
        if (line == "}") --depth;
        made_.text += std::string(depth * kIndent, ' ') + line + '\n';
        if (line.ends_with('{')) ++depth;
    }
}

void ImportText::comments(const BlockLines& comments, std::size_t depth) {
    for (const std::string& comment : comments)
        made_.text += std::string(depth * kIndent, ' ') + (comment.empty() ? "#" : "# " + comment) + '\n';
}

void ImportText::blank() { made_.text += '\n'; }

std::string ImportText::lose(std::uint32_t line, std::string_view source, std::string_view reason) {
    std::string what = source.empty() ? std::string{reason} : fmt::format("{}: {}", shown(source), reason);
    std::string comment = fmt::format("not carried over (line {}): {}", line, what);
    made_.lost.push_back({line, std::move(what)});
    return comment;
}

void ImportText::servers(const ServiceToImport& service, std::size_t depth) {
    const auto method = [](const ServerToImport& server) { return method_words(server.forwarding, server.tunnel); };
    const std::string usual = method(service.servers.front());
    for (const ServerToImport& server : service.servers) {
        comments(server.comments, depth);
        BlockLines block{fmt::format("real_server {} {} {{", server.endpoint.address.to_string(), server.endpoint.port),
                         fmt::format("weight {}", server.weight)};
        if (method(server) != usual) block.push_back("lvs_method " + method(server));
        if (server.upper_threshold != 0) block.push_back(fmt::format("uthreshold {}", server.upper_threshold));
        if (server.lower_threshold != 0) block.push_back(fmt::format("lthreshold {}", server.lower_threshold));
        block.insert(block.end(), server.lines.begin(), server.lines.end());
        block.emplace_back("}");
        lines(block, depth);
    }
}

void ImportText::service(ServiceToImport& service) {
    blank();
    if (service.servers.empty()) {
        constexpr std::string_view kWhy = "it has no real server, and keepalived.conf has no such service";
        service.comments.insert(service.comments.begin(), lose(service.line, service.source, kWhy));
        comments(service.comments, 0);
        return;
    }
    comments(service.comments, 0);
    const bool by_mark = service.endpoint.address.empty();
    BlockLines block{
        by_mark ? fmt::format("virtual_server fwmark {} {{", service.fwmark)
                : fmt::format("virtual_server {} {} {{", service.endpoint.address.to_string(), service.endpoint.port)};
    if (!by_mark) block.push_back(fmt::format("protocol {}", protocol_word(service.protocol)));
    if (by_mark) block.push_back(fmt::format("ip_family {}", service.family == Family::V6 ? "inet6" : "inet"));
    block.push_back("lb_algo " + service.scheduler);
    for (const auto& flag : service.scheduler_flags) block.push_back(flag);
    const auto& first = service.servers.front();
    block.push_back("lb_kind " + method_words(first.forwarding, first.tunnel));
    if (service.one_packet) block.emplace_back("ops");
    if (service.persistence_timeout)
        block.push_back(fmt::format("persistence_timeout {}", *service.persistence_timeout));
    if (!service.persistence_granularity.empty())
        block.push_back("persistence_granularity " + service.persistence_granularity);
    if (!service.persistence_engine.empty()) block.push_back("persistence_engine " + service.persistence_engine);
    block.insert(block.end(), service.lines.begin(), service.lines.end());
    lines(block, 0);
    servers(service, 1);
    lines({"}"}, 1);
}

Imported ImportText::take() {
    std::ranges::stable_sort(made_.lost, {}, &ImportProblem::line);
    return std::move(made_);
}

}  // namespace mainstay::config
