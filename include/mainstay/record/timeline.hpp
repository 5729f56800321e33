// Replays both parts of a flight record in the order of the calendar, as replay.hpp and judge_replay.hpp do each.
#pragma once

#include <string_view>

#include "judge_replay.hpp"
#include "replay.hpp"

namespace mainstay::record {

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
