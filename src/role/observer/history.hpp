// The last events of all roles, in the order in which the observer got them: for the page, the stream and the command.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/report/events.hpp"

namespace mainstay::role {

inline constexpr std::size_t kHistoryEntriesMax = 10'000;  // about 4 MB; the oldest go first

inline constexpr std::int64_t kRivalAgainUs = 60'000'000;  // how often the history has that a second MASTER is heard

// Events of this time may be missing.
struct HistoryGap {
    WallTime after, before;  // of the events on both sides; 0: none is known
    std::string why;
    bool operator==(const HistoryGap&) const = default;
};
inline constexpr std::size_t kHistoryGapsMax = 32;  // the oldest go first

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
    void add_gap(HistoryGap gap);
    [[nodiscard]] const std::deque<HistoryGap>& gaps() const { return gaps_; }
    [[nodiscard]] WallTime last_time() const { return entries_.empty() ? WallTime{} : entries_.back().event.at; }
    [[nodiscard]] std::uint64_t first_id() const { return entries_.empty() ? 0 : entries_.front().id; }  // 0: none
    [[nodiscard]] std::uint64_t last_id() const { return last_id_; }

private:
    [[nodiscard]] bool is_repeated(const Event& event) const;
    [[nodiscard]] bool is_restored(const std::string& source, const Event& event) const;

    std::function<void()> appended_;
    std::deque<report::HistoryEntry> entries_;
    std::deque<HistoryGap> gaps_;
    std::uint64_t last_id_ = 0;
    std::int64_t restored_until_us_ = 0;  // the time of the newest restored event
};

// The history of events on disk: a folder with a few segments, of which the newest is appended to and the oldest is
// removed (ipc/history_file.hpp has the format). So the history reaches back over restarts.
//
// Events are written as they come, in one write for a batch: a crash of the process loses none. The disk is asked to
// keep them at most once a second, so that a burst of events costs one fdatasync, and a power cut a second of history.
// Mails have a spool of their own and do not depend on it. While the disk cannot be written, events are in memory only;
// that is logged once, and what memory still holds is written when the disk can be written again.
//
// Calls block on the disk, as the mail spool does. One owner, one thread, one process per folder.

inline constexpr std::size_t kHistorySegmentBytesMax = 2U << 20;  // about 10,000 events
inline constexpr std::size_t kHistorySegmentsMax = 3;

class HistoryLog {
public:
    HistoryLog(Log& log, std::size_t segment_bytes_max = kHistorySegmentBytesMax)
        : log_{log}, segment_bytes_max_{segment_bytes_max} {}

    // Creates the folder (mode 0700) and puts what it holds before the entries of `history`. May be tried again until
    // it succeeds; a failure is logged once.
    void open(const std::string& folder, History& history);
    [[nodiscard]] bool is_open() const { return static_cast<bool>(folder_); }
    // Appends the entries that are not on disk yet.
    void write(const History& history);
    // Waits for the disk if something was written since. To be called about once a second.
    void sync();
    // Whether the next process finds all that was appended.
    [[nodiscard]] bool is_written() const { return is_open() && problem_.empty() && !unsynced_; }
    // Why the disk cannot be written; empty while it can.
    [[nodiscard]] const std::string& problem() const { return problem_; }

private:
    struct Loaded {
        std::vector<report::HistoryEntry> entries;
        std::vector<std::pair<std::size_t, HistoryGap>> gaps;  // with the number of entries of the files up to it
    };
    Result<Loaded> load();
    Result<void> open_folder();
    Result<std::vector<std::uint64_t>> numbers() const;
    Result<std::vector<std::byte>> read(std::uint64_t number) const;
    void read_segment(std::uint64_t number, Loaded& loaded);
    Result<void> append(std::span<const std::byte> bytes);
    Result<void> begin_segment();
    [[nodiscard]] bool is_segment(std::uint64_t number) const;
    void remove_oldest();
    void note(const Result<void>& done);

    Log& log_;
    std::size_t segment_bytes_max_;
    std::string path_;
    UniqueFd folder_, segment_;
    std::uint64_t number_ = 0;  // of the newest segment
    std::size_t size_ = 0;      // of the newest segment
    std::uint64_t saved_id_ = 0;
    bool unsynced_ = false;
    std::string problem_;
};

// What the observer keeps on disk is for its own account alone.

inline constexpr mode_t kFolderMode = 0700, kFileMode = 0600;

}  // namespace mainstay::role
