// What a flight record holds of the two machines, vrrp router and lvs judge.
#pragma once

#include <memory>
#include <utility>

#include "recorder.hpp"

namespace mainstay::record {

// A router whose steps are recorded. Without a recorder it is the router alone.
class RecordedRouter {
public:
    RecordedRouter(vrrp::Router router, Recorder* recorder) : router_{std::move(router)}, recorder_{recorder} {}

    [[nodiscard]] vrrp::Intents start(Instant now, const vrrp::RouterSnapshot* previous = nullptr) {
        if (recorder_ != nullptr) recorder_->begin_start(router_, previous, now);
        return kept(router_.start(now, previous));
    }
    [[nodiscard]] vrrp::Intents step(const vrrp::Fact& fact, Instant now) {
        if (recorder_ != nullptr) recorder_->begin(router_, fact, now);
        return kept(router_.step(fact, now));
    }
    void update_clock(WallTime wall, Instant now) {
        if (!router_.clock_agrees(wall, now)) (void)step(vrrp::ClockTold{wall}, now);
    }
    [[nodiscard]] vrrp::Intents reload(const std::shared_ptr<const config::Config>& config, const vrrp::HostFacts& host,
                                       Instant now) {
        if (recorder_ != nullptr) recorder_->begin_reload(router_, *config, host, now);
        return kept(router_.reload(config, host, now));
    }
    [[nodiscard]] vrrp::Intents reload(config::Config config, Instant now) {
        return reload(std::make_shared<const config::Config>(std::move(config)), {}, now);
    }
    // A step that was taken on a copy: `taken` is the router after it, and holds the one before afterwards.
    void exchange(vrrp::Router& taken, const vrrp::Fact& fact, Instant now, const vrrp::Intents& intents) {
        if (recorder_ != nullptr) recorder_->begin(router_, fact, now);
        std::swap(router_, taken);
        if (recorder_ != nullptr) recorder_->finish(intents);
    }

    operator const vrrp::Router&() const { return router_; }  // NOLINT(google-explicit-constructor): to look at it
    [[nodiscard]] const vrrp::Router& router() const { return router_; }
    [[nodiscard]] std::optional<Instant> deadline() const { return router_.deadline(); }
    [[nodiscard]] vrrp::RouterSnapshot snapshot() const { return router_.snapshot(); }
    [[nodiscard]] const config::Config& config() const { return router_.config(); }
    [[nodiscard]] bool finished() const { return router_.finished(); }

private:
    vrrp::Intents kept(vrrp::Intents intents) {
        if (recorder_ != nullptr) recorder_->finish(intents);
        return intents;
    }

    vrrp::Router router_;
    Recorder* recorder_;
};

// A judge whose steps are recorded, once it has a recorder. Without one it is the judge alone.

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
               const Opening& opening, lvs::HostFacts host = {}) {
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
                                     lvs::Overrides overrides = {}, lvs::HostFacts host = {}) {
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
    [[nodiscard]] lvs::Intents reload(config::Config next, lvs::Moment at, lvs::HostFacts host = {}) {
        if (recorder_ != nullptr) recorder_->begin_reload(*this, next, host, at);
        return kept(Judge::reload(std::move(next), at, std::move(host)));
    }
    [[nodiscard]] lvs::Intents reload(lvs::AcceptedChanges changes, lvs::Moment at, lvs::HostFacts host = {}) {
        if (recorder_ != nullptr) recorder_->begin_change(*this, changes.list(), host, at);
        return kept(Judge::reload(std::move(changes), at, std::move(host)));
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
