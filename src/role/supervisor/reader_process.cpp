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
#include "impl.hpp"
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

// What the supervisor does for the reader because it takes root's rights: entering another network namespace, opening a
// log file for the check of a reload, keeping copies of the configuration.

// The process waits for its RoleStartup and exits when the control socket is closed.
Result<int> Supervisor::start_reader(std::vector<std::pair<int, int>> descriptors) const {
    return kernel::spawn_role({program_path(executable_, kReaderProgram),
                               command_line(options_.identity.process_name(Kind::Supervisor)), std::move(descriptors),
                               network_namespace_ ? network_namespace_.get() : reader_namespace_at_.get(),
                               reader_limits()});
}

ipc::RoleStartup Supervisor::orders_for_reader() const {
    auto orders = startup_for(Kind::Supervisor, false);
    orders.user = account_of(kReaderAccount);
    orders.in_namespace = network_namespace_ ? current_.settings.daemon.net_namespace : reader_namespace_;
    orders.run_vrrp = options_.run_vrrp;
    orders.run_lvs = options_.run_lvs;
    orders.notify_wait_seconds = current_.settings.notify_wait_seconds;
    orders.pass_environment = current_.settings.pass_environment;
    // The running settings, with which the reader compares: it reads their secrets itself.
    orders.api = current_.settings.api;
    orders.mail = current_.settings.mail;
    orders.webhooks = current_.settings.webhooks;
    orders.errors = current_.settings.errors;
    return orders;
}

// The first configuration may name a network namespace; then it is read again in that one. A reload cannot change it.
void Supervisor::read_again_in(const std::string& name) {
    if (phase_ != Phase::Starting || !reader_namespace_.empty()) {
        log_.error("Cannot change network namespace at a reload - please restart {}", options_.identity.program());
        return reading_failed(kExitConfig,
                              "the new configuration is refused: a reload cannot change the network namespace");
    }
    reader_namespace_ = name;
    auto there = kernel::open_network_namespace(name);
    if (there)
        reader_namespace_at_ = std::move(*there);
    else
        log_.warning("{}", there.error().text());
    begin_reading();
}

// -1: none is configured, or it cannot be opened; the reader logs that if it has something to write.
int Supervisor::open_check_log(const ipc::RoleStartup& orders) {
    if (!orders.check_first || orders.check_log.empty()) return -1;
    constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    auto opened = disk_.open(orders.check_log, [&orders]() -> Result<UniqueFd> {
        return UniqueFd{::open(orders.check_log.c_str(), kFlags, 0600)};
    });
    check_log_ = opened ? std::move(*opened) : UniqueFd{};
    return check_log_.get();
}

// An empty log file is removed.
void Supervisor::close_check_log() {
    struct stat facts{};
    if (check_log_ && ::fstat(check_log_.get(), &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size == 0)
        remove_file(current_.settings.daemon.reload_check_log);
    check_log_.reset();
}

// Runs in a child process, because the disk may be slow.
void Supervisor::keep_configuration() {
    const UniqueFd text = std::move(next_.text);
    const auto& settings = next_.settings.daemon;
    if (!text || (settings.tmp_config_directory.empty() && settings.config_save_dir.empty())) return;
    const int pid = ::fork();
    if (pid < 0) log_.warning("a copy of the configuration cannot be kept: errno {}", errno);
    if (pid != 0) return;
    end_after([&] {
        const auto bytes = ipc::read_memfd(text.get(), ipc::kTextBytesMax);
        if (bytes)
            keep_copies(settings, options_.config_path, {reinterpret_cast<const char*>(bytes->data()), bytes->size()},
                        log_);
        else
            log_.warning("a copy of the configuration cannot be kept: {}", bytes.error().text());
        return 0;
    });
}

void keep_copies(const ipc::DaemonSettings& settings, const std::string& config_path, std::string_view text, Log& log) {
    // Mode 0600: the copy contains passwords in clear text.
    const auto keep = [&](const std::string& path) {
        if (const auto written = kernel::write_file_safely(path, text, 0600); !written)
            log.warning("a copy of the configuration cannot be kept: {}", written.error().text());
    };
    if (!settings.tmp_config_directory.empty())
        keep(settings.tmp_config_directory + "/mainstay-" + std::to_string(::getppid()) + ".conf");
    if (settings.config_save_dir.empty()) return;
    const std::time_t now = ::time(nullptr);
    std::tm local{};
    std::array<char, 32> stamp{};
    if (::localtime_r(&now, &local) == nullptr) return;
    const auto length = std::strftime(stamp.data(), stamp.size(), "%Y%m%d-%H%M%S", &local);
    const std::string name = config_path.substr(config_path.rfind('/') + 1);
    keep(settings.config_save_dir + "/" + name + "." + std::string{stamp.data(), length});
}

}  // namespace mainstay::role
