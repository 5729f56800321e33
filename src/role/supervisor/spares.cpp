// Processes that have loaded everything and wait. Starting one takes a dozen milliseconds (exec, linking, reading the
// configuration); one that waits takes its place as soon as the death is known.
#include <signal.h>

#include "impl.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/spawn.hpp"

namespace mainstay::role {

namespace {

// Only vrrp: nobody waits milliseconds for the others.
bool has_spare(Kind kind) { return kind == Kind::Vrrp; }

}  // namespace

void Supervisor::keep_spare_soon() {
    spare_timer_.expires_after(kSpareAfter);
    spare_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error || phase_ != Phase::Running || replacement_) return;
        for (auto& child : children_)
            if (has_spare(child->kind) && child->alive() && child->ready && !spares_[slot(child->kind)]->alive())
                start_spare(child->kind);
    });
}

// It waits for its RoleStartup, and ends when the line is closed.
Result<void> Supervisor::start_reader() {
    auto channel = ipc::make_channel();
    if (!channel) return std::unexpected{std::move(channel.error())};
    const auto pid = kernel::spawn_role({program_path(executable_, kReaderProgram),
                                         {options_.identity.process_name(Kind::Supervisor)},
                                         {{channel->second.get(), ipc::inherited::kControl}},
                                         network_namespace_ ? network_namespace_.get() : reader_namespace_at_.get(),
                                         reader_limits()});
    if (!pid) return std::unexpected{pid.error()};
    waiting_reader_ = {*pid, std::move(channel->first)};
    return {};
}

void Supervisor::start_spare(Kind kind) {
    Child& spare = *spares_[slot(kind)];
    auto startup = startup_for(kind, true);
    startup.spare = true;
    const auto started = spare.start(
        process_of(child_of(kind)), startup,
        [this, &spare](const Result<ipc::Received>& received) { on_spare_message(spare, received); }, log_);
    if (!started) {
        log_.warning("no process can wait as a spare: {}", started.error().text());
        return successor_lost(kind, started.error().text());
    }
    spare.send(ipc::Prepare{current_.number}, current_.parts[slot(kind)].snapshot.get(), log_);
}

void Supervisor::on_spare_message(Child& spare, const Result<ipc::Received>& received) {
    if (!is_allowed(spare, Sender::Spare, received)) return;
    const auto* answer = std::get_if<ipc::Prepared>(&received->message);
    if (answer == nullptr) return;  // heartbeats
    if (!answer->refused.empty()) {
        successor_lost(spare.kind, answer->refused);
        return drop_spare(spare.kind);
    }
    spare.prepared = true;
    spare.prepared_generation = answer->generation;
    successor_ready(spare);
}

bool Supervisor::promote_spare(Child& child) {
    Child& spare = *spares_[slot(child.kind)];
    if (!spare.alive()) return false;
    if (!spare.prepared || spare.prepared_generation != current_.number || spare.kill_sent) {
        drop_spare(child.kind);
        return false;
    }
    child.take_over(
        spare, [this, &child](Result<ipc::Received> received) { on_message(child, std::move(received)); }, log_);
    lay_lines(child);
    commit(child);
    log_.info("Starting {} child process, pid={}", label(child.kind), child.pid);
    write_child_pid(child, false);
    return true;
}

void Supervisor::prepare_spares() {
    for (auto& spare : spares_) {
        if (!spare->alive()) continue;
        if (!current_.parts[slot(spare->kind)].needed) {
            drop_spare(spare->kind);
            continue;
        }
        spare->prepared = false;
        raise_limits(*spare);
        spare->send(ipc::Prepare{current_.number}, current_.parts[slot(spare->kind)].snapshot.get(), log_);
    }
}

void Supervisor::drop_spare(Kind kind) {
    Child& spare = *spares_[slot(kind)];
    if (!spare.alive() || std::exchange(spare.kill_sent, true)) return;
    ::kill(spare.pid, SIGKILL);
}

void Supervisor::spare_ended(Child& spare, const kernel::Ended& how) {
    const bool on_purpose = spare.kill_sent;
    spare.forget();
    if (phase_ == Phase::Stopping) return;
    if (!on_purpose) log_.warning("the spare {} process ended by itself", label(spare.kind));
    successor_lost(spare.kind, std::string{how.signalled ? "signal " : "exit status "} + std::to_string(how.status));
    if (spare.next_delay(kernel::monotonic_now()).count() == 0) keep_spare_soon();
}

}  // namespace mainstay::role
