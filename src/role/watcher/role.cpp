#include "mainstay/role/watcher/role.hpp"

#include <array>
#include <memory>
#include <new>
#include <optional>

#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/host_plan.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/log_sink.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/signals.hpp"
#include "parts.hpp"
#include "role/common/event_log.hpp"
#include "role/common/process.hpp"
#include "role/common/reach.hpp"
#include "server_files.hpp"

namespace mainstay::role {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kBeat{1};
constexpr std::chrono::milliseconds kSendAgain{100};
constexpr std::size_t kBatch = 256;  // observations in one message
constexpr std::array kCalls{kernel::CallSet::WatchFiles};

class Watcher {
public:
    explicit Watcher(const ipc::RoleStartup& startup)
        : log_{log_options_of(startup)},
          user_{startup.user},
          make_files_{!startup.restarted},
          control_{loop_, ipc::inherited::kControl},
          beat_timer_{loop_},
          again_{loop_} {}

    int run() {
        listen();
        send_heartbeat();
        try {
            loop_.run();
        } catch (const std::bad_alloc&) {
            return out_of_memory(log_);
        }
        return exit_code_;
    }

private:
    void listen() {
        control_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
            if (error) return;
            for (;;) {
                auto got = ipc::receive_message(control_.native_handle());
                if (!got || (got->has_value() && std::holds_alternative<ipc::Closed>(**got))) return loop_.stop();
                if (!got->has_value()) break;
                const auto& received = std::get<ipc::Received>(**got);
                if (const auto* plan = std::get_if<ipc::Prepare>(&received.message)) {
                    if (!follow(received.descriptor.get())) return leave();
                    owes_word_ = plan->generation;
                    begin_sending();
                }
                if (const auto* order = std::get_if<ipc::LogLevelOrder>(&received.message))
                    log_.set_level(level_of(order->levels, LogModule::Track, LogLevel::Info));
                if (std::holds_alternative<ipc::Stop>(received.message)) return loop_.stop();
            }
            listen();
        });
    }

    void leave() {
        exit_code_ = kExitUnconfined;
        loop_.stop();
    }

    // All objects are read again: a new plan arrives only with a reload. False: it is still root and may not go on.
    [[nodiscard]] bool follow(int descriptor) {
        const auto bytes = ipc::read_memfd(descriptor);
        auto plan = bytes ? decode<ipc::HostPlan>(*bytes) : error_of(bytes);
        if (!plan) {
            log_.error("the plan of the watcher cannot be read: {}", plan.error().text());
            return confined_;
        }
        if (!confined_ && make_files_) make_files(plan->watch.files);
        if (!confined_ && !confine(user_, watcher_capabilities(plan->watch), watcher_reach(), kCalls, log_))
            return false;
        confined_ = true;
        files_.reset();
        processes_.reset();
        links_.reset();
        server_files_.reset();
        unsent_.clear();
        unsent_servers_.clear();
        const ReportObservation report = [this](ipc::Observation seen) { note(std::move(seen)); };
        files_ = std::make_unique<FileWatcher>(loop_, log_, report, std::move(plan->watch.files));
        links_ = std::make_unique<LinkWatcher>(loop_, log_, report, std::move(plan->watch.links));
        processes_ = std::make_unique<ProcessWatcher>(loop_, log_, report, plan->watch);
        const auto report_servers = [this](const ipc::ServerFileRead& read, UniqueFd servers) {
            unsent_servers_.insert_or_assign(read.source, std::pair{read, std::move(servers)});
            begin_sending();
        };
        server_files_ =
            std::make_unique<ServerFileWatcher>(loop_, log_, report_servers, std::move(plan->watch.server_files));
        return true;
    }

    void make_files(const std::vector<vrrp::FileTracker>& files) {
        for (const auto& file : files) {
            if (!file.init) continue;
            const auto made = kernel::make_tracked_file(file.path, *file.init, file.overwrite);
            if (!made) log_.warning("track_file {}: init_file: {}", file.name, made.error().text());
        }
    }

    // Only the last observation of each object is kept.
    void note(ipc::Observation seen) {
        const auto key = std::pair{seen.kind, seen.name};
        unsent_.insert_or_assign(key, std::move(seen));
        begin_sending();
    }

    void begin_sending() {
        if (std::exchange(sending_, true)) return;
        again_.expires_after(std::chrono::milliseconds{0});
        again_.async_wait([this](const boost::system::error_code& error) {
            if (!error) send();
        });
    }

    void send() {
        while (!unsent_.empty()) {
            ipc::Observations batch;
            for (const auto& [key, seen] : unsent_) {
                if (batch.list.size() == kBatch) break;
                batch.list.push_back(seen);
            }
            if (!ipc::send_message(control_.native_handle(), batch)) return send_later();
            for (const auto& seen : batch.list) unsent_.erase({seen.kind, seen.name});
        }
        while (!unsent_servers_.empty()) {
            const auto& [read, servers] = unsent_servers_.begin()->second;
            if (!ipc::send_message(control_.native_handle(), read, servers.get())) return send_later();
            unsent_servers_.erase(unsent_servers_.begin());
        }
        sending_ = false;
        if (server_files_ && !server_files_->has_read_all()) return;  // the next report sends again
        // Every object of the plan has been observed and reported.
        if (owes_word_ && !ipc::send_message(control_.native_handle(), ipc::Prepared{*owes_word_, {}}))
            return send_later();
        owes_word_.reset();
    }

    void send_later() {
        sending_ = true;
        again_.expires_after(kSendAgain);
        again_.async_wait([this](const boost::system::error_code& error) {
            if (!error) send();
        });
    }

    void send_heartbeat() {
        (void)ipc::send_message(control_.native_handle(), ipc::Heartbeat{log_.lost_by_reader()});
        log_.flush();
        beat_timer_.expires_after(kBeat);
        beat_timer_.async_wait([this](const boost::system::error_code& error) {
            if (!error) send_heartbeat();
        });
    }

    kernel::DaemonLog log_;
    std::string user_;
    bool make_files_;  // init_file applies at the start of the daemon, not at a reload or a restart of the watcher
    asio::io_context loop_{1};
    asio::posix::stream_descriptor control_;
    SignalRelay signals_{loop_, log_, [this](int signal) {
                             (void)ipc::send_message(control_.native_handle(), ipc::SignalReceived{signal});
                         }};
    asio::steady_timer beat_timer_, again_;
    std::unique_ptr<FileWatcher> files_;
    std::unique_ptr<ProcessWatcher> processes_;
    std::unique_ptr<LinkWatcher> links_;
    std::unique_ptr<ServerFileWatcher> server_files_;
    std::map<std::pair<ipc::Observation::Kind, std::string>, ipc::Observation> unsent_;
    std::map<std::string, std::pair<ipc::ServerFileRead, UniqueFd>> unsent_servers_;  // by source
    std::optional<std::uint64_t> owes_word_;                                          // of the plan of this number
    bool sending_ = false, confined_ = false;
    int exit_code_ = 0;
};

}  // namespace

int run_watcher() {
    kernel::ignore_unused_signals();
    const auto startup = receive_startup(ipc::inherited::kControl);
    if (!startup) return 1;
    kernel::set_process_name(startup->process_name);
    return Watcher{*startup}.run();
}

}  // namespace mainstay::role
