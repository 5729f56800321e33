// Reading a configuration and bringing it to all roles, or to none.
//
//   SIGHUP -> a reader process reads and checks -> one sealed snapshot per role -> Prepare to every running role
//          -> all answered "ready" -> Commit to all;  one refused, died or was late -> Abort to all.
// SIGHUPs that come meanwhile become one more reload afterwards.
#include <signal.h>
#include <unistd.h>

#include <exception>

#include "impl.hpp"
#include "mainstay/ipc/config_codec.hpp"
#include "mainstay/kernel/service_manager.hpp"
#include "mainstay/kernel/spawn.hpp"

namespace mainstay::role {

void Supervisor::request_reload() {
    if (phase_ == Phase::Stopping) return;
    if (reload_ != Reload::None || phase_ == Phase::Starting || replacement_) {
        log_.info("Reload already in progress, request queued");
        reload_again_ = true;
        return;
    }
    log_.info("Reloading ...");
    reload_clients_ = std::exchange(next_clients_, {});
    reload_problem_.clear();
    reload_report_.reset();
    kernel::tell_service_manager("RELOADING=1");
    begin_reading();
}

// mainstayctl reload: answered when all is over.
void Supervisor::request_reload(const ipc::Reload& wanted, UniqueFd client) {
    next_clients_.clients.push_back(std::move(client));
    next_clients_.force = next_clients_.force || wanted.force;
    next_clients_.as_json = next_clients_.as_json || wanted.as_json;
    request_reload();
}

void Supervisor::answer_reload_clients() {
    const ReloadClients waiting = std::exchange(reload_clients_, {});
    for (const UniqueFd& client : waiting.clients)  // who is gone does not want to know
        static_cast<void>(ipc::send_message(client.get(), ipc::ReloadDone{reload_problem_}, reload_report_.get()));
}

// For the reader to compare with.
void Supervisor::send_running_parts() {
    using For = ipc::Snapshot::For;
    for (const auto& [audience, kind] :
         {std::pair{For::Vrrp, Kind::Vrrp}, {For::Lvs, Kind::Lvs}, {For::Observer, Kind::Observer}}) {
        const auto& part = current_.parts[slot(kind)];
        const auto sent =
            ipc::send_message(reader_line_->native_handle(), ipc::Snapshot{audience, part.needed}, part.snapshot.get());
        if (!sent) log_.error("reader: {}", sent.error().text());
    }
}

void Supervisor::begin_reading() {
    reload_ = Reload::Reading;
    mark_reading(true);
    reading_done_.reset();
    reader_offended_ = false;
    reader_messages_ = 0;
    next_ = Generation{};
    next_.number = current_.number + 1;
    reader_leaves_.cancel();
    if (!waiting_reader_.line) {
        if (const auto started = start_reader(); !started)
            return reading_failed(kExitFatal, "the reader cannot be started: " + started.error().text());
    }
    reader_pid_ = std::exchange(waiting_reader_.pid, 0);
    reader_line_ = std::make_unique<boost::asio::posix::stream_descriptor>(loop_, waiting_reader_.line.release());
    auto startup = startup_for_reader();
    startup.check_first = phase_ == Phase::Running && settings_.daemon.reload_check;
    startup.check_log = settings_.daemon.reload_check_log;
    startup.force = reload_clients_.force;
    if (!reload_clients_.clients.empty())
        startup.report = reload_clients_.as_json ? ipc::RoleStartup::DryRunAs::Json : ipc::RoleStartup::DryRunAs::Text;
    if (phase_ == Phase::Running) send_running_parts();
    const auto sent = ipc::send_message(reader_line_->native_handle(), startup, open_check_log(startup));
    if (!sent) log_.error("reader: {}", sent.error().text());

    const auto listen = [this](auto&& self) -> void {
        reader_line_->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                 [this, self](const boost::system::error_code& error) {
                                     if (error) return;
                                     for (;;) {
                                         auto got = ipc::receive_message(reader_line_->native_handle());
                                         if (!got) return on_reader_message(std::unexpected{std::move(got.error())});
                                         if (!got->has_value()) return self(self);
                                         if (std::holds_alternative<ipc::Closed>(**got)) return;
                                         on_reader_message(std::get<ipc::Received>(std::move(**got)));
                                         if (reader_offended_) return;  // its end follows
                                         if (reading_done_) return reading_over();
                                     }
                                 });
    };
    listen(listen);
    limit_.expires_after(kReadLimit);
    limit_.async_wait([this](const boost::system::error_code& error) {
        if (error || reader_pid_ == 0) return;
        log_.error("reading the configuration took longer than {} s: given up", kReadLimit.count());
        ::kill(reader_pid_, SIGKILL);
    });
}

