#include "host_watch.hpp"

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <exception>

#include "authorization.hpp"
#include "daemon.hpp"
#include "mainstay/ipc/discovered.hpp"
#include "mainstay/ipc/host_plan.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "role/common/reach.hpp"

namespace mainstay::role {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kServersProblemBytesMax = 8UL * 1024;  // a path and what is wrong with it
constexpr std::size_t kObservationBytes = 32;                // of one in a message, besides its name
constexpr std::uint64_t kDescriptorsForOthers = 512;  // of the supervisor, for everything but the servers of files

}  // namespace

HostWatch::HostWatch(asio::io_context& loop, Log& log, Start start, Greet greet, Deliver deliver,
                     DeliverServers deliver_servers, std::function<void()> looked,
                     std::function<void(int, int)> signalled, std::function<void(int, std::uint64_t)> lost_lines)
    : loop_{loop},
      log_{log},
      start_{std::move(start)},
      greet_{std::move(greet)},
      deliver_{std::move(deliver)},
      deliver_servers_{std::move(deliver_servers)},
      looked_{std::move(looked)},
      signalled_{std::move(signalled)},
      lost_lines_{std::move(lost_lines)},
      pause_{loop},
      room_{loop} {}

void HostWatch::follow(UniqueFd plan, const vrrp::WatchPlan& watched) {
    using Seen = ipc::Observation::Kind;
    plan_ = std::move(plan);
    wanted_ = !watched.empty();
    const auto rights_before = std::exchange(rights_, watcher_capabilities(watched));
    followed_.clear();
    for (const auto& file : watched.files) followed_.emplace(Seen::File, file.name);
    for (const auto& process : watched.processes) followed_.emplace(Seen::Process, process.name);
    for (const auto& link : watched.links) followed_.emplace(Seen::Link, link.name);
    seen_.clear();
    server_files_.clear();
    for (const auto& source : watched.server_files) server_files_.emplace(config::key_of(source), std::nullopt);
    allow_descriptors();
    next_pause_ = kWatcherPause;
    if (plan_number_++ > 0) started_before_ = true;
    if (!wanted_) {
        control_.reset();  // the watcher exits when its control socket is closed
        pause_.cancel();
        return;
    }
    if (control_ == nullptr) {
        if (pid_ == 0) start();
        return;
    }
    if (rights_ != rights_before) return start_anew();
    send_plan();
}

// The latest answer of each file is kept as a descriptor. Scripts inherit the limit, so it is raised only where it must
// be.
void HostWatch::allow_descriptors() {
    if (server_files_.empty()) return;
    const std::uint64_t needed = server_files_.size() + kDescriptorsForOthers;
    if (const auto allowed = kernel::allow_descriptors(needed); allowed < needed)
        log_.error(
            "{} files of real servers need {} open descriptors, and only {} are allowed: servers of some files "
            "will be missing. Raise LimitNOFILE= in the unit, or list several services' servers in one file",
            server_files_.size(), needed, allowed);
}

// The next one is started when this one is gone: it holds nothing that would have to be put away.
void HostWatch::start_anew() {
    anew_ = true;
    control_.reset();
    if (pid_ != 0) ::kill(pid_, SIGKILL);
}

void HostWatch::send_plan() {
    const auto sent = ipc::send_message(control_->native_handle(), ipc::Prepare{plan_number_}, plan_.get());
    if (!sent) log_.error("the plan cannot be sent to the watcher: {}", sent.error().text());
}

std::vector<ipc::Observations> HostWatch::seen() const {
    std::vector<ipc::Observations> all;
    std::size_t bytes = 0;
    for (const auto& [key, value] : seen_) {
        bytes += kObservationBytes + key.second.size();
        if (all.empty() || bytes > ipc::kMessageBytesMax / 2) {
            all.emplace_back();
            bytes = kObservationBytes + key.second.size();
        }
        all.back().list.push_back({key.first, key.second, value});
    }
    return all;
}

void HostWatch::deliver_all_servers() {
    for (const auto& [source, file] : server_files_)
        if (file) undelivered_.insert(source);
    deliver_servers();
}

void HostWatch::deliver_servers() {
    while (!undelivered_.empty()) {
        const auto found = server_files_.find(*undelivered_.begin());
        const bool known = found != server_files_.end() && found->second;
        if (known && !deliver_servers_(found->second->read, found->second->servers.get())) {
            room_.expires_after(kRoomPause);
            return room_.async_wait([this](const boost::system::error_code& error) {
                if (!error && !stopped_) deliver_servers();
            });
        }
        undelivered_.erase(undelivered_.begin());
    }
}

void HostWatch::start() {
    auto channel = ipc::make_channel();
    auto pid = channel ? start_(channel->second.get()) : Result<int>{error_of(channel)};
    if (!pid) {
        log_.error("files, processes and links cannot be watched: {}", pid.error().text());
        return start_later();
    }
    pid_ = *pid;
    missed_ = 0;
    budget_ = MessageBudget{};
    control_ = std::make_unique<asio::posix::stream_descriptor>(loop_, channel->first.release());
    (void)ipc::send_message(control_->native_handle(), greet_(std::exchange(started_before_, true)));
    send_plan();
    listen();
}

