// What must hold after every step of every router, whatever the network does. The letters are those of the design;
// a violation names its letter.
//
// (a) check_settled(): after down_timer_adverts x largest interval + largest skew + one interval of flowing messages
//     there is exactly one master per VRID, it holds all its addresses, and nobody preempting is better. Suspended
//     from the first trouble until heal() is through: links up, nobody paused or crashed, no loss, no partition,
//     scripts good for `rise` runs, startup delays over, version 2 intervals alike. "Nobody is better" waits for the
//     longest preempt_delay too, and leaves out directors with nopreempt and those that an operator failed over.
// (b) check_addresses(): the kernel of a director holds no address of an instance that is not master. Suspended
//     between a crash and the next incarnation's first step, and for an address owner (priority 255).
// (c) check_yield(): MASTER to BACKUP only on an advert that is (priority, address) greater than the own current one,
//     for the instance or a member of its group; or with a priority 0 advert of its own because its addresses are
//     taken away for good or an operator has it hand over; or, with nopreempt, in the first step of a new incarnation.
// (d) check_takeover(): BACKUP to MASTER only when the last advert of a master that must be respected is
//     down_timer_adverts of its intervals old: any advert with nopreempt or after an operator's hand-over, any within
//     preempt_delay, else those of equal or higher priority. Not suspended.
// (e) check_group(): the members of a sync group are all MASTER or none, all FAULT or none. Not suspended.
// (f) expect_no_transition(): pauses and crashes that are short, pauses of backups, reloads of addresses and thefts in
//     a settled network change no state at all; and nobody takes over while an advert waits in its queue.
// (g) check_addresses(): a master holds every address of its configuration, those apart that somebody else removed and
//     it still may put back; what a reload or a change of state gives up is gone in that step; after the last stop
//     nothing is left.
// (h) Witness: state, deadline, priority and number of adverts are those that the documents owe. Not suspended.
// (i) check_yield(), check_takeover(): taking over is advert, addresses, gratuitous ARPs, in this order.
// (j) check_client(): after a partition heals, a crash or a stop, a client's ARP cache leads to the master. Held only
//     where higher_prio_send_advert is set: without it the loser of a healed partition yields in silence, as
//     keepalived's does, and the winner cannot know that it must announce itself.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "lan.hpp"

