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
    refresh(Stage::Vrrp, Kind::Vrrp);
}

void DumpRequests::refresh(Stage stage, Kind kind) {
    stage_ = stage;
    if (!deeds_.runs(kind)) return go_on();
    limit_.expires_after(kFreshStateWait);
    limit_.async_wait([this, kind](const boost::system::error_code& error) {
        if (error || !is_refreshing(kind)) return;
        log_.warning("a dump is made without the latest state of the {} process, which has not answered for {} s",
                     traits_of(kind).label, kFreshStateWait.count());
        go_on();
    });
    deeds_.refresh(kind, signal_);
}

bool DumpRequests::is_refreshing(Kind kind) const {
    return (stage_ == Stage::Vrrp && kind == Kind::Vrrp) || (stage_ == Stage::Lvs && kind == Kind::Lvs);
}

void DumpRequests::refreshed(Kind kind, int signal) {
    if (is_refreshing(kind) && signal == signal_) go_on();
}

void DumpRequests::go_on() {
    limit_.cancel();
    // Only the data speak of servers.
    if (stage_ == Stage::Vrrp && signal_ == SIGUSR1) return refresh(Stage::Lvs, Kind::Lvs);
    write();
}

void DumpRequests::write() {
    if (!deeds_.runs(Kind::Observer)) {  // it died meanwhile; nothing of this dump has reached it
        waiting_.insert(waiting_.begin(), signal_);
        return over();
    }
    stage_ = Stage::Files;
    const auto started = deeds_.write(signal_);
    if (started) {
        process_ = *started;
        return;
    }
    log_.error("no dump is made: {}", started.error().text());
    over();
}

void DumpRequests::over() {
    stage_ = Stage::None;
    process_ = 0;
    next();
}

void DumpRequests::ready(Kind kind) {
    if (kind == Kind::Observer) look();
}

void DumpRequests::look() {
    if (!under_way()) next();
}

// What it reported last is in its block.
void DumpRequests::gone(Kind kind) {
    if (is_refreshing(kind)) go_on();
}

bool DumpRequests::ended(const kernel::Ended& process) {
    if (process_ == 0 || process.pid != process_) return false;
    if (!process.signalled && process.status == kDumpOffence) deeds_.offended();
    over();
    return true;
}

}  // namespace mainstay::role