void HostWatch::order_log_levels(const ipc::LogLevelOrder& order) {
    if (control_ != nullptr) (void)ipc::send_message(control_->native_handle(), order);
}

void HostWatch::start_later() {
    pause_.expires_after(next_pause_);
    pause_.async_wait([this](const boost::system::error_code& error) {
        if (!error && wanted_ && !stopped_ && pid_ == 0) start();
    });
}

void HostWatch::listen() {
    control_->async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (error || control_ == nullptr) return;
        for (int handled = 0; handled < kMessagesPerTurn; ++handled) {
            auto got = ipc::receive_message(control_->native_handle());
            if (!got) return on_message(error_of(got));
            if (!got->has_value()) break;
            if (std::holds_alternative<ipc::Closed>(**got)) return;  // its exit follows
            missed_ = 0;
            try {
                on_message(std::get<ipc::Received>(std::move(**got)));
            } catch (const std::exception& thrown) {
                return kill_offender(std::string{"sent what caused an error: "} + thrown.what());
            }
            if (control_ == nullptr) return;
        }
        listen();
    });
}

void HostWatch::on_message(Result<ipc::Received> received) {
    if (const auto offence = offence_of(Sender::Watcher, received)) return kill_offender(*offence);
    const auto& message = received->message;
    if (!budget_.spend(message, kernel::monotonic_now())) return kill_offender(kFlooded);
    if (const auto* done = std::get_if<ipc::Prepared>(&message)) {
        looked_at_ = done->generation;
        if (has_looked()) looked_();
    }
    if (const auto* signal = std::get_if<ipc::SignalReceived>(&message)) {
        if (judge(Sender::Watcher, message, {}) != Verdict::Take)
            return kill_offender("sent a signal that is not to be handed on");
        if (budget_.spend_request(kernel::monotonic_now())) signalled_(pid_, signal->signal);
        return;
    }
    if (const auto* beat = std::get_if<ipc::Heartbeat>(&message)) return lost_lines_(pid_, beat->log_lines_lost);
    if (const auto* read = std::get_if<ipc::ServerFileRead>(&message))
        return take_servers(*read, std::move(received->descriptor));
    const auto* observations = std::get_if<ipc::Observations>(&message);
    if (observations == nullptr) return;
    ipc::Observations wanted;  // without objects that only an earlier plan watched
    for (const auto& one : observations->list) {
        const std::pair key{one.kind, one.name};
        if (!followed_.contains(key)) continue;
        seen_.insert_or_assign(key, one.value);
        wanted.list.push_back(one);
    }
    if (!wanted.list.empty()) deliver_(wanted);
}

// The servers are not looked at here: the lvs role reads them.
void HostWatch::take_servers(const ipc::ServerFileRead& read, UniqueFd servers) {
    if (read.problem.size() > kServersProblemBytesMax) return kill_offender("sent too long a text");
    if (read.problem.empty())
        if (const auto size = ipc::sealed_size(servers.get(), ipc::kServerListBytesMax); !size)
            return kill_offender("sent servers that cannot be read: " + size.error().text());
    const auto found = server_files_.find(read.source);
    if (found == server_files_.end()) return;  // of an earlier plan
    found->second = ServerFile{read, std::move(servers)};
    undelivered_.insert(read.source);
    deliver_servers();
}

void HostWatch::kill_offender(const std::string& offence) {
    log_.error("the watcher process({}) {}: killing it (offence {})", pid_, offence, ++offences_);
    next_pause_ = std::min(next_pause_ * 2, kWatcherPauseMax);
    control_.reset();
    if (pid_ != 0) ::kill(pid_, SIGKILL);
}

bool HostWatch::ended(const kernel::Ended& process) {
    if (pid_ == 0 || process.pid != pid_) return false;
    pid_ = 0;
    control_.reset();
    const bool anew = std::exchange(anew_, false);
    if (!wanted_ || stopped_) return true;
    if (anew) {
        start();
        return true;
    }
    log_.error("the watcher of files, processes and links ended ({} {}): what it saw last counts until the next one",
               process.signalled ? "signal" : "exit status", process.status);
    start_later();
    return true;
}

void HostWatch::look() {
    if (pid_ == 0 || stopped_ || ++missed_ != kMissedBeatsMax + 1) return;
    log_.error("the watcher of files, processes and links has sent no heartbeat for {} s: killing it", kMissedBeatsMax);
    ::kill(pid_, SIGKILL);
}

void HostWatch::stop() {
    stopped_ = true;
    pause_.cancel();
    room_.cancel();
    control_.reset();
    if (pid_ != 0) ::kill(pid_, SIGKILL);  // it has no state that would need an orderly end
}

// What the supervisor runs besides the roles: startup_script and shutdown_script, the notify FIFOs, and the watcher.