// What would a reload do? A reader of its own compares what is on disk with what the roles run.
Result<int> Supervisor::start_dry_run(const ipc::DryRun& question, int control, int control_of_child) {
    if (phase_ != Phase::Running) return fail(Errc::Unsupported, "the daemon is just starting or stopping");
    const auto running = [this](Kind kind) { return current_.parts[slot(kind)].snapshot.get(); };
    auto startup = startup_for_reader();
    startup.dry_run = question.as_json ? ipc::RoleStartup::DryRunAs::Json : ipc::RoleStartup::DryRunAs::Text;
    auto pid = kernel::spawn_role({program_path(executable_, kReaderProgram),
                                   {options_.identity.process_name(Kind::Supervisor)},
                                   {{control_of_child, ipc::inherited::kControl},
                                    {running(Kind::Vrrp), ipc::inherited::kRunningVrrp},
                                    {running(Kind::Lvs), ipc::inherited::kRunningLvs},
                                    {running(Kind::Observer), ipc::inherited::kRunningObserver}},
                                   network_namespace_.get(),
                                   reader_limits()});
    if (!pid) return pid;
    // Without its orders it ends by itself, and that is the answer then.
    if (const auto sent = ipc::send_message(control, startup); !sent) log_.error("reader: {}", sent.error().text());
    return pid;
}

void Supervisor::kill_reader(const std::string& offence) {
    log_.error("the reader {}: killing it", offence);
    reader_offended_ = true;
    if (reader_pid_ != 0) ::kill(reader_pid_, SIGKILL);
}

void Supervisor::on_reader_message(Result<ipc::Received> got) {
    if (const auto offence = offence_of(Sender::Reader, got)) return kill_reader(*offence);
    ipc::Received& received = *got;
    if (++reader_messages_ > kReaderMessagesMax) return kill_reader("sent more messages than a configuration takes");
    if (const auto* snapshot = std::get_if<ipc::Snapshot>(&received.message)) {
        if (const auto size = ipc::sealed_size(received.descriptor.get()); !size)
            return kill_reader("sent a snapshot that cannot be read: " + size.error().text());
        switch (snapshot->audience) {
            case ipc::Snapshot::For::Vrrp:
                next_.parts[slot(Kind::Vrrp)] = {std::move(received.descriptor), snapshot->needed && options_.run_vrrp};
                break;
            case ipc::Snapshot::For::Lvs:
                next_.parts[slot(Kind::Lvs)] = {std::move(received.descriptor), snapshot->needed && options_.run_lvs};
                break;
            case ipc::Snapshot::For::Observer:
                next_.parts[slot(Kind::Observer)] = {std::move(received.descriptor), true};
                break;
            case ipc::Snapshot::For::Bfd:
                next_.parts[slot(Kind::Bfd)] = {std::move(received.descriptor), snapshot->needed && options_.run_bfd};
                break;
            case ipc::Snapshot::For::Snmp:
                next_.parts[slot(Kind::Snmp)] = {std::move(received.descriptor), snapshot->needed};
                break;
            case ipc::Snapshot::For::Scripts:
                next_scripts_ = std::move(received.descriptor);
                break;
            case ipc::Snapshot::For::Host:
                next_host_ = std::move(received.descriptor);
                break;
            case ipc::Snapshot::For::Copy:
                next_text_ = std::move(received.descriptor);
                break;
        }
    } else if (std::holds_alternative<ipc::DryRunDone>(received.message)) {
        if (received.descriptor)
            if (const auto size = ipc::sealed_size(received.descriptor.get(), ipc::kTextBytesMax); !size)
                return kill_reader("sent a report that cannot be read: " + size.error().text());
        reload_report_ = std::move(received.descriptor);
    } else if (auto* done = std::get_if<ipc::ReadingDone>(&received.message)) {
        reading_done_ = std::move(*done);
    }
}

