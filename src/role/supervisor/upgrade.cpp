// Upgrades the daemon to another program while VRRP and IPVS keep running.
//
//   mainstayctl upgrade -> the new program, in a child, loads the snapshots and state blocks and reports whether it can
//          -> the supervisor executes it in its own place: same process, same children, same open descriptors
//          -> the new program replaces the roles one by one: a successor loads everything and waits, the old process
//             exits without releasing anything, the successor resumes from its state block.

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <exception>
#include <string>

#include "children.hpp"
#include "daemon.hpp"
#include "mainstay/config/members.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/hand_over.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/ipc/status.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "mainstay/role/common/identity.hpp"
#include "mainstay/role/supervisor/supervisor.hpp"

#ifndef MAINSTAY_VERSION
#define MAINSTAY_VERSION "unknown"
#endif

namespace mainstay::role {

namespace {

constexpr std::size_t kRefusalBytesMax = 1'000;  // of a message; the log has the whole text
constexpr int kFirstTrialDescriptor = 16;        // above the descriptors with fixed numbers

}  // namespace

std::string Daemon::upgrade_program(const ipc::Upgrade& question) const {
    return question.program.empty() ? state_.executable : question.program;
}

Result<int> Daemon::start_upgrade_trial(const ipc::Upgrade& question, int control, int control_of_child) {
    if (!state_.is_running() || reload_.is_under_way() || children_.is_replacing())
        return fail(Errc::State, "the daemon is starting, stopping, reloading or being upgraded: try again");
    ipc::UpgradeTrial trial{ipc::kHandOverFormat, {}};
    std::vector<std::pair<int, int>> descriptors{{control_of_child, ipc::inherited::kControl}};
    const auto inherit = [&](int fd) {
        if (fd < 0) return -1;
        const int number = kFirstTrialDescriptor + static_cast<int>(descriptors.size());
        descriptors.emplace_back(fd, number);
        return number;
    };
    for (const auto& child : children_.all())
        trial.parts.push_back({static_cast<std::uint8_t>(child->kind),
                               inherit(state_.current.part(child->kind).snapshot.get()),
                               inherit(child->block_to_read.get())});
    const std::string program = upgrade_program(question);
    log_.info("upgrade to {} requested: running its trial", program);
    auto pid = kernel::spawn_role(
        {program, {options_.identity.process_name(Kind::Supervisor), "--role", "upgrade-trial"}, descriptors});
    if (!pid) return pid;
    if (const auto sent = ipc::send_message(control, trial); !sent) log_.error("upgrade: {}", sent.error().text());
    return pid;
}

ipc::HandOver Daemon::hand_over(int client, std::vector<int>& keep) {
    ipc::HandOver state;
    const auto handed = [&keep](int fd) {
        if (fd >= 0) keep.push_back(fd);
        return fd;
    };
    state.version = MAINSTAY_VERSION;
    state.config_path = options_.config_path;
    state.pid_path = pid_file_.path();
    state.pid_name = state_.paths.pid_name;
    state.pid_file = handed(pid_file_.lock());
    state.kick = handed(children_.kick());
    state.scripts = handed(state_.current.scripts.get());
    state.client = handed(client);
    state.generation = state_.current.number;
    state.settings = state_.current.settings;
    state.roles = children_.hand_over(handed);
    state.running = scripts_->hand_over();
    state.host = handed(state_.current.host.get());
    state.fifos = fifos_->hand_over();
    for (const auto& fifo : state.fifos) handed(fifo.fd);
    state.maintenance = operators_.maintenance();
    state.log_levels = state_.log_levels.levels();
    state.discovered = handed(discovery_.memory());
    return state;
}

void Daemon::upgrade(const std::string& program, const std::string& version, UniqueFd client) {
    const auto refuse = [&](const std::string& why) {
        log_.error("upgrade refused ({}): the running program continues", why);
        if (!reload_.is_under_way()) upgrade_refused(why);
        if (client) static_cast<void>(ipc::send_message(client.get(), ipc::UpgradeDone{why, {}, {}, 0}));
    };
    if (!state_.is_running() || reload_.is_under_way()) return refuse("the daemon is stopping or reloading: try again");
    try {
        refuse(execute(program, version, client.get()).text());
    } catch (const std::exception& thrown) {
        refuse(thrown.what());
    }
    children_.refill_spares();
}

void Daemon::upgrade_refused(const std::string& problem) {
    state_.supervision.upgrade_refused = {kernel::wall_now(), problem.substr(0, kRefusalBytesMax)};
    children_.report();
}

// It returns only if the new program does not run.
Error Daemon::execute(const std::string& program, const std::string& version, int client) {
    const std::string path = upgrade_program({program});
    children_.prepare_hand_over();
    reload_.release_reader();
    operators_.refuse_all("the daemon is being upgraded; see `mainstayctl status` for the outcome");
    std::vector<int> keep;
    const auto state = hand_over(client, keep);
    const auto written = ipc::write_hand_over(state);
    if (!written) return written.error();
    keep.push_back(written->get());
    log_.notice("executing {} {}", path, version);
    if (options_.give_log_files_back) options_.give_log_files_back();
    auto error = kernel::exec_again(path, options_.arguments,
                                    std::string{ipc::kHandOverVariable} + "=" + std::to_string(written->get()), keep);
    if (options_.take_log_files) options_.take_log_files();
    return error;
}

// The new program's side: takes over what the program before handed over.
Result<void> Daemon::adopt(int descriptor) {
    const UniqueFd memory{descriptor};
    auto state = ipc::read_hand_over(descriptor);
    if (!state) return error_of(state);
    const auto own = [](int fd) {
        kernel::close_on_exec(fd, true);
        return UniqueFd{fd};
    };
    if (auto made = children_.make_memory(); !made) return made;  // for roles that the program before did not have
    pid_file_ = PidFile::adopt(state->pid_path, own(state->pid_file));
    children_.adopt_kick(own(state->kick));
    state_.current.scripts = own(state->scripts);
    state_.current.number = state->generation;
    state_.current.settings = state->settings;
    apply_settings();
    if (auto resolved = resolve_paths(state_.settings(), state->pid_name); !resolved) return resolved;
    load_discovery();
    operators_.open(state->maintenance);
    state_.log_levels.adopt(state->log_levels);
    if (options_.set_log_level) options_.set_log_level(state_.log_levels.of(LogModule::Supervisor));
    state_.upgraded_from = state->version;
    children_.await_replacement(state->version, own(state->client));
    for (auto& role : state->roles) children_.adopt(role, own);
    const auto bytes = ipc::read_memfd(state_.current.scripts.get());
    auto table = bytes ? decode<alert::ScriptTable>(*bytes) : error_of(bytes);
    if (!table) return error_of(table, "the script table");
    fifos_->adopt(state->fifos, own);
    watch_->go_on();
    discovery_.adopt(own(state->discovered));
    state_.current.host = own(state->host);
    state_.current.table = std::move(*table);
    follow_host_plan({});
    scripts_->set_table(std::exchange(state_.current.table, {}));
    scripts_->adopt(state->running);
    state_.phase = Phase::Running;
    state_.ever_ran = state_.start_is_complete = true;
    log_.notice("version {}: state resumed from version {}", MAINSTAY_VERSION, state->version);
    return {};
}

void Children::prepare_hand_over() {
    start_waiting_watchers();
    wake_observer();
    spares_.drop_all();  // the new program starts its own
}

std::vector<ipc::HandedRole> Children::hand_over(const std::function<int(int)>& handed) {
    std::vector<ipc::HandedRole> roles;
    for (auto& child : children_) {
        const auto& part = daemon_.current.part(child->kind);
        roles.push_back({static_cast<std::uint8_t>(child->kind), child->pid, handed(child->control()),
                         handed(child->block.get()), handed(child->ring.get()), handed(part.snapshot.get()),
                         part.needed, child->ready, child->ever_ready, child->born});
    }
    return roles;
}

// Memory from an earlier program may not be sealed yet. If it cannot be sealed or mapped, it is not used: the role then
// starts with the new memory that was made for it, as at its first start.
void Children::adopt_memory(Child& child, UniqueFd block, UniqueFd ring) {
    for (const int fd : {block.get(), ring.get()})
        if (fd >= 0) static_cast<void>(::fchmod(fd, 0600));
    const auto usable = [&](const char* what, const Result<void>& mapped) {
        if (!mapped)
            log_.error("{}: the {} of the program before the upgrade cannot be used and is created anew: {}",
                       label(child.kind), what, mapped.error().text());
        return mapped.has_value();
    };
    const auto check = [](auto mapped) { return mapped ? Result<void>{} : error_of(mapped); };
    if (usable("state block", check(ipc::StateBlock::map(block.get(), true)))) child.block = std::move(block);
    if (usable("event ring", check(ipc::EventRing::map(ring.get(), true)))) child.ring = std::move(ring);
    if (auto opened = open_for_readers(child); !opened) log_.error("{}: {}", label(child.kind), opened.error().text());
}

void Children::adopt(ipc::HandedRole& role, const std::function<UniqueFd(int)>& own) {
    if (role.kind == 0 || role.kind > children_.size()) return;
    const auto kind = static_cast<Kind>(role.kind);
    Child& child = of(kind);
    daemon_.current.part(kind) = {own(role.snapshot), role.needed};
    adopt_memory(child, own(role.block), own(role.ring));
    child.ready = role.ready;
    child.ever_ready = role.ever_ready;
    if (child.ready && traits_of(kind).holds_addresses) remember(child);
    child.born = role.born;
    if (role.pid == 0) return;
    child.adopt(
        role.pid, own(role.control),
        [this, &child](Result<ipc::Received> received) { on_message(child, std::move(received)); }, log_);
    child.awaited.handed_over = true;
    replacement_->add(kind);
}

void Children::await_replacement(std::string before, UniqueFd client) {
    RoleReplacement::Handlers handlers;
    handlers.runs = [this](Kind kind) { return of(kind).alive(); };
    handlers.start_successor = [this](Kind kind) { spares_.start(kind, daemon_.current); };
    handlers.drop_successor = [this](Kind kind) { spares_.drop(kind); };
    handlers.retire = [this](Kind kind) {
        Child& old = of(kind);
        old.kill_sent = old.retires = true;
        old.send(ipc::Retire{}, -1, log_);
        return old.pid;
    };
    handlers.over = [this, before = std::move(before), client = std::make_shared<UniqueFd>(std::move(client))](
                        std::uint32_t done, const std::string& problem) {
        if (*client)
            static_cast<void>(
                ipc::send_message(client->get(), ipc::UpgradeDone{problem, before, MAINSTAY_VERSION, done}));
        replacement_over();
    };
    replacement_ = std::make_unique<RoleReplacement>(daemon_.loop, log_, std::move(handlers));
}

void Children::replacement_over() {
    replacement_.reset();
    daemon_.upgraded_from.clear();
    start_needed(Kind::Observer);  // it may have rested
    report();
    spares_.fill_soon();
    handlers_.upgraded();
}

// ---- the trial of an upgrade, in the new program: checks that it can load the state of the running daemon ----

namespace {

constexpr int kOrdersWithinMs = 10'000;

template <class T>
Result<void> decodes(const std::vector<std::byte>& bytes) {
    auto decoded = decode<T>(bytes);
    if (!decoded) return error_of(decoded);
    return {};
}

Result<void> load_block(Kind kind, int fd) {
    const auto block = ipc::StateBlock::map(fd, false);
    if (!block) return error_of(block);
    const auto bytes = block->read();
    if (!bytes && bytes.error().code() == Errc::NotFound) return {};  // that role has not run yet
    if (!bytes) return error_of(bytes);
    switch (kind) {
        case Kind::Vrrp:
            return decodes<report::VrrpStatus>(*bytes);
        case Kind::Lvs:
            return decodes<report::LvsStatus>(*bytes);
        case Kind::Observer:
            return decodes<ipc::ObserverStatus>(*bytes);
        case Kind::Bfd:
            return decodes<report::BfdStatus>(*bytes);
        default:
            return {};
    }
}

Result<void> load(const ipc::UpgradeTrial& trial) {
    if (trial.format != ipc::kHandOverFormat)
        return fail(Errc::Unsupported, "the running daemon hands over in format " + std::to_string(trial.format) +
                                           ", this program reads format " + std::to_string(ipc::kHandOverFormat));
    for (const auto& part : trial.parts) {
        const std::string name = Identity{}.process_name(static_cast<Kind>(part.kind));
        if (part.snapshot >= 0) {
            const auto bytes = ipc::read_memfd(part.snapshot);
            if (!bytes) return error_of(bytes, "configuration of " + name);
            if (auto loaded = decodes<config::Config>(*bytes); !loaded)
                return error_of(loaded, "configuration of " + name);
        }
        if (part.block < 0) continue;
        if (auto loaded = load_block(static_cast<Kind>(part.kind), part.block); !loaded)
            return error_of(loaded, "state of " + name);
    }
    return {};
}

// The roles are separate programs beside this one; without them the upgrade would leave no role running.
Result<void> has_programs() {
    const auto own = kernel::own_executable();
    if (!own) return error_of(own);
    for (const char* name : {traits_of(Kind::Vrrp).program, traits_of(Kind::Lvs).program, traits_of(Kind::Bfd).program,
                             traits_of(Kind::Observer).program, kReaderProgram, kWatcherProgram})
        if (const auto path = program_path(*own, name); ::access(path.c_str(), X_OK) != 0)
            return fail_system("program " + path, errno);
    return {};
}

}  // namespace

int run_upgrade_trial() {
    pollfd wait{ipc::inherited::kControl, POLLIN, 0};
    if (::poll(&wait, 1, kOrdersWithinMs) != 1) return 1;
    auto got = ipc::receive_message(ipc::inherited::kControl);
    if (!got || !got->has_value() || !std::holds_alternative<ipc::Received>(**got)) return 1;
    const auto* trial = std::get_if<ipc::UpgradeTrial>(&std::get<ipc::Received>(**got).message);
    if (trial == nullptr) return 1;
    auto loaded = has_programs();
    if (loaded) loaded = load(*trial);
    const ipc::UpgradeChecked answer{loaded ? std::string{} : loaded.error().text(), MAINSTAY_VERSION};
    return ipc::send_message(ipc::inherited::kControl, answer) ? 0 : 1;
}

}  // namespace mainstay::role
