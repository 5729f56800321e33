// Reads a configuration and brings it to all roles, or to none.
//
//   SIGHUP -> a reader process reads and checks -> one sealed snapshot per role -> Prepare to every running role
//          -> all answered "ready" -> Commit to all;  one refused, died or was late -> Abort to all.
// SIGHUPs that arrive meanwhile are combined into one further reload.
#include "reload.hpp"

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <functional>

#include "impl.hpp"
#include "mainstay/config/members.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/service_manager.hpp"
#include "mainstay/kernel/spawn.hpp"

namespace mainstay::role {

void Supervisor::request_reload() {
    if (phase_ == Phase::Stopping) return;
    if (reloading_ || phase_ == Phase::Starting || replacement_) {
        log_.info("Reload already in progress, request queued");
        return requests_.postpone();
    }
    log_.info("Reloading ...");
    requests_.begin();
    kernel::notify_service_manager("RELOADING=1");
    begin_reading();
}

// mainstayctl reload: the client is answered at the end of the reload.
void Supervisor::request_reload(const ipc::Reload& wanted, UniqueFd client) {
    requests_.add(wanted, std::move(client));
    request_reload();
}

void Supervisor::make_reload_parts() {
    const auto start = [this](int control) { return start_reader({{control, ipc::inherited::kControl}}); };
    reader_ = std::make_unique<ReaderProcess>(
        loop_, log_, start, [this](ReaderProcess::Reading reading) { reading_over(std::move(reading)); });
    reload_ = std::make_unique<ReloadTransaction>(
        loop_, log_, children_,
        ReloadTransaction::Outcome{.committed = [this] { commit_all(); },
                                   .aborted = [this](const std::string& why) { reload_aborted(why); }});
}

// The running snapshots, with which the reader compares the new configuration.
std::vector<ReaderProcess::Running> Supervisor::running_parts() const {
    using For = ipc::Snapshot::For;
    std::vector<ReaderProcess::Running> running;
    for (const auto& [audience, kind] :
         {std::pair{For::Vrrp, Kind::Vrrp}, {For::Lvs, Kind::Lvs}, {For::Observer, Kind::Observer}})
        running.push_back({{audience, current_.part(kind).needed}, current_.part(kind).snapshot.get()});
    return running;
}

// An exception (a lack of memory) on the way from a file to the roles refuses that configuration.
void Supervisor::or_refuse_configuration(const std::function<void()>& step) {
    try {
        step();
    } catch (const std::exception& thrown) {
        const std::string why = std::string{"reading the configuration caused an error: "} + thrown.what();
        reader_->give_up();
        prepare_wait_.cancel();
        if (reload_->is_under_way()) return reload_->abort(why);
        reading_failed(kExitFatal, why);
    }
}

void Supervisor::begin_reading() {
    or_refuse_configuration([this] { start_reading(); });
}

void Supervisor::start_reading() {
    reloading_ = true;
    mark_reading(true);
    next_ = Generation{};
    next_.number = current_.number + 1;
    const bool running = phase_ == Phase::Running;
    auto orders = orders_for_reader();
    orders.check_first = running && current_.settings.daemon.reload_check;
    orders.check_log = current_.settings.daemon.reload_check_log;
    orders.force = requests_.force();
    orders.report = requests_.report();
    const auto began = reader_->read(orders, open_check_log(orders),
                                     running ? running_parts() : std::vector<ReaderProcess::Running>{});
    if (!began) reading_failed(kExitFatal, "the reader cannot be started: " + began.error().text());
}

// A dry run of a reload: a separate reader compares the file on disk with the running configuration.
Result<int> Supervisor::start_dry_run(const ipc::DryRun& question, int control, int control_of_child) {
    if (phase_ != Phase::Running) return fail(Errc::Unsupported, "the daemon is starting or stopping");
    const auto running = [this](Kind kind) { return current_.part(kind).snapshot.get(); };
    auto orders = orders_for_reader();
    orders.dry_run = question.as_json ? ipc::RoleStartup::DryRunAs::Json : ipc::RoleStartup::DryRunAs::Text;
    auto pid = start_reader({{control_of_child, ipc::inherited::kControl},
                             {running(Kind::Vrrp), ipc::inherited::kRunningVrrp},
                             {running(Kind::Lvs), ipc::inherited::kRunningLvs},
                             {running(Kind::Observer), ipc::inherited::kRunningObserver}});
    if (!pid) return pid;
    // Without the RoleStartup the reader exits by itself, and its exit ends the request.
    if (const auto sent = ipc::send_message(control, orders); !sent) log_.error("reader: {}", sent.error().text());
    return pid;
}

void Supervisor::take_snapshot(const ipc::Snapshot& snapshot, UniqueFd sealed) {
    using For = ipc::Snapshot::For;
    static constexpr struct {
        For audience;
        Kind kind;
        bool SupervisorOptions::* runs;  // null: no command-line option disables it
    } kAudiences[] = {{For::Vrrp, Kind::Vrrp, &SupervisorOptions::run_vrrp},
                      {For::Lvs, Kind::Lvs, &SupervisorOptions::run_lvs},
                      {For::Bfd, Kind::Bfd, &SupervisorOptions::run_bfd},
                      {For::Observer, Kind::Observer, nullptr},
                      {For::Snmp, Kind::Snmp, nullptr}};
    if (snapshot.audience == For::Scripts) {
        next_.scripts = std::move(sealed);
        return;
    }
    if (snapshot.audience == For::Host) {
        next_.host = std::move(sealed);
        return;
    }
    if (snapshot.audience == For::Copy) {
        next_.text = std::move(sealed);
        return;
    }
    for (const auto& row : kAudiences) {
        if (row.audience != snapshot.audience) continue;
        const bool needed = snapshot.needed || traits_of(row.kind).always_runs;
        next_.part(row.kind) = {std::move(sealed), needed && (row.runs == nullptr || options_.*row.runs)};
        return;
    }
}

void Supervisor::reading_over(ReaderProcess::Reading reading) {
    or_refuse_configuration([&] { take_reading(std::move(reading)); });
}

void Supervisor::take_reading(ReaderProcess::Reading reading) {
    if (reading.done && reading.pid != 0)
        log_losses_.heard("reader", reading.pid, reading.done->log_lines_lost, kernel::wall_now());
    mark_reading(false);
    close_check_log();
    requests_.set_report(std::move(reading.report));
    if (phase_ == Phase::Stopping) return;
    if (!reading.done) return reading_failed(kExitFatal, reading.died);
    if (!reading.done->wants_namespace.empty()) return read_again_in(reading.done->wants_namespace);
    if (!reading.done->can_run)
        return reading_failed(reading.done->exit_code, reading.done->summary, reading.done->reason);
    for (auto& part : reading.parts) take_snapshot(part.snapshot, std::move(part.sealed));
    next_.settings = std::move(*reading.done);
    next_.changes = std::move(reading.changes);
    keep_configuration();
    begin_preparing();
}

void Supervisor::reading_failed(int exit_code, const std::string& why, const std::string& reason) {
    if (phase_ == Phase::Starting) {
        log_.error("{}: not started", why);
        const bool by_file = exit_code == kExitConfig || exit_code == kExitNoConfig;
        exit_code = exit_code == 0 ? kExitFatal : exit_code;
        report_start(exit_code, fmt::format("{}: not started; the log says why{}", why,
                                            by_file ? ", and so does the option -t" : ""));
        return stop(exit_code);
    }
    log_.error("{}: the running configuration stays in use", why);
    requests_.refuse(why);
    count_reload(reason.empty() ? why : reason);
    reload_over();
}

void Supervisor::begin_preparing() {
    // Scripts are looked up by key: the old table stays in use until the new configuration is committed.
    const auto bytes = ipc::read_memfd(next_.scripts.get());
    auto table = bytes ? decode<alert::ScriptTable>(*bytes) : error_of(bytes);
    if (!table) return reading_failed(kExitFatal, "the script table cannot be read: " + table.error().text());
    next_.table = std::move(*table);
    const auto& settings = next_.settings.daemon;
    if (phase_ == Phase::Starting && !dry_runs_) {
        const auto ready = make_place(settings);
        if (!ready) {
            log_.error("{}", ready.error().text());
            const int exit_code =
                ready.error().code() == Errc::Exists ? exit_code_of(ready.error(), options_.identity) : kExitFatal;
            report_start(exit_code, ready.error().text());
            return stop(exit_code);
        }
        if (!*ready) return prepare_later();
    } else if (const auto changed = changed_at_reload(current_.settings.daemon, settings)) {
        log_.error("Cannot change {} at a reload - please restart {}", *changed, options_.identity.program());
        return reading_failed(kExitConfig, "the new configuration is refused: a reload cannot change the " + *changed);
    }
    if (is_any_starting()) return prepare_later();
    for (const auto& child : children_) raise_limits(*child);
    reload_->begin(next_);
}

// A role that is starting gets the running configuration before a new one.
bool Supervisor::is_any_starting() const {
    return std::ranges::any_of(
        children_, [](const auto& child) { return child->serves() && (!child->ready || child->awaits_look); });
}

void Supervisor::prepare_later() {
    prepare_wait_.expires_after(std::chrono::milliseconds{50});
    prepare_wait_.async_wait([this](const boost::system::error_code& error) {
        if (!error && phase_ != Phase::Stopping) or_refuse_configuration([this] { begin_preparing(); });
    });
}

void Supervisor::child_prepared(Child& child, const ipc::Prepared& answer) {
    // The first configuration of a restarted process is committed to it alone.
    if (!child.ready && answer.generation == current_.number) {
        // It was asked once; a second answer is ignored.
        if (child.awaited.commits > 0 || child.awaits_look) return;
        if (answer.refused.empty()) return commit(child);
        log_.error("{}: the configuration is refused: {}", options_.identity.process_name(child.kind), answer.refused);
        // An earlier incarnation ran this configuration: restart this process instead of stopping the daemon.
        if (child.ever_ready) return kill_offender(child, "refused the configuration that ran before");
        return stop(kExitConfig);
    }
    reload_->answered(child, answer, options_.identity.process_name(child.kind));
}

// The lvs role must know the tracked files before its Commit, or a server whose file says "down" would be added to the
// table for a moment. The wait is bounded, because a file system may hang.
void Supervisor::commit(Child& child) {
    if (!traits_of(child.kind).waits_for_files || watch_->has_looked()) return commit_now(child);
    child.awaits_look = true;
    first_look_.expires_after(kFirstLook);
    first_look_.async_wait([this](const boost::system::error_code& error) {
        if (!error) commit_waiting();
    });
}

void Supervisor::commit_waiting() {
    for (auto& child : children_)
        if (std::exchange(child->awaits_look, false)) commit_now(*child);
}

void Supervisor::commit_now(Child& child) {
    ++child.awaited
          .commits;  // before: servers are delivered to a process that has, or is about to get, a configuration
    if (traits_of(child.kind).waits_for_files) send_observations(child);
    child.send(ipc::Commit{current_.number}, -1, log_);
}

void Supervisor::commit_all() {
    UniqueFd host_before = std::move(current_.host);
    current_ = std::exchange(next_, {});
    ever_ran_ = true;
    report_start(0, {});
    apply_settings(current_.settings.daemon);
    scripts_->set_notify_wait(std::chrono::seconds{current_.settings.notify_wait_seconds});
    scripts_->set_pass_environment(current_.settings.pass_environment);
    fifos_->set_pass_environment(current_.settings.pass_environment);
    follow_host_plan(std::move(host_before));
    scripts_->set_table(std::exchange(current_.table, {}));
    for (auto& child : children_)
        if (child->alive() && child->prepared) commit(*child);
    if (phase_ == Phase::Starting && run_own_script(alert::kStartupScript)) return;  // begin_running() follows its end
    begin_running();
}

void Supervisor::begin_running() {
    const bool first = phase_ == Phase::Starting;
    phase_ = Phase::Running;
    if (!keeps_spare(Kind::Vrrp)) spares_->drop(Kind::Vrrp);
    spares_->for_each([this](const Child& spare) { raise_limits(spare); });
    spares_->prepare(current_);
    start_needed_roles();
    if (first) {
        start_watchers_later();
    } else {
        start_watchers();
        log_.info("Reload complete");
        log_changes(std::exchange(current_.changes, {}));
        count_reload({});
    }
    reload_over();
    check_startup_complete();
}

void Supervisor::start_needed(Kind kind) {
    auto& child = child_of(kind);
    if (!current_.part(kind).needed || child.alive() || phase_ == Phase::Stopping) return;
    const KindTraits& traits = traits_of(kind);
    if (traits.is_optional && ::access(program_path(executable_, traits.program).c_str(), X_OK) != 0)
        return log_.warning(
            "SNMP has no effect: mainstayd-snmp is not installed; install the package mainstay-snmp (a build: "
            "-Dsnmp=enabled)");
    start_child(child);
}

void Supervisor::start_needed_roles() {
    if (current_.part(Kind::Lvs).needed && !child_of(Kind::Lvs).alive()) load_kernel_modules();
    bool any = false;
    for (const Kind kind : {Kind::Bfd, Kind::Vrrp, Kind::Lvs}) {
        any = any || current_.part(kind).needed;
        start_needed(kind);
    }
    if (!any) log_.warning("Warning - {} has no configuration to run", options_.identity.program());
}

// At the start the observer and SNMP are started after vrrp and lvs have their configuration: they would take processor
// time from the VIPs and services, and events wait in the rings meanwhile. The delay is bounded, so that a role that
// fails to start can still be observed.
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

// The lvs role has no right to load kernel modules, so the supervisor loads them before it starts the role.
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
    if (!child.ready) reload_->joined(child, next_);
    child.ready = child.ever_ready = true;
    const KindTraits& traits = traits_of(child.kind);
    if (traits.holds_addresses) vrrp_silent_since_.reset();
    if (phase_ == Phase::Stopping && !traits.only_watches) return child.send(ipc::Stop{}, -1, log_);
    send_observations(child);
    dumps_->ready(child.kind);
    report_supervision();
    if (traits.serves_clients) {
        for (const auto& other : children_) send_record(*other);
        send_api();  // last: with it the clients that wait are served
    }
    if (phase_ == Phase::Stopping && stop_stage_ > StopStage::NotifyScripts) return child.send(ipc::Stop{}, -1, log_);
    spares_->fill_soon();
    if (replacement_) replacement_->committed(child.kind);
    check_startup_complete();
}

