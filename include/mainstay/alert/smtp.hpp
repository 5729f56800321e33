// Delivers mails by libcurl, without ever holding up the loop.
//
// libcurl's SMTP waits inside its calls, in the multi interface too: for the answer to the end of the message and to
// QUIT (seen with 7.88), and for its resolver when a lookup is given up. So each delivery runs in a thread of its own
// that shares nothing but its job, and posts the result to the loop. One mail at a time, each over a connection of
// its own. Every step has a deadline. Plain SMTP: no TLS, no authentication yet.
#pragma once

#include <boost/asio/io_context.hpp>
#include <utility>  // Boost 1.74's Asio needs it

#include <functional>
#include <memory>
#include <string>

#include "mailer.hpp"
#include "mainstay/base/error.hpp"

namespace mainstay::alert {

class SmtpTransport final : public Transport {
public:
    // The loop must outlive the transport.
    [[nodiscard]] static Result<std::unique_ptr<SmtpTransport>> make(boost::asio::io_context& loop);
    // Breaks off what is on its way and does not wait for it; no `done` is called any more. The thread ends by itself
    // soon after, or with its name lookup: a process that leaves before that should leave by _exit().
    ~SmtpTransport() override;

    // A second mail before the first has ended is answered with reached = false.
    void send(const Server& server, const Mail& mail, std::string message, std::function<void(Delivery)> done) override;

private:
    struct Job;
    struct Outlet;
    SmtpTransport(std::shared_ptr<Outlet> outlet, boost::asio::io_context& loop);
    std::shared_ptr<Outlet> outlet_;  // shared with threads that may outlive us
    boost::asio::io_context& loop_;
    std::shared_ptr<Job> job_;
};

}  // namespace mainstay::alert
