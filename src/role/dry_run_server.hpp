// The supervisor's own socket, for root alone: mainstayctl asks what a reload would do.
//
// The supervisor parses nothing here either: a reader process reads the configuration, compares it with what runs, and
// makes the answer; the supervisor hands it on. One question at a time.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include <functional>
#include <memory>
#include <string>

#include "mainstay/base/error.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/kernel/spawn.hpp"

namespace mainstay::role {

class DryRunServer {
public:
    // Starts a reader that answers on `control`; its process id.
    using Start = std::function<Result<int>(const ipc::DryRun& question, int control, int control_of_child)>;
    DryRunServer(boost::asio::io_context& loop, Log& log, Start start);
    DryRunServer(const DryRunServer&) = delete;
    DryRunServer& operator=(const DryRunServer&) = delete;
    ~DryRunServer() { close(); }

    // Listens at `path`, in place of whatever a former incarnation left there.
    [[nodiscard]] Result<void> open(const std::string& path);
    void close();  // ends a reader that is under way
    // A child has ended; true when it was the reader.
    [[nodiscard]] bool ended(const kernel::Ended& how);

private:
    void accept();
    void accept_later();
    void listen_to_client();
    void on_question(const ipc::DryRun& question);
    void answer(const ipc::DryRunDone& done, int text);

    Log& log_;
    Start start_;
    std::string path_;
    boost::asio::posix::stream_descriptor listener_, client_;
    boost::asio::steady_timer limit_;
    UniqueFd line_;  // to the reader
    int reader_pid_ = 0;
};

}  // namespace mainstay::role
