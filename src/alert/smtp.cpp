#include "mainstay/alert/smtp.hpp"

#include <curl/curl.h>
#include <pthread.h>

#include <boost/asio/post.hpp>
#include <csignal>
#include <mutex>
#include <system_error>
#include <thread>

#include "smtp_session.hpp"

namespace mainstay::alert {

namespace asio = boost::asio;

struct SmtpTransport::Job {
    Server server;
    Mail mail;
    std::string message;
    std::function<void(Delivery)> done;  // only touched on the loop
    SessionStop stop;
    bool ended = false;  // only touched on the loop
};

// The way back to the loop, which may no longer exist when a session ends.
struct SmtpTransport::Outlet {
    std::mutex mutex;
    asio::io_context* loop = nullptr;

    void post(std::function<void()> what) {
        const std::lock_guard guard{mutex};
        if (loop != nullptr) asio::post(*loop, std::move(what));
    }
};

SmtpTransport::SmtpTransport(std::shared_ptr<Outlet> outlet, asio::io_context& loop)
    : outlet_{std::move(outlet)}, loop_{loop} {}

Result<std::unique_ptr<SmtpTransport>> SmtpTransport::make(asio::io_context& loop) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return fail(Errc::Io, "libcurl cannot be initialised");
    auto outlet = std::make_shared<Outlet>();
    outlet->loop = &loop;
    return std::unique_ptr<SmtpTransport>{new SmtpTransport{std::move(outlet), loop}};
}

SmtpTransport::~SmtpTransport() {
    {
        const std::lock_guard guard{outlet_->mutex};
        outlet_->loop = nullptr;
    }
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
    // The process's signals are for the loop's thread: the new one starts with all of them blocked.
    sigset_t all{}, before{};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        std::thread{[job = job_, outlet = outlet_] {
            Delivery delivery = run_session(job->server, job->mail, job->message, job->stop);
            outlet->post([job, delivery = std::move(delivery)] {
                if (std::exchange(job->ended, true)) return;
                std::exchange(job->done, nullptr)(delivery);
            });
        }}.detach();
    } catch (const std::system_error& problem) {
        job_->ended = true;
        refuse(std::string{"cannot start a thread: "} + problem.what());
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace mainstay::alert
