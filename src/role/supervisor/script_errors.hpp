// What running scripts write to stderr: the supervisor reads it, so that they never wait for long, and keeps its end
// for the log and for whoever asked for the script (decision 25).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "mainstay/base/time.hpp"
#include "mainstay/kernel/error_pipe.hpp"

namespace mainstay::role {

// More scripts at a time than this have /dev/null as stderr, as under keepalived: each takes two descriptors.
inline constexpr std::size_t kErrorsFollowedMax = 128;
// Between two reads: a script that writes without end costs little, and waits for this long when the pipe is full.
inline constexpr std::chrono::milliseconds kErrorsReadEvery{10};
inline constexpr std::chrono::minutes kErrorsLoggedEvery{1};  // of one script, when they differ each time

class ScriptErrors : public std::enable_shared_from_this<ScriptErrors> {
public:
    [[nodiscard]] static std::shared_ptr<ScriptErrors> follow(boost::asio::io_context& loop, kernel::ErrorPipe pipe);
    ~ScriptErrors();
    ScriptErrors(const ScriptErrors&) = delete;
    ScriptErrors& operator=(const ScriptErrors&) = delete;

    [[nodiscard]] int script_end() const { return pipe_.script_end(); }
    // The script is over: its last lines. What it left running goes on, and nobody reads what that writes.
    [[nodiscard]] std::string finish();

private:
    ScriptErrors(boost::asio::io_context& loop, kernel::ErrorPipe pipe);
    void wait();

    kernel::ErrorPipe pipe_;
    boost::asio::posix::stream_descriptor readable_;
    boost::asio::steady_timer pause_;
};

// Of which script what was logged: a check that fails every second says it once.
class ReportedErrors {
public:
    [[nodiscard]] bool is_news(const std::string& key, const std::string& text);
    void passed(const std::string& key) { reported_.erase(key); }

private:
    struct Reported {
        std::string text;
        Instant at;
    };
    std::map<std::string, Reported> reported_;  // keys of the table of scripts, so it is bounded
};

}  // namespace mainstay::role
