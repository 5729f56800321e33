#include "spare_pool.hpp"

#include <signal.h>

#include "mainstay/kernel/clock.hpp"

namespace mainstay::role {

SparePool::SparePool(boost::asio::io_context& loop, Log& log, Deeds deeds)
    : log_{log}, deeds_{std::move(deeds)}, quiet_{loop} {
    for (const Kind kind : kRoleKinds) spares_[slot(kind)] = std::make_unique<Child>(loop, kind);
}

void SparePool::fill_soon() {
    quiet_.expires_after(kSpareAfter);
    quiet_.async_wait([this](const boost::system::error_code& error) {
        if (!error && !stopped_) deeds_.quiet();
    });
}

void SparePool::start(Kind kind, const Generation& running) {
    Child& spare = *spares_[slot(kind)];
    if (const auto started = deeds_.start(spare); !started) {
        log_.warning("no spare process can be started: {}", started.error().text());
        return deeds_.lost(kind, started.error().text());
    }
    spare.send(ipc::Prepare{running.number}, running.part(kind).snapshot.get(), log_);
}

void SparePool::on_message(Child& spare, const Result<ipc::Received>& received) {
    if (!deeds_.is_allowed(spare, received)) return;
    if (const auto* signal = std::get_if<ipc::SignalReceived>(&received->message))
        return deeds_.signalled(spare, signal->signal);
    const auto* answer = std::get_if<ipc::Prepared>(&received->message);
    if (answer == nullptr) return;  // heartbeats
    if (!answer->refused.empty()) {
        deeds_.lost(spare.kind, answer->refused);
        return drop(spare.kind);
    }
    spare.prepared = true;
    spare.prepared_generation = answer->generation;
    deeds_.ready(spare.kind);
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
        deeds_.lost(spare->kind, kernel::text_of(process));
        if (spare->next_delay(kernel::monotonic_now()).count() == 0) fill_soon();
        return true;
    }
    return false;
}

void SparePool::for_each(const std::function<void(Child&)>& what) const {
    for (const auto& spare : spares_) what(*spare);
}

}  // namespace mainstay::role
