// Runs a flight record through the steps that made it, and compares the intents.
//
// What holds: a segment begins with the exact state of the router, so from there each step gets the same facts at the
// same times and must return the same intents. Where one segment continues another, the state that the replay has
// reached must be that of the key frame, byte by byte.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/lvs/judge.hpp"
#include "mainstay/vrrp/router.hpp"
#include "reader.hpp"

namespace mainstay::record {

struct ReplayedStep {
    WallTime at;
    const Entry& entry;
    const vrrp::Intents& intents;
    const vrrp::Router& router;  // after the step
};
struct Difference {
    WallTime at;
    std::string fact;      // what was given to the router; empty: the state itself differs
    std::string recorded;  // of the intents
    std::string replayed;
    std::vector<std::string> lines;  // the replayed intents, one by one
};
struct Outcome {
    std::uint64_t facts = 0, intents = 0, segments = 0;
    std::uint64_t gaps = 0;  // between segments: a new process, or facts that did not fit
    WallTime first, last;
    std::optional<Difference> difference;  // the replay ends there
};
using OnStep = std::function<void(const ReplayedStep&)>;
// Called for each key frame, with the router at its beginning.
using OnKeyFrame = std::function<void(WallTime, const vrrp::Router&, bool continues)>;
// `version` is that of this program: the state in a record can be read by the version that made it only.
[[nodiscard]] Result<Outcome> replay(const Record& record, std::string_view version, const OnStep& on_step,
                                     const OnKeyFrame& on_key_frame = {});

// For people. The router is the one after the step, for the names of instances.
[[nodiscard]] std::string describe_fact(const Entry& entry);
[[nodiscard]] std::string describe_intent(const vrrp::Intent& intent, const config::Config& config);
// Whether an entry says something about an instance: a packet of its VRID, its interface, a script that it tracks, or
// an intent of it.
[[nodiscard]] bool concerns(const ReplayedStep& step, vrrp::InstanceId id);

// Runs the judge's part of a flight record through its steps, as replay() does the router's, and compares the
// intents.
struct ReplayedJudgeStep {
    WallTime at;
    const JudgeEntry& entry;
    const lvs::Intents& intents;
    const lvs::Judge& judge;  // after the step
};
using OnJudgeStep = std::function<void(const ReplayedJudgeStep&)>;
using OnJudgeKeyFrame = std::function<void(WallTime, const lvs::Judge&, bool continues)>;
// A record without the judge's part: an outcome of no facts.
[[nodiscard]] Result<Outcome> replay_judge(const Record& record, std::string_view version, const OnJudgeStep& on_step,
                                           const OnJudgeKeyFrame& on_key_frame = {});

// For people. The judge is the one after the step, for the names of services and servers.
[[nodiscard]] std::string describe_fact(const JudgeEntry& entry, const lvs::Judge& judge);
[[nodiscard]] std::string describe_intent(const lvs::Intent& intent, const lvs::Judge& judge);
// Whether a step says something about a server that `pattern` matches or, if `whole_service`, about its service.
[[nodiscard]] bool concerns(const ReplayedJudgeStep& step, const lvs::ServerPattern& pattern, bool whole_service);
// Whether `pattern` matches a configured server, or a service without servers.
[[nodiscard]] bool is_known(const lvs::Judge& judge, const lvs::ServerPattern& pattern);

// Replays both parts of a flight record in the order of the calendar.
struct Listeners {  // any may be empty
    OnStep on_step;
    OnKeyFrame on_key_frame;
    OnJudgeStep on_judge_step;
    OnJudgeKeyFrame on_judge_key_frame;
};
struct Outcomes {
    Outcome router, judge;  // of a part that the record has not: no facts
};
// Of two steps at the same microsecond the router's comes first; steps of one part keep their order, even where the
// calendar was set back between them. A difference ends the replay of its part only. It holds one step of each part in
// memory, however long the record is. Errors end both: another version, a damaged record.
[[nodiscard]] Result<Outcomes> replay_in_order(const Record& record, std::string_view version,
                                               const Listeners& listeners);

}  // namespace mainstay::record
