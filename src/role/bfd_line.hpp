// The direct lines from the bfd role to the vrrp and lvs roles: which sessions are up.
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

namespace mainstay::role {

inline constexpr std::size_t kBfdStatesPerMessage = 512;  // names have 31 characters at most: far below a message

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

// The bfd role's end. What the other side does not read in time is kept, the latest state of each session, and sent
// when it reads again: it may be late, but it is never wrong afterwards.
class BfdTeller {
public:
    BfdTeller(boost::asio::io_context& loop, Log& log, std::string other)
        : line_{loop}, log_{log}, other_{std::move(other)} {}

    // A new line, with everything that its reader must know.
    void connect(UniqueFd line, std::map<std::string, bool> all);
    void tell(const std::string& session, bool up);
    void tell(std::map<std::string, bool> sessions);
    void close() { line_.close(); }

private:
    void flush();

    LineEnd line_;
    Log& log_;
    std::string other_;
    std::map<std::string, bool> unsent_;
    bool waiting_ = false;
};

// The other end. When the line breaks, because the bfd role died, what it told stays: its next incarnation goes on with
// the sessions, and tells of all of them on the next line.
class BfdListener {
public:
    using Hear = std::function<void(const ipc::BfdState&)>;
    BfdListener(boost::asio::io_context& loop, Log& log, Hear hear) : line_{loop}, log_{log}, hear_{std::move(hear)} {}

    void connect(UniqueFd line);
    void close() { line_.close(); }

private:
    void listen();
    [[nodiscard]] bool read();

    LineEnd line_;
    Log& log_;
    Hear hear_;
};

}  // namespace mainstay::role
