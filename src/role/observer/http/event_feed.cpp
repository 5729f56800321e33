#include "event_feed.hpp"

#include <fmt/format.h>

#include "exchange.hpp"

namespace mainstay::role::http {

bool may_have_lost(const History& history, std::uint64_t after) {
    if (after == 0 || after == history.last_id()) return false;
    return history.first_id() == 0 || after < history.first_id();
}

std::string EventFeed::next() {
    std::string text;
    if (may_have_lost(history_, after_)) {
        text = fmt::format("event: lost\ndata: {{\"after\":{},\"first\":{}}}\n\n", after_, history_.first_id());
        after_ = 0;
    }
    const auto entries = history_.after(after_, kEventsOfPieceMax);
    for (const auto& entry : entries) text += fmt::format("id: {}\ndata: {}\n\n", entry.id, report::event_json(entry));
    if (!entries.empty())
        after_ = entries.back().id;
    else if (after_ == 0)
        after_ = history_.last_id();  // nothing is held: from now on
    return text;
}

}  // namespace mainstay::role::http
