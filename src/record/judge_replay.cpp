#include "mainstay/record/judge_replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "overloaded.hpp"
#include "reading.hpp"
#include "run.hpp"

namespace mainstay::record {

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
        std::vector<config::ServiceChange> changes;
        for (const auto& [at, service] : changed.services) {
            if (at >= judge.services().size()) return std::nullopt;
            changes.push_back({at, judge.services()[at], service});
        }
        return judge.accept(std::move(changes));
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
        return changes ? judge.reload(std::move(*changes), at) : lvs::Intents{};
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

}  // namespace mainstay::record