namespace mainstay::sim {

using namespace std::chrono_literals;
using namespace vrrp;

void Lan::broken(const Host* host, const std::string& what) {
    if (violation_) return;
    violation_ = fmt::format("{:.6f} s, {}: {}", std::chrono::duration<double>(now_.time_since_epoch()).count(),
                             host == nullptr ? std::string{"lan"} : fmt::format("r{}", host->index), what);
    trace_line(host, "VIOLATION {}", what);
}

void Lan::check(Host& host, const RouterSnapshot& snapshot, const Intents& intents, const Packet* heard) {
    const Instant now = host.clock.local(now_);
    bool moved = false;
    bool handled = starting_;  // something was done about addresses
    for (const Intent& intent : intents)
        handled |= std::holds_alternative<AddAddresses>(intent) || std::holds_alternative<RemoveAddresses>(intent) ||
                   std::holds_alternative<ChangeAddresses>(intent) || std::holds_alternative<RestoreAddress>(intent) ||
                   std::holds_alternative<SetRouting>(intent) || std::holds_alternative<RemoveRouting>(intent);
    for (std::size_t n = 0; n < host.states.size(); ++n) {
        const State before = host.states[n], after = snapshot.instances[n].state;
        if (before == after) continue;
        moved = true;
        ++statistics_.transitions;
        if (trace_) trace_line(&host, "{} {} -> {}", snapshot.instances[n].name, to_string(before), to_string(after));
        if (settled_) broken(&host, "(f) " + snapshot.instances[n].name + " moves in a settled network");
        if (before == State::Master && after == State::Backup) check_yield(host, n, intents, heard);
        if (before == State::Backup && after == State::Master) check_takeover(host, n, intents);
        host.states[n] = after;
        host.heard[n] = {};
    }
    statistics_.checks += host.states.size();
    if (moved || starting_) check_group(host);
    if (moved || handled) check_addresses(host);
    if (const auto complaint = host.witness.compare(now, snapshot, intents)) broken(&host, *complaint);
    if (heard != nullptr) note_heard(host, *heard);
}

// Of an address owner: the host's own, whoever put them there.
bool Lan::owned(const Host& host, const Prefix& prefix) {
    for (std::size_t n = 0; n < host.config.instances.size(); ++n)
        if (host.config.instances[n].priority == 255 && virtual_router_of(prefix) == n) return true;
    return false;
}

void Lan::check_addresses(const Host& host) {
    std::set<std::pair<std::string, Prefix>> wanted;
    for (std::size_t n = 0; n < host.states.size(); ++n) {
        const auto& c = host.config.instances[n];
        for (const auto* list : {&c.addresses, &*c.excluded_addresses})
            for (const auto& address : *list)
                if (host.states[n] == State::Master) wanted.insert({c.interface, address.prefix});
    }
    for (const auto& held : host.kernel)
        if (!owned(host, held.second) && !wanted.contains(held))
            broken(&host, fmt::format("(b) holds {} without being its master", held.second.to_string()));
    for (std::size_t n = 0; n < host.states.size(); ++n) {
        const bool master = host.states[n] == State::Master;
        if (!master && host.config.instances[n].priority == 255) continue;  // an owner's stay when it dies
        for (const auto& entry : routing_of(host.config.instances[n]))
            if (host.routes.contains(vrrp::describe(entry)) != master)
                broken(&host, fmt::format("({} route {}", master ? "g) is master and lacks" : "b) is no master and has",
                                          vrrp::describe(entry)));
    }
    for (const auto& held : wanted)
        if (!host.kernel.contains(held) && !host.missing.contains(held))
            broken(&host, fmt::format("(g) is master and lacks {}", held.second.to_string()));
}

void Lan::check_yield(const Host& host, std::size_t n, const Intents& intents, const Packet* heard) {
    const auto& c = host.config.instances[n];
    if (starting_ && c.nopreempt) return;
    const bool resigned = std::ranges::any_of(intents, [](const Intent& intent) {
        const auto* sent = std::get_if<SendAdvert>(&intent);
        return sent != nullptr && sent->payloads.at(0).at(2) == std::byte{0};
    });
    if (heard == nullptr && resigned) return;
    const auto from = heard == nullptr ? std::nullopt : host.witness.concerns(*heard);
    const bool ours =
        from && (*from == n || (!c.sync_group.empty() && host.config.instances[*from].sync_group == c.sync_group));
    const bool better =
        ours && std::tuple{heard->advert.priority, heard->source} >
                    std::tuple{host.witness.expects()[*from].priority, address(host.index, heard->source.family())};
    if (!better) broken(&host, "(c) " + c.name + " yields to nobody better");
}

void Lan::check_takeover(const Host& host, std::size_t n, const Intents& intents) {
    const auto& c = host.config.instances[n];
    const Instant now = host.clock.local(now_);
    const auto& heard = host.heard[n];
    if (heard.live && now - *heard.live < heard.silence_owed)
        broken(&host, fmt::format("(d) {} takes over from a master that it must respect", c.name));
    for (const auto& packet : host.inbox)
        if (host.witness.concerns(*packet) == n && packet->advert.priority >= host.witness.expects()[n].priority)
            broken(&host, fmt::format("(f) {} takes over before it reads what its master sent", c.name));
    std::vector<std::size_t> order;
    for (const Intent& intent : intents) {
        if (const auto* sent = std::get_if<SendAdvert>(&intent); sent != nullptr && sent->instance == n)
            order.push_back(0);
        if (const auto* add = std::get_if<AddAddresses>(&intent); add != nullptr && add->instance == n)
            order.push_back(1);
        if (const auto* arp = std::get_if<SendGratuitousArp>(&intent); arp != nullptr && arp->instance == n)
            order.push_back(2);
    }
    if (order != std::vector<std::size_t>{0, 1, 2})
        broken(&host, fmt::format("(i) {} takes over in the wrong order", c.name));
}

void Lan::check_group(const Host& host) {
    for (std::size_t n = 0; n < host.states.size(); ++n) {
        const auto& group = host.config.instances[n].sync_group;
        if (group.empty()) continue;
        const auto member = std::ranges::find(host.config.instances, group, &config::Instance::sync_group);
        const auto first = static_cast<std::size_t>(member - host.config.instances.begin());
        if (host.states[n] != host.states[first])
            broken(&host, fmt::format("(e) the members of its sync group disagree: {} is {}, {} is {}", member->name,
                                      to_string(host.states[first]), host.config.instances[n].name,
                                      to_string(host.states[n])));
    }
}

void Lan::note_heard(Host& host, const Packet& packet) {
    const Instant now = host.clock.local(now_);
    const auto n = host.witness.concerns(packet);
    if (!n || host.states[*n] != State::Backup || host.witness.delayed(now)) return;
    const auto& c = host.config.instances[*n];
    auto& heard = host.heard[*n];
    if (packet.advert.priority == 0) {
        heard.live.reset();
        return;
    }
    const bool lower = packet.advert.priority < host.witness.expects()[*n].priority;
    if (!lower)
        heard.first_lower.reset();
    else if (!heard.first_lower)
        heard.first_lower = now;
    const bool respects_all = c.nopreempt || host.witness.expects()[*n].failed_over;
    if (lower && !respects_all && (c.preempt_delay == Micros{0} || now >= *heard.first_lower + c.preempt_delay)) return;
    heard.live = now;
    heard.silence_owed = Nanos{c.version == 3 ? packet.advert.interval : c.advert_int} * c.down_timer_adverts;
}

void Lan::check_settled() {
    if (!violation_) pass(settle_time());
    const auto one_each = [&] {
        for (std::size_t n = 0; n < hosts_[0].states.size(); ++n)
            if (!master_of(n)) return std::optional{n};
        return std::optional<std::size_t>{};
    };
    // A preemption may be on the wire at this very moment.
    if (!violation_ && one_each()) pass(4 * (jitter_ + lateness_));
    if (const auto n = one_each(); n && !violation_)
        broken(nullptr, fmt::format("(a) {} has no master, or several", name_of(*n)));
    const Nanos delay = longest_preempt_delay();
    if (!violation_ && delay > Nanos{0}) pass(delay + settle_time());
    for (std::size_t n = 0; n < hosts_[0].states.size() && !violation_; ++n) {
        const auto master = master_of(n);
        if (!master) return broken(nullptr, fmt::format("(a) {} has no master, or several", name_of(n)));
        check_best(n, hosts_[*master]);
    }
}

void Lan::check_best(std::size_t n, const Host& master) {
    for (const auto& address : master.config.instances[n].addresses)
        if (!master.kernel.contains({kInterface, address.prefix}))
            broken(&master, fmt::format("(g) is master of {} and lacks an address", name_of(n)));
    for (const Host& other : hosts_) {
        if (!other.router || other.config.instances[n].nopreempt || other.witness.expects()[n].failed_over) continue;
        if (other.witness.expects()[n].priority > master.witness.expects()[n].priority)
            broken(&master, fmt::format("(a) is master of {} though r{} is better", name_of(n), other.index));
    }
}

void Lan::check_client() {
    for (std::size_t n = 0; n < hosts_[0].states.size(); ++n) {
        const auto master = master_of(n);
        if (!master) continue;
        for (const auto& address : hosts_[*master].config.instances[n].addresses) {
            const auto at = client_cache_.find(address.prefix.address);
            if (at != client_cache_.end() && at->second != *master)
                broken(&hosts_[*master],
                       fmt::format("(j) is master of {}, but clients still send to r{}", name_of(n), at->second));
        }
    }
}

}  // namespace mainstay::sim
