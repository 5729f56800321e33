#include "server_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <tuple>
#include <utility>
#include <vector>

#include "judge_text.hpp"
#include "mainstay/lvs/table.hpp"

namespace mainstay::lvs {
namespace {

constexpr std::size_t kServersNamedInAuditMax = 10;
constexpr std::size_t kHintsMax = 8;

Hold hold_of(ServerCommand::Verb verb) {
    switch (verb) {
        case ServerCommand::Verb::Drain:
            return Hold::Drained;
        case ServerCommand::Verb::Disable:
            return Hold::Disabled;
        case ServerCommand::Verb::Weight:
            return Hold::Weight;
        default:
            return Hold::None;
    }
}

}  // namespace

std::optional<std::string> problem_of(const ServerCommand& command) {
    if (command.verb == ServerCommand::Verb::Weight &&
        (command.weight < 0 || command.weight > std::numeric_limits<std::int32_t>::max()))
        return "the weight must be 0 to 2147483647";
    if (command.expire_persistence && command.verb != ServerCommand::Verb::Drain)
        return "expiring persistence works with drain only";
    const bool overrides = hold_of(command.verb) != Hold::None;
    if (command.time < Seconds{0} || command.time > kOverrideTimeMax)
        return "the time of an override must be 1 s to 366 days";
    if (command.time != Seconds{0} && !overrides) return "a time works with drain, disable and weight only";
    if (!command.reason.empty() && !overrides) return "a reason works with drain, disable and weight only";
    const bool is_line =
        std::ranges::none_of(command.reason, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
    if (!is_line || command.reason.size() > kOverrideReasonBytesMax)
        return fmt::format("the reason must be one line of at most {} bytes", kOverrideReasonBytesMax);
    return std::nullopt;
}

ServerCommandRun::ServerCommandRun(const Services& services, OperatorOverrides& overrides, const ServerCommand& command,
                                   Moment at, Carry carry_out)
    : services_{services},
      overrides_{overrides},
      command_{command},
      pattern_{pattern_of(command.which)},
      wanted_{hold_of(command.verb)},
      at_{at},
      carry_out_{std::move(carry_out)} {}

std::optional<std::string> ServerCommandRun::run(ServerAnswer& answer) {
    const std::vector<OverrideKey> strangers =
        wanted_ == Hold::None ? overrides_.strangers(services_, pattern_) : std::vector<OverrideKey>{};
    for (const auto& ref : matching(answer)) {
        if (!change(ref, answer)) break;
        answer.servers.emplace_back(ref.service, ref.server);
    }
    for (const auto& key : strangers) look_at_stranger(key, answer);
    std::ranges::move(remarks_, std::back_inserter(answer.lines));
    if (auto expiry = remark_on_expiry(services_, overrides_); expiry && command_.expire_persistence)
        answer.lines.push_back(std::move(*expiry));
    return answer.changed == 0 ? std::nullopt : std::optional{audit_line(answer)};
}

bool ServerCommandRun::change(const ServerRef& ref, ServerAnswer& answer) {
    ++answer.matched;
    const OverrideKey key{services_.name(ref.service), services_.config_at(ref).endpoint};
    const std::string name = services_.name(ref);
    const std::string before = state_text(ref);
    remark(ref);
    if (command_.verb == ServerCommand::Verb::Show || changes_nothing(ref, key)) {
        answer.lines.push_back(fmt::format("{} of VS {}: {}", name, key.service, before));
        return true;
    }
    if (wanted_ != Hold::None && !overrides_.has_room_for(key)) {
        answer.problem =
            fmt::format("{} servers have overrides already, which is the maximum: enable some first", kOverridesMax);
        return false;
    }
    const bool held = is_held_so(ref);
    if (wanted_ == Hold::None)
        overrides_.reset(key);
    else
        overrides_.set(key, new_override(), at_.now);
    if (++answer.changed <= kServersNamedInAuditMax) named_ += fmt::format(" {} of VS {},", name, key.service);
    if (!held) carry_out_(ref, wanted_, command_.weight);
    answer.lines.push_back(fmt::format("{} of VS {}: {} (was: {})", name, key.service, state_text(ref), before));
    return true;
}

Override ServerCommandRun::new_override() const {
    Override made{wanted_, command_.weight, at_.wall, command_.by, command_.expire_persistence, {}, command_.reason};
    if (command_.time > Seconds{0}) made.until = WallTime{at_.wall.unix_us + Micros{command_.time}.count()};
    return made;
}

// An override of a server that is not configured.
void ServerCommandRun::look_at_stranger(const OverrideKey& key, ServerAnswer& answer) {
    answer.problem.clear();
    ++answer.matched;
    const std::string name = fmt::format("{} of VS {}", key.server.to_string(), key.service);
    const std::string held = text_of(overrides_.all().at(key));
    const bool forget = command_.verb == ServerCommand::Verb::Enable;
    answer.lines.push_back(fmt::format("{}: not configured, {}{}", name, forget ? "was " : "", held));
    if (!forget) return;
    overrides_.reset(key);
    if (++answer.changed <= kServersNamedInAuditMax) named_ += fmt::format(" {},", name);
}

// One note of each kind per service.
void ServerCommandRun::remark(const ServerRef& ref) {
    const auto& service = services_.configs[ref.service];
    auto text = remark_on_persistence(service, command_);
    if (service.active_active && command_.verb == ServerCommand::Verb::Weight && command_.weight > 0)
        text = fmt::format(
            "VS {} is active_active: its flows are shared by the configured weights, and only weight 0 counts",
            services_.name(ref.service));
    if (text && (remarks_.empty() || remarks_.back() != *text)) remarks_.push_back(std::move(*text));
}

bool ServerCommandRun::is_held_so(const ServerRef& ref) const {
    const auto& state = services_.state_at(ref);
    return state.hold == wanted_ && (wanted_ != Hold::Weight || state.between->held_weight == command_.weight);
}

bool ServerCommandRun::changes_nothing(const ServerRef& ref, const OverrideKey& key) const {
    if (!is_held_so(ref)) return false;
    const auto known = overrides_.all().find(key);
    if (known == overrides_.all().end()) return true;
    const Override& held = known->second;
    // One with a time begins anew each time.
    return held.expires_persistence == command_.expire_persistence && held.reason == command_.reason && !held.until &&
           command_.time == Seconds{0};
}

std::string ServerCommandRun::state_text(const ServerRef& ref) const {
    const auto& state = services_.state_at(ref);
    const auto known = overrides_.of(services_, ref);
    std::string word =
        text_of(Override{state.hold, state.between->held_weight, {}, {}, known && known->expires_persistence});
    if (known && known->until)
        word += fmt::format(" for {} s more",
                            std::max<std::int64_t>(0, (known->until->unix_us - at_.wall.unix_us) / 1'000'000));
    if (known && !known->reason.empty()) word += fmt::format(" ({})", known->reason);
    return fmt::format("{}, {}, weight {}", word, state.alive ? "UP" : "DOWN", state.weight);
}

std::string ServerCommandRun::audit_line(const ServerAnswer& answer) const {
    std::string named = named_.substr(0, named_.size() - 1);
    if (answer.changed > kServersNamedInAuditMax)
        named += fmt::format(" and {} more", answer.changed - kServersNamedInAuditMax);
    const std::string number = command_.verb == ServerCommand::Verb::Weight ? fmt::format(" {}", command_.weight)
                               : command_.expire_persistence                ? std::string{" --expire-persistence"}
                                                                            : std::string{};
    const std::string time =
        command_.time > Seconds{0} ? fmt::format(" --for {}s", command_.time.count()) : std::string{};
    const std::string reason = command_.reason.empty() ? std::string{} : fmt::format(" ({})", command_.reason);
    return fmt::format("server {} {}{}{} by {}{}:{}", word_of(command_.verb), command_.which, number, time, command_.by,
                       reason, named);
}

// Empty: the answer's problem lists known servers.
std::vector<ServerRef> ServerCommandRun::matching(ServerAnswer& answer) const {
    std::vector<ServerRef> found;
    std::string hints;
    std::size_t hinted = 0;
    for (std::size_t v = 0; v < services_.size(); ++v) {
        const auto& service = services_.configs[v];
        const bool in_service = matches(pattern_, service);
        for (std::size_t s = 0; s < service.real_servers.size(); ++s) {
            if (in_service && matches(pattern_, service, service.real_servers[s]))
                found.push_back({v, s});
            else if (found.empty() && ++hinted <= kHintsMax)
                hints += fmt::format("\n  {}/{}", services_.name(v), services_.name(ServerRef{v, s}));
        }
    }
    if (!found.empty()) return found;
    answer.problem = fmt::format("no server matches {}{}; {}", pattern_.services == "*" ? "" : pattern_.services + "/",
                                 pattern_.servers, hinted == 0 ? "no server is configured" : "known servers:" + hints);
    if (hinted > kHintsMax) answer.problem += fmt::format("\n  and {} more", hinted - kHintsMax);
    return found;
}

namespace {

constexpr std::size_t kOthersNamedMax = 8;

}  // namespace

std::optional<std::string> remark_on_persistence(const config::VirtualServer& service, const ServerCommand& command) {
    const bool drains = command.verb == ServerCommand::Verb::Drain ||
                        (command.verb == ServerCommand::Verb::Weight && command.weight == 0);
    const std::string name = config::service_name(service);
    const auto timeout = service.persistence_timeout.count();
    if (command.expire_persistence && !persists(service))
        return fmt::format("VS {} has no persistence_timeout: there is nothing to expire", name);
    if (!drains || !persists(service)) return std::nullopt;
    if (command.expire_persistence)
        return fmt::format(
            "VS {} has persistence_timeout {}: the next connection of each client of the server goes to another one; "
            "existing connections continue",
            name, timeout);
    return fmt::format(
        "VS {} has persistence_timeout {}: clients of the server stay on it as long as they keep connecting, unless it "
        "is drained with --expire-persistence, which sets "
        "net.ipv4.vs.expire_quiescent_template=1 (for all services of the host)",
        name, timeout);
}

namespace {

// Servers of a service with persistence that are in the table with weight 0, and were not drained to end it.
std::vector<ServerRef> affected_servers(const Services& services, const OperatorOverrides& overrides,
                                        std::size_t number) {
    std::vector<ServerRef> affected;
    const auto& service = services.configs[number];
    const Table table = persists(service) ? services.desired(number) : Table{};
    if (table.empty()) return affected;
    const auto& [key, destinations] = std::tie(table.front().service.key, table.front().destinations);
    for (std::size_t s = 0; s < service.real_servers.size(); ++s) {
        const auto& server = service.real_servers[s];
        const auto at = std::ranges::find(destinations, endpoint_at(key, service, server.endpoint, server.forwarding),
                                          &netlink::IpvsDestination::endpoint);
        if (at == destinations.end() || at->weight != 0) continue;
        if (const auto held = overrides.of(services, {number, s}); held && held->expires_persistence) continue;
        affected.push_back({number, s});
    }
    return affected;
}

}  // namespace

std::optional<std::string> remark_on_expiry(const Services& services, const OperatorOverrides& overrides) {
    if (!overrides.expires_persistence(services)) return std::nullopt;
    std::string others;
    std::size_t count = 0;
    for (std::size_t v = 0; v < services.size(); ++v)
        for (const auto& ref : affected_servers(services, overrides, v))
            if (++count <= kOthersNamedMax)
                others += fmt::format("{} {} of VS {}", count == 1 ? ":" : ",", services.name(ref), services.name(v));
    if (count > kOthersNamedMax) others += fmt::format(" and {} more", count - kOthersNamedMax);
    return "net.ipv4.vs.expire_quiescent_template is 1 until these servers are enabled: it ends persistence for each "
           "server with weight 0 of all services of the host" +
           (count == 0 ? std::string{} : "; also affected now" + others);
}

}  // namespace mainstay::lvs
