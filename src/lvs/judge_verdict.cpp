// Applies a check result to its checker. The texts and their order are keepalived's (observed with 2.2.7), because
// monitoring matches them.
#include <fmt/format.h>

#include <algorithm>

#include "check_words.hpp"
#include "judge_impl.hpp"
#include "judge_text.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/lvs/followed.hpp"

namespace mainstay::lvs {
namespace {

bool is_http(const config::Checker& checker) {
    return checker.type == config::Checker::Type::Http || checker.type == config::Checker::Type::Ssl;
}

// The last condition that a successful answer has passed.
std::string_view last_test_of(const config::HttpUrl& url) {
    if (config::is_given(url.more->values, config::keyword::regex)) return "Regex match";
    return url.digest.empty() ? "HTTP status code" : "MD5 digest";
}

// keepalived: one URL per run. A checker that is down comes up after all have passed in order; once the URL that failed
// works, the pass starts again. True while more runs are needed.
bool pass_goes_on(const std::vector<config::HttpUrl>& urls, CheckerState& state) {
    const bool broken = std::exchange(state.pass_broken, false);
    const std::size_t next = (state.url + 1) % urls.size();
    const bool goes_on = !state.up && urls.size() > 1 && (broken || next != 0);
    state.url = broken ? 0 : static_cast<std::uint32_t>(next);
    return goes_on;
}

std::optional<AskedWeight> weight_asked_for(const config::Checker& checker, const CheckFinished& fact) {
    if (fact.weight_percent) return AskedWeight::part(*fact.weight_percent);
    const bool is_fixed = checker.type == config::Checker::Type::Misc && !checker.misc_dynamic;
    return is_fixed ? std::nullopt : std::optional<AskedWeight>{fact.weight};
}

}  // namespace

RiseFall Judge::Impl::counts(const CheckerRef& ref) const {
    const auto& checker = services_.checker_at(ref);
    if (is_followed(checker.type)) return {};  // it gets only changes
    return rise_fall_of(services_.configs[ref.service], services_.config_at(ref), checker);
}

// HTTP_GET: whether its other URLs must pass, too, before the checker counts as up.
bool Judge::Impl::needs_more_urls(const CheckerRef& ref, Moment at, Intents& out) {
    auto& state = services_.checker_state(ref);
    const auto& checker = services_.checker_at(ref);
    if (!is_http(checker)) return false;
    bool goes_on = false;
    if (const auto& urls = *checker.urls; !urls.empty()) {
        if (const auto& tested = urls[state.url]; !state.up)
            out.push_back(log_line(LogLevel::Info, fmt::format("{} success to {} url({}).", last_test_of(tested),
                                                               services_.name(ref), tested.path)));
        goes_on = pass_goes_on(urls, state);
    }
    if (state.url == 0) state.first_pass = false;
    if ((goes_on || state.first_pass) && config::flag(checker.more->values, config::keyword::fast_recovery))
        schedule_.set(services_, ref, at.now);
    return goes_on;
}

void Judge::Impl::passed(const CheckerRef& ref, const CheckFinished& fact, const CheckRun& run, Moment at,
                         Intents& out) {
    auto& state = services_.checker_state(ref);
    const auto& checker = services_.checker_at(ref);
    const bool was_up = state.up;
    state.retries_used = 0;
    state.failures_in_row = 0;
    state.falls = 0;
    if (needs_more_urls(ref, at, out)) return;
    if (!was_up && ++state.rises < counts(ref).rise) return;
    state.rises = 0;
    state.up = true;
    if (!was_up || (run.first && services_.names_servers() && !is_followed(checker.type))) {
        const std::string name = services_.name(ref);
        const std::string parent = services_.name(ref.service);
        auto line = success_line({checker, name, parent});
        if (!line.empty()) out.push_back(log_line(LogLevel::Info, std::move(line)));
    }
    state.dynamic_weight = weight_asked_for(checker, fact);
    came_up(ref, fact, was_up, at, out);
}

// The checker is up; updates its server.
void Judge::Impl::came_up(const CheckerRef& ref, const CheckFinished& fact, bool was_up, Moment at, Intents& out) {
    const bool reweighed = reweigh(ref, at.now, out);
    auto& server = services_.state_at(ref);
    if (all_up(server)) server.kept = false;
    const bool comes_up = !was_up && !server.alive && may_live(server);
    if (comes_up) set_alive(ref, true, at, out);
    if (!was_up) announce_check(ref, fact, comes_up, true, out);
    if (comes_up) release_kept(ref.service, at, out);
    if (comes_up || (reweighed && server.alive)) follow_quorum(services_, ref.service, QuorumChange::Running, out);
}

// Whether the failure is tolerated; if so, its retry is queued.
bool Judge::Impl::tries_again(const CheckerRef& ref, const CheckRun& run, Moment at) {
    auto& state = services_.checker_state(ref);
    const auto& checker = services_.checker_at(ref);
    // keepalived: the very first run has no retries, and a checker that is down has none; SMTP_CHECK has both.
    const bool smtp = checker.type == config::Checker::Type::Smtp;
    const bool has_retries = smtp || (state.up && (!run.first || state.first_run_retries));
    if (!has_retries || is_followed(checker.type) || state.retries_used >= checker.retry) return false;
    ++state.retries_used;
    if (smtp && run.first) state.has_run = false;  // its retries belong to its first run
    schedule_.set(services_, ref, retry_due(checker, run, at.now));
    return true;
}

void Judge::Impl::failed(const CheckerRef& ref, const CheckFinished& fact, const CheckRun& run, Moment at,
                         Intents& out) {
    auto& state = services_.checker_state(ref);
    const auto& checker = services_.checker_at(ref);
    ++state.failures_in_row;
    state.rises = 0;
    if (!state.up) return failed_while_down(ref, fact, run, at, out);
    const std::uint32_t used = state.retries_used;
    const bool again = tries_again(ref, run, at);
    const bool falls = !again && ++state.falls >= counts(ref).fall;
    if ((checker.log_all_failures || services_.global.checker_log_all_failures) &&
        !(falls && says_its_last_try(checker.type))) {
        const std::string name = services_.name(ref);
        const std::string parent = services_.name(ref.service);
        out.push_back(log_line(LogLevel::Info, try_line({checker, name, parent}, fact, used)));
    }
    if (again) return;
    if (!falls) {
        state.retries_used = 0;  // the next round is due delay_loop after this one
        return;
    }
    fell(ref, fact, used > 0, at, out);
}

void Judge::Impl::failed_while_down(const CheckerRef& ref, const CheckFinished& fact, const CheckRun& run, Moment at,
                                    Intents& out) {
    auto& state = services_.checker_state(ref);
    state.pass_broken = true;
    if (tries_again(ref, run, at)) return;
    state.retries_used = 0;
    schedule_.set(services_, ref, next_due_while_down(services_.checker_at(ref), run, at.now));
    // Alpha: the check counted as failed before its first run. The failure is reported once, but nothing changes.
    if (!run.first) return;
    log_failure(ref, fact, false, 0, out);
    announce_check(ref, fact, true, false, out);
}

void Judge::Impl::fell(const CheckerRef& ref, const CheckFinished& fact, bool retried, Moment at, Intents& out) {
    auto& state = services_.checker_state(ref);
    log_failure(ref, fact, retried, state.retries_used, out);
    state.up = false;
    state.pass_broken = true;
    state.retries_used = 0;
    state.falls = 0;
    state.dynamic_weight.reset();
    const bool goes = services_.state_at(ref).alive && !is_kept(ref, out);
    if (goes) set_alive(ref, false, at, out);
    const bool reweighed = reweigh(ref, at.now, out);
    announce_check(ref, fact, goes, true, out);
    if (goes || reweighed) follow_quorum(services_, ref.service, QuorumChange::Running, out);
}

void Judge::Impl::log_failure(const CheckerRef& ref, const CheckFinished& fact, bool retried, std::uint32_t retries,
                              Intents& out) const {
    const std::string name = services_.name(ref);
    const std::string parent = services_.name(ref.service);
    const CheckSubject subject{services_.checker_at(ref), name, parent};
    out.push_back(log_line(LogLevel::Info, failure_line(subject, fact, retried, retries)));
    if (auto why = why_line(subject, fact); !why.empty()) out.push_back(log_line(LogLevel::Info, std::move(why)));
}

// A mail for each change of a checker, even when its server's state stays, unless no_checker_emails; scripts and FIFO
// only with `notify`, when the server's state changes.
void Judge::Impl::announce_check(const CheckerRef& ref, const CheckFinished& fact, bool notify, bool mail,
                                 Intents& out) const {
    // keepalived reports the state of the server, not that of the checker.
    Event event = server_event(services_.configs[ref.service], services_.config_at(ref), services_.state_at(ref).alive,
                               mail_words(services_.checker_at(ref), fact));
    if (fact.outcome == Outcome::Passed)
        event.plain = fmt::format("{} passes{}{}", keyword_of(services_.checker_at(ref).type),
                                  fact.reason.empty() ? "" : ": ", fact.reason);
    else
        event.reason = fact.reason;
    event.notify = notify;
    event.mail = event.mail && mail &&
                 (notify || !config::flag(services_.global.more->values, config::keyword::no_checker_emails));
    if (event.notify || event.mail) out.emplace_back(Announce{std::move(event)});
}

}  // namespace mainstay::lvs
