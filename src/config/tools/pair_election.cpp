// Compares priorities and trackers: which director becomes MASTER, and which failures move the addresses. The classic
// mistake: priorities 105 and 100 and a script of weight -2. 105 - 2 = 103 is still more than 100, so the address stays
// on the host whose service has failed.

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "mainstay/config/keywords.hpp"
#include "pair_report.hpp"

namespace mainstay::config {
namespace {

using Where = PairFinding::Where;

constexpr int kMostPriority = 254, kLeastPriority = 1;

struct Tracker {
    std::string name;  // "script chk_haproxy"
    int weight = 0;
    bool reverse = false;

    // keepalived: a positive weight counts while up, a negative one while down; `reverse` turns the sign (2.4.3).
    [[nodiscard]] int counts(bool up) const {
        const int value = weight > 0 ? (up ? weight : 0) : (up ? 0 : weight);
        return reverse ? -value : value;
    }
};

struct Side {
    const Instance& instance;
    Where where;
    std::vector<Tracker> trackers;  // those with a weight
    int sum = 0;                    // priority while all is well, before it is bounded

    [[nodiscard]] int bounded(int total) const {
        return instance.priority == kOwnerPriority ? kOwnerPriority : std::clamp(total, kLeastPriority, kMostPriority);
    }
    [[nodiscard]] int priority() const { return bounded(sum); }
    // While `tracker` fails and all else is well.
    [[nodiscard]] int priority_without(const Tracker& tracker) const {
        return bounded(sum - tracker.counts(true) + tracker.counts(false));
    }
    [[nodiscard]] int priority_at_worst() const {
        int total = sum;
        for (const auto& t : trackers) total += std::min(t.counts(false) - t.counts(true), 0);
        return bounded(total);
    }
};

template <class List>
void add_trackers(const List& list, std::string_view kind, std::vector<Tracker>& out) {
    for (const auto& t : list)
        if (t.weight != 0) out.push_back({fmt::format("{} {}", kind, t.name), t.weight, t.reverse});
}

Side side_of(const Instance& instance, const SyncGroup* group, Where where) {
    Side side{instance, where, {}, instance.priority};
    add_trackers(instance.track_scripts, "script", side.trackers);
    add_trackers(instance.track_interfaces, "interface", side.trackers);
    if (group != nullptr) {
        add_trackers(group->track_scripts, "script", side.trackers);
        add_trackers(group->track_interfaces, "interface", side.trackers);
    }
    for (const auto& t : side.trackers) side.sum += t.counts(true);
    return side;
}

// "105 - 2 = 103", or "120 (100 + 20)" before and "100" after where a positive weight is lost.
std::string arithmetic(int from, int to) {
    return from >= to ? fmt::format("{} - {} = {}", from, from - to, to)
                      : fmt::format("{} + {} = {}", from, to - from, to);
}

class Election {
public:
    Election(PairReport& report, const InstancePair& pair)
        : r_{report},
          name_{pair.name()},
          a_{side_of(pair.first, pair.first_group, Where::First)},
          b_{side_of(pair.second, pair.second_group, Where::Second)} {}

    void run() {
        priorities();
        states();
        preemption();
        if (a_.priority() != b_.priority()) {
            const bool first = a_.priority() > b_.priority();
            weights(first ? a_ : b_, first ? b_ : a_);
        }
        watchers(a_, b_);
        watchers(b_, a_);
    }

private:
    void priorities() {
        if (a_.instance.priority == kOwnerPriority && b_.instance.priority == kOwnerPriority) {
            r_.add(Severity::Error, Code::PairPriority, Where::Both,
                   fmt::format("{}: both have priority 255 and own the addresses: neither yields to the other", name_),
                   "set different priorities below 255");
            return;
        }
        if (a_.priority() != b_.priority()) return;
        const bool tracked = a_.priority() != a_.instance.priority || b_.priority() != b_.instance.priority;
        r_.add(Severity::Warning, Code::PairPriority, Where::Both,
               fmt::format("{}: both have priority {}{}: the router with the higher source address wins", name_,
                           a_.priority(), tracked ? " while all that they track is well" : ""),
               "set different priorities, for example 150 and 100");
    }

