// The supervisor's own socket, for root alone: mainstayctl asks for a reload, what one would do, for an upgrade, or for
// servers to be drained and the like, which the lvs role does.
//
// The supervisor parses nothing here either: a reader process reads the configuration, compares it with what runs, and
// makes the answer; the supervisor hands it on. For an upgrade, the new program itself, in a child, says whether it can
// go on from what is there. One question at a time.
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

namespace mainstay::role {

class DryRunServer {
public:
    // Starts a process that answers a DryRun or an Upgrade on `control`; its process id.
    using Start = std::function<Result<int>(const ipc::Message& question, int control, int control_of_child)>;
    // The new program can go on from what is there. The client waits for an UpgradeDone.
    using Upgrade = std::function<void(const std::string& program, const std::string& version, UniqueFd client)>;
    // Hands the question to the lvs role, whose answer comes by answered().
    using Relay = std::function<Result<void>(const ipc::ServerQuestion& question)>;
    // The client waits for a ReloadDone.
    using Reload = std::function<void(const ipc::Reload& wanted, UniqueFd client)>;
    struct Deeds {
        Start start;
        Upgrade upgrade;
        Relay relay;
        Reload reload;
    };
    DryRunServer(boost::asio::io_context& loop, Log& log, Deeds deeds);
    DryRunServer(const DryRunServer&) = delete;
    DryRunServer& operator=(const DryRunServer&) = delete;
    ~DryRunServer() { close(); }

    // Listens at `path`, in place of whatever a former incarnation left there.
    [[nodiscard]] Result<void> open(const std::string& path);
    void close();  // ends a reader that is under way
    // A child has ended; true when it was the reader.
    [[nodiscard]] bool ended(const kernel::Ended& how);
    // The lvs role's answer; ignored when it comes too late.
    void answered(const ipc::ServerAnswered& answer, int text);

private:
    void accept();
    void accept_later();
    void listen_to_client();
    void on_question(ipc::Message question);
    void relay(ipc::ServerQuestion question);
    void refuse(const std::string& problem);
    void checked(const ipc::UpgradeChecked& checked);
    void answer(const ipc::Message& done, int text);

    Log& log_;
    Deeds deeds_;
    std::uint64_t relayed_ = 0, next_relayed_ = 1;  // the question that the lvs role has; 0: none
    std::optional<ipc::Upgrade> upgrade_question_;  // when the question is not a dry run
    std::string path_;
    boost::asio::posix::stream_descriptor listener_, client_;
    boost::asio::steady_timer limit_;
    UniqueFd line_;  // to the reader
    int reader_pid_ = 0;
};

}  // namespace mainstay::role
