// The last events of all roles, in the order in which the observer got them: for the page, the stream and the command.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "mainstay/report/events.hpp"

namespace mainstay::role {

inline constexpr std::size_t kHistoryEntriesMax = 10'000;  // about 4 MB; the oldest go first

class History {
public:
    // `appended` is called after entries were added: those who wait for events then read after().
    explicit History(std::function<void()> appended) : appended_{std::move(appended)} {}

    void append(const std::string& source, const std::vector<Event>& events);
    // Puts entries of earlier incarnations, whose ids ascend, before those that are held. Events that a crash made the
    // observer read twice are left out by append().
    void restore(std::vector<report::HistoryEntry> entries);
    // The oldest entries behind this id, at most `limit`; 0 begins with the oldest that is held.
    [[nodiscard]] std::vector<report::HistoryEntry> after(std::uint64_t id, std::size_t limit) const;
    // The newest entries, at most `limit`, the oldest of them first.
    [[nodiscard]] std::vector<report::HistoryEntry> newest(std::size_t limit) const;
    [[nodiscard]] std::uint64_t first_id() const { return entries_.empty() ? 0 : entries_.front().id; }  // 0: none
    [[nodiscard]] std::uint64_t last_id() const { return last_id_; }

private:
    [[nodiscard]] bool is_restored(const std::string& source, const Event& event) const;

    std::function<void()> appended_;
    std::deque<report::HistoryEntry> entries_;
    std::uint64_t last_id_ = 0;
    std::int64_t restored_until_us_ = 0;  // the time of the newest restored event
};

}  // namespace mainstay::role