// It has told what it had to tell before it had.
void Supervisor::reader_ended(const kernel::Ended& how) {
    reader_pid_ = 0;
    // Its last messages may still be in the queue.
    while (reader_line_ && !reading_done_ && !reader_offended_) {
        auto got = ipc::receive_message(reader_line_->native_handle());
        if (!got || !got->has_value() || std::holds_alternative<ipc::Closed>(**got)) break;
        on_reader_message(std::get<ipc::Received>(std::move(**got)));
    }
    if (reading_done_ && !reader_offended_) return reading_over();
    mark_reading(false);
    close_check_log();
    limit_.cancel();
    reader_line_.reset();
    if (phase_ == Phase::Stopping) return;
    reading_failed(kExitFatal, "the reader died (" + std::string{how.signalled ? "signal " : "exit status "} +
                                   std::to_string(how.status) + ")");
}

// One that has just read a configuration reads the next one twice as fast: it stays for a while.
void Supervisor::reading_over() {
    mark_reading(false);
    close_check_log();
    limit_.cancel();
    if (const int pid = std::exchange(reader_pid_, 0); pid != 0 && reading_done_->stays) {
        waiting_reader_ = {pid, UniqueFd{reader_line_->release()}};
        reader_leaves_.expires_after(kReaderStays);
        reader_leaves_.async_wait([this](const boost::system::error_code& error) {
            if (!error) waiting_reader_.line.reset();
        });
    }
    reader_line_.reset();
    if (phase_ == Phase::Stopping) return;
    if (!reading_done_->wants_namespace.empty()) return read_again_in(reading_done_->wants_namespace);
    if (!reading_done_->can_run) return reading_failed(reading_done_->exit_code, reading_done_->summary);
    keep_configuration();
    try {
        begin_preparing();
    } catch (const std::exception& thrown) {
        reading_failed(kExitFatal, std::string{"what the reader sent caused an error: "} + thrown.what());
    }
}

void Supervisor::reading_failed(int exit_code, const std::string& why) {
    if (phase_ == Phase::Starting) {
        log_.error("{}: not started", why);
        return stop(exit_code == 0 ? kExitFatal : exit_code);
    }
    log_.error("{}: the running configuration goes on unchanged", why);
    reload_problem_ = why;
    reload_over();
}

