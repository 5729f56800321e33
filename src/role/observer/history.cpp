#include "history.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mainstay::role {

void History::append(const std::string& source, const std::vector<Event>& events) {
    if (events.empty()) return;
    const auto before = last_id_;
    for (const auto& event : events) {
        if (event.at.unix_us <= restored_until_us_ && is_restored(source, event)) continue;
        // The time, so that ids ascend over a restart of the daemon; one more, where the clock stood or went back.
        last_id_ = std::max(last_id_ + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(event.at.unix_us, 0)));
        entries_.push_back({.id = last_id_, .source = source, .event = event});
        if (entries_.size() > kHistoryEntriesMax) entries_.pop_front();
    }
    if (last_id_ != before) appended_();
}

void History::restore(std::vector<report::HistoryEntry> entries) {
    if (!entries_.empty()) std::erase_if(entries, [&](const auto& entry) { return entry.id >= entries_.front().id; });
    if (entries.empty()) return;
    last_id_ = std::max(last_id_, entries.back().id);
    for (const auto& entry : entries) restored_until_us_ = std::max(restored_until_us_, entry.event.at.unix_us);
    const auto surplus = entries.size() + entries_.size() > kHistoryEntriesMax
                             ? std::min(entries.size(), entries.size() + entries_.size() - kHistoryEntriesMax)
                             : 0;
    entries_.insert(entries_.begin(), std::make_move_iterator(entries.begin() + static_cast<std::ptrdiff_t>(surplus)),
                    std::make_move_iterator(entries.end()));
}

// A ring numbers its events; another run of the daemon begins anew, at another time.
bool History::is_restored(const std::string& source, const Event& event) const {
    return std::ranges::any_of(entries_, [&](const report::HistoryEntry& entry) {
        return entry.event.number == event.number && entry.event.at == event.at && entry.source == source &&
               entry.event.name == event.name;
    });
}

std::vector<report::HistoryEntry> History::after(std::uint64_t id, std::size_t limit) const {
    const auto from = std::ranges::upper_bound(entries_, id, {}, &report::HistoryEntry::id);
    const auto count = std::min(limit, static_cast<std::size_t>(entries_.end() - from));
    return {from, from + static_cast<std::ptrdiff_t>(count)};
}

std::vector<report::HistoryEntry> History::newest(std::size_t limit) const {
    const auto count = static_cast<std::ptrdiff_t>(std::min(limit, entries_.size()));
    return {entries_.end() - count, entries_.end()};
}

}  // namespace mainstay::role
