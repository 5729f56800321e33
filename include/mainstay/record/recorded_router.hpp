// A router whose steps are recorded. Without a recorder it is the router alone.
#pragma once

#include <memory>
#include <utility>

#include "recorder.hpp"

namespace mainstay::record {

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

}  // namespace mainstay::record
