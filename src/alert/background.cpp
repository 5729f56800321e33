#include "mainstay/alert/background.hpp"

#include <pthread.h>

#include <boost/asio/post.hpp>
#include <csignal>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

namespace mainstay::alert {

namespace asio = boost::asio;

// The way back to the loop, which may no longer exist when the work ends.
struct Background::Outlet : std::enable_shared_from_this<Outlet> {
    std::mutex mutex;
    asio::io_context* loop = nullptr;  // changed on the loop only

    void post(std::function<void()> what) {
        const std::lock_guard guard{mutex};
        if (loop == nullptr) return;
        asio::post(*loop, [self = shared_from_this(), what = std::move(what)] {
            if (self->loop != nullptr) what();
        });
    }
};

Background::Background(asio::io_context& loop) : outlet_{std::make_shared<Outlet>()} { outlet_->loop = &loop; }

Background::~Background() {
    const std::lock_guard guard{outlet_->mutex};
    outlet_->loop = nullptr;
}

Result<void> Background::run(std::function<void()> work, std::function<void()> done) {
    // The process's signals are for the loop's thread: the new one starts with all of them blocked.
    sigset_t all{}, before{};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    Result<void> started;
    try {
        std::thread{[outlet = outlet_, work = std::move(work), done = std::move(done)]() mutable {
            work();
            outlet->post(std::move(done));
        }}.detach();
    } catch (const std::system_error& problem) {
        started = fail(Errc::Io, std::string{"cannot start a thread: "} + problem.what());
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return started;
}

}  // namespace mainstay::alert
