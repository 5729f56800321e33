// The process that reads configurations. One that has just read a configuration reads the next one twice as fast: it
// stays for a while.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/kernel/spawn.hpp"

namespace mainstay::role {

inline constexpr std::chrono::seconds kReadLimit{60};    // a reader that takes longer is killed
inline constexpr std::chrono::minutes kReaderStays{10};  // after its last configuration
inline constexpr int kReaderMessagesMax = 64;            // for one configuration, which takes about ten

class ReaderProcess {
public:
    struct Part {  // a snapshot and its sealed memory
        ipc::Snapshot snapshot;
        UniqueFd sealed;
    };
    // What a reading came to.
    struct Reading {
        std::vector<Part> parts;
        UniqueFd report;                       // sealed; when one was asked for
        std::optional<ipc::ReadingDone> done;  // none: the reader died, or did what it may not
        std::string died;                      // how, then
    };
    // Starts a process that inherits `control`; the pid.
    using Start = std::function<Result<int>(int control)>;
    using Over = std::function<void(Reading)>;
    ReaderProcess(boost::asio::io_context& loop, Log& log, Start start, Over over);

    struct Running {  // a snapshot that a role runs, for the reader to compare with
        ipc::Snapshot snapshot;
        int sealed = -1;
    };
    // Reads once; `over` is called when it has, unless this fails. Not while it reads. `check_log` goes with the
    // orders, -1: none.
    [[nodiscard]] Result<void> read(const ipc::RoleStartup& orders, int check_log, const std::vector<Running>& running);
    [[nodiscard]] bool reads() const { return pid_ != 0; }
    // True when it was the one that reads; then it is over.
    bool ended(const kernel::Ended& process);
    void kill_waiting();  // the next reading begins with a new process
    void kill();

private:
    [[nodiscard]] Result<void> start();
    void listen();
    void on_message(Result<ipc::Received> got);
    void take(ipc::Received& received);
    void kill_offender(const std::string& offence);
    void finish();

    boost::asio::io_context& loop_;
    Log& log_;
    Start start_;
    Over over_;
    boost::asio::steady_timer limit_, leaves_;
    std::unique_ptr<boost::asio::posix::stream_descriptor> line_;  // while it reads
    int pid_ = 0;                                                  // likewise
    struct Waiting {                                               // for the next reading
        int pid = 0;
        UniqueFd line;  // closed: it is about to end
    } waiting_;
    Reading reading_;
    bool offended_ = false;  // nothing that it sent counts
    int messages_ = 0;
};

}  // namespace mainstay::role