void Supervisor::begin_preparing() {
    // Scripts are looked up by key: those of the old configuration stay until the new one is committed.
    const auto bytes = ipc::read_memfd(next_scripts_.get());
    auto table = bytes ? ipc::decode<alert::ScriptTable>(*bytes) : std::unexpected{bytes.error()};
    if (!table) return reading_failed(kExitFatal, "the script table cannot be read: " + table.error().text());
    next_table_ = std::move(*table);
    const auto& settings = reading_done_->daemon;
    if (phase_ == Phase::Starting && !dry_runs_) {
        if (const auto settled = settle(settings); !settled) {
            log_.error("{}", settled.error().text());
            // keepalived: a second daemon is not an error of the one who starts it.
            return stop(settled.error().code() == Errc::Exists ? 0 : kExitFatal);
        }
    } else if (const auto changed = changed_at_reload(settings_.daemon, settings)) {
        log_.error("Cannot change {} at a reload - please restart {}", *changed, options_.identity.program());
        return reading_failed(kExitConfig,
                              "the new configuration is refused, since " + *changed + " cannot change at a reload");
    }
    // A role that is just starting gets its first configuration before anything new.
    for (const auto& child : children_)
        if (child->alive() && (!child->ready || child->awaits_look)) {
            limit_.expires_after(std::chrono::milliseconds{50});
            limit_.async_wait([this](const boost::system::error_code& error) {
                if (!error && phase_ != Phase::Stopping) begin_preparing();
            });
            return;
        }
    reload_ = Reload::Preparing;
    bool waiting = false;
    for (auto& child : children_) {
        child->prepared = false;
        if (!child->alive()) continue;
        raise_limits(*child);
        child->send(ipc::Prepare{next_.number}, next_.parts[slot(child->kind)].snapshot.get(), log_);
        waiting = true;
    }
    if (!waiting) return commit_all();
    limit_.expires_after(kPrepareLimit);
    limit_.async_wait([this](const boost::system::error_code& error) {
        if (!error && reload_ == Reload::Preparing)
            abort_all("a role was not ready within " + std::to_string(kPrepareLimit.count()) + " s");
    });
}

void Supervisor::child_prepared(Child& child, const ipc::Prepared& answer) {
    // The first configuration of a new process is its own affair: nobody else waits for it.
    if (!child.ready && answer.generation == current_.number) {
        // It is asked once; a second answer is none.
        if (child.awaited.commits > 0 || child.awaits_look) return;
        if (answer.refused.empty()) return commit(child);
        log_.error("{}: the configuration is refused: {}", options_.identity.process_name(child.kind), answer.refused);
        // Another incarnation ran it: one process does not end all others.
        if (child.ever_ready) return kill_offender(child, "refused the configuration that ran before");
        return stop(kExitConfig);
    }
    if (reload_ != Reload::Preparing || answer.generation != next_.number) return;
    if (!answer.refused.empty())
        return abort_all(options_.identity.process_name(child.kind) + " refused it: " + answer.refused);
    child.prepared = true;
    commit_if_prepared();
}

void Supervisor::commit_if_prepared() {
    for (const auto& child : children_)
        if (child->alive() && !child->prepared) return;
    commit_all();
}

// A server whose file says "down" must not be in the table until somebody has looked at the file; but nothing waits
// for ever for a file that hangs.
void Supervisor::commit(Child& child) {
    if (child.kind != Kind::Lvs || watch_->has_looked()) return commit_now(child);
    child.awaits_look = true;
    first_look_.expires_after(kFirstLook);
    first_look_.async_wait([this](const boost::system::error_code& error) {
        if (!error) commit_who_waits();
    });
}

void Supervisor::commit_who_waits() {
    for (auto& child : children_)
        if (std::exchange(child->awaits_look, false)) commit_now(*child);
}

void Supervisor::commit_now(Child& child) {
    if (child.kind == Kind::Lvs)
        if (const auto seen = watch_->seen(); !seen.list.empty()) child.send(seen, -1, log_);
    ++child.awaited.commits;
    child.send(ipc::Commit{current_.number}, -1, log_);
}

void Supervisor::commit_all() {
    limit_.cancel();
    current_ = std::move(next_);
    ever_ran_ = true;
    settings_ = *reading_done_;
    apply_settings(settings_.daemon);
    scripts_->set_notify_wait(std::chrono::seconds{settings_.notify_wait_seconds});
    follow_host_plan();
    scripts_->set_table(std::exchange(next_table_, {}));
    current_scripts_ = std::move(next_scripts_);
    for (auto& child : children_)
        if (child->alive() && child->prepared) commit(*child);
    if (phase_ == Phase::Starting && run_own_script(alert::kStartupScript)) return;  // begin_running() follows its end
    begin_running();
}

void Supervisor::begin_running() {
    const bool first = phase_ == Phase::Starting;
    phase_ = Phase::Running;
    prepare_spares();
    start_needed_roles();
    if (first) {
        start_watchers_later();
    } else {
        start_watchers();
        log_.info("Reload complete");
    }
    reload_over();
    check_startup_complete();
}

