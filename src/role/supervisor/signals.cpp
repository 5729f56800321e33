// The signals that the supervisor gets, by itself or through one of its processes, and the service manager's watchdog.
#include <csignal>

#include "impl.hpp"
#include "mainstay/kernel/service_manager.hpp"
#include "mainstay/kernel/signals.hpp"

namespace mainstay::role {

void Supervisor::take_signals() {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGRTMIN + 2, SIGRTMAX - 1})
        signals_.add(signal);
    kernel::ignore_unused_signals({SIGABRT});
    const auto wait = [this](auto&& self) -> void {
        signals_.async_wait([this, self](const boost::system::error_code& error, int signal) {
            if (error) return;
            self(self);  // before: the next signal is heard even if an exception ends this one's handling
            on_signal(signal);
        });
    };
    wait(wait);
    if (const auto every = kernel::watchdog_interval()) {
        const auto feed_watchdog = [this, interval = *every](auto&& self) -> void {
            kernel::notify_service_manager("WATCHDOG=1");
            watchdog_.expires_after(interval);
            watchdog_.async_wait([self](const boost::system::error_code& error) {
                if (!error) self(self);
            });
        };
        feed_watchdog(feed_watchdog);
    }
}

void Supervisor::on_signal(int signal) {
    if (signal == SIGCHLD) return reap_all();
    if (signal == SIGTERM || signal == SIGINT) return stop(0);
    if (signal == SIGHUP) return request_reload();
    ask_for_dump(signal);
}

// Whoever signals one of keepalived's children has that child reload, or write its dump. It is one of asking_signals().
void Supervisor::signal_handed_on(const char* process, int pid, int signal) {
    log_.debug("signal {} to the {} process({}) is for the supervisor", signal, process, pid);
    on_signal(signal);
}

}  // namespace mainstay::role
