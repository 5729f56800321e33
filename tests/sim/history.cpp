// A whole history: trouble, healing, experiments in peace, over and over.
#include <fmt/format.h>

#include <algorithm>

#include "lan.hpp"

namespace mainstay::sim {

using namespace std::chrono_literals;
using namespace vrrp;

namespace {
constexpr Nanos kRestoreWindow = 11s;  // an address that was taken away too often is back after so long
}  // namespace

void Lan::run(Nanos at_least) {
    const Instant until = now_ + at_least;
    start_all();
    do {
        trouble(Nanos{plan_.interval} * static_cast<int>(20 + random_.below(100)));
        heal();
        check_settled();
        for (std::uint64_t n = 1 + random_.below(3); n > 0 && !violation_; --n) experiment();
    } while (now_ < until && !violation_);
    for (std::size_t i = 0; i < hosts_.size() && !violation_; ++i) {
        stop(i);
        pass(settle_time());
    }
    for (const Host& host : hosts_)
        for (const auto& [interface, prefix] : host.kernel)
            if (!owned(host, prefix)) broken(&host, "(g) an address is left after the last stop");
}

void Lan::start_all() {
    for (Host& host : hosts_) {
        if (violation_) return;
        start(host.index, recorded_ && host.has_block);
        if (!recorded_) pass(random_.up_to(Nanos{plan_.interval} * 3));
    }
}

void Lan::trouble(Nanos how_long) {
    trace_line(nullptr, "trouble begins");
    settled_ = false;
    jitter_ = std::max<Nanos>(Nanos{plan_.interval} * static_cast<int>(random_.below(4)) / 2, 2ms);  // may reorder
    const Instant until = now_ + how_long;
    while (now_ < until && !violation_) {
        pass(random_.up_to(Nanos{plan_.interval} * 5));
        if (!violation_) one_trouble();
    }
}

void Lan::heal() {
    trace_line(nullptr, "is healed");
    loss_per_mille_ = duplicates_per_mille_ = 0;
    pass(jitter_);
    jitter_ = std::min<Nanos>(Nanos{plan_.interval} / 20, 2ms);
    join();
    for (Host& host : hosts_) {
        if (violation_) return;
        host.script_good = true;
        host.kernel_refuses = false;
        if (!host.router) start(host.index, random_.chance(600));
        if (!violation_) resume(host.index);
        if (!violation_ && random_.chance(500)) maintain(host.index, false);
        if (!violation_) set_link(host.index, 0, true);
        if (!violation_) set_link(host.index, 1, true);
    }
    unify();
    if (plan_.script_settles > Micros{0}) pass(Nanos{plan_.script_settles} + 200ms);  // `rise` results in a row
    const auto stolen = [](const Host& host) { return !host.missing.empty(); };
    if (std::ranges::any_of(hosts_, stolen)) pass(kRestoreWindow);
    const auto delayed = [&](const Host& host) { return host.router && host.witness.delayed(host.clock.local(now_)); };
    while (!violation_ && std::ranges::any_of(hosts_, delayed)) pass(plan_.interval);
}

// Version 2 neighbours do not hear each other with different intervals. A wait that began with the longer one ends by
// it, so the bound of (a) begins when it is over.
void Lan::unify() {
    bool any = false;
    for (Host& host : hosts_) {
        bool differs = false;
        for (std::size_t n = 0; n < host.config.instances.size(); ++n) {
            auto& c = host.config.instances[n];
            if (c.version == 2 && c.advert_int != plan_.intervals[n]) c.advert_int = plan_.intervals[n], differs = true;
        }
        if (!differs || violation_) continue;
        any = true;
        trace_line(&host, "reloads with the common interval");
        const Instant now = host.clock.local(now_);
        host.witness.reload(now, host.config);
        finish(host, host.router->reload(host.config, now));
    }
    if (any && !violation_) pass(settle_time() * 2);
    // A reload in the last moment may have shortened an interval already; the wait goes on as it began.
    Nanos rest{0};
    for (const Host& host : hosts_)
        for (const auto& expect : host.witness.expects())
            if (host.router && expect.state == State::Backup)
                rest = std::max(rest, expect.due - host.clock.local(now_));
    rest += rest / 500 + 4 * (jitter_ + lateness_);  // as settle_time() has it
    if (!violation_ && rest > settle_time()) pass(rest - settle_time());
}

// down_timer_adverts x largest interval + largest skew + one interval, plus what packets, wake-ups and clocks take.
Nanos Lan::settle_time() const {
    Nanos longest{0};
    for (const Host& host : hosts_)
        for (const auto& c : host.config.instances) {
            const Nanos skew = c.version == 2 ? Nanos{1s} : Nanos{plan_.interval};
            longest = std::max(longest, Nanos{plan_.interval} * c.down_timer_adverts + skew + plan_.interval);
        }
    return longest + longest / 500 + 4 * (jitter_ + lateness_);
}

Nanos Lan::hand_over_time() const {
    Nanos longest{0};
    for (const Host& host : hosts_)
        for (const auto& c : host.config.instances)
            longest = std::max(longest, (c.version == 2 ? Nanos{1s} : Nanos{c.advert_int}) + c.advert_int);
    return longest + longest / 500 + 4 * (jitter_ + lateness_);
}

Nanos Lan::longest_preempt_delay() const {
    Micros delay{0};
    for (const Host& host : hosts_)
        for (const auto& c : host.config.instances) delay = std::max(delay, c.preempt_delay);
    return delay;
}

// In a settled network somebody else takes over in time, and it stays so. An advert that arrives after the priority 0
// that followed it lets a backup wait as if that had been lost: then the first attempt is taken back.
void Lan::hand_over_in_peace(std::size_t i, std::size_t n) {
    const bool whole = hosts_[i].states[n] == State::Master;
    if (whole && (hosts_[i].maintenance || random_.chance(500)))
        fail_over(i, n);
    else
        maintain(i, true);
    const auto before = statistics_.transitions;
    if (!violation_) pass(hand_over_time());
    // All who took over yielded to an advert of the old master that the network delivered late, and wait it out.
    if (!violation_ && !master_of(n) && statistics_.transitions != before) pass(settle_time());
    for (int attempts = 0; whole && attempts < 3 && !violation_ && master_of(n) == i; ++attempts) {
        fail_over(i, n);
        if (!violation_) pass(hand_over_time());
    }
    if (!violation_ && whole && hosts_.size() > 1 && master_of(n).value_or(i) == i)
        broken(&hosts_[i], fmt::format("(k) nobody took {} over", name_of(n)));
    // A better one than the backup that took over may be waiting for its preempt_delay; and maintenance moves the other
    // instances too, which may be taken back.
    if (!violation_) pass(longest_preempt_delay() + settle_time());
    if (violation_) return;
    expect_no_transition("the time after a hand-over", [&] { pass(settle_time()); });
    if (!violation_) fail_back(i, n);
    if (!violation_) maintain(i, false);
}

void Lan::expect_no_transition(const char* during, const std::function<void()>& what) {
    const auto before = statistics_.transitions;
    settled_ = true;
    what();
    if (!violation_) pass(settle_time());
    if (!violation_ && statistics_.transitions != before)
        broken(nullptr, fmt::format("(f) somebody moves during {}", during));
    settled_ = false;
}

// How long a master may be away at most, if its last advert went out just an interval before it left.
Nanos Lan::short_pause(std::size_t master) const {
    const Host& host = hosts_[master];
    Nanos bound = Nanos::max();
    for (std::size_t n = 0; n < host.states.size(); ++n) {
        if (host.states[n] != State::Master) continue;
        const auto& c = host.config.instances[n];
        bound = std::min(bound, Nanos{c.advert_int} * (c.down_timer_adverts - 1));
    }
    return bound - bound / 500 - 2 * (jitter_ + lateness_);
}

void Lan::experiment() {
    const std::size_t n = random_.below(hosts_[0].states.size());
    const std::size_t master = master_of(n).value_or(0);
    const std::size_t other = random_.below(hosts_.size());
    const auto rules = [](State state) { return state == State::Master; };
    const bool idle = std::ranges::none_of(hosts_[other].states, rules);
    // A client that knows every master now must know every master afterwards.
    for (std::size_t v = 0; v < hosts_[0].states.size(); ++v)
        if (const auto at = master_of(v))
            for (const auto& address : hosts_[*at].config.instances[v].addresses)
                client_cache_[address.prefix.address] = *at;
    const Nanos away = random_.up_to(short_pause(master));
    switch (random_.below(9)) {
        case 0:
            return expect_no_transition("a short pause of a master", [&] {
                pause(master);
                pass(away);
                resume(master);
            });
        case 1:
            if (!idle) return;
            return expect_no_transition("a pause of a backup", [&] {
                pause(other);
                pass(random_.up_to(Nanos{plan_.interval} * 30));
                if (!violation_) resume(other);
            });
        case 2:
            return expect_no_transition("a short crash of a master", [&] {
                const auto held = hosts_[master].kernel;
                crash(master);
                pass(away);
                if (!violation_) start(master, true);
                if (!violation_ && held != hosts_[master].kernel)
                    broken(&hosts_[master], "(f) a crash moves its addresses");
            });
        case 3:
            return expect_no_transition("a change of addresses", [&] { reload(other, false); });
        case 4:
            return expect_no_transition("the theft of an address", [&] { steal_address(master); });
        case 5:
            partition();
            pass(settle_time());
            join();
            break;
        case 7:
            hand_over_in_peace(master, n);
            break;
        case 6:
            stop(master);
            pass(random_.up_to(settle_time() * 2));
            if (!violation_) start(master, false);
            break;
        default:
            crash(master);
            pass(random_.up_to(settle_time() * 2));
            if (!violation_) start(master, random_.chance(500));
            break;
    }
    if (violation_) return;
    heal();
    check_settled();
    if (violation_ || !plan_.announces) return;
    pass(plan_.announce_delay + settle_time());
    if (!violation_) check_client();
}

}  // namespace mainstay::sim
