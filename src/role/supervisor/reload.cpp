#include "reload.hpp"

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <functional>

#include "mainstay/config/members.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/service_manager.hpp"
#include "mainstay/kernel/spawn.hpp"

namespace mainstay::role {
namespace {

constexpr std::size_t kProblemBytesMax = 1'000;  // of a message; the log has the whole text

}  // namespace

Reload::Reload(DaemonState& daemon, Children& children, Handlers handlers)
    : daemon_{daemon},
      options_{daemon.options},
      log_{daemon.log},
      children_{children},
      handlers_{std::move(handlers)},
      reader_{daemon.loop, log_, [this](int control) { return start_reader({{control, ipc::inherited::kControl}}); },
              [this](ReaderProcess::Reading reading) {
                  or_refuse_configuration([&] { take_reading(std::move(reading)); });
              }},
      transaction_{
          daemon.loop,
          log_,
          children.all(),
          {.committed = [this] { commit_all(); }, .aborted = [this](const std::string& why) { aborted(why); }}},
      prepare_wait_{daemon.loop} {}

void Reload::request() {
    if (daemon_.is_stopping()) return;
    if (under_way_ || daemon_.phase == Phase::Starting || children_.is_replacing()) {
        log_.info("Reload already in progress, request queued");
        return requests_.postpone();
    }
    log_.info("Reloading ...");
    requests_.begin();
    kernel::notify_service_manager("RELOADING=1");
    begin();
}

// mainstayctl reload: the client is answered at the end of the reload.
void Reload::request(const ipc::Reload& wanted, UniqueFd client) {
    requests_.add(wanted, std::move(client));
    request();
}

// The running snapshots, with which the reader compares the new configuration.
std::vector<ReaderProcess::Running> Reload::running_parts() const {
    using For = ipc::Snapshot::For;
    std::vector<ReaderProcess::Running> running;
    for (const auto& [audience, kind] :
         {std::pair{For::Vrrp, Kind::Vrrp}, {For::Lvs, Kind::Lvs}, {For::Observer, Kind::Observer}})
        running.push_back({{audience, daemon_.current.part(kind).needed}, daemon_.current.part(kind).snapshot.get()});
    return running;
}

// An exception (a lack of memory) on the way from a file to the roles refuses that configuration.
void Reload::or_refuse_configuration(const std::function<void()>& step) {
    try {
        step();
    } catch (const std::exception& thrown) {
        const std::string why = std::string{"reading the configuration caused an error: "} + thrown.what();
        reader_.give_up();
        prepare_wait_.cancel();
        if (transaction_.is_under_way()) return transaction_.abort(why);
        reading_failed(kExitFatal, why);
    }
}

void Reload::begin() {
    or_refuse_configuration([this] { start_reading(); });
}

void Reload::start_reading() {
    under_way_ = true;
    began_again_ = false;
    mark_reading(true);
    daemon_.next = Generation{};
    daemon_.next.number = daemon_.current.number + 1;
    const bool running = daemon_.is_running();
    auto orders = orders_for_reader();
    orders.check_first = running && daemon_.settings().reload_check;
    orders.check_log = daemon_.settings().reload_check_log;
    orders.force = requests_.force();
    orders.report = requests_.report();
    const auto began =
        reader_.read(orders, open_check_log(orders), running ? running_parts() : std::vector<ReaderProcess::Running>{});
    if (!began) reading_failed(kExitFatal, "the reader cannot be started: " + began.error().text());
}

// A dry run of a reload: a separate reader compares the file on disk with the running configuration.
Result<int> Reload::start_dry_run(const ipc::DryRun& question, int control, int control_of_child) {
    if (!daemon_.is_running()) return fail(Errc::Unsupported, "the daemon is starting or stopping");
    const auto running = [this](Kind kind) { return daemon_.current.part(kind).snapshot.get(); };
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

// The process waits for its RoleStartup and exits when the control socket is closed.
Result<int> Reload::start_reader(std::vector<std::pair<int, int>> descriptors) const {
    return kernel::spawn_role(
        {program_path(daemon_.executable, kReaderProgram),
         daemon_.command_line(options_.identity.process_name(Kind::Supervisor)), std::move(descriptors),
         daemon_.network_namespace ? daemon_.network_namespace.get() : reader_namespace_at_.get(), reader_limits()});
}

ipc::RoleStartup Reload::orders_for_reader() const {
    auto orders = daemon_.startup_for(Kind::Supervisor, false);
    orders.user = daemon_.account_of(kReaderAccount);
    orders.in_namespace = daemon_.network_namespace ? daemon_.settings().net_namespace : reader_namespace_;
    orders.run_vrrp = options_.run_vrrp;
    orders.run_lvs = options_.run_lvs;
    orders.notify_wait_seconds = daemon_.current.settings.notify_wait_seconds;
    orders.pass_environment = daemon_.current.settings.pass_environment;
    // The running settings, with which the reader compares: it reads their secrets itself.
    orders.api = daemon_.current.settings.api;
    orders.mail = daemon_.current.settings.mail;
    orders.webhooks = daemon_.current.settings.webhooks;
    orders.errors = daemon_.current.settings.errors;
    return orders;
}

// The first configuration may name a network namespace; then it is read again in that one. A reload cannot change it.
void Reload::read_again_in(const std::string& name) {
    if (daemon_.phase != Phase::Starting || !reader_namespace_.empty()) {
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
    begin();
}

void Reload::take_snapshot(const ipc::Snapshot& snapshot, UniqueFd sealed) {
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
        daemon_.next.scripts = std::move(sealed);
        return;
    }
    if (snapshot.audience == For::Host) {
        daemon_.next.host = std::move(sealed);
        return;
    }
    if (snapshot.audience == For::Copy) {
        daemon_.next.text = std::move(sealed);
        return;
    }
    for (const auto& row : kAudiences) {
        if (row.audience != snapshot.audience) continue;
        const bool needed = snapshot.needed || traits_of(row.kind).always_runs;
        daemon_.next.part(row.kind) = {std::move(sealed), needed && (row.runs == nullptr || options_.*row.runs)};
        return;
    }
}

void Reload::take_reading(ReaderProcess::Reading reading) {
    if (reading.done && reading.pid != 0)
        daemon_.log_losses.heard("reader", reading.pid, reading.done->log_lines_lost, kernel::wall_now());
    mark_reading(false);
    close_check_log();
    requests_.set_report(std::move(reading.report));
    if (daemon_.is_stopping()) return;
    if (!reading.done) return reading_failed(kExitFatal, reading.died);
    if (!reading.done->wants_namespace.empty()) return read_again_in(reading.done->wants_namespace);
    if (!reading.done->can_run)
        return reading_failed(reading.done->exit_code, reading.done->summary, reading.done->reason);
    for (auto& part : reading.parts) take_snapshot(part.snapshot, std::move(part.sealed));
    daemon_.next.settings = std::move(*reading.done);
    daemon_.next.changes = std::move(reading.changes);
    keep_configuration();
    begin_preparing();
}

void Reload::reading_failed(int exit_code, const std::string& why, const std::string& reason) {
    mark_reading(false);  // the reader may not have begun
    close_check_log();
    if (daemon_.phase == Phase::Starting) {
        log_.error("{}: not started", why);
        const bool by_file = exit_code == kExitConfig || exit_code == kExitNoConfig;
        exit_code = exit_code == 0 ? kExitFatal : exit_code;
        return handlers_.give_up(exit_code, fmt::format("{}: not started; the log says why{}", why,
                                                        by_file ? ", and so does the option -t" : ""));
    }
    log_.error("{}: the running configuration stays in use", why);
    requests_.refuse(why);
    count(reason.empty() ? why : reason);
    over();
}

void Reload::begin_preparing() {
    // Scripts are looked up by key: the old table stays in use until the new configuration is committed.
    const auto bytes = ipc::read_memfd(daemon_.next.scripts.get());
    auto table = bytes ? decode<alert::ScriptTable>(*bytes) : error_of(bytes);
    if (!table) return reading_failed(kExitFatal, "the script table cannot be read: " + table.error().text());
    daemon_.next.table = std::move(*table);
    const auto& settings = daemon_.next.settings.daemon;
    if (daemon_.phase == Phase::Starting && !has_place_) {
        const auto ready = handlers_.take_place(settings);
        if (!ready) {
            log_.error("{}", ready.error().text());
            const int exit_code =
                ready.error().code() == Errc::Exists ? exit_code_of(ready.error(), options_.identity) : kExitFatal;
            return handlers_.give_up(exit_code, ready.error().text());
        }
        if (!*ready) return prepare_later();
        has_place_ = true;
    } else if (const auto changed = changed_at_reload(daemon_.settings(), settings)) {
        log_.error("Cannot change {} at a reload - please restart {}", *changed, options_.identity.program());
        return reading_failed(kExitConfig, "the new configuration is refused: a reload cannot change the " + *changed);
    }
    if (is_any_starting()) return prepare_later();
    children_.raise_limits();
    transaction_.begin(daemon_.next);
}

// A role that is starting gets the running configuration before a new one.
bool Reload::is_any_starting() const {
    return std::ranges::any_of(
        children_.all(), [](const auto& child) { return child->serves() && (!child->ready || child->awaits_look); });
}

void Reload::prepare_later() {
    prepare_wait_.expires_after(std::chrono::milliseconds{50});
    prepare_wait_.async_wait([this](const boost::system::error_code& error) {
        if (!error && !daemon_.is_stopping()) or_refuse_configuration([this] { begin_preparing(); });
    });
}

void Reload::prepared(Child& child, const ipc::Prepared& answer) {
    // The first configuration of a restarted process is committed to it alone.
    if (!child.ready && answer.generation == children_.first_generation(child)) {
        // It was asked once; a second answer is ignored.
        if (child.awaited.commits > 0 || child.awaits_look) return;
        if (answer.refused.empty()) return children_.commit(child);
        log_.error("{}: the configuration is refused: {}", options_.identity.process_name(child.kind), answer.refused);
        // An earlier incarnation ran this configuration: restart this process instead of stopping the daemon.
        if (child.ever_ready) return children_.kill_offender(child, "refused the configuration that ran before");
        return handlers_.give_up(kExitConfig, {});
    }
    transaction_.answered(child, answer, options_.identity.process_name(child.kind));
}

void Reload::joined(Child& child) { transaction_.joined(child, daemon_.next); }

// Once: what was read may be the reason.
void Reload::process_died(Kind kind) {
    if (!transaction_.is_under_way()) return;
    const std::string why = std::string{label(kind)} + " process died meanwhile";
    if (std::exchange(began_again_, true)) return transaction_.abort(why);
    log_.warning("{}: the reload begins again", why);
    transaction_.call_off();
    ++daemon_.next.number;  // late answers are those to the first attempt
    prepare_later();
}

void Reload::process_left() { transaction_.forget_gone(); }

bool Reload::ended(const kernel::Ended& how) { return reader_.ended(how); }

void Reload::commit_all() {
    UniqueFd host_before = std::move(daemon_.current.host);
    daemon_.current = std::exchange(daemon_.next, {});
    daemon_.ever_ran = true;
    handlers_.committed(std::move(host_before));
}

// The reader, which wrote the lines, is not trusted with their number and length.
void Reload::log_changes() {
    constexpr std::size_t kLineBytesMax = 500;
    const ipc::DryRunDone changes = std::exchange(daemon_.current.changes, {});
    auto& kept = daemon_.supervision.reloads.last_changes;
    kept.clear();
    for (const auto& line : changes.lines) {
        if (kept.size() == ipc::kReloadLinesMax) break;
        log_.info("Reload: {}", kept.emplace_back(one_line(line, kLineBytesMax)));
    }
    daemon_.supervision.reloads.last_changes_left_out = changes.lines_left_out;
    if (changes.lines_left_out != 0)
        log_.info("Reload: {} more changes (at most {} are logged)", changes.lines_left_out, ipc::kReloadLinesMax);
    if (kept.empty()) log_.info("Reload: nothing changed");
}

void Reload::count(const std::string& problem) {
    auto& reloads = daemon_.supervision.reloads;
    ++(problem.empty() ? reloads.done : reloads.refused);
    (problem.empty() ? reloads.last_done : reloads.last_refused) = kernel::wall_now();
    if (!problem.empty()) reloads.last_problem = problem.substr(0, kProblemBytesMax);
}

void Reload::aborted(const std::string& why) {
    log_.error("reload refused ({}): the running configuration stays in use", why);
    requests_.refuse(why);
    count(why);
    over();
}

void Reload::over() {
    under_way_ = false;
    requests_.answer();
    children_.report();
    if (daemon_.start_is_complete) kernel::notify_service_manager("READY=1");
    request_postponed();
}

void Reload::done() {
    log_.info("Reload complete");
    log_changes();
    count({});
    over();
}

void Reload::request_postponed() {
    if (requests_.take_postponed()) request();
}

void Reload::stop() {
    prepare_wait_.cancel();
    transaction_.cancel();
    reader_.kill();
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
    call_off();
    outcome_.aborted(why);
}

void ReloadTransaction::call_off() {
    cancel();
    for (const auto& child : children_)
        if (child->alive()) child->send(ipc::Abort{number_}, -1, log_);
}

void ReloadTransaction::cancel() {
    limit_.cancel();
    under_way_ = false;
}

}  // namespace mainstay::role