    void states() {
        const bool a = a_.instance.initial_master, b = b_.instance.initial_master;
        if (a && b) {
            r_.add(Severity::Warning, Code::PairState, Where::Both,
                   fmt::format("{}: both have state MASTER: both claim the addresses when they start", name_),
                   "set state BACKUP in both and let the priority decide, or MASTER only in the one with the higher "
                   "priority");
        } else if (!a && !b) {
            r_.add(
                Severity::Note, Code::PairState, Where::Both,
                fmt::format(
                    "{}: both have state BACKUP: the priority alone decides, after about three missed advertisements",
                    name_));
        } else {
            const Side& master = a ? a_ : b_;
            const Side& other = a ? b_ : a_;
            if (master.priority() >= other.priority()) return;
            r_.add(
                Severity::Warning, Code::PairState, master.where,
                fmt::format("{}: {} has state MASTER, but {} has the higher priority ({}): the addresses move twice "
                            "when both start",
                            name_, r_.name(master.where), r_.name(other.where), r_.both(a_.priority(), b_.priority())),
                fmt::format("set state BACKUP in {}", r_.name(master.where)));
        }
    }

    void preemption() {
        const Side& high = a_.priority() >= b_.priority() ? a_ : b_;
        const Side& low = &high == &a_ ? b_ : a_;
        if (low.instance.nopreempt && !high.instance.nopreempt && high.priority() != low.priority())
            r_.add(Severity::Warning, Code::PairPreemption, Where::Both,
                   fmt::format(
                       "{}: nopreempt is only in {}, which has the lower priority: {} still preempts when it returns",
                       name_, r_.name(low.where), r_.name(high.where)),
                   fmt::format("set nopreempt and state BACKUP in {}", r_.name(high.where)));
        if (low.instance.preempt_delay.count() > 0 && high.instance.preempt_delay.count() == 0 &&
            high.priority() != low.priority())
            r_.add(Severity::Note, Code::PairPreemption, low.where,
                   fmt::format("{}: preempt_delay is only in {}, which has the lower priority: it has no effect", name_,
                               r_.name(low.where)),
                   fmt::format("set preempt_delay in {}", r_.name(high.where)));
    }

    // `high` is MASTER while all is well. What must fail, or turn up, for `low` to become it?
    void weights(const Side& high, const Side& low) {
        const int bar = low.priority();
        bool moves = false;
        for (const Tracker& t : high.trackers) {
            const int left = high.priority_without(t);
            if (left < bar) {
                moves = true;
                continue;
            }
            if (t.counts(false) >= t.counts(true)) continue;  // a reverse one: it rises
            trap(high, low, t, left);
        }
        for (const Tracker& t : low.trackers) {
            const int risen = low.priority_without(t);
            if (risen <= low.priority() || risen > high.priority()) continue;
            r_.add(Severity::Warning, Code::PairWeight, low.where,
                   fmt::format("{}: when {} is down, the priority of {} rises to {}, which is not above the {} of {}: "
                               "no takeover follows",
                               name_, t.name, r_.name(low.where), arithmetic(low.priority(), risen), high.priority(),
                               r_.name(high.where)),
                   fmt::format("set a weight larger than {}", high.priority() - low.priority()));
        }
        if (moves && low.instance.nopreempt)
            r_.add(Severity::Warning, Code::PairWeight, low.where,
                   fmt::format("{}: {} has nopreempt: it does not take over from a MASTER whose priority has fallen, "
                               "so the weights of {} have no effect",
                               name_, r_.name(low.where), r_.name(high.where)),
                   fmt::format("remove the weight in {}: a failure then means FAULT, and the MASTER resigns",
                               r_.name(high.where)));
    }

