#include "mainstay/record/replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "mainstay/base/overloaded.hpp"
#include "reading.hpp"
#include "run.hpp"

namespace mainstay::record {
namespace {

struct RouterKind {
    using Machine = vrrp::Router;
    using Reader = SegmentReader;
    using Entry = record::Entry;
    using OnStep = record::OnStep;
    using OnKeyFrame = record::OnKeyFrame;
    static constexpr auto kMachine = record::Machine::Router;

    static Result<vrrp::Router> resume(const KeyFrame& frame, ByteReader& state) {
        return vrrp::Router::resume(frame.config, state);
    }
    static WallTime time_of(const KeyFrame& frame, const Entry& entry) {
        return {frame.wall.unix_us + std::chrono::duration_cast<Micros>(entry.now - frame.now).count()};
    }
    static vrrp::Intents step(vrrp::Router& router, const Entry& entry) {
        return std::visit(
            Overloaded{
                [&](const vrrp::Fact& fact) { return router.step(fact, entry.now); },
                [&](const Started& started) {
                    return router.start(entry.now, started.previous ? &*started.previous : nullptr);
                },
                [&](const Reloaded& reloaded) { return router.reload(reloaded.config, reloaded.host, entry.now); }},
            entry.what);
    }
    static Result<void> check(const vrrp::Router&, const Entry&) { return {}; }
    static std::string difference(const Entry&) { return {}; }
    static std::string fact_text(const Entry& entry, const vrrp::Router&) { return describe_fact(entry); }
    static std::string intent_text(const vrrp::Intent& intent, const vrrp::Router& router) {
        return describe_intent(intent, router.config());
    }
};

}  // namespace

Result<void> check_version(const Record& record, std::string_view version) {
    if (record.version == version) return {};
    return fail(Errc::Unsupported, fmt::format("the record is from version {}; this is version {}, and only the "
                                               "same version can replay it",
                                               record.version, version));
}

Result<Outcome> replay(const Record& record, std::string_view version, const OnStep& on_step,
                       const OnKeyFrame& on_key_frame) {
    if (auto same = check_version(record, version); !same) return error_of(same);
    return run_all(*running_replay(record, on_step, on_key_frame));
}

std::unique_ptr<RunningReplay> running_replay(const Record& record, const OnStep& on_step,
                                              const OnKeyFrame& on_key_frame) {
    return std::make_unique<Run<RouterKind>>(record.segments, on_step, on_key_frame);
}

Result<Outcome> run_all(RunningReplay& replay) {
    while (true) {
        const auto more = replay.read();
        if (!more) return error_of(more);
        if (!*more) return replay.outcome();
        if (const auto taken = replay.take(); !taken) return error_of(taken);
    }
}

Result<Outcomes> replay_in_order(const Record& record, std::string_view version, const Listeners& listeners) {
    if (auto same = check_version(record, version); !same) return error_of(same);
    const auto router = running_replay(record, listeners.on_step, listeners.on_key_frame);
    const auto judge = running_replay(record, listeners.on_judge_step, listeners.on_judge_key_frame);
    while (true) {
        const auto of_router = router->read();
        if (!of_router) return error_of(of_router);
        const auto of_judge = judge->read();
        if (!of_judge) return error_of(of_judge);
        if (!*of_router && !*of_judge) return Outcomes{router->outcome(), judge->outcome()};
        const bool router_first = *of_router && (!*of_judge || router->time().unix_us <= judge->time().unix_us);
        if (const auto taken = (router_first ? *router : *judge).take(); !taken) return error_of(taken);
    }
}

namespace {

// The random numbers of the entry, which the replayed step gets in the same order.
struct Draws {
    std::vector<Micros> values;
    std::size_t taken = 0;

    Micros next(Micros limit) {
        const std::size_t at = taken++;
        return at < values.size() ? std::clamp(values[at], Micros{0}, std::max(limit, Micros{0})) : Micros{0};
    }
};

class JudgeKind {
public:
    using Machine = lvs::Judge;
    using Reader = JudgeSegmentReader;
    using Entry = JudgeEntry;
    using OnStep = OnJudgeStep;
    using OnKeyFrame = OnJudgeKeyFrame;
    static constexpr auto kMachine = record::Machine::Judge;

