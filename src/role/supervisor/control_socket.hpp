// The supervisor's control socket, for root only. mainstayctl sends requests for a reload, a dry run of a reload, an
// upgrade, a change of servers (drain, disable, weight), which the supervisor relays to the lvs role, or a hand-over of
// instances and maintenance, which wait for their outcome without keeping other clients waiting.
//
// The supervisor itself parses no configuration: a reader process reads it, compares it with the running one and writes
// the answer, which the supervisor passes on. For an upgrade, the new program runs in a child process and reports
// whether it can continue from the current state. One request is handled at a time.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "mainstay/base/error.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "mainstay/kernel/unix_socket.hpp"

namespace mainstay::role {

class ControlSocket {
public:
    // Starts a process that answers a DryRun or an Upgrade on `control`; returns its process id.
    using Start = std::function<Result<int>(const ipc::Message& question, int control, int control_of_child)>;
    // Called when the new program can continue from the current state. The client waits for an UpgradeDone.
    using Upgrade = std::function<void(const std::string& program, const std::string& version, UniqueFd client)>;
    // The client waits for a ReloadDone.
    using Reload = std::function<void(const ipc::Reload& wanted, UniqueFd client)>;
    // The client waits for an OperatorAnswered. The question's `by` is set.
    using Operators = std::function<void(ipc::OperatorQuestion question, UniqueFd client)>;
    struct Handlers {
        Start start;
        Upgrade upgrade;
        Reload reload;
        Operators operators;
        // The trial of an upgrade failed.
        std::function<void(const std::string& problem)> upgrade_refused{};
        // the memory of a flight recorder, read-only
        std::function<Result<UniqueFd>(const ipc::RecordQuestion&)> record{};
    };
    ControlSocket(boost::asio::io_context& loop, Log& log, Handlers handlers);
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;
    ~ControlSocket() { close(); }

    // Listens at `path` and replaces a socket that an earlier incarnation left there.
    [[nodiscard]] Result<void> open(const std::string& path);
    void close();  // also kills a reader that is running
    // A child process has ended; true when it was the reader.
    [[nodiscard]] bool ended(const kernel::Ended& how);

private:
    void accept();
    void accept_later();
    void listen_to_client();
    void or_refuse(const std::function<void()>& step);
    void take_question();
    void take_answer(int line, const kernel::Ended& how);
    void on_question(ipc::Message question);
    void hand_out_record(const ipc::RecordQuestion& question);
    void refuse(const std::string& problem);
    void checked(const ipc::UpgradeChecked& checked);
    void refuse_upgrade(const std::string& problem);
    void answer(const ipc::Message& done, int text);

    Log& log_;
    Handlers handlers_;
    std::optional<ipc::Upgrade> upgrade_question_;  // set if the request is an upgrade
    kernel::BoundPath bound_;
    boost::asio::posix::stream_descriptor listener_, client_;
    boost::asio::steady_timer limit_;
    UniqueFd line_;  // to the reader
    int reader_pid_ = 0;
};

}  // namespace mainstay::role