    void trap(const Side& high, const Side& low, const Tracker& t, int left) {
        const int bar = low.priority();
        const std::string& here = r_.name(high.where);
        const std::string& there = r_.name(low.where);
        const bool together = high.priority_at_worst() < bar;
        const std::string relation = left == bar ? fmt::format("not below the {} of {}", bar, there)
                                                 : fmt::format("still above the {} of {}", bar, there);
        std::string fix = fmt::format("remove the weight: a failure then means FAULT, and {} takes over", there);
        // The smallest step that leaves less than `bar`; the priority goes down to 1 and no further.
        const int needed = high.priority() - bar + 1;
        if (bar > kLeastPriority)
            fix = fmt::format("set weight {}{} or {} (more than {} - {} = {}); or {}", t.weight < 0 ? "-" : "", needed,
                              t.weight < 0 ? "lower" : "higher", high.priority(), bar, needed - 1, fix);
        r_.add(together ? Severity::Note : Severity::Warning, Code::PairWeight, high.where,
               fmt::format(
                   "{}: when {} fails, the priority of {} falls to {}, {}: {}", name_, t.name, here,
                   arithmetic(high.priority(), left), relation,
                   together ? fmt::format("{} takes over only when other tracked objects fail at the same time", there)
                            : fmt::format("{} does not take over", there)),
               std::move(fix));
    }

    // A script that one side runs and the other does not.
    void watchers(const Side& own, const Side& other) {
        const auto names = [](const Side& side) {
            std::vector<std::string> out;
            for (const auto& t : side.instance.track_scripts) out.push_back(t.name);
            return out;
        };
        for (const std::string& script : missing(names(own), names(other)))
            r_.add(Severity::Warning, Code::PairWeight, other.where,
                   fmt::format(
                       "{}: {} tracks script {}, {} does not: {} keeps the addresses when its own service has failed",
                       name_, r_.name(own.where), script, r_.name(other.where), r_.name(other.where)),
                   fmt::format("add it to track_script in {}", r_.name(other.where)));
    }

    PairReport& r_;
    std::string name_;
    Side a_, b_;
};

}  // namespace

void compare_election(PairReport& report, const InstancePair& pair) { Election{report, pair}.run(); }

// Compares VMACs. Two routers with a VMAC have the same MAC address. The kernel delivers a frame from that address only
// to the local VMAC with it, so a router that listens on the parent interface (vmac_xmit_base) does not receive it.

namespace {

using Where = PairFinding::Where;

// Unicast never leaves from a VMAC, and strict mode takes no notice of the keyword.
bool sends_from_vmac(const Instance& instance) {
    const bool base = flag(instance.more->values, keyword::vmac_xmit_base) && !instance.strict;
    return instance.vmac->enabled && instance.unicast_peers.empty() && !base;
}

void deaf(PairReport& report, const InstancePair& pair, Where where) {
    const bool first = where == Where::First;
    const Instance& own = first ? pair.first : pair.second;
    const Instance& other = first ? pair.second : pair.first;
    const std::string& here = report.name(where);
    const std::string& there = report.name(first ? Where::Second : Where::First);
    const bool both = own.priority <= other.priority;
    report.add(both ? Severity::Error : Severity::Warning, Code::PairProtocol, Where::Both,
               fmt::format("{0}: vmac_xmit_base in {1} only: {1} does not receive what {2} sends from its VMAC, {3}",
                           pair.name(), here, there,
                           both ? std::string{"and both become MASTER"}
                                : fmt::format("and takes the addresses whenever it starts; while its priority is below "
                                              "that of {} there are two MASTERs",
                                              there)),
               "set vmac_xmit_base in both or in neither");
}

}  // namespace

void compare_vmacs(PairReport& report, const InstancePair& pair) {
    const Instance& a = pair.first;
    const Instance& b = pair.second;
    if (a.vmac->enabled != b.vmac->enabled)
        return report.add(
            Severity::Note, Code::PairProtocol, a.vmac->enabled ? Where::Second : Where::First,
            fmt::format("{}: use_vmac in {} only: the MAC address of the virtual addresses changes at each takeover",
                        pair.name(), a.vmac->enabled ? report.names.first : report.names.second),
            "set use_vmac in both or in neither");
    // Between unicast and multicast there is worse to report; with another address the kernel has no reason.
    if (!a.vmac->enabled || a.vmac->mac != b.vmac->mac || a.unicast_peers.empty() != b.unicast_peers.empty()) return;
    if (sends_from_vmac(a) == sends_from_vmac(b)) return;
    deaf(report, pair, sends_from_vmac(a) ? Where::Second : Where::First);
}

}  // namespace mainstay::config
