#include "dump_requests.hpp"

#include <algorithm>
#include <csignal>

namespace mainstay::role {

void DumpRequests::add(int signal) {
    if (std::ranges::find(waiting_, signal) == waiting_.end()) waiting_.push_back(signal);
    if (!under_way()) next();
}

void DumpRequests::next() {
    if (waiting_.empty()) return;
    if (!deeds_.runs(Kind::Observer)) {
        if (deeds_.wake_observer()) return;  // ready() follows
        if (!std::exchange(logged_, true))
            log_.warning("the observer does not run just now: the dump is made when it does");
        return;
    }
    logged_ = false;
    signal_ = waiting_.front();
    waiting_.erase(waiting_.begin());
    refresh();
}

void DumpRequests::refresh() {
    stage_ = Stage::Refresh;
    awaited_.clear();
    for (const Kind kind : {Kind::Vrrp, Kind::Lvs})
        if (deeds_.runs(kind) && (kind == Kind::Vrrp || signal_ == SIGUSR1))  // only the data speak of servers
            awaited_.push_back(kind);
    for (const Kind kind : awaited_) deeds_.refresh(kind, signal_);
    const auto started = deeds_.prepare(signal_);
    if (!started) {
        log_.error("no dump is made: {}", started.error().text());
        return over();
    }
    process_ = *started;
    if (awaited_.empty()) return write();
    limit_.expires_after(kFreshStateWait);
    limit_.async_wait([this, process = process_](const boost::system::error_code& error) {
        if (!error && stage_ == Stage::Refresh && process == process_) too_late();
    });
}

void DumpRequests::too_late() {
    for (const Kind kind : awaited_)
        log_.warning("a dump is made without the latest state of the {} process, which has not answered for {} s",
                     traits_of(kind).label, kFreshStateWait.count());
    awaited_.clear();
    write();
}

void DumpRequests::refreshed(Kind kind, int signal) {
    if (signal == signal_) no_longer_awaited(kind);
}

void DumpRequests::no_longer_awaited(Kind kind) {
    if (stage_ != Stage::Refresh || std::erase(awaited_, kind) == 0 || !awaited_.empty()) return;
    limit_.cancel();
    write();
}

void DumpRequests::write() {
    stage_ = Stage::Files;
    if (deeds_.runs(Kind::Observer)) return deeds_.write(signal_);
    waiting_.insert(waiting_.begin(), signal_);  // it died meanwhile; nothing of this dump has reached it
    deeds_.forget(process_);
    over();
}

void DumpRequests::over() {
    stage_ = Stage::None;
    process_ = 0;
    limit_.cancel();
    next();
}

void DumpRequests::ready(Kind kind) {
    if (kind == Kind::Observer) look();
}

void DumpRequests::look() {
    if (!under_way()) next();
}

// What it reported last is in its block.
void DumpRequests::gone(Kind kind) { no_longer_awaited(kind); }

bool DumpRequests::ended(const kernel::Ended& process) {
    if (process_ == 0 || process.pid != process_) return false;
    if (!process.signalled && process.status == kDumpOffence) deeds_.offended();
    over();
    return true;
}

}  // namespace mainstay::role