void Supervisor::start_needed(Kind kind) {
    auto& child = child_of(kind);
    if (!current_.parts[slot(kind)].needed || child.alive() || phase_ == Phase::Stopping) return;
    if (kind == Kind::Snmp && ::access(program_path(executable_, program_name(kind)).c_str(), X_OK) != 0)
        return log_.warning("SNMP has no effect: mainstayd-snmp is not there (built without net-snmp, -Dsnmp=enabled)");
    start_child(child);
}

void Supervisor::start_needed_roles() {
    if (current_.parts[slot(Kind::Lvs)].needed && !child_of(Kind::Lvs).alive()) load_kernel_modules();
    bool any = false;
    for (const Kind kind : {Kind::Bfd, Kind::Vrrp, Kind::Lvs}) {
        any = any || current_.parts[slot(kind)].needed;
        start_needed(kind);
    }
    if (!any) log_.warning("Warning - {} has no configuration to run", options_.identity.program());
}

// At the start those who only watch come after those who act: until then there is little to see, what happens waits in
// the rings, and a new observer would take the processor from the VIPs and services. A role that does not get there
// keeps nobody from looking at it.
void Supervisor::start_watchers_later() {
    watchers_wait_.expires_after(kWatchersWait);
    watchers_wait_.async_wait([this](const boost::system::error_code& error) {
        if (!error && phase_ == Phase::Running) start_watchers();
    });
}

void Supervisor::start_waiting_watchers() {
    if (watchers_wait_.cancel() != 0) start_watchers();
}

void Supervisor::start_watchers() {
    watchers_wait_.cancel();
    for (const Kind kind : {Kind::Observer, Kind::Snmp}) start_needed(kind);
}

// The lvs role has no right to load modules; here is the last place that has.
void Supervisor::load_kernel_modules() {
    if (::access("/proc/net/ip_vs", F_OK) == 0) return;
    for (const char* program : {"/usr/sbin/modprobe", "/sbin/modprobe"}) {
        if (::access(program, X_OK) != 0) continue;
        if (const auto pid = kernel::spawn_script({program, {"modprobe", "-q", "ip_vs"}, {}}); !pid)
            log_.warning("{}", pid.error().text());
        return;
    }
}

void Supervisor::child_committed(Child& child) {
    if (child.awaited.commits > 0) --child.awaited.commits;
    child.ready = child.ever_ready = true;
    if (const auto seen = watch_->seen(); !seen.list.empty()) child.send(seen, -1, log_);
    if (child.kind == Kind::Observer && dump_waits_) ask_for_dump_of(child, *std::exchange(dump_waits_, std::nullopt));
    keep_spare_soon();
    if (replacement_ && replacement_->now == child.kind) {
        ++replacement_->done;
        replace_next();
    }
    check_startup_complete();
}

void Supervisor::check_startup_complete() {
    if (startup_told_ || phase_ != Phase::Running) return;
    for (const auto& child : children_)
        if (!only_watches(child->kind) && current_.parts[slot(child->kind)].needed && !child->ready) return;
    startup_told_ = true;
    start_waiting_watchers();
    log_.info("Startup complete");
    kernel::tell_service_manager("READY=1\nSTATUS=running");
}

void Supervisor::abort_all(const std::string& why) {
    limit_.cancel();
    for (auto& child : children_)
        if (child->alive()) child->send(ipc::Abort{next_.number}, -1, log_);
    log_.error("the reload is refused ({}): the running configuration goes on unchanged", why);
    reload_problem_ = why;
    reload_over();
}

void Supervisor::reload_over() {
    reload_ = Reload::None;
    answer_reload_clients();
    if (startup_told_) kernel::tell_service_manager("READY=1");
    if (std::exchange(reload_again_, false)) request_reload();
}

}  // namespace mainstay::role
