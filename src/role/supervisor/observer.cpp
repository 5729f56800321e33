// The observer's rests: it ends when it has nothing to do, and is started again when it has (observer_rest.hpp).
#include "impl.hpp"
#include "mainstay/kernel/clock.hpp"

namespace mainstay::role {

void Supervisor::observer_rests(Child& observer, UniqueFd socket) {
    if (!socket) return kill_offender(observer, "rests without the socket of the API");
    rest_.announce(std::move(socket));
    observer.ready = false;
}

void Supervisor::observer_rested() {
    auto& observer = child_of(Kind::Observer);
    if (replacement_ || phase_ == Phase::Stopping) return start_child(observer);
    reload_->forget_gone();
    // One that rests right after its start, again and again, is slowed down as one that dies.
    if (const auto delay = observer.next_delay(kernel::monotonic_now()); delay.count() != 0)
        return start_child_in(observer, delay);
    if (const auto began = rest_.begin(kick_.get()); !began) {
        log_.error("{}", began.error().text());
        return start_child(observer);
    }
    dumps_->look();
}

bool Supervisor::wake_observer() {
    if (!rest_.is_on()) return rest_.is_announced();
    start_child(child_of(Kind::Observer));
    return true;
}

}  // namespace mainstay::role
