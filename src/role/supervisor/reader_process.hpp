// The process that reads configurations. It stays for some minutes after a reading, because a process that has just
// read a configuration reads the next one twice as fast.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/ipc/settings.hpp"
#include "mainstay/kernel/spawn.hpp"

namespace mainstay::role {

inline constexpr std::chrono::seconds kReadLimit{60};    // a reader that takes longer is killed
inline constexpr std::chrono::seconds kReaderStays{30};  // after its last reading
inline constexpr int kReaderMessagesMax = 64;            // for one configuration, which takes about ten

class ReaderProcess {
public:
    struct Part {  // a snapshot and its sealed memory
        ipc::Snapshot snapshot;
        UniqueFd sealed;
    };
    // The result of a reading.
    struct Reading {
        std::vector<Part> parts;
        UniqueFd report;                       // sealed; set if a report was requested
        ipc::DryRunDone changes;               // what the reload changes, for the log
        std::optional<ipc::ReadingDone> done;  // none: the reader died or committed an offence
        std::string died;                      // the reason, if `done` is not set
        int pid = 0;                           // that read it
    };
    // Starts a process that inherits `control`; returns its pid.
    using Start = std::function<Result<int>(int control)>;
    using Over = std::function<void(Reading)>;
    ReaderProcess(boost::asio::io_context& loop, Log& log, Start start, Over over);

    struct Running {  // a snapshot that a role runs, with which the reader compares
        ipc::Snapshot snapshot;
        int sealed = -1;
    };
    // Starts one reading; `over` is called at its end, unless this function fails. Do not call it during a reading.
    // `check_log`: a descriptor for the reader, -1: none.
    [[nodiscard]] Result<void> read(const ipc::RoleStartup& orders, int check_log, const std::vector<Running>& running);
    [[nodiscard]] bool reads() const { return pid_ != 0; }
    // True when it was the process that was reading; the reading is then over.
    bool ended(const kernel::Ended& process);
    void kill_waiting();  // the next reading starts a new process
    void kill();
    void give_up();  // kills a process that reads: nothing comes of its reading

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
    std::unique_ptr<boost::asio::posix::stream_descriptor> line_;  // set while it reads
    int pid_ = 0;                                                  // likewise
    struct Waiting {                                               // an idle process, for the next reading
        int pid = 0;
        UniqueFd line;  // closed: the process is about to exit
    } waiting_;
    Reading reading_;
    bool offended_ = false;  // its messages are ignored
    int messages_ = 0;
};

// Copies of the configuration as it was read, with its included files in one: tmp_config_directory gets the running
// one, config_save_dir every one that ever ran (NAME.YYYYMMDD-HHMMSS).

void keep_copies(const ipc::DaemonSettings& settings, const std::string& config_path, std::string_view text, Log& log);

}  // namespace mainstay::role
