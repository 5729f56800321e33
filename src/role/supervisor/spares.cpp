// How spare processes are started and promoted.
#include "spares.hpp"

#include <signal.h>

#include "children.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/spawn.hpp"

namespace mainstay::role {

SparePool::Handlers Children::spare_handlers() {
    SparePool::Handlers handlers;
    handlers.start = [this](Child& spare) { return start_spare(spare); };
    handlers.is_allowed = [this](Child& spare, const Result<ipc::Received>& received) {
        return is_allowed(spare, Sender::Spare, received);
    };
    handlers.signalled = [this](const Child& spare, int signal) { handlers_.signalled("spare", spare.pid, signal); };
    handlers.ready = [this](Kind kind) {
        if (replacement_) replacement_->successor_ready(kind);
    };
    handlers.lost = [this](Kind kind, const std::string& why) {
        if (replacement_) replacement_->successor_lost(kind, why);
    };
    handlers.quiet = [this] { fill_spares(); };
    return handlers;
}

bool Children::keeps_spare(Kind kind) const { return traits_of(kind).has_spare && !daemon_.settings().without_spare; }

void Children::fill_spares() {
    if (!daemon_.is_running() || replacement_) return;
    for (auto& child : children_)
        if (keeps_spare(child->kind) && child->alive() && child->ready && !spares_.has(child->kind))
            spares_.start(child->kind, daemon_.current);
}

Result<void> Children::start_spare(Child& spare) {
    make_record(of(spare.kind));  // after an upgrade there is none yet
    auto startup = startup_for(spare.kind, true);
    startup.spare = true;
    return spare.start(
        process_of(of(spare.kind)), startup,
        [this, &spare](const Result<ipc::Received>& received) { spares_.on_message(spare, received); }, log_);
}

bool Children::promote_spare(Child& child) {
    Child* spare = spares_.find_ready(child.kind, daemon_.current);
    if (spare == nullptr) return false;
    child.take_over(
        *spare, [this, &child](Result<ipc::Received> received) { on_message(child, std::move(received)); }, log_);
    connect_peers(child);
    handlers_.greet(child);
    commit(child);
    log_.info("Starting {} child process, pid={}", label(child.kind), child.pid);
    write_pid(child);
    return true;
}

void Children::follow_configuration() {
    if (!keeps_spare(Kind::Vrrp)) spares_.drop(Kind::Vrrp);
    spares_.for_each([this](const Child& spare) { raise_limits(spare); });
    spares_.prepare(daemon_.current);
}

void Children::order_log_levels() {
    const ipc::LogLevelOrder order{daemon_.log_levels.levels()};
    const auto send = [&](Child& child) {
        if (child.alive()) child.send(order, -1, log_);
    };
    for (auto& child : children_) send(*child);
    spares_.for_each(send);
}

SparePool::SparePool(boost::asio::io_context& loop, Log& log, Handlers handlers)
    : log_{log}, handlers_{std::move(handlers)}, quiet_{loop} {
    for (const Kind kind : kRoleKinds) spares_[slot(kind)] = std::make_unique<Child>(loop, kind);
}

void SparePool::fill_soon() {
    quiet_.expires_after(kSpareAfter);
    quiet_.async_wait([this](const boost::system::error_code& error) {
        if (!error && !stopped_) handlers_.quiet();
    });
}

void SparePool::start(Kind kind, const Generation& running) {
    Child& spare = *spares_[slot(kind)];
    if (const auto started = handlers_.start(spare); !started) {
        log_.warning("no spare process can be started: {}", started.error().text());
        return handlers_.lost(kind, started.error().text());
    }
    spare.send(ipc::Prepare{running.number}, running.part(kind).snapshot.get(), log_);
}

void SparePool::on_message(Child& spare, const Result<ipc::Received>& received) {
    if (!handlers_.is_allowed(spare, received)) return;
    if (const auto* signal = std::get_if<ipc::SignalReceived>(&received->message))
        return handlers_.signalled(spare, signal->signal);
    const auto* answer = std::get_if<ipc::Prepared>(&received->message);
    if (answer == nullptr) return;  // heartbeats
    if (!answer->refused.empty()) {
        handlers_.lost(spare.kind, answer->refused);
        return drop(spare.kind);
    }
    spare.prepared = true;
    spare.prepared_generation = answer->generation;
    handlers_.ready(spare.kind);
}

Child* SparePool::find_ready(Kind kind, const Generation& running) {
    Child& spare = *spares_[slot(kind)];
    if (!spare.alive()) return nullptr;
    if (spare.prepared && spare.prepared_generation == running.number && !spare.kill_sent) return &spare;
    drop(kind);
    return nullptr;
}

void SparePool::prepare(const Generation& running) {
    for (auto& spare : spares_) {
        if (!spare->alive()) continue;
        if (!running.part(spare->kind).needed) {
            drop(spare->kind);
            continue;
        }
        spare->prepared = false;
        spare->send(ipc::Prepare{running.number}, running.part(spare->kind).snapshot.get(), log_);
    }
}

void SparePool::drop(Kind kind) {
    Child& spare = *spares_[slot(kind)];
    if (!spare.alive() || std::exchange(spare.kill_sent, true)) return;
    ::kill(spare.pid, SIGKILL);
}

void SparePool::drop_all() {
    for (const Kind kind : kRoleKinds) drop(kind);
}

void SparePool::stop() {
    stopped_ = true;
    drop_all();
}

bool SparePool::ended(const kernel::Ended& process) {
    for (auto& spare : spares_) {
        if (!spare->alive() || spare->pid != process.pid) continue;
        const bool on_purpose = spare->kill_sent;
        spare->forget();
        if (stopped_) return true;
        if (!on_purpose) log_.warning("the spare {} process died", traits_of(spare->kind).label);
        handlers_.lost(spare->kind, kernel::text_of(process));
        if (spare->next_delay(kernel::monotonic_now()).count() == 0) fill_soon();
        return true;
    }
    return false;
}

void SparePool::for_each(const std::function<void(Child&)>& what) const {
    for (const auto& spare : spares_) what(*spare);
}

}  // namespace mainstay::role
