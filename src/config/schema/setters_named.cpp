// real_server_dns: a draft without an address, whose name stands in `more` under that keyword, with its port.
#include <string>

#include "config/parse/parse_context.hpp"
#include "setters.hpp"
#include "setters_named.hpp"

namespace mainstay::config {
namespace {

constexpr std::int64_t kPortMost = 65535;
constexpr std::string_view kKeyword = "real_server_dns";

// The words were checked to be A, AAAA or SRV in any case.
bool is_type(std::string_view word, char first, std::size_t size) {
    return word.size() == size && (word.front() == first || word.front() == first + ('a' - 'A'));
}

bool is_resolver(const WordList& words) {
    if (words.empty() || !IpAddress::parse(words[0])) return false;
    return words.size() == 1 || whole_number(words[1], 1, kPortMost).has_value();
}

bool has_resolver(const KeywordValues& values) {
    for (const KeywordValue& value : values) {
        const auto* words = std::get_if<WordList>(&value.data);
        if (value.keyword == "dns_resolver" && words != nullptr && is_resolver(*words)) return true;
    }
    return false;
}

}  // namespace

void begin_named_servers(ParseContext& r, const Value& v) {
    const auto port = v.count() > 1 ? whole_number(v.arg(1), 0, kPortMost) : std::optional<std::int64_t>{0};
    const std::string_view problem = v.word == "." ? "it is the root" : dns_name_problem(v.word);
    if (!port || !problem.empty()) {
        auto& d = r.diag.error(Code::UnknownWord, v.mark,
                               !port ? fmt::format("a port is 0 to 65535, got {}", v.arg(1))
                                     : fmt::format("'{}' is not a name of servers: {}", v.word, problem));
        d.effect = "these real servers are ignored";
        r.skip_block = r.service->server_refused = true;
        return;
    }
    r.server = &r.service->servers.emplace_back();
    r.server->mark = v.mark;
    r.server->model.endpoint.port = static_cast<std::uint16_t>(*port);
    r.server->model.more.edit().values.push_back({std::string{kKeyword}, WordList{std::string{v.word}}});
    r.server->port_given = v.count() > 1;
    r.server->forwarding = r.service->forwarding;
    r.server->tunnel = r.service->tunnel;
}

bool is_named(const RealServer& server) { return server.endpoint.address.empty(); }

Family named_family(const RealServer& server, Family of_service) {
    const auto type = value_of<WordList>(server.more->values, "dns_type");
    if (!type || type->empty() || is_type(type->front(), 'S', 3)) return of_service;
    return is_type(type->front(), 'A', 4) ? Family::V6 : Family::V4;
}

bool is_srv(const RealServer& server) {
    const auto type = value_of<WordList>(server.more->values, "dns_type");
    return type && !type->empty() && is_type(type->front(), 'S', 3);
}

std::string_view named_problem(const RealServer& server, Family of_service) {
    if (!has_resolver(server.more->values)) return "it has no dns_resolver with an address";
    if (named_family(server, of_service) != of_service && server.forwarding != Forwarding::Tunnel)
        return "its addresses are not of the family of the service";
    return {};
}

}  // namespace mainstay::config
