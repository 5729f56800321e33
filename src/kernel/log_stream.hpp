// stderr or stdout as a place for log lines. Whoever reads it may have stopped (a pipe, a terminal): lines then wait in
// memory up to a bound, further ones are lost and counted, and no write waits.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace mainstay::kernel {

inline constexpr std::size_t kGatheredBytesMax = 32UL * 1024U;
// What waits for a reader. Large, because a start logs thousands of services faster than they can be read.
inline constexpr std::size_t kBacklogBytesMax = 4UL * 1024U * 1024U;

// What waits when a log ends may be written for this long.
inline constexpr std::chrono::milliseconds kLastWait{200};
// Waits for `events` of poll(2), or for the other side's end, until `end` at most; false: there was neither.
[[nodiscard]] bool wait_for(int descriptor, short events, std::chrono::steady_clock::time_point end);

class LogStream {
public:
    // `name` is for the line that reports a loss.
    LogStream(int descriptor, std::string name);
    ~LogStream();  // waits for the reader for a moment, because nobody can write later
    LogStream(const LogStream&) = delete;
    LogStream& operator=(const LogStream&) = delete;

    // See DaemonLog.
    void gather(std::function<void()> later) { later_ = std::move(later); }
    void retry(std::function<void()> again) { again_ = std::move(again); }
    // One line, which ends with a newline.
    void write(std::string_view line);
    void flush();
    // What is to be logged of a loss, once all lines before it were written; empty: nothing. The caller hands it to
    // write_loss() as a line.
    [[nodiscard]] std::string unreported() const;
    void write_loss(std::string_view line);
    // In a fork the lines that wait are the parent's.
    void forget() { pending_.clear(); }
    [[nodiscard]] std::uint64_t lost() const { return lost_; }

private:
    void try_to_write();
    void drop(std::size_t done);
    [[nodiscard]] long write_some(std::string_view bytes) const;

    int descriptor_;
    std::string name_;
    bool socket_ = false, pipe_ = false;
    std::function<void()> later_, again_;
    bool again_due_ = false;
    bool repair_ = false;  // the last line was written in part, and its rest is lost
    std::string pending_;
    std::uint64_t lost_ = 0, reported_ = 0;
    std::uint64_t reporting_ = 0;  // of the lost ones, those that a line among the pending ones reports
    int error_ = 0;                // why the last ones were lost; 0: nobody read
};

}  // namespace mainstay::kernel
