// Saves the flight records by itself when something has changed hands: an instance to or from MASTER, a virtual server
// that lost or regained its quorum.
//
// A file holds what happened until it is made, so it is made a little after the first change, and others wait for it.
// It is copied and written in a thread: it may be large, and the disk slow.
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mainstay/alert/background.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/event.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/shared.hpp"

namespace mainstay::role {

inline constexpr std::chrono::seconds kRecordAfter{2};   // the first change: the take-over is in it
inline constexpr std::chrono::seconds kRecordEvery{10};  // at most

// Which events are a change of hands.
class HandOvers {
public:
    [[nodiscard]] bool is_one(const Event& event);

private:
    std::set<std::string, std::less<>> masters_;
};

// When to save.
class RecordSchedule {
public:
    void changed(Instant now);
    [[nodiscard]] bool waits() const { return first_.has_value(); }
    [[nodiscard]] bool is_due(Instant now) const;
    void saved(Instant now);

private:
    std::optional<Instant> first_, saved_;
};

class RecordKeeper {
public:
    // When it is destroyed, a thread that still writes loses its way to the log, nothing else.
    RecordKeeper(boost::asio::io_context& loop, Log& log) : log_{log}, background_{loop} {}

    // The memory of a recorder, for reading. The newest of each machine counts.
    void memory(const UniqueFd& descriptor);
    // Events that were read again from the history: they show who is master.
    void recall(const Event& event) { static_cast<void>(hand_overs_.is_one(event)); }
    void take(const std::vector<Event>& events, Instant now);
    // To be called about once a second.
    void look(const std::string& folder, Instant now, WallTime wall);
    // At the stop: nothing follows that would be worth waiting for.
    void finish(const std::string& folder, WallTime wall);
    [[nodiscard]] bool busy() const { return busy_; }
    [[nodiscard]] bool waits() const { return busy_ || schedule_.waits(); }  // something is to be saved

private:
    using Memories = std::vector<std::shared_ptr<const ipc::MappedRecord>>;
    void save(const std::string& folder, WallTime wall);
    void note(const Result<std::string>& done);

    Log& log_;
    Memories memories_;  // the newest last
    HandOvers hand_overs_;
    RecordSchedule schedule_;
    alert::Background background_;
    bool busy_ = false, failed_ = false;
};

// Flight records on disk, in the folder of the event history: the newest few are kept.

inline constexpr std::size_t kRecordFilesMax = 8;

// "record-20261122T211000Z.rec"
[[nodiscard]] std::string record_name(WallTime at);
[[nodiscard]] bool is_record_name(std::string_view name);

// Writes a file of that name, which is there when it is whole and on the disk, and removes the oldest of more than
// kRecordFilesMax, never the one that was written. Other files are not touched, but what a process that died has left
// of its own is. Creates the folder (mode 0700). The answer is the file's path.
[[nodiscard]] Result<std::string> keep_record(const std::string& folder, std::span<const std::byte> bytes, WallTime at);

}  // namespace mainstay::role
