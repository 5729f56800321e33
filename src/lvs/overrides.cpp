#include "mainstay/lvs/overrides.hpp"
#include "mainstay/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "judge_text.hpp"

namespace mainstay::lvs {

bool is_endpoint(const Endpoint& endpoint, std::string_view pattern) {
    if (const auto address = IpAddress::parse(pattern)) return endpoint.address == *address;
    const std::size_t end = pattern.find("]:");
    const bool in_brackets = pattern.starts_with('[') && end != std::string_view::npos;
    if (const auto address = in_brackets ? IpAddress::parse(pattern.substr(1, end - 1)) : std::nullopt)
        return endpoint.address == *address && is_like(std::to_string(endpoint.port), pattern.substr(end + 2));
    return is_like(endpoint.address.to_string(), pattern) || is_like(endpoint.to_string(), pattern);
}

std::string text_of(const Override& override) {
    switch (override.hold) {
        case Hold::Weight:
            return fmt::format("weight {}", override.weight);
        case Hold::Drained:
            return override.expires_persistence ? "drained (persistence expires)" : "drained";
        case Hold::Disabled:
            return "disabled";
        case Hold::None:
            break;
    }
    return "as configured";
}

std::string_view word_of(ServerCommand::Verb verb) {
    static constexpr std::array<std::string_view, 5> kWords{"show", "drain", "disable", "enable", "weight"};
    const auto index = static_cast<std::size_t>(verb);
    return index < kWords.size() ? kWords[index] : "unknown";
}

ServerPattern pattern_of(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return {.servers = std::string{text}};
    return {.services = std::string{text.substr(0, slash)}, .servers = std::string{text.substr(slash + 1)}};
}

bool matches(const ServerPattern& pattern, const config::VirtualServer& service) {
    if (is_like(config::service_name(service), pattern.services)) return true;
    if (service.fwmark != 0) return is_like(fmt::format("fwmark {}", service.fwmark), pattern.services);
    if (!service.group.empty()) return is_like(*service.group, pattern.services);
    return is_endpoint(service.endpoint, pattern.services);
}

bool matches(const ServerPattern& pattern, const config::VirtualServer& service, const config::RealServer& server) {
    return is_endpoint(server.endpoint, pattern.servers) || is_like(text_of(service, server), pattern.servers);
}

bool matches(const ServerPattern& pattern, const OverrideKey& key) {
    const std::string& name = key.service;
    bool in_service = is_like(name, pattern.services);
    std::string_view protocol;
    if (const auto end = name.find("]:"); name.starts_with('[') && end != std::string::npos) {
        const std::string_view inside = std::string_view{name}.substr(1, end - 1);
        std::string_view rest = std::string_view{name}.substr(end + 2);  // "tcp:80", or the place in a group
        if (const auto colon = rest.find(':'); colon != std::string_view::npos) {
            protocol = rest.substr(0, colon);
            rest.remove_prefix(colon + 1);
        }
        std::uint16_t port = 0;
        std::from_chars(rest.data(), rest.data() + rest.size(), port);
        const auto address = IpAddress::parse(inside);
        in_service = in_service || (address && !protocol.empty() ? is_endpoint({*address, port}, pattern.services)
                                                                 : is_like(std::string{inside}, pattern.services));
    } else if (name.starts_with("FWM ")) {
        in_service = in_service || is_like("fwmark " + name.substr(4), pattern.services);
    }
    const auto& server = key.server;
    const auto logged = fmt::format("[{}]:{}:{}", server.address.to_string(), protocol, server.port);
    return in_service && (is_endpoint(server, pattern.servers) || is_like(logged, pattern.servers));
}

}  // namespace mainstay::lvs
