// The direct lines between roles: from bfd to vrrp and lvs, which sessions are up; from vrrp to lvs, whether the
// instance that lvs_sync_daemon follows is master.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <utility>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/message.hpp"
#include "role/common/message_budget.hpp"

namespace mainstay::role {

inline constexpr std::size_t kStatesPerMessage = 512;  // names have 31 characters at most: far below a message

// One end of a line, and what waits on it. Gone with its owner, whatever is queued on the loop then.
class LineEnd {
public:
    explicit LineEnd(boost::asio::io_context& loop) : loop_{loop} {}
    void open(UniqueFd line);
    void close() { end_.reset(); }
    [[nodiscard]] bool is_open() const { return end_ != nullptr; }
    [[nodiscard]] int fd() const { return end_->native_handle(); }
    void when_readable(std::function<void()> call) { wait(true, std::move(call)); }
    void when_writable(std::function<void()> call) { wait(false, std::move(call)); }

private:
    void wait(bool readable, std::function<void()> call);
    boost::asio::io_context& loop_;
    std::shared_ptr<boost::asio::posix::stream_descriptor> end_;
};

// The end of who tells. What the other side does not read in time is kept, the latest state of each name, and sent when
// it reads again: it may be late, but it is never wrong afterwards.
class StateTeller {
public:
    using States = std::map<std::string, bool>;
    using Wrap = std::function<ipc::Message(States)>;  // at most kStatesPerMessage of them
    // `what` is told to `other`: for the log.
    StateTeller(boost::asio::io_context& loop, Log& log, std::string other, std::string what, Wrap wrap)
        : line_{loop}, log_{log}, other_{std::move(other)}, what_{std::move(what)}, wrap_{std::move(wrap)} {}

    // A new line, with everything that its reader must know.
    void connect(UniqueFd line, States all);
    void tell(const std::string& name, bool state);
    void tell(States states);
    void close() { line_.close(); }

private:
    void flush();

    LineEnd line_;
    Log& log_;
    std::string other_, what_;
    Wrap wrap_;
    States unsent_;
    bool waiting_ = false;
};

class BfdTeller : public StateTeller {
public:
    BfdTeller(boost::asio::io_context& loop, Log& log, std::string other);
};

// Who tells may have been taken over, and whoever listens has deadlines. A line on which more comes is closed.
inline constexpr int kLineMessagesPerTurn = 16;
inline constexpr Rate kLineRate{2'000, 500};

// The other end. When the line breaks, because the one who tells died, what it told stays: its next incarnation goes on
// with what it was, and tells all of it on the next line.
class LineListener {
public:
    using Hear = std::function<void(const ipc::Message&)>;
    // `from` whom: for the log.
    LineListener(boost::asio::io_context& loop, Log& log, std::string from, Hear hear)
        : line_{loop}, log_{log}, from_{std::move(from)}, hear_{std::move(hear)} {}

    void connect(UniqueFd line);
    void close() { line_.close(); }

private:
    void listen();
    [[nodiscard]] bool read();

    LineEnd line_;
    Log& log_;
    std::string from_;
    Hear hear_;
    TokenBucket budget_{kLineRate};
    std::uint64_t unknown_ = 0;
};

class BfdListener : public LineListener {
public:
    BfdListener(boost::asio::io_context& loop, Log& log, std::function<void(const ipc::BfdState&)> hear);
};

}  // namespace mainstay::role