void Supervisor::check_startup_complete() {
    if (startup_reported_ || phase_ != Phase::Running) return;
    for (const auto& child : children_)
        if (!traits_of(child->kind).only_watches && current_.part(child->kind).needed && !child->ready) return;
    startup_reported_ = true;
    start_waiting_watchers();
    log_.info("Startup complete");
    kernel::notify_service_manager("READY=1\nSTATUS=running");
}

void Supervisor::reload_aborted(const std::string& why) {
    log_.error("reload refused ({}): the running configuration stays in use", why);
    requests_.refuse(why);
    count_reload(why);
    reload_over();
}

void Supervisor::reload_over() {
    reloading_ = false;
    requests_.answer();
    report_supervision();
    if (startup_reported_) kernel::notify_service_manager("READY=1");
    if (requests_.take_postponed()) request_reload();
}

void ReloadRequests::add(const ipc::Reload& wanted, UniqueFd client) {
    next_.lines.push_back(std::move(client));
    next_.force = next_.force || wanted.force;
    next_.as_json = next_.as_json || wanted.as_json;
}

void ReloadRequests::begin() {
    now_ = std::exchange(next_, {});
    problem_.clear();
    report_.reset();
}

ipc::RoleStartup::DryRunAs ReloadRequests::report() const {
    using As = ipc::RoleStartup::DryRunAs;
    if (now_.lines.empty()) return As::No;
    return now_.as_json ? As::Json : As::Text;
}

