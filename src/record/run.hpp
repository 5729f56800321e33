// The replay of one machine's segments, one key frame or fact at a time, so that two machines can take turns. `Kind`
// says what the machine is: its Reader, how it resumes and steps, and how its steps are described.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "mainstay/record/replay.hpp"

namespace mainstay::record {

class RunningReplay {
public:
    RunningReplay() = default;
    RunningReplay(const RunningReplay&) = delete;
    RunningReplay& operator=(const RunningReplay&) = delete;
    virtual ~RunningReplay() = default;
    // Reads the next key frame or fact; false: there is none, or a difference has ended the replay.
    [[nodiscard]] virtual Result<bool> read() = 0;
    // Of what was read: its time by the calendar.
    [[nodiscard]] virtual WallTime time() const = 0;
    // Takes the step that was read. Its listeners are called.
    [[nodiscard]] virtual Result<void> take() = 0;
    [[nodiscard]] virtual const Outcome& outcome() const = 0;
};

template <class Kind>
class Run : public RunningReplay {
public:
    using Machine = typename Kind::Machine;
    using Entry = typename Kind::Entry;
    // The segments and the listeners outlive this object.
    Run(const std::vector<Segment>& segments, const typename Kind::OnStep& on_step,
        const typename Kind::OnKeyFrame& on_key_frame)
        : segments_{segments}, on_step_{on_step}, on_key_frame_{on_key_frame} {}

    [[nodiscard]] Result<bool> read() override {
        while (!outcome_.difference && !entry_ && !enters_) {
            if (reader_) {
                auto entry = reader_->next();
                if (!entry) return error_of(entry);
                entry_ = std::move(*entry);
                if (entry_) break;
                reader_.reset();
                ++segment_;
            }
            if (segment_ == segments_.size()) return false;
            reader_.emplace(segments_[segment_].bytes);
            auto frame = reader_->key_frame();
            if (!frame) return error_of(frame);
            frame_ = std::move(*frame);
            enters_ = true;
        }
        return !outcome_.difference;
    }
    [[nodiscard]] WallTime time() const override { return enters_ ? frame_.wall : Kind::time_of(frame_, *entry_); }
    [[nodiscard]] Result<void> take() override {
        if (std::exchange(enters_, false)) return enter();
        if (auto possible = kind_.check(*machine_, *entry_); !possible) return possible;
        take_step(*entry_);
        entry_.reset();
        return {};
    }
    [[nodiscard]] const Outcome& outcome() const override { return outcome_; }

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
    void compare_state(std::size_t size) {
        if (!machine_) return;
        const auto ours = state_of(*machine_);
        if (std::ranges::equal(ours, frame_.state.first(size))) return;
        outcome_.difference = Difference{.at = frame_.wall,
                                         .fact = {},
                                         .recorded = fmt::format("a state of {} bytes", size),
                                         .replayed = fmt::format("another state, of {} bytes", ours.size()),
                                         .lines = {}};
    }

    void take_step(const Entry& entry) {
        const auto intents = kind_.step(*machine_, entry);
        const WallTime at = Kind::time_of(frame_, entry);
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

    // Goes on from the key frame of this segment.
    [[nodiscard]] Result<void> enter() {
        ByteReader state{frame_.state};
        auto machine = kind_.resume(frame_, state);
        if (!machine) return error_of(machine, "the record is damaged");
        const std::size_t size = frame_.state.size() - state.left();
        const std::uint64_t before = segment_ == 0 ? 0 : segments_[segment_ - 1].number;
        const bool follows = before != 0 && segments_[segment_].number == before + 1;
        const bool continues = follows && frame_.continues;
        if (continues)
            compare_state(size);
        else if (machine_)
            ++outcome_.gaps;
        if (outcome_.difference) return {};
        machine_ = std::move(*machine);
        ++outcome_.segments;
        if (on_key_frame_) on_key_frame_(frame_.wall, *machine_, continues);
        reader_->entries_after(size);
        return {};
    }

    const std::vector<Segment>& segments_;
    const typename Kind::OnStep& on_step_;
    const typename Kind::OnKeyFrame& on_key_frame_;
    Kind kind_;
    std::size_t segment_ = 0;  // position of the one that is read
    std::optional<typename Kind::Reader> reader_;
    KeyFrame frame_;              // of that segment
    bool enters_ = false;         // the key frame has been read, and not been taken
    std::optional<Entry> entry_;  // likewise
    std::optional<Machine> machine_;
    std::vector<std::byte> room_ = std::vector<std::byte>(4096);
    Outcome outcome_;
};

// `record` and the listeners outlive what is returned.
[[nodiscard]] std::unique_ptr<RunningReplay> running_replay(const Record& record, const OnStep& on_step,
                                                            const OnKeyFrame& on_key_frame);
[[nodiscard]] std::unique_ptr<RunningReplay> running_replay(const Record& record, const OnJudgeStep& on_step,
                                                            const OnJudgeKeyFrame& on_key_frame);
// To its end.
[[nodiscard]] Result<Outcome> run_all(RunningReplay& replay);

// The state in a record can be read by the version that made it only.
[[nodiscard]] Result<void> check_version(const Record& record, std::string_view version);

}  // namespace mainstay::record
