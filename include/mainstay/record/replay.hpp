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
#include <vector>

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

}  // namespace mainstay::record
