#include "guarded_source.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "mainstay/base/text.hpp"

namespace mainstay::role {
namespace {

using lvs::HoldReason;

constexpr std::int64_t kMicrosPerSecond = 1'000'000;

std::string after(Micros hold) {
    return hold == Micros{0} ? std::string{"for ever"} : fmt::format("for {} s", hold.count() / kMicrosPerSecond);
}

std::string kept(std::size_t servers) {
    return servers == 1 ? "The known server is kept" : fmt::format("The {} known servers are kept", servers);
}

}  // namespace

std::optional<ipc::DiscoveredSource> servers_before(const ipc::DiscoveredSources& kept, const std::string& source,
                                                    std::optional<lvs::KnownServers> crashed) {
    const auto found = std::ranges::find(kept.list, source, &ipc::DiscoveredSource::source);
    if (found != kept.list.end()) return *found;
    if (!crashed || crashed->empty()) return std::nullopt;
    return ipc::DiscoveredSource{source, std::move(*crashed), std::nullopt};
}

GuardedSource::GuardedSource(boost::asio::io_context& loop, Log& log, const SourceWords& words, std::string name,
                             Clock clock, std::function<void()> changed)
    : log_{log},
      words_{words},
      name_{std::move(name)},
      clock_{std::move(clock)},
      changed_{std::move(changed)},
      timer_{loop} {}

void GuardedSource::recall(const ipc::DiscoveredSource& saved) {
    if (!saved.servers.empty()) set_.recall(saved.servers, saved.last_good);
}

void GuardedSource::set_rules(const config::DiscoveryRules& rules) {
    if (rules == set_.rules()) return;
    const HoldReason before = set_.hold();
    set_.set_rules(rules, clock_().now);
    log_hold(before);
    arm();
}

bool GuardedSource::answer(lvs::KnownServers servers) {
    if (const auto failures = std::exchange(failures_, 0); failures != 0)
        log_.info("{} {}: {} again after {}", words_.keyword, name_, words_.again, counted(failures, "failure"));
    problem_.clear();
    const HoldReason before = set_.hold();
    const auto [now, wall] = clock_();
    set_.answer(std::move(servers), now, wall);
    log_hold(before);
    return step(now);
}

void GuardedSource::fail(const std::string& problem) {
    ++errors_;
    set_.fail();
    const bool is_said = failures_++ != 0 && problem == problem_;
    problem_ = problem;
    if (is_said) return;
    log_.warning("{} {}: {}. {}", words_.keyword, name_, problem,
                 servers().empty() ? fmt::format("It has no servers until {} succeeds", words_.attempt)
                                   : kept(servers().size()));
}

bool GuardedSource::step(Instant now) {
    const std::size_t before = servers().size();
    const bool changed = set_.step(now);
    if (changed) log_.info("{} {}: {}, {} before", words_.keyword, name_, counted(servers().size(), "server"), before);
    arm();
    return changed;
}

void GuardedSource::arm() {
    const auto deadline = set_.deadline();
    if (!deadline) {
        timer_.cancel();
        return;
    }
    timer_.expires_at(*deadline);
    timer_.async_wait(lifetime_.when_due([this] {
        if (step(clock_().now)) changed_();
    }));
}

std::string GuardedSource::why_held() const {
    const auto& rules = set_.rules();
    switch (set_.hold()) {
        case HoldReason::None:
            break;
        case HoldReason::Empty:
            return "it is empty";
        case HoldReason::TooFew:
            return fmt::format("it has fewer than min_servers ({})", rules.min_servers);
        case HoldReason::TooManyRemoved:
            return fmt::format("it removes {} of {} servers, more than max_removal ({} %)",
                               lvs::removed_servers(servers(), *set_.held()), servers().size(), rules.max_removal);
    }
    return {};
}

// Once for each time that answers begin to be held, or are for another reason.
void GuardedSource::log_hold(HoldReason before) const {
    const HoldReason now = set_.hold();
    if (now == before) return;
    if (now == HoldReason::None) return log_.info("{} {}: its answers count again", words_.keyword, name_);
    const auto& rules = set_.rules();
    const Micros hold = now == HoldReason::TooManyRemoved ? rules.hold_time : rules.hold_empty;
    log_.warning("{} {}: an answer of {} is held {}: {}. {}", words_.keyword, name_,
                 counted(set_.held()->size(), "server"), after(hold), why_held(), kept(servers().size()));
}

report::DiscoveredStatus GuardedSource::status() const {
    const auto* held = set_.held();
    return {.source = name_,
            .services = {},
            .servers = servers().size(),
            .held = why_held(),
            .held_servers = held != nullptr ? held->size() : 0,
            .held_since = set_.held_since(),
            .problem = problem_,
            .last_good = set_.last_good(),
            .errors = errors_,
            .holds = set_.holds()};
}

ipc::DiscoveredSource GuardedSource::saved(std::string source) const {
    return {std::move(source), servers(), set_.last_good()};
}

}  // namespace mainstay::role
