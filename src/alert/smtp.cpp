#include "mainstay/alert/smtp.hpp"

#include <curl/curl.h>
#include <boost/asio/post.hpp>

#include "mainstay/alert/background.hpp"
#include "smtp_session.hpp"

namespace mainstay::alert {

namespace asio = boost::asio;

struct SmtpTransport::Job {
    Server server;
    Mail mail;
    std::string message;
    std::function<void(Delivery)> done;  // only touched on the loop
    SessionStop stop;
    std::shared_ptr<SmtpTranscript> transcript;  // may be null
    Delivery delivery;                           // of the thread, until it has ended
    bool ended = false;                          // only touched on the loop
};

SmtpTransport::SmtpTransport(asio::io_context& loop, std::shared_ptr<SmtpTranscript> transcript)
    : background_{std::make_unique<Background>(loop)}, loop_{loop}, transcript_{std::move(transcript)} {}

Result<std::unique_ptr<SmtpTransport>> SmtpTransport::make(asio::io_context& loop,
                                                           std::shared_ptr<SmtpTranscript> transcript) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return fail(Errc::Io, "libcurl cannot be initialised");
    return std::unique_ptr<SmtpTransport>{new SmtpTransport{loop, std::move(transcript)}};
}

SmtpTransport::~SmtpTransport() {
    background_.reset();
    if (job_) {
        job_->stop.stop();
        job_->ended = true;  // a queued result is discarded
    }
}

void SmtpTransport::send(const Server& server, const Mail& mail, std::string message,
                         std::function<void(Delivery)> done) {
    const auto refuse = [&](std::string why) {
        asio::post(loop_, [done, why = std::move(why)] {
            done({.reached = false, .accepted = {}, .never = {}, .text = why});
        });
    };
    if (job_ && !job_->ended) return refuse("a mail is on its way already");
    job_ = std::make_shared<Job>();
    job_->server = server;
    job_->mail = mail;
    job_->message = std::move(message);
    job_->done = done;
    job_->transcript = transcript_;
    auto started = background_->run(
        [job = job_] {
            job->delivery = run_session(job->server, job->mail, job->message, job->stop, job->transcript.get());
        },
        [job = job_] {
            if (std::exchange(job->ended, true)) return;
            std::exchange(job->done, nullptr)(job->delivery);
        });
    if (started) return;
    job_->ended = true;
    refuse(started.error().text());
}

}  // namespace mainstay::alert
