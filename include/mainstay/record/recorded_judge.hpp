// A judge whose steps are recorded, once it has a recorder. Without one it is the judge alone.
#pragma once

#include <utility>

#include "judge_recorder.hpp"

namespace mainstay::record {

// What changes the judge is hidden by functions of the same names, which record it. The object stays where it is made.
class RecordedJudge : public lvs::Judge {
public:
    explicit RecordedJudge(lvs::Random random)
        : Judge{[this, random = std::move(random)](Micros limit) { return drawn(random(limit)); }} {}
    RecordedJudge(const RecordedJudge&) = delete;
    RecordedJudge& operator=(const RecordedJudge&) = delete;
    ~RecordedJudge() = default;

    // Before start(). `recorder` outlives this object; null: nothing is recorded.
    void record(JudgeRecorder* recorder) { recorder_ = recorder; }

    void start(config::Config config, const lvs::Memory& memory, lvs::Moment at, lvs::Overrides overrides,
               const Opening& opening, lvs::HostAddresses host = {}) {
        if (recorder_ == nullptr)
            return Judge::start(std::move(config), memory, at, std::move(overrides), opening, std::move(host));
        recorder_->begin_start(*this, config, memory, overrides, host, at);
        Judge::start(std::move(config), memory, at, std::move(overrides),
                     {.settled = opening.settled,
                      .report =
                          [&](const lvs::Intents& some) {
                              recorder_->returned(some);
                              opening.report(some);
                          }},
                     std::move(host));
        recorder_->finish();
    }
    [[nodiscard]] lvs::Intents start(config::Config config, const lvs::Memory& memory, lvs::Moment at,
                                     lvs::Overrides overrides = {}, lvs::HostAddresses host = {}) {
        if (recorder_ != nullptr) recorder_->begin_start(*this, config, memory, overrides, host, at);
        return kept(Judge::start(std::move(config), memory, at, std::move(overrides), std::move(host)));
    }
    [[nodiscard]] lvs::Intents step(const lvs::Fact& fact, lvs::Moment at) {
        if (recorder_ != nullptr) recorder_->begin(*this, fact, at);
        return kept(Judge::step(fact, at));
    }
    // What changes nothing is not recorded.
    [[nodiscard]] lvs::Intents command(const lvs::ServerCommand& command, lvs::Moment at, lvs::ServerAnswer& answer) {
        if (command.dry_run || command.verb == lvs::ServerCommand::Verb::Show)
            return Judge::command(command, at, answer);
        if (recorder_ != nullptr) recorder_->begin_command(*this, command, at);
        return kept(Judge::command(command, at, answer));
    }
    [[nodiscard]] lvs::Intents reload(config::Config next, lvs::Moment at, lvs::HostAddresses host = {}) {
        if (recorder_ != nullptr) recorder_->begin_reload(*this, next, host, at);
        return kept(Judge::reload(std::move(next), at, std::move(host)));
    }
    [[nodiscard]] lvs::Intents reload(lvs::AcceptedChanges changes, lvs::Moment at) {
        if (recorder_ != nullptr) recorder_->begin_change(*this, changes.list(), at);
        return kept(Judge::reload(std::move(changes), at));
    }
    [[nodiscard]] lvs::Intents stop(bool keep, lvs::Moment at) {
        if (recorder_ != nullptr) recorder_->begin_stop(*this, keep, at);
        return kept(Judge::stop(keep, at));
    }

private:
    [[nodiscard]] lvs::Intents kept(lvs::Intents intents) {
        if (recorder_ == nullptr) return intents;
        recorder_->returned(intents);
        recorder_->finish();
        return intents;
    }
    [[nodiscard]] Micros drawn(Micros random) {
        if (recorder_ != nullptr) recorder_->drew(random);
        return random;
    }

    JudgeRecorder* recorder_ = nullptr;
};

}  // namespace mainstay::record
