#include "mainstay/lvs/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "judge_impl.hpp"
#include "judge_text.hpp"
#include "mainstay/lvs/followed.hpp"

namespace mainstay::lvs {

std::string_view keyword_of(config::Checker::Type type) {
    static constexpr std::array<std::string_view, 12> kKeywords{"TCP_CHECK",  "HTTP_GET",  "SSL_GET",    "SMTP_CHECK",
                                                                "DNS_CHECK",  "UDP_CHECK", "PING_CHECK", "MISC_CHECK",
                                                                "FILE_CHECK", "BFD_CHECK", "GRPC_CHECK", "AGENT_CHECK"};
    const auto index = static_cast<std::size_t>(type);
    return index < kKeywords.size() ? kKeywords[index] : "unknown check";
}

Judge::Judge(Random random) : impl_{std::make_unique<Impl>(std::move(random))} {}
Judge::Judge(const Judge& other) : impl_{std::make_unique<Impl>(*other.impl_)} {}
Judge& Judge::operator=(const Judge& other) {
    if (this != &other) impl_ = std::make_unique<Impl>(*other.impl_);
    return *this;
}
Judge::Judge(Judge&&) noexcept = default;
Judge& Judge::operator=(Judge&&) noexcept = default;
Judge::~Judge() = default;

void Judge::start(config::Config config, const Memory& memory, Moment at, Overrides overrides, const Opening& opening,
                  HostFacts host) {
    impl_->start(std::move(config), memory, at, std::move(overrides), opening, std::move(host));
}

Intents Judge::start(config::Config config, const Memory& memory, Moment at, Overrides overrides, HostFacts host) {
    Intents all;
    const auto collect = [&all](const Intents& some) { all.insert(all.end(), some.begin(), some.end()); };
    impl_->start(std::move(config), memory, at, std::move(overrides), {.settled = {}, .report = collect},
                 std::move(host));
    return all;
}

Intents Judge::step(const Fact& fact, Moment at) { return impl_->step(fact, at); }

Intents Judge::command(const ServerCommand& command, Moment at, ServerAnswer& answer) {
    return impl_->command(command, at, answer);
}

Intents Judge::reload(config::Config next, Moment at, HostFacts host) {
    return impl_->reload(std::move(next), at, std::move(host));
}

std::optional<AcceptedChanges> Judge::accept(std::vector<config::ServiceChange> changes) const {
    if (!impl_->accepts(changes)) return std::nullopt;
    return AcceptedChanges{std::move(changes)};
}

Intents Judge::reload(AcceptedChanges changes, Moment at, HostFacts host) {
    return impl_->reload(std::move(changes.list_), at, std::move(host));
}

Intents Judge::stop(bool keep, Moment) { return impl_->stop(keep); }

std::optional<Instant> Judge::deadline() const { return impl_->deadline(); }

const config::Global& Judge::global() const { return impl_->services().global; }

const std::vector<config::VirtualServer>& Judge::services() const { return impl_->services().configs; }

const std::vector<ServiceState>& Judge::states() const { return impl_->services().states; }

std::uint64_t Judge::lines_left_out() const { return impl_->budget().left_out(); }

std::optional<Instant> Judge::oldest_running_check() const {
    std::optional<Instant> oldest;
    for (const auto& service : states())
        for (const auto& server : service.servers)
            for (const auto& check : server.checkers)
                if (check.running && (!oldest || check.due < *oldest)) oldest = check.due;
    return oldest;
}

const Overrides& Judge::overrides() const { return impl_->overrides().all(); }

std::optional<Override> Judge::override_of(std::size_t service, std::size_t server) const {
    return impl_->overrides().of(impl_->services(), {service, server});
}

bool Judge::expires_persistence() const { return impl_->overrides().expires_persistence(impl_->services()); }

const config::Checker* Judge::checker(CheckerId id) const {
    const auto found = place(id);
    return found ? &impl_->services().checker_at(*found) : nullptr;
}

std::optional<CheckerRef> Judge::place(CheckerId id) const { return impl_->services().checkers.find(id); }

std::vector<CheckerId> Judge::followers(config::Checker::Type type, std::string_view name) const {
    const Services& all = impl_->services();
    std::vector<CheckerId> found;
    for (std::size_t i = 0; i < all.checkers.size(); ++i) {
        const auto& checker = all.checker_at(all.checkers.place(i));
        if (checker.type == type && followed_name(checker) == name) found.push_back(all.checkers.id(i));
    }
    return found;
}

Table Judge::desired(std::size_t service) const { return impl_->services().desired(service); }

Table Judge::desired() const {
    Table table;
    table.reserve(services().size());
    for (std::size_t i = 0; i < services().size(); ++i) std::ranges::move(desired(i), std::back_inserter(table));
    return table;
}

std::vector<netlink::IpvsServiceKey> Judge::keys(std::size_t service) const { return impl_->services().keys(service); }

std::optional<netlink::MarkTable> Judge::mark_table() const { return impl_->mark_table(); }

ServiceVerdict Judge::verdict(std::size_t service) const { return impl_->services().verdict(service); }

// The state of a server: up or down, its weight, and min_alive.

namespace {

// Whether the server fails an alpha check, which it must pass before it is added for the first time.
bool is_out_at_start(const config::RealServer& server, const ServerState& state) {
    for (std::size_t c = 0; c < state.checkers.size(); ++c) {
        const auto& checker = server.checkers[c];
        if (!state.checkers[c].up && checker.alpha && checker.type != config::Checker::Type::File) return true;
    }
    return false;
}

}  // namespace

bool Judge::Impl::reweigh(const ServerRef& ref, Instant now, Intents& out) {
    auto& server = services_.state_at(ref);
    const std::int64_t weight = effective_weight(services_.config_at(ref), server);
    if (weight == server.weight) return false;
    if (clamp_weight(weight) != clamp_weight(server.weight))
        out.push_back(log_line(LogLevel::Info, fmt::format("Changing weight from {} to {} for {} service {} of VS {}",
                                                           clamp_weight(server.weight), clamp_weight(weight),
                                                           server.alive ? "active" : "inactive", services_.name(ref),
                                                           services_.name(ref.service))));
    server.weight = weight;
    if (server.between->grows_since) slow_start_.follow(services_, ref, now);
    if (server.alive) out.emplace_back(TableChanged{ref.service});
    return true;
}

void Judge::Impl::set_alive(const ServerRef& ref, bool alive, Moment at, Intents& out) {
    auto& server = services_.state_at(ref);
    server.alive = alive;
    server.since = at.wall;
    budget_.changed(alive, at.now);
    const bool stays = services_.config_at(ref).inhibit_on_failure;
    const std::string name = services_.name(ref);
    const std::string parent = services_.name(ref.service);
    std::string line;
    if (stays)
        line = fmt::format("{} service {} of VS {}", alive ? "Enabling" : "Disabling", name, parent);
    else
        line = alive ? fmt::format("Adding service {} to VS {}", name, parent)
                     : fmt::format("Removing service {} from VS {}", name, parent);
    out.push_back(log_line(LogLevel::Info, std::move(line)));
    if (alive)
        slow_start_.begin(services_, ref, at.now, out);
    else
        server.between.change([](Between& between) { grow_no_more(between), between.leave.reset(); });
    out.emplace_back(TableChanged{ref.service});
}

// Whether a server that fails its checks stays in the table because too few others are up.
bool Judge::Impl::is_kept(const ServerRef& ref, Intents& out) {
    const auto& service = services_.configs[ref.service];
    auto& state = services_.states[ref.service];
    auto& server = state.servers[ref.server];
    const std::size_t least = min_alive_of(service);
    // A server that takes no new connections does not count for min_alive.
    if (least == 0 || server.hold == Hold::Drained) return false;
    std::size_t others = 0;
    for (const auto& one : state.servers) others += &one != &server && serves(one) ? 1 : 0;
    if (others >= least) return false;
    if (!std::exchange(server.kept, true)) log_kept(ref, others, out);
    return true;
}

void Judge::Impl::log_kept(const ServerRef& ref, std::size_t others, Intents& out) const {
    out.push_back(log_line(
        LogLevel::Warning,
        fmt::format("Keeping service {} in VS {} though its checks fail: min_alive is {} and {} others are left",
                    services_.name(ref), services_.name(ref.service), min_alive_of(services_.configs[ref.service]),
                    others)));
}

// Other servers returned, or min_alive was lowered: servers that only min_alive kept are removed now.
void Judge::Impl::release_kept(std::size_t service, Moment at, Intents& out) {
    auto& state = services_.states[service];
    std::size_t serving = 0;
    bool some = false;
    for (const auto& one : state.servers) {
        serving += serves(one) ? 1 : 0;
        some = some || one.kept;
    }
    if (!some) return;
    const std::size_t least = min_alive_of(services_.configs[service]);
    for (std::size_t s = 0; s < state.servers.size(); ++s) {
        auto& server = state.servers[s];
        if (!server.kept || (serves(server) && serving <= least)) continue;
        serving -= serves(server) ? 1 : 0;
        server.kept = false;
        if (!server.alive) continue;
        set_alive({service, s}, false, at, out);
        Event event = server_event(services_.configs[service], services_.configs[service].real_servers[s], false,
                                   "Its checks fail, and min_alive no longer requires it");
        out.emplace_back(Announce{std::move(event)});
    }
}

// min_alive is more than the servers that are up, because a reload raised it, or because files say so from the start:
// servers that fail are kept, the last ones first. One that was never up (alpha) stays out.
void Judge::Impl::keep_failing(std::size_t service, bool is_new, Moment at, Intents& out) {
    const auto& servers = services_.configs[service].real_servers;
    auto& state = services_.states[service];
    const std::size_t least = min_alive_of(services_.configs[service]);
    if (least == 0) return;
    auto serving = static_cast<std::size_t>(std::ranges::count_if(state.servers, serves));
    for (std::size_t s = state.servers.size(); s-- > 0 && serving < least;) {
        auto& server = state.servers[s];
        if (server.alive || server.hold == Hold::Disabled || server.hold == Hold::Drained) continue;
        if (is_out_at_start(servers[s], server)) continue;
        server.kept = true;
        log_kept({service, s}, serving++, out);
        if (is_new) {
            server.alive = true;
            continue;
        }
        set_alive({service, s}, true, at, out);
        out.emplace_back(Announce{
            server_event(services_.configs[service], servers[s], true, "Its checks fail, but min_alive requires it")});
    }
}

}  // namespace mainstay::lvs
