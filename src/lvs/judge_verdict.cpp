// Applies a check result to its checker, its server and its service. The texts and their order are keepalived's
// (observed with 2.2.7), because monitoring matches them.
#include <fmt/format.h>

#include <algorithm>

#include "check_words.hpp"
#include "judge_text.hpp"
#include "mainstay/lvs/followed.hpp"
#include "mainstay/lvs/judge.hpp"

namespace mainstay::lvs {
namespace {

bool is_http(const config::Checker& checker) {
    return checker.type == config::Checker::Type::Http || checker.type == config::Checker::Type::Ssl;
}

Micros pause_while_down(const config::Checker& checker) {
    return is_http(checker) ? std::max(checker.delay_loop, checker.delay_before_retry) : checker.delay_loop;
}

}  // namespace

RiseFall Judge::counts(const Position& where) const {
    if (is_followed(config_at(where).type)) return {};  // it is notified of changes only
    const auto& service = services_[where.service];
    return rise_fall_of(service, service.real_servers[where.server], config_at(where));
}

namespace {

// The last condition that a successful answer has passed.
std::string_view last_test_of(const config::HttpUrl& url) {
    if (config::find_value(url.more->values, "regex") != nullptr) return "Regex match";
    return url.digest.empty() ? "HTTP status code" : "MD5 digest";
}

}  // namespace

// keepalived: one URL per run. A checker that is down comes up after all have passed in order; once the URL that failed
// works, the pass starts again. True while more runs are needed.
bool Judge::pass_goes_on(const Position& where, Intents& out) {
    auto& state = state_at(where);
    const auto& urls = *config_at(where).urls;
    if (urls.empty()) return false;
    const bool broken = std::exchange(state.pass_broken, false);
    const std::size_t next = (state.url + 1) % urls.size();
    if (!state.up) {
        const auto& tested = urls[state.url];
        out.push_back(say(LogLevel::Info, fmt::format("{} success to {} url({}).", last_test_of(tested),
                                                      server_text(where.service, where.server), tested.path)));
    }
    const bool goes_on = !state.up && urls.size() > 1 && (broken || next != 0);
    state.url = broken ? 0 : static_cast<std::uint32_t>(next);
    return goes_on;
}

void Judge::passed(const Position& where, const CheckFinished& fact, const Run& run, Moment at, Intents& out) {
    auto& state = state_at(where);
    const bool was_up = state.up;
    state.retries_used = 0;
    state.failures_in_row = 0;
    state.falls = 0;
    if (is_http(config_at(where))) {
        const bool goes_on = pass_goes_on(where, out);
        if (state.url == 0) state.first_pass = false;
        const auto& values = config_at(where).more->values;
        if ((goes_on || state.first_pass) && config::value_of<bool>(values, "fast_recovery").value_or(false))
            schedule(where, at.now);
        if (goes_on) return;
    }
    if (!was_up && ++state.rises < counts(where).rise) return;
    state.rises = 0;
    state.up = true;
    if (!was_up || (run.first && names_servers() && !is_followed(config_at(where).type))) {
        const std::string name = server_text(where.service, where.server);
        const std::string parent = service_text(where.service);
        auto line = success_line({config_at(where), name, parent});
        if (!line.empty()) out.push_back(say(LogLevel::Info, std::move(line)));
    }
    const bool is_fixed = config_at(where).type == config::Checker::Type::Misc && !config_at(where).misc_dynamic;
    state.dynamic_weight = is_fixed ? std::optional<std::int64_t>{} : fact.weight;
    // Of each server that shares the probe, its own part.
    if (fact.weight_percent)
        state.dynamic_weight = std::optional<std::int64_t>{
            part_of_weight(services_[where.service].real_servers[where.server].weight, *fact.weight_percent)};
    const bool reweighed = reweigh(where, at.now, out);
    auto& server = states_[where.service].servers[where.server];
    if (all_up(server)) server.kept = false;
    const bool comes_up = !was_up && !server.alive && may_live(server);
    if (comes_up) set_alive(where, true, at, out);
    if (!was_up) announce_check(where, fact, comes_up, true, out);
    if (comes_up) release_kept(where.service, at, out);
    if (comes_up || (reweighed && server.alive)) evaluate_quorum(where.service, Mode::Running, out);
}

// Whether the failure is one that is tolerated; its retry is in the queue then.
bool Judge::tries_again(const Position& where, const Run& run, Moment at) {
    auto& state = state_at(where);
    const auto& checker = config_at(where);
    // keepalived: the very first run has no retries, and a checker that is down has none; SMTP_CHECK has both.
    const bool smtp = checker.type == config::Checker::Type::Smtp;
    const bool has_retries = smtp || (state.up && (!run.first || state.first_run_retries));
    if (!has_retries || is_followed(checker.type) || state.retries_used >= checker.retry) return false;
    ++state.retries_used;
    if (smtp && run.first) state.has_run = false;  // its retries belong to its first run
    // keepalived: a script's retry is counted from the start of the run that failed, a connection's from its end.
    const bool script = checker.type == config::Checker::Type::Misc;
    schedule(where, std::max((script ? run.began : at.now) + checker.delay_before_retry, at.now));
    return true;
}

void Judge::failed(const Position& where, const CheckFinished& fact, const Run& run, Moment at, Intents& out) {
    auto& state = state_at(where);
    const auto& checker = config_at(where);
    const std::string name = server_text(where.service, where.server);
    const std::string parent = service_text(where.service);
    const CheckSubject subject{checker, name, parent};
    ++state.failures_in_row;
    state.rises = 0;

    if (!state.up) {
        state.pass_broken = true;
        if (tries_again(where, run, at)) return;
        state.retries_used = 0;
        schedule(where, std::max(run.began + pause_while_down(checker), at.now));
        // Alpha: the check counted as failed before its first run. The failure is reported once, but nothing changes.
        if (run.first) {
            out.push_back(say(LogLevel::Info, failure_line(subject, fact, false, 0)));
            if (auto why = why_line(subject, fact); !why.empty()) out.push_back(say(LogLevel::Info, std::move(why)));
            announce_check(where, fact, true, false, out);
        }
        return;
    }
    if (checker.log_all_failures || global_.checker_log_all_failures) {
        out.push_back(say(LogLevel::Info, try_line(subject, fact, state.retries_used)));
    }
    if (tries_again(where, run, at)) return;
    const bool retried = state.retries_used > 0;
    if (++state.falls < counts(where).fall) {
        state.retries_used = 0;  // the next round is due delay_loop after this one
        return;
    }
    fell(where, fact, retried, at, out);
}

void Judge::fell(const Position& where, const CheckFinished& fact, bool retried, Moment at, Intents& out) {
    auto& state = state_at(where);
    const std::string name = server_text(where.service, where.server);
    const std::string parent = service_text(where.service);
    const CheckSubject subject{config_at(where), name, parent};
    out.push_back(say(LogLevel::Info, failure_line(subject, fact, retried, state.retries_used)));
    if (auto why = why_line(subject, fact); !why.empty()) out.push_back(say(LogLevel::Info, std::move(why)));
    state.up = false;
    state.pass_broken = true;
    state.retries_used = 0;
    state.falls = 0;
    state.dynamic_weight.reset();
    const bool goes = states_[where.service].servers[where.server].alive && !is_kept(where, out);
    if (goes) set_alive(where, false, at, out);
    const bool reweighed = reweigh(where, at.now, out);
    announce_check(where, fact, goes, true, out);
    if (goes || reweighed) evaluate_quorum(where.service, Mode::Running, out);
}

bool Judge::reweigh(const Position& where, Instant now, Intents& out) {
    auto& server = states_[where.service].servers[where.server];
    const std::int64_t weight = effective_weight(services_[where.service].real_servers[where.server], server);
    if (weight == server.weight) return false;
    out.push_back(
        say(LogLevel::Info, fmt::format("Changing weight from {} to {} for {} service {} of VS {}", server.weight,
                                        weight, server.alive ? "active" : "inactive",
                                        server_text(where.service, where.server), service_text(where.service))));
    server.weight = weight;
    if (server.between->grows_since) grow_one({where.service, where.server}, now);
    if (server.alive) out.emplace_back(TableChanged{where.service});
    return true;
}

void Judge::set_alive(const Position& where, bool alive, Moment at, Intents& out) {
    auto& server = states_[where.service].servers[where.server];
    server.alive = alive;
    server.since = at.wall;
    budget_.changed(alive, at.now);
    const auto& service = services_[where.service];
    const bool stays = inhibits(service, service.real_servers[where.server]);
    const std::string name = server_text(where.service, where.server);
    const std::string parent = service_text(where.service);
    std::string line;
    if (stays)
        line = fmt::format("{} service {} of VS {}", alive ? "Enabling" : "Disabling", name, parent);
    else
        line = alive ? fmt::format("Adding service {} to VS {}", name, parent)
                     : fmt::format("Removing service {} from VS {}", name, parent);
    out.push_back(say(LogLevel::Info, std::move(line)));
    if (alive)
        begin_growth(where, at.now, out);
    else
        server.between.change([](Between& between) { grow_no_more(between), between.leave.reset(); });
    out.emplace_back(TableChanged{where.service});
}

// A mail for each change of a checker, even when its server's state stays, unless no_checker_emails; scripts and FIFO
// only with `notify`, when the server's state changes.
void Judge::announce_check(const Position& where, const CheckFinished& fact, bool notify, bool mail,
                           Intents& out) const {
    const auto& service = services_[where.service];
    const auto& server = service.real_servers[where.server];
    // keepalived reports the state of the server, not that of the checker.
    Event event = server_event(service, server, states_[where.service].servers[where.server].alive,
                               mail_words(config_at(where), fact));
    event.notify = notify;
    event.mail = event.mail && mail && (notify || !is_on(global_, "no_checker_emails"));
    if (event.notify || event.mail) out.emplace_back(Announce{std::move(event)});
}

// rs_init_notifies: servers that are added before any check are reported as if they had come up, without a mail.
void Judge::announce_initial(std::size_t service, std::size_t server, Intents& out) const {
    if (!states_[service].servers[server].alive) return;
    Event event = server_event(services_[service], services_[service].real_servers[server], true, "Starting");
    event.mail = false;
    out.emplace_back(Announce{std::move(event)});
}

void Judge::evaluate_quorum(std::size_t service, Mode mode, Intents& out) {
    const auto& state = states_[service];
    const std::int64_t weight = weight_of(state);
    const bool holds = quorum_holds(quorum_of(services_[service]), weight, state.quorum_up);
    if (holds && !state.quorum_up) {
        quorum_gained(service, weight, mode, out);
    } else if (!holds && state.quorum_up) {
        quorum_lost(service, weight, Mode::Running, out);
    } else if (!holds && mode != Mode::Running && services_[service].sorry_server && !state.sorry_in_use) {
        quorum_lost(service, weight, Mode::Start, out);
    }
}

void Judge::quorum_gained(std::size_t service, std::int64_t weight, Mode mode, Intents& out) {
    auto& state = states_[service];
    const auto& config = services_[service];
    const std::string name = service_text(service);
    const std::string sum = gained_text(quorum_of(config), weight);
    state.quorum_up = true;
    out.push_back(say(LogLevel::Info, fmt::format("Gained quorum {} for VS {}", sum, name)));
    if (state.sorry_in_use) {
        state.sorry_in_use = false;
        out.push_back(
            say(LogLevel::Info, config.sorry_server->inhibit
                                    ? fmt::format("Disabling sorry server {} of VS {}", sorry_text(config), name)
                                    : fmt::format("Removing sorry server {} from VS {}", sorry_text(config), name)));
        out.push_back(say(LogLevel::Info, fmt::format("Adding alive servers to the pool for VS {}", name)));
        if (mode == Mode::Running) out.emplace_back(TableChanged{service});
    }
    const std::string_view words = mode == Mode::Start ? "Starting with quorum up" : "Gained quorum";
    out.emplace_back(Announce{service_event(config, true, fmt::format("{} {}", words, sum))});
}

// Mode::Start: it never had quorum.
void Judge::quorum_lost(std::size_t service, std::int64_t weight, Mode mode, Intents& out) {
    auto& state = states_[service];
    const auto& config = services_[service];
    const std::string name = service_text(service);
    const Quorum quorum = quorum_of(config);
    const std::string_view words = mode == Mode::Start ? "Starting with quorum down" : "Lost quorum";
    state.quorum_up = false;
    out.push_back(say(LogLevel::Info, fmt::format("{} {} for VS {}", words, lost_text(quorum, weight), name)));
    if (config.sorry_server) {
        state.sorry_in_use = true;
        out.push_back(
            say(LogLevel::Info, config.sorry_server->inhibit
                                    ? fmt::format("Enabling sorry server {} of VS {}", sorry_text(config), name)
                                    : fmt::format("Adding sorry server {} to VS {}", sorry_text(config), name)));
        out.push_back(say(LogLevel::Info, fmt::format("Removing alive servers from the pool for VS {}", name)));
        if (mode == Mode::Running) out.emplace_back(TableChanged{service});
    }
    out.emplace_back(
        Announce{service_event(config, false, fmt::format("{} {}", words, lost_mail_text(quorum, weight)))});
}

}  // namespace mainstay::lvs