    [[nodiscard]] Result<lvs::Judge> resume(const KeyFrame& frame, ByteReader& state) const {
        return lvs::Judge::resume([draws = draws_](Micros limit) { return draws->next(limit); }, *frame.config, state);
    }
    static WallTime time_of(const KeyFrame&, const JudgeEntry& entry) { return entry.wall; }
    lvs::Intents step(lvs::Judge& judge, const JudgeEntry& entry) {
        *draws_ = {entry.drawn, 0};
        return std::visit([&](const auto& what) { return step(judge, what, {entry.now, entry.wall}); }, entry.what);
    }
    // A change of services is a step only where the judge accepts it, and a result only of a server that exists.
    static Result<void> check(const lvs::Judge& judge, const JudgeEntry& entry) {
        const auto* changed = std::get_if<JudgeChanged>(&entry.what);
        if (changed != nullptr && !accepted(judge, *changed)) return damaged("a change of services");
        const auto* fact = std::get_if<lvs::Fact>(&entry.what);
        const auto* counted = fact != nullptr ? std::get_if<lvs::ConnectionsCounted>(fact) : nullptr;
        if (counted != nullptr && counted->service >= judge.services().size())
            return damaged("connections of a service");
        return {};
    }
    [[nodiscard]] std::string difference(const JudgeEntry& entry) const {
        if (draws_->taken == entry.drawn.size()) return {};
        return fmt::format("; {} random numbers were drawn, and {} in the recording", draws_->taken,
                           entry.drawn.size());
    }
    static std::string fact_text(const JudgeEntry& entry, const lvs::Judge& judge) {
        return describe_fact(entry, judge);
    }
    static std::string intent_text(const lvs::Intent& intent, const lvs::Judge& judge) {
        return describe_intent(intent, judge);
    }

private:
    static std::optional<lvs::AcceptedChanges> accepted(const lvs::Judge& judge, const JudgeChanged& changed) {
        auto changes = changed.services;
        const auto running = lvs::running_indexes(changes, judge.services().size());
        for (std::size_t i = 0; running && i < changes.size(); ++i)
            if (changes[i].kind != config::ServiceChange::Kind::Added)
                changes[i].before = judge.services()[(*running)[i]];
        return running ? judge.accept(std::move(changes)) : std::nullopt;
    }
    static lvs::Intents step(lvs::Judge& judge, const lvs::Fact& fact, lvs::Moment at) { return judge.step(fact, at); }
    static lvs::Intents step(lvs::Judge& judge, const lvs::ServerCommand& command, lvs::Moment at) {
        lvs::ServerAnswer answer;
        return judge.command(command, at, answer);
    }
    static lvs::Intents step(lvs::Judge& judge, const JudgeStarted& started, lvs::Moment at) {
        return judge.start(*started.config, started.memory, at, started.overrides, started.host);
    }
    static lvs::Intents step(lvs::Judge& judge, const JudgeReloaded& reloaded, lvs::Moment at) {
        return judge.reload(*reloaded.config, at, reloaded.host);
    }
    static lvs::Intents step(lvs::Judge& judge, const JudgeChanged& changed, lvs::Moment at) {
        auto changes = accepted(judge, changed);
        return changes ? judge.reload(std::move(*changes), at, changed.host) : lvs::Intents{};
    }
    static lvs::Intents step(lvs::Judge& judge, const JudgeStopped& stopped, lvs::Moment at) {
        return judge.stop(stopped.keep, at);
    }

    std::shared_ptr<Draws> draws_ = std::make_shared<Draws>();
};

}  // namespace

Result<Outcome> replay_judge(const Record& record, std::string_view version, const OnJudgeStep& on_step,
                             const OnJudgeKeyFrame& on_key_frame) {
    if (auto same = check_version(record, version); !same) return error_of(same);
    return run_all(*running_replay(record, on_step, on_key_frame));
}

std::unique_ptr<RunningReplay> running_replay(const Record& record, const OnJudgeStep& on_step,
                                              const OnJudgeKeyFrame& on_key_frame) {
    return std::make_unique<Run<JudgeKind>>(record.judge_segments, on_step, on_key_frame);
}

// Times that a configuration can have. A record may hold any number; sums with one that is too large would overflow.

namespace {

constexpr Micros kLongest{std::chrono::years{100}};

bool is_possible(Micros time) { return time >= Micros{0} && time <= kLongest; }

bool has_possible_times(const config::Checker& one) {
    return is_possible(one.connect_timeout) && is_possible(one.delay_before_retry) && is_possible(one.delay_loop) &&
           is_possible(one.warmup) && is_possible(one.misc_timeout);
}

}  // namespace

bool has_possible_times(const config::VirtualServer& service) {
    return is_possible(service.delay_loop) && std::ranges::all_of(service.real_servers, [](const auto& server) {
               return std::ranges::all_of(server.checkers, [](const auto& one) { return has_possible_times(one); });
           });
}

bool has_possible_times(const config::Config& config) {
    return std::ranges::all_of(config.virtual_servers,
                               [](const auto& service) { return has_possible_times(service); }) &&
           std::ranges::all_of(config.instances,
                               [](const auto& one) {
                                   return is_possible(one.advert_int) && is_possible(one.preempt_delay) &&
                                          is_possible(one.garp_master_delay) && is_possible(one.garp_master_refresh) &&
                                          is_possible(one.garp_lower_prio_delay);
                               }) &&
           std::ranges::all_of(config.scripts,
                               [](const auto& one) { return is_possible(one.interval) && is_possible(one.timeout); });
}

}  // namespace mainstay::record