namespace {

constexpr std::uint64_t kStartupRequest = 1, kShutdownRequest = 2;

std::string watcher_name(const std::string& supervisor) {
    return supervisor == "keepalived" ? supervisor : supervisor.substr(0, 9) + "-track";
}

}  // namespace

void Daemon::set_up_host() {
    kernel::adopt_orphans();  // what scripts leave behind is seen as theirs (`mainstayctl doctor`), and reaped
    fifos_ = std::make_unique<NotifyFifos>(state_.loop, log_);
    const auto startup = [this](bool again) {
        auto greeting = state_.startup_for(Kind::Supervisor, again);
        greeting.log_ident =
            options_.identity.log_ident(Kind::Vrrp) + state_.paths.suffix;  // keepalived: the VRRP process watches
        greeting.log_level = state_.log_levels.of(LogModule::Track);
        greeting.user = state_.account_of(kWatcherAccount);
        greeting.process_name = watcher_name(options_.identity.process_name(Kind::Supervisor));
        return greeting;
    };
    const auto start = [this](int control) {
        return kernel::spawn_role({program_path(state_.executable, kWatcherProgram),
                                   state_.command_line(watcher_name(options_.identity.process_name(Kind::Supervisor))),
                                   {{control, ipc::inherited::kControl}},
                                   state_.network_namespace.get(),
                                   watcher_limits()});
    };
    const auto deliver = [this](const ipc::Observations& observations) {
        for (const auto& child : children_.all())
            if (child->alive() && child->ready && traits_of(child->kind).hears_observations)
                child->send(observations, -1, log_);
    };
    const auto deliver_servers = [this](const ipc::ServerFileRead& read, int servers) {
        auto& lvs = children_.of(Kind::Lvs);
        if (!lvs.alive()) return true;  // the next process is given all
        if ((!lvs.ready && lvs.awaited.commits == 0) || !lvs.has_room()) return false;
        lvs.send(read, servers, log_);
        return true;
    };
    watch_ = std::make_unique<HostWatch>(
        state_.loop, log_, start, startup, deliver, deliver_servers, [this] { children_.commit_waiting(); },
        [this](int pid, int signal) { signal_handed_on("watcher", pid, signal); },
        [this](int pid, std::uint64_t lines) { state_.log_losses.heard("watcher", pid, lines, kernel::wall_now()); });
}

// What the watcher knows, for a role that has just started, or before a Commit.
void Daemon::send_observations(Child& child) {
    for (const auto& seen : watch_->seen()) child.send(seen, -1, log_);
    if (traits_of(child.kind).checks_servers) watch_->deliver_all_servers();
}

void Daemon::load_discovery() {
    if (const auto loaded = discovery_.load(state_.paths.state_directory); !loaded)
        log_.warning("the real servers that were known before are lost: {}", loaded.error().text());
}

// Before its first configuration.
void Daemon::send_discovery(Child& child) {
    if (traits_of(child.kind).checks_servers && discovery_.memory() >= 0)
        child.send(ipc::DiscoveryMemory{}, discovery_.memory(), log_);
}

void Daemon::keep_discovery(Child& child, UniqueFd sealed) {
    if (const auto kept = discovery_.keep(std::move(sealed)); !kept)
        children_.kill_offender(child, "sent known servers that cannot be read: " + kept.error().text());
}

// `before`: the plan that stays in force if the new one cannot be read.
void Daemon::follow_host_plan(UniqueFd before) {
    const auto bytes = ipc::read_memfd(state_.current.host.get());
    auto plan = bytes ? decode<ipc::HostPlan>(*bytes) : error_of(bytes);
    if (!plan) {
        state_.current.host = std::move(before);
        return log_.error("FIFOs and trackers are unchanged: {}", plan.error().text());
    }
    fifos_->follow(*plan, state_.current.table);
    watch_->follow(UniqueFd{::fcntl(state_.current.host.get(), F_DUPFD_CLOEXEC, 3)}, plan->watch);
}

bool Daemon::run_own_script(const char* key) {
    if (!scripts_->has(key)) return false;
    log_.info("Running {}", key);
    own_script_ = state_.is_stopping() ? kShutdownRequest : kStartupRequest;
    scripts_->run(Kind::Supervisor, {own_script_, key, {}, {}});
    return true;
}

void Daemon::own_script_ended(const ipc::ScriptResults& results) {
    using How = ipc::ScriptResult::How;
    for (const auto& result : results.results) {
        if (result.request != own_script_) continue;
        own_script_ = 0;
        const char* name = result.request == kStartupRequest ? alert::kStartupScript : alert::kShutdownScript;
        if (result.how == How::TimedOut)
            log_.warning("{} timed out and was killed", name);
        else if (result.how == How::NotRun)
            log_.warning("{} was not run", name);
        else if (result.how != How::Exited || result.status != 0)
            log_.warning("{} ended with {} {}", name, result.how == How::Exited ? "status" : "signal", result.status);
        if (state_.phase == Phase::Starting)
            begin_running();
        else if (state_.is_stopping())
            stop_step();
    }
}

}  // namespace mainstay::role
