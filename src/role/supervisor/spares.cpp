// How the supervisor starts spare processes and promotes them.
#include "impl.hpp"
#include "mainstay/kernel/spawn.hpp"

namespace mainstay::role {

void Supervisor::make_spares() {
    SparePool::Deeds deeds;
    deeds.start = [this](Child& spare) { return start_spare(spare); };
    deeds.is_allowed = [this](Child& spare, const Result<ipc::Received>& received) {
        return is_allowed(spare, Sender::Spare, received);
    };
    deeds.signalled = [this](const Child& spare, int signal) { signal_handed_on("spare", spare.pid, signal); };
    deeds.ready = [this](Kind kind) {
        if (replacement_) replacement_->successor_ready(kind);
    };
    deeds.lost = [this](Kind kind, const std::string& why) {
        if (replacement_) replacement_->successor_lost(kind, why);
    };
    deeds.quiet = [this] { fill_spares(); };
    spares_ = std::make_unique<SparePool>(loop_, log_, std::move(deeds));
}

bool Supervisor::keeps_spare(Kind kind) const {
    return traits_of(kind).has_spare && !current_.settings.daemon.without_spare;
}

void Supervisor::fill_spares() {
    if (phase_ != Phase::Running || replacement_) return;
    for (auto& child : children_)
        if (keeps_spare(child->kind) && child->alive() && child->ready && !spares_->has(child->kind))
            spares_->start(child->kind, current_);
}

Result<void> Supervisor::start_spare(Child& spare) {
    make_record(child_of(spare.kind));  // after an upgrade there is none yet
    auto startup = startup_for(spare.kind, true);
    startup.spare = true;
    return spare.start(
        process_of(child_of(spare.kind)), startup,
        [this, &spare](const Result<ipc::Received>& received) { spares_->on_message(spare, received); }, log_);
}

bool Supervisor::promote_spare(Child& child) {
    Child* spare = spares_->find_ready(child.kind, current_);
    if (spare == nullptr) return false;
    child.take_over(
        *spare, [this, &child](Result<ipc::Received> received) { on_message(child, std::move(received)); }, log_);
    lay_lines(child);
    order_maintenance(child);
    send_discovery(child);
    commit(child);
    log_.info("Starting {} child process, pid={}", label(child.kind), child.pid);
    write_child_pid(child);
    return true;
}

}  // namespace mainstay::role
