// Runs the judge's part of a flight record through its steps, as replay.hpp does the router's, and compares the
// intents.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "judge_reader.hpp"
#include "mainstay/lvs/judge.hpp"
#include "replay.hpp"

namespace mainstay::record {

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

}  // namespace mainstay::record
