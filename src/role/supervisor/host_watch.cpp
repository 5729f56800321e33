#include "host_watch.hpp"

#include <signal.h>

namespace mainstay::role {

namespace asio = boost::asio;

HostWatch::HostWatch(asio::io_context& loop, Log& log, Start start, Greet greet, Deliver deliver,
                     std::function<void()> looked)
    : loop_{loop},
      log_{log},
      start_{std::move(start)},
      greet_{std::move(greet)},
      deliver_{std::move(deliver)},
      looked_{std::move(looked)},
      pause_{loop} {}

void HostWatch::follow(UniqueFd plan, bool anything) {
    plan_ = std::move(plan);
    wanted_ = anything;
    seen_.clear();
    ++plan_number_;
    if (!wanted_) {
        control_.reset();  // the watcher ends when its line is closed
        pause_.cancel();
        return;
    }
    if (control_ == nullptr) {
        if (pid_ == 0) start();
        return;
    }
    send_plan();
}

void HostWatch::send_plan() {
    const auto sent = ipc::send_message(control_->native_handle(), ipc::Prepare{plan_number_}, plan_.get());
    if (!sent) log_.error("the watcher does not hear of its plan: {}", sent.error().text());
}

ipc::Observations HostWatch::seen() const {
    ipc::Observations all;
    for (const auto& [key, value] : seen_) all.list.push_back({key.first, key.second, value});
    return all;
}

void HostWatch::start() {
    auto channel = ipc::make_channel();
    auto pid = channel ? start_(channel->second.get()) : Result<int>{std::unexpected{std::move(channel.error())}};
    if (!pid) {
        log_.error("files, processes and links cannot be watched: {}", pid.error().text());
        return start_later();
    }
    pid_ = *pid;
    missed_ = 0;
    control_ = std::make_unique<asio::posix::stream_descriptor>(loop_, channel->first.release());
    (void)ipc::send_message(control_->native_handle(), greet_(std::exchange(started_before_, true)));
    send_plan();
    listen();
}

void HostWatch::start_later() {
    pause_.expires_after(kWatcherPause);
    pause_.async_wait([this](const boost::system::error_code& error) {
        if (!error && wanted_ && !stopped_ && pid_ == 0) start();
    });
}

void HostWatch::listen() {
    control_->async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (error || control_ == nullptr) return;
        for (;;) {
            auto got = ipc::receive_message(control_->native_handle());
            if (!got) {
                log_.error("the watcher: {}", got.error().text());
                if (got.error().code() == Errc::Invalid || got.error().code() == Errc::Unsupported) continue;
                return;
            }
            if (!got->has_value()) break;
            if (std::holds_alternative<ipc::Closed>(**got)) return;  // its exit follows
            missed_ = 0;
            const auto& message = std::get<ipc::Received>(**got).message;
            if (const auto* done = std::get_if<ipc::Prepared>(&message)) {
                looked_at_ = done->generation;
                if (has_looked()) looked_();
            }
            const auto* observations = std::get_if<ipc::Observations>(&message);
            if (observations == nullptr) continue;
            for (const auto& one : observations->list) seen_.insert_or_assign({one.kind, one.name}, one.value);
            deliver_(*observations);
        }
        listen();
    });
}

bool HostWatch::ended(const kernel::Ended& process) {
    if (pid_ == 0 || process.pid != pid_) return false;
    pid_ = 0;
    control_.reset();
    if (!wanted_ || stopped_) return true;
    log_.error("the watcher of files, processes and links ended ({} {}): what it saw last counts until the next one",
               process.signalled ? "signal" : "exit status", process.status);
    start_later();
    return true;
}

void HostWatch::look() {
    if (pid_ == 0 || stopped_ || ++missed_ != kMissedBeatsMax + 1) return;
    log_.error(
        "the watcher of files, processes and links has been silent for {} s: it hangs in one of them; killing it",
        kMissedBeatsMax);
    ::kill(pid_, SIGKILL);
}

void HostWatch::stop() {
    stopped_ = true;
    pause_.cancel();
    control_.reset();
    if (pid_ != 0) ::kill(pid_, SIGKILL);  // it holds nothing that would have to be put away
}

}  // namespace mainstay::role
