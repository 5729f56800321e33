#include "mainstay/record/replay.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "mainstay/record/timeline.hpp"
#include "overloaded.hpp"
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

}  // namespace mainstay::record