void ReloadRequests::answer() {
    const Clients waiting = std::exchange(now_, {});
    for (const UniqueFd& client : waiting.lines)  // a client that closed its connection needs no answer
        static_cast<void>(ipc::send_message(client.get(), ipc::ReloadDone{problem_}, report_.get()));
}

void ReloadTransaction::begin(const Generation& next) {
    number_ = next.number;
    under_way_ = true;
    bool waiting = false;
    for (const auto& child : children_) {
        child->prepared = false;
        if (!child->serves()) continue;
        child->send(ipc::Prepare{number_}, next.part(child->kind).snapshot.get(), log_);
        waiting = true;
    }
    if (!waiting) return commit();
    limit_.expires_after(kPrepareLimit);
    limit_.async_wait([this](const boost::system::error_code& error) {
        if (!error && under_way_) abort("a role was not ready within " + std::to_string(kPrepareLimit.count()) + " s");
    });
}

void ReloadTransaction::joined(Child& child, const Generation& next) {
    if (under_way_) child.send(ipc::Prepare{number_}, next.part(child.kind).snapshot.get(), log_);
}

void ReloadTransaction::answered(Child& child, const ipc::Prepared& answer, const std::string& name) {
    if (!under_way_ || answer.generation != number_) return;
    if (!answer.refused.empty()) return abort(name + " refused it: " + answer.refused);
    child.prepared = true;
    commit_if_prepared();
}

void ReloadTransaction::commit_if_prepared() {
    const auto waits = [](const auto& child) { return child->serves() && !child->prepared; };
    if (under_way_ && std::ranges::none_of(children_, waits)) commit();
}

void ReloadTransaction::commit() {
    limit_.cancel();
    under_way_ = false;
    outcome_.committed();
}

void ReloadTransaction::abort(const std::string& why) {
    limit_.cancel();
    under_way_ = false;
    for (const auto& child : children_)
        if (child->alive()) child->send(ipc::Abort{number_}, -1, log_);
    outcome_.aborted(why);
}

void ReloadTransaction::cancel() {
    limit_.cancel();
    under_way_ = false;
}

}  // namespace mainstay::role
