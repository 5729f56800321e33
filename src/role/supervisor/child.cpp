#include "child.hpp"

#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <bit>

#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/clock.hpp"

namespace mainstay::role {

Result<void> Child::start(kernel::RoleProcess process, const ipc::RoleStartup& startup, OnMessage on_message,
                          Log& log) {
    auto channel = ipc::make_channel();
    if (!channel) return error_of(channel);
    process.descriptors.emplace_back(channel->second.get(), ipc::inherited::kControl);
    auto started = kernel::spawn_role(process);
    if (!started) return error_of(started);
    pid = *started;
    ready = prepared = kill_sent = offended = false;
    begin_incarnation();
    born = kernel::monotonic_now();
    close();
    control_.assign(channel->first.release());
    send(startup, -1, log);
    on_message_ = std::move(on_message);
    listen(log);
    return {};
}

void Child::begin_incarnation() {
    missed = 0;
    unknown_messages = lost_messages = refused_lines = requests_ignored = 0;
    awaited = {};
    retires = false;
    budget = MessageBudget{};
    has_ended_ = false;
}

void Child::adopt(int running, UniqueFd control, OnMessage on_message, Log& log) {
    pid = running;
    begin_incarnation();
    control_.assign(control.release());
    on_message_ = std::move(on_message);
    listen(log);
}

void Child::close() {
    boost::system::error_code ignored;
    control_.close(ignored);
    unread_.clear();
    lifetime_.begin_anew();
}

void Child::take_over(Child& spare, OnMessage on_message, Log& log) {
    close();
    born = kernel::monotonic_now();  // its lifetime counts from here, not from its time as a spare
    ready = prepared = kill_sent = offended = false;
    adopt(spare.pid, UniqueFd{spare.control_.release()}, std::move(on_message), log);
    unread_.take_over(spare.unread_);
    spare.forget();
}

void Child::send(const ipc::Message& message, int descriptor, Log& log) {
    if (!control_.is_open()) return;
    const auto sent = unread_.send(message, descriptor);
    if (sent) return budget.asked(message);
    if (sent.error().sys_errno() == EPIPE) return;
    // A process that does not read must not fill the log: the losses number 1, 2, 4, 8 ... are logged.
    if (std::has_single_bit(++lost_messages))
        log.warning("a message to process {} was lost ({} so far): {}", pid, lost_messages, sent.error().text());
}

bool Child::has_room() {
    int queued = 0;
    return control_.is_open() && unread_.empty() && ::ioctl(control_.native_handle(), SIOCOUTQ, &queued) == 0 &&
           queued < kBulkBytes;
}

void Child::listen(Log& log) {
    control_.async_wait(boost::asio::posix::stream_descriptor::wait_read, lifetime_.when_due([this, &log] {
        // The rest is read in the next turn of the loop, so that a process that sends much does not delay the others.
        if (hear(kMessagesPerTurn, log)) listen(log);
    }));
}

bool Child::hear(int most, Log& log) {
    const auto on_message = on_message_;  // what it calls may give the child another one
    for (int handled = 0; handled < most; ++handled) {
        auto got = ipc::receive_message(control_.native_handle());
        if (!got) {
            if (got.error().code() != Errc::Invalid && got.error().code() != Errc::Unsupported) {
                log.error("process {}: {}", pid, got.error().text());
                return false;
            }
            on_message(error_of(got));
            if (!control_.is_open()) return false;
            continue;
        }
        if (!got->has_value()) break;
        if (std::holds_alternative<ipc::Closed>(**got)) return false;  // its exit follows
        missed = 0;
        on_message(std::get<ipc::Received>(std::move(**got)));
        if (!control_.is_open()) return false;
    }
    return true;
}

void Child::kill_offender() {
    offended = kill_sent = true;
    if (pid != 0 && !has_ended_)
        ::kill(pid, SIGKILL);  // before its channel ends, or it logs that the supervisor has died
    close();
}

void Child::hear_the_rest(Log& log) {
    if (!control_.is_open()) return;
    has_ended_ = true;
    static_cast<void>(hear(kLastMessagesMax, log));
}

void Child::forget() {
    close();
    pid = 0;
    ready = prepared = awaits_look = false;
    prepared_generation = 0;
    if (std::exchange(catches_up, false)) ran.reset();  // the next one does without
}

std::chrono::seconds Child::next_delay(Instant now) {
    if (now - born >= kStableAfter && !offended) short_lives = 0;
    const int lives = short_lives++;
    if (lives <= 1) return std::chrono::seconds{lives == 0 ? 0 : 1};
    return std::min(std::chrono::seconds{1LL << std::min(lives - 1, 6)}, std::chrono::seconds{60});
}

std::optional<int> Child::count_silence() {
    if (ready) silent_starts = 0;
    const int most = kMissedHeartbeatsMax << silent_starts;
    if (++missed <= most) return std::nullopt;
    if (!ready) silent_starts = std::min(silent_starts + 1, kDoublingsMax);
    return most;
}

}  // namespace mainstay::role
