#include "walk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "../../lvs/builders.hpp"
#include "mainstay/lvs/followed.hpp"
#include "mainstay/lvs/quorum.hpp"
#include "mainstay/lvs/settings.hpp"
#include "role/lvs/status.hpp"

namespace mainstay::role::test {
namespace {

using lvs::ServiceTable;
using lvs::Table;
using netlink::IpvsServiceKey;
using CheckerType = config::Checker::Type;

const ServiceTable* find(const Table& table, const IpvsServiceKey& key) {
    const auto at = std::ranges::find(table, key, [](const ServiceTable& entry) { return entry.service.key; });
    return at == table.end() ? nullptr : &*at;
}

bool has(const ServiceTable& entry, const Endpoint& endpoint) {
    return std::ranges::find(entry.destinations, endpoint, &netlink::IpvsDestination::endpoint) !=
           entry.destinations.end();
}

bool serves(const ServiceTable& entry) {
    return std::ranges::any_of(entry.destinations, [](const auto& one) { return one.weight > 0; });
}

std::string text_of(const ServiceTable& entry) {
    std::string text = fmt::format("{} {} flags {} timeout {}:", netlink::describe(entry.service.key),
                                   entry.service.scheduler, entry.service.flags, entry.service.timeout_s);
    std::vector<std::string> servers;
    for (const auto& one : entry.destinations)
        servers.push_back(fmt::format(" {} {} {} {}/{} tunnel {} {} {}", one.endpoint.to_string(), one.forwarding,
                                      one.weight, one.lower_threshold, one.upper_threshold, one.tunnel.type,
                                      one.tunnel.port, one.tunnel.flags));
    std::ranges::sort(servers);
    for (const auto& server : servers) text += server + ";";
    return text;
}

// A line per service, sorted; of what stands twice, the first counts.
std::string text_of(const Table& table) {
    std::map<IpvsServiceKey, std::string> lines;
    for (const auto& entry : table) lines.try_emplace(entry.service.key, text_of(lvs::as_put_in(entry)));
    std::string text;
    for (const auto& [key, line] : lines) text += line + "\n";
    return text;
}

std::string text_of(const lvs::ServiceState& state) {
    std::string text = fmt::format("quorum {} sorry {} suspended {} leaving {}\n", state.quorum_up, state.sorry_in_use,
                                   state.suspended, state.leaving.size());
    for (const auto& one : state.servers) {
        text += fmt::format(" alive {} kept {} weight {} hold {} held {} leave {} grows {} {} since {}\n", one.alive,
                            one.kept, one.weight, static_cast<int>(one.hold), one.between->held_weight,
                            one.between->leave.has_value(), one.between->grows_since.has_value(),
                            one.between->growing_weight.value_or(-1), one.since.unix_us);
        for (const auto& check : one.checkers)
            text += fmt::format(
                "  {} up {} due {} waits {} running {} has run {} rises {} falls {} retries {} failures {} weight {}\n",
                check.id, check.up, (check.due - Instant{}).count(), check.waits, check.running, check.has_run,
                check.rises, check.falls, check.retries_used, check.failures_in_row,
                check.dynamic_weight->value_or(-1).value);
    }
    return text;
}

// What the running judge cannot share with a fresh one is what went before: which way a quorum within its hysteresis
// went, and which servers min_alive keeps.
lvs::Memory history_of(const lvs::Judge& judge, const std::vector<std::vector<std::vector<bool>>>& up) {
    lvs::Memory memory;
    for (std::size_t v = 0; v < judge.services().size(); ++v) {
        const auto& service = judge.services()[v];
        lvs::ServiceMemory one{.identity = lvs::identity_of(service),
                               .keys = service.group.empty() ? std::vector<IpvsServiceKey>{} : judge.keys(v),
                               .quorum_up = judge.states()[v].quorum_up,
                               .servers = {},
                               .leaving = {}};
        for (std::size_t s = 0; s < service.real_servers.size(); ++s) {
            const auto& state = judge.states()[v].servers[s];
            lvs::ServerMemory server{.endpoint = service.real_servers[s].endpoint,
                                     .alive = state.alive,
                                     .since = {},
                                     .checkers = {},
                                     .kept = state.kept,
                                     .leave = state.between->leave,
                                     .grows_since = {}};
            for (std::size_t c = 0; c < state.checkers.size(); ++c) {
                const auto& checker = service.real_servers[s].checkers[c];
                lvs::CheckerState known;
                known.up = up[v][s][c];
                known.dynamic_weight = *state.checkers[c].dynamic_weight;
                server.checkers.push_back({checker.type, checker.target.to_string(), known});
            }
            one.servers.push_back(std::move(server));
        }
        memory.push_back(std::move(one));
    }
    return memory;
}

}  // namespace

LvsWalk::LvsWalk(std::uint64_t seed, std::size_t record_bytes)
    : dice_{seed}, options_{options_for(kernel_)}, record_(record_bytes / sizeof(std::uint64_t)) {
    make_judge();
    addresses_ = {lvs::test::ip("10.0.0.1"), lvs::test::ip("10.0.0.2")};
    kernel_.refuses = [this](const netlink::IpvsOperation&) {
        passed_.push_back(kernel_.table);
        return 0;
    };
    reconciler_ = std::make_unique<TableReconciler>(runtime_, options_, [] {});
    config_ = random_services(dice_);
    const auto intents = judge_->start(config_, {}, now(), {}, {addresses_, {}});
    reconciler_->start(wanted(), {}, false);
    carry_out(intents);
    follow_files();
}

lvs::Moment LvsWalk::now() const {
    return {Instant{} + since_start_, {std::chrono::duration_cast<Micros>(since_start_).count()}};
}

TableReconciler::Wanted LvsWalk::wanted() const {
    return {judge_->services().size(), [this](std::size_t service) { return judge_->desired(service); }};
}

lvs::CheckFinished LvsWalk::answer(lvs::CheckerId id) const {
    const auto& checker = *judge_->checker(id);
    const bool fails = checker.type == CheckerType::File
                           ? truth_.broken_files.contains(std::string{lvs::followed_name(checker)})
                           : truth_.broken.contains(checker.target);
    lvs::CheckFinished fact{.checker = id, .reason = "because", .duration = Micros{5}, .weight = {}};
    fact.outcome = fails ? lvs::Outcome::Failed : lvs::Outcome::Passed;
    if (!fails && checker.misc_dynamic) fact.weight = truth_.script_weight;
    return fact;
}

// As the role does it: the table first, and counts after that.
void LvsWalk::carry_out(lvs::Intents intents) {
    write_table(intents);
    for (const auto& intent : intents) {
        if (const auto* started = std::get_if<lvs::StartCheck>(&intent)) running_.insert(started->checker);
        if (const auto* cancelled = std::get_if<lvs::CancelCheck>(&intent)) running_.erase(cancelled->checker);
        const auto* counted = std::get_if<lvs::CountConnections>(&intent);
        if (counted == nullptr) continue;
        auto found = reconciler_->connections(judge_->desired(counted->service));
        if (!found) return fail("the connections cannot be counted");
        carry_out(judge_->step(lvs::ConnectionsCounted{counted->service, std::move(*found)}, now()));
    }
}

void LvsWalk::write_table(const lvs::Intents& intents) {
    std::set<std::size_t> services;
    for (const auto& intent : intents)
        if (const auto* changed = std::get_if<lvs::TableChanged>(&intent)) services.insert(changed->service);
    if (services.empty()) return;
    Table table;
    for (const std::size_t service : services) std::ranges::move(judge_->desired(service), std::back_inserter(table));
    begin_watch();
    reconciler_->update(std::move(table));
    end_watch();
}

void LvsWalk::follow_files() {
    lvs::Intents all;
    for (const char* name : {"a", "b"}) {
        for (const auto id : judge_->followers(CheckerType::File, name)) {
            auto intents = judge_->step(answer(id), now());
            std::ranges::move(intents, std::back_inserter(all));
        }
    }
    carry_out(std::move(all));
}

// What the results of one turn of the loop lead to is carried out together.
void LvsWalk::finish_running(bool all) {
    lvs::Intents together;
    for (const auto id : std::vector(running_.begin(), running_.end())) {
        if (!all && dice_.one_in(2)) continue;
        running_.erase(id);
        if (judge_->checker(id) == nullptr) continue;
        auto intents = judge_->step(answer(id), now());
        std::ranges::move(intents, std::back_inserter(together));
    }
    carry_out(std::move(together));
}

void LvsWalk::let_pass(Nanos time) {
    const Nanos end = since_start_ + time;
    while (wrong_.empty()) {
        const auto due = judge_->deadline();
        if (!due || *due - Instant{} > end) break;
        since_start_ = std::max(since_start_, *due - Instant{});
        carry_out(judge_->step(lvs::DeadlineReached{}, now()));
        finish_running(false);
    }
    since_start_ = end;
}

// Until every check has said what is true, and nothing is between two states any more.
void LvsWalk::settle() {
    kernel_.connections = 0;
    const Nanos end = since_start_ + Nanos{Seconds{120}};
    finish_running(true);
    while (since_start_ < end && wrong_.empty()) {
        const auto due = judge_->deadline();
        if (!due) break;
        since_start_ = std::max(since_start_, *due - Instant{});
        carry_out(judge_->step(lvs::DeadlineReached{}, now()));
        finish_running(true);
    }
}

void LvsWalk::reload(config::Config next) {
    auto changes = changes_to(next);
    const config::Config before = std::exchange(config_, next);
    begin_watch();
    lvs::Intents intents;
    auto accepted = changes ? judge_->accept(*changes) : std::nullopt;
    if (accepted) {
        history_.back() += fmt::format(" ({} changes)", changes->size());
        lvs::Judge whole = *judge_;
        static_cast<void>(whole.reload(std::move(next), now(), {addresses_, {}}));
        intents = judge_->reload(std::move(*accepted), now());
        if (whole.services() != judge_->services())
            fail("a change of some services leaves others than a reload of all");
        for (std::size_t v = 0; v < whole.states().size() && wrong_.empty(); ++v)
            if (whole.states()[v] != judge_->states()[v])
                fail(fmt::format("a change of some services leaves\n{}where a reload of all leaves\n{}",
                                 text_of(judge_->states()[v]), text_of(whole.states()[v])));
        if (text_of(whole.desired()) != text_of(judge_->desired()))
            fail("a change of some services wants\n" + text_of(judge_->desired()) + "and a reload of all\n" +
                 text_of(whole.desired()));
        change_table(*changes);
    } else {
        intents = judge_->reload(std::move(next), now());
        reconciler_->replace(wanted());
    }
    end_watch();
    check_kept(before);
    std::erase_if(intents, [](const lvs::Intent& intent) { return std::holds_alternative<lvs::TableChanged>(intent); });
    carry_out(std::move(intents));
    follow_files();
}

// A service that the reload has changed does without a server only when min_alive has enough others.
void LvsWalk::check_kept(const config::Config& before) {
    for (std::size_t v = 0; v < judge_->services().size(); ++v) {
        const auto& service = judge_->services()[v];
        const auto& servers = judge_->states()[v].servers;
        const auto same = [&](const auto& one) { return lvs::identity_of(one) == lvs::identity_of(service); };
        const auto was = std::ranges::find_if(before.virtual_servers, same);
        if (was == before.virtual_servers.end() || *was == service) continue;
        std::size_t serving = 0;
        bool some_could = false;
        for (std::size_t s = 0; s < servers.size(); ++s) {
            const auto& server = servers[s];
            const bool held = server.hold == lvs::Hold::Drained || server.hold == lvs::Hold::Disabled;
            serving += server.alive && !held ? 1 : 0;
            bool never_up = false;
            for (std::size_t c = 0; c < server.checkers.size(); ++c) {
                const auto& checker = service.real_servers[s].checkers[c];
                never_up |= !server.checkers[c].up && checker.alpha && checker.type != config::Checker::Type::File;
            }
            some_could |= !server.alive && !held && !never_up;
        }
        if (some_could && serving < lvs::min_alive_of(service))
            fail(config::service_name(service) + " keeps fewer servers than min_alive asks for");
    }
}

void LvsWalk::reload_again() {
    const auto states = judge_->states();
    const auto batches = kernel_.batches.size();
    const auto intents = judge_->reload(config_, now());
    reconciler_->replace(wanted());
    if (kernel_.batches.size() != batches) fail("a second reload of the same configuration writes to the table");
    if (judge_->states() != states) fail("a second reload of the same configuration changes states");
    carry_out(intents);
}

// A new incarnation after a crash, from the state block.
void LvsWalk::restart() {
    auto rest = status_of(*judge_, reconciler_->state(), 1);
    std::vector<std::byte> block(write_status({}, rest, *judge_, now()));
    static_cast<void>(write_status(block, rest, *judge_, now()));
    const auto status = decode_lvs_block(block).value();
    std::vector<IpvsServiceKey> owned;
    for (const auto& service : status.services) {
        if (service.group.empty()) owned.push_back(service.key);
        owned.insert(owned.end(), service.group_keys.begin(), service.group_keys.end());
    }
    running_.clear();
    make_judge();
    auto intents = judge_->start(config_, memory_of(status), now(), overrides_of(status), {addresses_, {}});
    reconciler_ = std::make_unique<TableReconciler>(runtime_, options_, [] {});
    const auto batches = kernel_.batches.size();
    reconciler_->start(wanted(), owned, false);
    if (kernel_.batches.size() != batches) fail("a new incarnation writes to the table that the crashed one left");
    carry_out(std::move(intents));
    follow_files();
}

void LvsWalk::command_server() {
    using Verb = lvs::ServerCommand::Verb;
    static constexpr std::array kVerbs{Verb::Drain, Verb::Disable, Verb::Enable, Verb::Enable, Verb::Weight};
    lvs::ServerCommand command{.verb = dice_.pick(kVerbs), .which = "*", .weight = 0, .dry_run = false, .by = "me"};
    if (command.verb == Verb::Weight) command.weight = dice_.below(4);
    if (!dice_.one_in(4)) command.which = fmt::format("10.1.0.{}", 1 + dice_.below(6));
    history_.back() += fmt::format(" {} {} {}", lvs::word_of(command.verb), command.which, command.weight);
    lvs::ServerAnswer answer;
    carry_out(judge_->command(command, now(), answer));
}

void LvsWalk::change_truth() {
    const Endpoint one = lvs::test::at(fmt::format("10.1.0.{}", 1 + dice_.below(6)), dice_.one_in(5) ? 81 : 80);
    if (!truth_.broken.erase(one)) truth_.broken.insert(one);
    history_.back() += fmt::format(" {} {}", one.to_string(), truth_.broken.contains(one) ? "broken" : "well");
    if (dice_.one_in(3)) truth_.script_weight = dice_.below(5);
    if (!dice_.one_in(3)) return;
    const std::string file = dice_.one_in(2) ? "a" : "b";
    if (!truth_.broken_files.erase(file)) truth_.broken_files.insert(file);
    history_.back() += fmt::format(", file {} {}", file, truth_.broken_files.contains(file) ? "broken" : "well");
    follow_files();
}

void LvsWalk::somebody_adds() {
    auto service = lvs::test::tcp_service(fmt::format("10.9.0.{}", 1 + dice_.below(3)));
    if (!foreign_.insert(service.key).second) return;
    kernel_.table.push_back({service, {lvs::test::to("10.9.1.1", 3)}});
}

void LvsWalk::move_addresses() {
    const auto one = lvs::test::ip(fmt::format("10.0.0.{}", 1 + dice_.below(4)));
    if (!addresses_.erase(one)) addresses_.insert(one);
    carry_out(judge_->step(lvs::AddressesChanged{addresses_}, now()));
}

std::string LvsWalk::step() {
    kernel_.connections = dice_.below(2);
    const std::uint32_t what = dice_.below(16);
    if (what < 5) {
        history_.emplace_back("reload");
        reload(changed(config_, dice_));
        if (wrong_.empty() && dice_.one_in(3)) reload_again();
    } else if (what < 8) {
        history_.emplace_back("time");
        let_pass(Nanos{Micros{dice_.below(15'000'000)}});
    } else if (what < 10) {
        history_.emplace_back("truth:");
        change_truth();
    } else if (what < 12) {
        history_.emplace_back("server");
        command_server();
    } else if (what == 12) {
        history_.emplace_back("restart");
        restart();
    } else if (what == 13) {
        history_.emplace_back("addresses");
        move_addresses();
    } else if (what == 14) {
        history_.emplace_back("somebody adds");
        somebody_adds();
    } else {
        history_.emplace_back("settle");
        settle();
        if (wrong_.empty()) check_fresh_start();
    }
    if (wrong_.empty()) check_table();
    if (wrong_.empty()) check_state_block();
    if (wrong_.empty()) check_quorums();
    return wrong_;
}

// ---- what has to hold ----

void LvsWalk::fail(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
}

void LvsWalk::begin_watch() {
    before_ = kernel_.table;
    passed_.clear();
}

// What is there before and after is there at each moment in between, and what serves goes on serving.
void LvsWalk::end_watch() {
    for (const auto& entry : before_) {
        const auto* after = find(kernel_.table, entry.service.key);
        if (after == nullptr) continue;
        const bool serving = serves(entry) && serves(*after);
        for (const auto& moment : passed_) {
            const auto* there = find(moment, entry.service.key);
            if (there == nullptr) return fail("absent for a moment: " + netlink::describe(entry.service.key));
            if (serving && !serves(*there)) fail("without a server for a moment: " + text_of(entry));
            for (const auto& one : entry.destinations)
                if (has(*after, one.endpoint) && !has(*there, one.endpoint))
                    fail(fmt::format("absent for a moment: {} of {}", one.endpoint.to_string(), text_of(entry)));
        }
    }
    passed_.clear();
}

void LvsWalk::check_table() {
    Table own;
    std::size_t others = 0;
    for (const auto& entry : kernel_.table) {
        if (!foreign_.contains(entry.service.key))
            own.push_back(entry);
        else if (++others; entry.destinations != std::vector{lvs::test::to("10.9.1.1", 3)})
            fail("somebody else's service was touched");
    }
    if (others != foreign_.size()) fail("somebody else's service is gone");
    const auto want = text_of(judge_->desired()), have = text_of(own);
    if (want != have) fail("the table is\n" + have + "instead of\n" + want);
}

void LvsWalk::check_fresh_start() {
    std::vector<std::vector<std::vector<bool>>> up;
    for (std::size_t v = 0; v < judge_->services().size(); ++v) {
        auto& servers = up.emplace_back();
        for (const auto& server : judge_->states()[v].servers) {
            auto& checkers = servers.emplace_back();
            const bool looked_at = !judge_->states()[v].suspended && server.hold != lvs::Hold::Disabled;
            for (const auto& checker : server.checkers)
                checkers.push_back(looked_at ? answer(checker.id).outcome == lvs::Outcome::Passed : checker.up);
        }
    }
    lvs::Judge fresh{[](Micros) { return Micros{0}; }};
    static_cast<void>(fresh.start(config_, history_of(*judge_, up), now(), judge_->overrides(), {addresses_, {}}));
    const auto want = text_of(fresh.desired()), have = text_of(judge_->desired());
    if (want == have) return;
    std::string states;
    for (const auto& state : judge_->states()) states += text_of(state);
    fail("a fresh start makes\n" + want + "of what is\n" + have + "by\n" + states);
}

void LvsWalk::check_quorums() {
    for (std::size_t v = 0; v < judge_->services().size(); ++v) {
        const auto& service = judge_->services()[v];
        const auto& state = judge_->states()[v];
        const auto quorum = lvs::quorum_of(service);
        const auto weight = lvs::alive_weight(judge_->verdict(v));
        const std::string name = config::service_name(service);
        if (weight >= quorum.quorum + quorum.hysteresis && weight > 0 && !state.quorum_up)
            fail(name + " has no quorum though it has the weight");
        if ((weight < quorum.quorum - quorum.hysteresis || weight == 0) && state.quorum_up)
            fail(name + " has quorum without the weight");
        if (state.sorry_in_use != (service.sorry_server && !state.quorum_up))
            fail(name + ": its sorry server does not stand in when the quorum is lost, or does when it holds");
        std::size_t serving = 0, kept = 0;
        for (const auto& server : state.servers) {
            const bool serves_now = server.alive && server.hold != lvs::Hold::Drained;
            const bool up = std::ranges::all_of(server.checkers, &lvs::CheckerState::up);
            serving += serves_now ? 1 : 0;
            kept += server.kept && serves_now ? 1 : 0;
            if (server.kept && (up || server.hold == lvs::Hold::Disabled || !server.alive))
                fail(name + ": a server is kept that needs none, or is not there");
            if (server.alive != (server.hold != lvs::Hold::Disabled && (up || server.kept)))
                fail(name + ": a server's state is not that of its checks");
        }
        if (kept != 0 && serving > lvs::min_alive_of(service))
            fail(name + " keeps more servers than min_alive asks for");
    }
}

// A new incarnation would want the same table.
void LvsWalk::check_state_block() {
    auto rest = status_of(*judge_, reconciler_->state(), 1);
    std::vector<std::byte> block(write_status({}, rest, *judge_, now()));
    static_cast<void>(write_status(block, rest, *judge_, now()));
    const auto status = decode_lvs_block(block).value();
    lvs::Judge twin{[](Micros) { return Micros{0}; }};
    static_cast<void>(twin.start(config_, memory_of(status), now(), overrides_of(status), {addresses_, {}}));
    const auto want = text_of(judge_->desired()), have = text_of(twin.desired());
    if (want != have) fail("a new incarnation would make\n" + have + "of\n" + want);
}

}  // namespace mainstay::role::test
