// Start, timers and dispatch of facts. Verdicts are in judge_verdict.cpp, reload and stop in judge_reload.cpp.
#include "mainstay/lvs/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "judge_text.hpp"
#include "mainstay/lvs/followed.hpp"

namespace mainstay::lvs {
namespace {

constexpr Micros kFirstRunDelay{1'000'000};  // keepalived: warmup is counted from a second after the start

}  // namespace

std::string_view keyword_of(config::Checker::Type type) {
    static constexpr std::array<std::string_view, 12> kKeywords{"TCP_CHECK",  "HTTP_GET",  "SSL_GET",    "SMTP_CHECK",
                                                                "DNS_CHECK",  "UDP_CHECK", "PING_CHECK", "MISC_CHECK",
                                                                "FILE_CHECK", "BFD_CHECK", "GRPC_CHECK", "AGENT_CHECK"};
    const auto index = static_cast<std::size_t>(type);
    return index < kKeywords.size() ? kKeywords[index] : "unknown check";
}

Intents Judge::begin(config::Config config, const Memory& memory, Moment at, Overrides overrides) {
    Intents out;
    overrides_ = std::move(overrides);
    recall_marks(memory);
    adopt_config(std::move(config), out);
    make_fresh_states(at, false);
    recall(memory, at);
    arm_gradual(at.now);
    index_checkers();
    enqueue_all(at.now);
    settle_quorums();
    return out;
}

void Judge::adopt_config(config::Config config, Intents& out) {
    global_ = std::move(config.global);
    group_keys_.clear();
    server_count_ = 0;
    take_marks(config.virtual_servers);
    std::set<netlink::IpvsServiceKey> taken;
    services_ = std::move(config.virtual_servers);
    std::size_t kept = 0;
    for (auto& service : services_) {
        auto keys = kernel_keys(service);
        const std::size_t all = keys.size();
        std::erase_if(keys, [&](const netlink::IpvsServiceKey& key) { return !taken.insert(key).second; });
        if (keys.empty()) {
            out.push_back(say(LogLevel::Warning,
                              fmt::format("Virtual server {} is defined twice: the second definition is ignored",
                                          config::service_name(service))));
            continue;
        }
        if (keys.size() != all) {
            out.push_back(say(LogLevel::Warning, fmt::format("Virtual server {}: {} of its {} addresses and marks "
                                                             "belong to earlier virtual servers and are left out",
                                                             config::service_name(service), all - keys.size(), all)));
        }
        server_count_ += service.real_servers.size();
        if (!service.group.empty()) group_keys_.emplace(kept, std::move(keys));
        if (auto& place = services_[kept++]; &place != &service) place = std::move(service);
    }
    services_.resize(kept);
}

void Judge::make_fresh_states(Moment at, bool first_run_retries) {
    states_.clear();
    states_.reserve(services_.size());
    for (const auto& service : services_) states_.push_back(fresh_state(service, at, first_run_retries));
    if (overrides_.empty()) return;
    for (std::size_t v = 0; v < services_.size(); ++v) apply_overrides(v);
}

ServiceState Judge::fresh_state(const config::VirtualServer& service, Moment at, bool first_run_retries) const {
    ServiceState state;
    state.suspended = suspended_now(service);
    state.servers.reserve(service.real_servers.size());
    for (const auto& server : service.real_servers) {
        ServerState fresh{.weight = server.weight, .since = at.wall, .between = {}, .checkers = {}};
        fresh.checkers.reserve(server.checkers.size());
        for (const auto& checker : server.checkers) {
            CheckerState one;
            // keepalived: alpha does not apply to a file, whose number is known immediately.
            one.up = !checker.alpha || checker.type == config::Checker::Type::File;
            one.first_run_retries = first_run_retries && !checker.alpha;
            one.due = at.now + kFirstRunDelay + random_(checker.warmup);
            fresh.checkers.push_back(std::move(one));
        }
        fresh.alive = all_up(fresh);
        state.servers.push_back(std::move(fresh));
    }
    return state;
}

void Judge::recall(const Memory& memory, Moment at) {
    std::map<ServiceIdentity, const ServiceMemory*> known;
    for (const auto& service : memory) known.emplace(service.identity, &service);
    for (std::size_t i = 0; i < services_.size(); ++i) {
        const auto found = known.find(identity_of(services_[i]));
        if (found != known.end()) recall_service(i, *found->second, at);
    }
}

void Judge::recall_service(std::size_t service, const ServiceMemory& memory, Moment at) {
    const auto moved = [at](WallTime wall) { return at.now + Micros{wall.unix_us - at.wall.unix_us}; };
    auto& state = states_[service];
    state.quorum_up = memory.quorum_up;
    state.sorry_in_use = memory.sorry_in_use && services_[service].sorry_server.has_value();
    for (std::size_t s = 0; s < state.servers.size(); ++s) {
        const auto& server_config = services_[service].real_servers[s];
        const auto found = std::ranges::find(memory.servers, server_config.endpoint, &ServerMemory::endpoint);
        if (found == memory.servers.end()) continue;
        auto& server = state.servers[s];
        // Scripts have one target, their server: of equal ones each takes the next.
        std::vector<bool> taken(found->checkers.size(), false);
        for (std::size_t c = 0; c < server.checkers.size(); ++c) {
            const auto& wanted = server_config.checkers[c];
            const auto same = std::ranges::find_if(found->checkers, [&](const CheckerMemory& one) {
                return !taken[static_cast<std::size_t>(&one - found->checkers.data())] && one.type == wanted.type &&
                       one.target == wanted.target.to_string();
            });
            if (same == found->checkers.end()) continue;
            taken[static_cast<std::size_t>(same - found->checkers.begin())] = true;
            const Instant due = server.checkers[c].due;
            server.checkers[c] = same->state;
            server.checkers[c].due = due;
            server.checkers[c].running = false;
            if (wanted.type == config::Checker::Type::Misc && !wanted.misc_dynamic)
                server.checkers[c].dynamic_weight.reset();
        }
        server.kept = found->kept && !all_up(server) && server.hold != Hold::Disabled;
        server.alive = may_live(server);
        server.weight = effective_weight(server_config, server);
        if (server.alive == found->alive) server.since = found->since;
        if (server.alive && found->grows_since) server.between.edit().grows_since = moved(*found->grows_since);
        if (found->leave) {
            auto& leave = server.between.edit().leave = found->leave;
            leave->until = moved(leave->until_wall);
        }
    }
    for (auto one : memory.leaving) {
        const auto& now = services_[service].real_servers;
        if (std::ranges::find(now, one.server.endpoint, &config::RealServer::endpoint) != now.end()) continue;
        one.leave.until = moved(one.leave.until_wall);
        state.leaving.push_back(std::move(one));
    }
}

// Checkers without an id are new; those that run are not in the queue.
void Judge::index_checkers() {
    positions_.clear();
    std::size_t count = 0;
    for (const auto& service : states_)
        for (const auto& server : service.servers) count += server.checkers.size();
    positions_.reserve(count);
    for (std::size_t v = 0; v < states_.size(); ++v) {
        for (std::size_t s = 0; s < states_[v].servers.size(); ++s) {
            auto& checkers = states_[v].servers[s].checkers;
            for (std::size_t c = 0; c < checkers.size(); ++c) {
                if (checkers[c].id == 0) checkers[c].id = next_id_++;
                positions_.add(checkers[c].id, {v, s, c});
            }
        }
    }
    positions_.sort();
    group_checkers();
}

void Judge::enqueue_all(Instant now) {
    queue_.clear();
    queue_.reserve(positions_.size());
    for (std::size_t i = 0; i < positions_.size(); ++i) {
        const Position where = positions_.place(i);
        auto& state = state_at(where);
        const bool disabled = states_[where.service].servers[where.server].hold == Hold::Disabled;
        if (config::is_unusable(config_at(where))) state.last_result = reasons_.of("the script cannot be run");
        state.waits = !states_[where.service].suspended && !disabled && is_polled(config_at(where)) && !state.running;
        if (!state.waits) continue;
        // A checker that was carried over may be due immediately, but never earlier than its own schedule.
        state.due = std::max(state.due, now);
        queue_.push(state.due, state.id);
    }
}

void Judge::say_activations(Intents& out, CheckerId since) const {
    for (std::size_t v = 0; v < services_.size(); ++v)
        say_checks(v, states_[v].suspended ? "Deactivating" : "Activating", out, since);
    say_sessions(out, since);
}

void Judge::say_sessions(Intents& out, CheckerId since) const {
    bool bfd = false;
    for (std::size_t i = 0; i < positions_.size() && !bfd; ++i)
        bfd = positions_.id(i) >= since && config_at(positions_.place(i)).type == config::Checker::Type::Bfd;
    if (bfd) out.push_back(say(LogLevel::Info, "Activating BFD healthchecker"));
}

Intents Judge::step(const Fact& fact, Moment at) {
    Intents out;
    for (auto& line : budget_.look(at.now)) out.emplace_back(Say{std::move(line)});
    if (const auto* finished = std::get_if<CheckFinished>(&fact))
        on_results(*finished, at, out);
    else if (const auto* counted = std::get_if<ConnectionsCounted>(&fact))
        on_counted(*counted, out);
    else if (const auto* changed = std::get_if<AddressesChanged>(&fact)) {
        know_addresses(changed->addresses);
        on_addresses(at, out);
    } else
        on_deadline(at, out);
    tidy_queue();
    std::erase_if(out, [this, at](const Intent& intent) {
        const auto* said = std::get_if<Say>(&intent);
        return said != nullptr && !budget_.allows(said->line, at.now);
    });
    return out;
}

// One run may answer for several checks.
void Judge::on_results(const CheckFinished& fact, Moment at, Intents& out) {
    on_finished(fact, at, out);
    const auto led = led_.extract(fact.checker);
    if (led.empty()) return;
    for (const CheckerId other : led.mapped()) {
        CheckFinished same = fact;
        same.checker = other;
        on_finished(same, at, out);
    }
}

void Judge::on_deadline(Moment at, Intents& out) {
    while (!queue_.empty() && queue_.front().due <= at.now) {
        const auto entry = queue_.pop();
        if (!is_stale(entry)) start_run(entry.id, at, out);
    }
    grow(at, out);
    look_at_leaving(at, out);
}

void Judge::start_run(CheckerId id, Moment at, Intents& out) {
    const Position where = positions_.at(id);
    auto& state = state_at(where);
    state.running = true;
    state.waits = false;
    // After a pause of the process the missed slots are skipped, and each check keeps its phase: the spread over
    // the interval stays.
    const Nanos loop = std::max<Nanos>(config_at(where).delay_loop, Micros{1});
    state.due += (at.now - state.due) / loop * loop;
    out.emplace_back(StartCheck{id});
    start_with(id);
}

void Judge::on_finished(const CheckFinished& fact, Moment at, Intents& out) {
    const auto found = positions_.find(fact.checker);
    if (!found) return;  // a reload removed it
    const Position where = *found;
    auto& state = state_at(where);
    if (!state.running && !is_followed(config_at(where).type)) return;
    state.running = false;

    const bool repeated = state.last_result == fact.reason;
    if (!repeated) state.last_result = reasons_.of(fact.reason);
    state.last_run = at.wall;
    state.last_duration = short_time(fact.duration);
    const Run run{.first = !state.has_run, .began = state.due};
    const Instant next = std::max(state.due + config_at(where).delay_loop, at.now);

    if (fact.outcome == Outcome::NotRun) {
        if (!repeated) {
            out.push_back(say(LogLevel::Warning, fmt::format("{} on service {} could not be run: {}. Rescheduling.",
                                                             keyword_of(config_at(where).type),
                                                             server_text(where.service, where.server), fact.reason)));
        }
        schedule(where, next);
        return;
    }
    state.has_run = true;
    schedule(where, next);  // a tolerated failure moves it
    if (fact.outcome == Outcome::Passed)
        passed(where, fact, run, at, out);
    else
        failed(where, fact, run, at, out);
}

void Judge::schedule(const Position& where, Instant due) {
    if (!is_polled(config_at(where))) return;
    auto& state = state_at(where);
    state.due = due;
    state.waits = !states_[where.service].suspended;
    if (state.waits) queue_.push(due, state.id);
}

bool Judge::is_stale(const CheckQueue::Entry& entry) const {
    const auto where = positions_.find(entry.id);
    if (!where) return true;
    const auto& state = states_[where->service].servers[where->server].checkers[where->checker];
    return !state.waits || state.due != entry.due;
}

// After whatever may have given checkers another time: the deadline is that of a checker that waits.
void Judge::tidy_queue() {
    queue_.tidy(positions_.size(), [this](const CheckQueue::Entry& entry) { return is_stale(entry); });
}

std::optional<Instant> Judge::deadline() const {
    std::optional<Instant> first = look_at_leaving_at_;
    const auto no_later_than = [&first](Instant other) { first = first ? std::min(*first, other) : other; };
    if (!queue_.empty()) no_later_than(queue_.front().due);
    if (!growing_.empty()) no_later_than(growing_.begin()->first);
    if (const auto told = budget_.deadline()) no_later_than(*told);
    return first;
}

const config::Checker* Judge::checker(CheckerId id) const {
    const auto found = positions_.find(id);
    return found ? &config_at(*found) : nullptr;
}

std::vector<CheckerId> Judge::followers(config::Checker::Type type, std::string_view name) const {
    std::vector<CheckerId> found;
    for (std::size_t i = 0; i < positions_.size(); ++i) {
        const auto& checker = config_at(positions_.place(i));
        if (checker.type == type && followed_name(checker) == name) found.push_back(positions_.id(i));
    }
    return found;
}

std::optional<Judge::Place> Judge::place(CheckerId id) const { return positions_.find(id); }

ServiceVerdict Judge::verdict(std::size_t service) const {
    using Stands = ServerVerdict::Place;
    ServiceVerdict verdict{.sorry_in_use = states_[service].sorry_in_use, .servers = {}, .leaving = {}};
    verdict.servers.reserve(states_[service].servers.size());
    for (const auto& server : states_[service].servers) {
        ServerVerdict one{.alive = server.alive, .weight = server.weight, .place = Stands::AsChecked, .weight_now = {}};
        const auto& leave = server.between->leave;
        const bool leaves = leave && !leave->over;
        if (server.hold == Hold::Disabled) one.place = leaves ? Stands::Drained : Stands::Out;
        if (server.hold == Hold::Drained && server.alive)
            one.place = leave && leave->over ? Stands::Out : Stands::Drained;
        one.weight_now = server.between->growing_weight;
        verdict.servers.push_back(one);
    }
    for (const auto& one : states_[service].leaving) verdict.leaving.push_back(one.server);
    return verdict;
}

std::vector<netlink::IpvsServiceKey> Judge::keys(std::size_t service) const {
    const auto found = group_keys_.find(service);
    return found == group_keys_.end() ? std::vector{key_of(services_[service])} : found->second;
}

Table Judge::desired(std::size_t service) const {
    return lvs::desired(services_[service], keys(service), verdict(service));
}

Table Judge::desired() const {
    Table table;
    table.reserve(services_.size());
    for (std::size_t i = 0; i < services_.size(); ++i) std::ranges::move(desired(i), std::back_inserter(table));
    return table;
}

std::string Judge::service_text(std::size_t service) const { return config::service_name(services_[service]); }

std::string Judge::server_text(std::size_t service, std::size_t server) const {
    return text_of(services_[service], services_[service].real_servers[server]);
}

}  // namespace mainstay::lvs
