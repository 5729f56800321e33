// Events as HTTP requests for webhooks: the body that Alertmanager sends to its receivers (version 4), or one
// CloudEvent (1.0, structured JSON). Pure: values in, JSON out. The same event gives the same bytes and the same id
// each time, so that a receiver can recognise a repeat.
//
// Alertmanager's body knows alerts, which begin and end. An event begins (firing) and ends (resolved) those of its
// object; the labels, and so the fingerprint, are the same for both. FiringAlerts remembers when each alert began:
// it is the startsAt of both, and what never began is not resolved.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/event.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::alert {

enum class HookBody : std::uint8_t { Alertmanager, CloudEvents };

// One request that waits to be sent.
struct Post {
    std::string id;      // of the event, as of its mail: role, number and time; also sent as Idempotency-Key
    std::string object;  // whose requests are sent in their order
    std::string content_type, body;
    WallTime at;  // of the event
    bool operator==(const Post&) const = default;
};

// Who sends it.
struct HookSender {
    std::string host_name, router_id;
    bool operator==(const HookSender&) const = default;
};

struct FiringAlert {
    WallTime since;
    Event::Kind kind = Event::Kind::Instance;  // of its object
    std::string name, parent;
    std::optional<HookSender> sender;  // under whose labels it fired; none: an older writer's
    bool operator==(const FiringAlert&) const = default;
};
using FiringAlerts = std::map<std::string, FiringAlert>;  // by the alert's name and its object
inline constexpr std::size_t kFiringAlertsMax = 100'000;  // further ones are sent, but not remembered

using AlertIsOver = std::function<std::optional<Transition>(const FiringAlert&)>;

struct AlertChange {
    std::string name, severity;  // labels alertname and severity
    bool firing = true;
    WallTime starts, ends;             // ends: of a resolved one
    std::optional<HookSender> sender;  // under whose labels it fired, if that is known
    bool operator==(const AlertChange&) const = default;
};

// What the event begins and ends, ended ones last; takes it over into `firing`. An alert keeps the labels of its
// beginning, and so its fingerprint, when the host or the router_id is renamed meanwhile.
[[nodiscard]] std::vector<AlertChange> alert_changes(const Event& event, FiringAlerts& firing,
                                                     const HookSender& sender);

// Ends alerts whose end no event reports: of an object that was removed while it was down, or that recovered while no
// daemon ran, or no webhook was configured. `over` says how its object is now: Deleted, Up, an instance's state, or
// none where nobody knows. The events are of `at` and just after it.
[[nodiscard]] std::vector<Event> closing_events(const FiringAlerts& firing, const AlertIsOver& over, WallTime at);

// Alertmanager's fingerprint of a set of labels: FNV-1a, 16 hexadecimal digits.
[[nodiscard]] std::string fingerprint(const std::map<std::string, std::string>& labels);

// "vrrp.17.1795163866000000"
[[nodiscard]] std::string post_id(const Event& event);

// None: there is nothing to say (no change; a passing remark is no alert). `receiver` is the webhook's name.
[[nodiscard]] std::optional<Post> alertmanager_post(const Event& event, const std::vector<AlertChange>& changes,
                                                    const std::string& receiver, const HookSender& sender);
[[nodiscard]] Post cloud_event_post(const Event& event, const HookSender& sender);
// For an operator who tests a webhook: an event of type mainstay.test, or a resolved alert MainstayTest.
[[nodiscard]] Post test_post(const std::string& receiver, HookBody body, const HookSender& sender, WallTime at);

// How a receiver's answer is understood.
enum class HookVerdict : std::uint8_t {
    Delivered,
    Rejected,      // this body, for good
    Deferred,      // this request, for now
    NotReceiving,  // no request will do now: no answer, busy, moved, not allowed
};
// 0: no answer came.
[[nodiscard]] HookVerdict judge_answer(int status);

}  // namespace mainstay::alert
