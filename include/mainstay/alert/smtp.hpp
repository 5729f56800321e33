// Delivers mails with libcurl, without blocking the loop.
//
// libcurl's SMTP blocks inside its calls, even in the multi interface: for the reply to the end of the message and to
// QUIT (seen with 7.88), and for its resolver when a lookup is cancelled. So each delivery runs in its own thread,
// which shares only its job, and posts the result to the loop. One mail at a time, each over its own connection. Every
// step has a timeout.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

#include "mailer.hpp"
#include "mainstay/base/error.hpp"

namespace mainstay::alert {

class Background;
class SmtpTranscript;

class SmtpTransport final : public Transport {
public:
    // The loop must outlive the transport. `transcript` gets the dialogue of each delivery while it happens.
    [[nodiscard]] static Result<std::unique_ptr<SmtpTransport>> make(
        boost::asio::io_context& loop, std::shared_ptr<SmtpTranscript> transcript = nullptr);
    // Cancels the current delivery without waiting for it; no `done` is called any more. The thread ends by itself soon
    // after, or when its name lookup ends: a process that exits before should use _exit().
    ~SmtpTransport() override;

    // A second mail before the first delivery has ended fails with reached = false.
    void send(const Server& server, const Mail& mail, std::string message, std::function<void(Delivery)> done) override;

private:
    struct Job;
    SmtpTransport(boost::asio::io_context& loop, std::shared_ptr<SmtpTranscript> transcript);
    std::unique_ptr<Background> background_;
    boost::asio::io_context& loop_;
    std::shared_ptr<Job> job_;
    std::shared_ptr<SmtpTranscript> transcript_;
};

}  // namespace mainstay::alert
