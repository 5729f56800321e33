// The replay of one machine's segments. `Kind` says what the machine is: its Reader, how it resumes and steps, and how
// its steps are told.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "mainstay/record/replay.hpp"

namespace mainstay::record {

template <class Kind>
class Run {
public:
    using Machine = typename Kind::Machine;
    using Entry = typename Kind::Entry;
    Run(const typename Kind::OnStep& on_step, const typename Kind::OnKeyFrame& on_key_frame)
        : on_step_{on_step}, on_key_frame_{on_key_frame} {}

    [[nodiscard]] Result<Outcome> all(const std::vector<Segment>& segments) {
        std::uint64_t before = 0;
        for (const Segment& segment : segments) {
            if (auto ran = run(segment, before != 0 && segment.number == before + 1); !ran)
                return std::unexpected{std::move(ran.error())};
            if (outcome_.difference) break;
            before = segment.number;
        }
        return std::move(outcome_);
    }

private:
    static std::vector<std::byte> state_of(const Machine& machine) {
        ByteWriter counted{{}};
        machine.save(counted);
        std::vector<std::byte> bytes(counted.size());
        ByteWriter out{bytes};
        machine.save(out);
        return bytes;
    }

    // The state that the replay has reached, against the one in the record.
    void compare_state(const KeyFrame& frame, std::size_t size) {
        if (!machine_) return;
        const auto ours = state_of(*machine_);
        if (std::ranges::equal(ours, frame.state.first(size))) return;
        outcome_.difference = Difference{.at = frame.wall,
                                         .fact = {},
                                         .recorded = fmt::format("a state of {} bytes", size),
                                         .replayed = fmt::format("another state, of {} bytes", ours.size()),
                                         .lines = {}};
    }

    void take_step(const KeyFrame& frame, const Entry& entry) {
        const auto intents = kind_.step(*machine_, entry);
        const WallTime at = Kind::time_of(frame, entry);
        const IntentSummary ours = summary_of(intents, room_);
        if (outcome_.facts == 0) outcome_.first = at;
        outcome_.last = at;
        ++outcome_.facts;
        outcome_.intents += intents.size();
        if (on_step_) on_step_({at, entry, intents, *machine_});
        const auto also = kind_.difference(entry);
        if (ours == entry.intents && also.empty()) return;
        Difference difference{.at = at,
                              .fact = Kind::fact_text(entry, *machine_),
                              .recorded = describe(entry.intents, Kind::kMachine),
                              .replayed = describe(ours, Kind::kMachine) + also,
                              .lines = {}};
        for (const auto& intent : intents) difference.lines.push_back(Kind::intent_text(intent, *machine_));
        outcome_.difference = std::move(difference);
    }

    [[nodiscard]] Result<void> run(const Segment& segment, bool follows) {
        typename Kind::Reader reader{segment.bytes};
        auto frame = reader.key_frame();
        if (!frame) return std::unexpected{std::move(frame.error())};
        ByteReader state{frame->state};
        auto machine = kind_.resume(*frame, state);
        if (!machine) return std::unexpected{std::move(machine.error()).with("the record is damaged")};
        const std::size_t size = frame->state.size() - state.left();
        const bool continues = follows && frame->continues;
        if (continues)
            compare_state(*frame, size);
        else if (machine_)
            ++outcome_.gaps;
        if (outcome_.difference) return {};
        machine_ = std::move(*machine);
        ++outcome_.segments;
        if (on_key_frame_) on_key_frame_(frame->wall, *machine_, continues);
        reader.entries_after(size);
        while (!outcome_.difference) {
            const auto entry = reader.next();
            if (!entry) return std::unexpected{entry.error()};
            if (!*entry) return {};
            if (auto possible = kind_.check(*machine_, **entry); !possible) return possible;
            take_step(*frame, **entry);
        }
        return {};
    }

    const typename Kind::OnStep& on_step_;
    const typename Kind::OnKeyFrame& on_key_frame_;
    Kind kind_;
    std::optional<Machine> machine_;
    std::vector<std::byte> room_ = std::vector<std::byte>(4096);
    Outcome outcome_;
};

// The state in a record can be read by the version that made it only.
[[nodiscard]] Result<void> check_version(const Record& record, std::string_view version);

}  // namespace mainstay::record
