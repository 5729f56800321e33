#include "reader_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

#include "authorization.hpp"
#include "helper.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/scheduling.hpp"

namespace mainstay::role {

ReaderProcess::ReaderProcess(boost::asio::io_context& loop, Log& log, Start start, Over over)
    : loop_{loop}, log_{log}, start_{std::move(start)}, over_{std::move(over)}, limit_{loop}, leaves_{loop} {}

// The process waits for its RoleStartup and exits when the control socket is closed.
Result<void> ReaderProcess::start() {
    auto channel = ipc::make_channel();
    if (!channel) return error_of(channel);
    const auto pid = start_(channel->second.get());
    if (!pid) return error_of(pid);
    waiting_ = {*pid, std::move(channel->first)};
    return {};
}

Result<void> ReaderProcess::read(const ipc::RoleStartup& orders, int check_log, const std::vector<Running>& running) {
    reading_ = {};
    offended_ = false;
    messages_ = 0;
    leaves_.cancel();
    if (!waiting_.line)
        if (auto started = start(); !started) return started;
    pid_ = std::exchange(waiting_.pid, 0);
    line_ = std::make_unique<boost::asio::posix::stream_descriptor>(loop_, waiting_.line.release());
    const auto send = [this](const ipc::Message& message, int sealed) {
        if (const auto sent = ipc::send_message(line_->native_handle(), message, sealed); !sent)
            log_.error("reader: {}", sent.error().text());
    };
    for (const auto& part : running) send(part.snapshot, part.sealed);
    send(orders, check_log);
    listen();
    limit_.expires_after(kReadLimit);
    limit_.async_wait([this](const boost::system::error_code& error) {
        if (error || pid_ == 0) return;
        log_.error("reading the configuration timed out after {} s", kReadLimit.count());
        ::kill(pid_, SIGKILL);
    });
    return {};
}

void ReaderProcess::listen() {
    line_->async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (error) return;
        for (;;) {
            auto got = ipc::receive_message(line_->native_handle());
            if (!got) return on_message(error_of(got));
            if (!got->has_value()) return listen();
            if (std::holds_alternative<ipc::Closed>(**got)) return;
            on_message(std::get<ipc::Received>(std::move(**got)));
            if (offended_) return;  // its exit follows
            if (reading_.done) return finish();
        }
    });
}

void ReaderProcess::on_message(Result<ipc::Received> got) {
    if (const auto offence = offence_of(Sender::Reader, got)) return kill_offender(*offence);
    if (++messages_ > kReaderMessagesMax) return kill_offender("sent more messages than a configuration takes");
    take(*got);
}

void ReaderProcess::take(ipc::Received& received) {
    if (const auto* snapshot = std::get_if<ipc::Snapshot>(&received.message)) {
        if (const auto size = ipc::sealed_size(received.descriptor.get()); !size)
            return kill_offender("sent a snapshot that cannot be read: " + size.error().text());
        reading_.parts.push_back({*snapshot, std::move(received.descriptor)});
    } else if (auto* report = std::get_if<ipc::DryRunDone>(&received.message)) {
        if (received.descriptor)
            if (const auto size = ipc::sealed_size(received.descriptor.get(), ipc::kTextBytesMax); !size)
                return kill_offender("sent a report that cannot be read: " + size.error().text());
        reading_.report = std::move(received.descriptor);
        reading_.changes = std::move(*report);
    } else if (auto* done = std::get_if<ipc::ReadingDone>(&received.message)) {
        reading_.done = std::move(*done);
        reading_.pid = pid_;
    }
}

void ReaderProcess::kill_offender(const std::string& offence) {
    log_.error("the reader {}: killing it", offence);
    offended_ = true;
    if (pid_ != 0) ::kill(pid_, SIGKILL);
}

bool ReaderProcess::ended(const kernel::Ended& process) {
    if (process.pid == waiting_.pid) waiting_ = {};
    if (pid_ == 0 || process.pid != pid_) return false;
    pid_ = 0;
    // Its last messages may still be in the queue.
    while (line_ && !reading_.done && !offended_) {
        auto got = ipc::receive_message(line_->native_handle());
        if (!got || !got->has_value() || std::holds_alternative<ipc::Closed>(**got)) break;
        on_message(std::get<ipc::Received>(std::move(**got)));
    }
    if (offended_) reading_.done.reset();
    if (!reading_.done) reading_.died = "the reader died (" + kernel::text_of(process) + ")";
    finish();
    return true;
}

void ReaderProcess::finish() {
    limit_.cancel();
    if (const int pid = std::exchange(pid_, 0); pid != 0 && reading_.done->stays) {
        waiting_ = {pid, UniqueFd{line_->release()}};
        leaves_.expires_after(kReaderStays);
        leaves_.async_wait([this](const boost::system::error_code& error) {
            if (!error) waiting_.line.reset();
        });
    }
    line_.reset();
    over_(std::exchange(reading_, {}));
}

void ReaderProcess::kill_waiting() {
    if (waiting_.pid != 0) ::kill(waiting_.pid, SIGKILL);
    waiting_.line.reset();  // a reading that begins before its end is known is not given to it
}

void ReaderProcess::give_up() {
    limit_.cancel();
    if (const int pid = std::exchange(pid_, 0); pid != 0) ::kill(pid, SIGKILL);
    line_.reset();
}

void ReaderProcess::kill() {
    kill_waiting();
    if (pid_ != 0) ::kill(pid_, SIGKILL);
}

}  // namespace mainstay::role
