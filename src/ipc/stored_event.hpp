// How an event lies in an event ring and in the history: transition and cause are words, so that another version reads
// them too.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mainstay/base/event.hpp"
#include "mainstay/base/framed_archive.hpp"

namespace mainstay::ipc {

struct StoredEvent {
    Event event;
    std::string transition, cause;
};

template <class A>
void fields(A& a, StoredEvent& stored) {
    Event& e = stored.event;
    a(e.kind, e.name, e.parent, stored.transition, e.detail, e.priority, e.notify, e.mail, e.at, e.number, e.reason,
      stored.cause, e.plain, e.source);
}

// The event itself, once its transition is known.
[[nodiscard]] inline Result<Event> event_of(StoredEvent stored) {
    const auto transition = transition_from(stored.transition);
    if (!transition) return fail(Errc::Invalid, "an unknown transition");
    stored.event.transition = *transition;
    stored.event.cause = cause_from(stored.cause);
    return std::move(stored.event);
}

}  // namespace mainstay::ipc
