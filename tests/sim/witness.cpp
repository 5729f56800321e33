#include "witness.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace mainstay::sim {

using namespace std::chrono_literals;
using vrrp::State;

namespace {
constexpr std::size_t kAnswersOwed = 4;  // a master answers at least so many provocations within an interval
}

void Witness::configure(const config::Config& config) {
    config_ = config;
    expects_.assign(config.instances.size(), {});
}

void Witness::remember(const vrrp::RouterSnapshot& block) {
    for (std::size_t n = 0; n < expects_.size(); ++n) {
        const auto& instance = block.instances.at(n);
        expects_[n] = {.state = instance.state,
                       .due = instance.deadline,
                       .priority = instance.effective_priority,
                       .learned = instance.master_interval,
                       .knows_master = !instance.master.empty(),
                       .preempt_from = {},
                       .preempting = {},
                       .preempted_until = {},
                       .reduced = instance.reduced,
                       .failed_over = instance.failed_over,
                       .other_owner_since = {},
                       .provocations = {}};
    }
    script_ = {};
    if (!block.scripts.empty())
        script_ = {.known = block.scripts[0].known, .up = block.scripts[0].up, .streak = block.scripts[0].streak};
}

// ---- arithmetic ----------------------------------------------------------------------------------------------------

bool Witness::owner(std::size_t n) const {
    return !maintenance_ && std::ranges::all_of(together(n), [&](std::size_t m) { return own(m).priority == 255; });
}

std::vector<std::size_t> Witness::together(std::size_t n) const {
    if (!grouped(n)) return {n};
    std::vector<std::size_t> members;
    for (std::size_t m = 0; m < config_.instances.size(); ++m)
        if (own(m).sync_group == own(n).sync_group) members.push_back(m);
    return members;
}

bool Witness::link_up(const std::string& name) const {
    const auto it = links_.find(name);
    return it != links_.end() && it->second.index != 0 && it->second.up;
}

bool Witness::fit_alone(std::size_t n) const {
    const auto& c = own(n);
    const auto link = links_.find(c.interface);
    if (link == links_.end() || link->second.index == 0 || link->second.addresses.empty()) return false;
    if (!c.dont_track_primary && !link_up(c.interface)) return false;
    for (const auto& track : c.track_interfaces)
        if (track.weight == 0 && !link_up(track.name)) return false;
    for (const auto& track : c.track_scripts)
        if (track.weight == 0 && (script_.awaited || (script_.known && !script_.up))) return false;
    return true;
}

bool Witness::fit(std::size_t n) const {
    return std::ranges::all_of(together(n), [&](std::size_t m) { return fit_alone(m); });
}

// Positive weights count while up, negative ones while down; `reverse` turns the sign.
std::uint8_t Witness::priority(std::size_t n) const {
    const auto& c = own(n);
    if (maintenance_) return 1;
    if (c.priority == 255) return expects_[n].reduced ? 254 : 255;
    int total = c.priority;
    const auto add = [&](int weight, bool reverse, bool up) {
        if ((weight > 0) == up) total += reverse ? -weight : weight;
    };
    for (const auto& track : c.track_interfaces)
        if (track.weight != 0) add(track.weight, track.reverse, link_up(track.name));
    for (const auto& track : c.track_scripts)
        if (track.weight != 0 && script_.known) add(track.weight, track.reverse, script_.up);
    return static_cast<std::uint8_t>(std::clamp(total, 1, 254));
}

Nanos Witness::skew(std::size_t n, int priority, Micros interval) const {
    const Nanos whole = own(n).version == 2 ? Nanos{1s} : Nanos{interval};
    return Nanos{whole.count() * (256 - priority) / 256};
}

Nanos Witness::down(std::size_t n) const {
    return Nanos{expects_[n].learned} * own(n).down_timer_adverts + skew(n, expects_[n].priority, expects_[n].learned);
}

// ---- what happens --------------------------------------------------------------------------------------------------

void Witness::start(Instant now, bool with_block) {
    const auto before = expects_;
    const auto& scripts = config_.scripts;
    if (!with_block) {
        script_ = {};
        if (!scripts.empty()) script_.known = scripts[0].init_fail;
        expects_.assign(config_.instances.size(), {});
    }
    script_.awaited = !scripts.empty() && !script_.known;
    startup_until_.reset();
    if (!with_block && config_.global.vrrp_startup_delay > Micros{0})
        startup_until_ = now + config_.global.vrrp_startup_delay;
    earliest_ = startup_until_.value_or(now);
    for (std::size_t n = 0; n < expects_.size(); ++n) {
        Expect& e = expects_[n];
        e.priority = priority(n);
        if (with_block) {
            adopt(now, n, before[n]);
        } else {
            e.learned = own(n).advert_int;
            if (!fit(n))
                fall(n);
            else if (own(n).initial_master && !grouped(n) && !owner(n) && !maintenance_)
                wait(n, earliest_ + own(n).advert_int + skew(n, 255, own(n).advert_int));
            else
                wait(n, owner(n) ? earliest_ : earliest_ + down(n));
        }
    }
    // The members of a group stay together: when one must not go on as master, none may.
    for (std::size_t n = 0; n < expects_.size(); ++n)
        for (const std::size_t m : together(n))
            if (expects_[n].state == State::Master && expects_[m].state == State::Backup) wait(n, now + down(n));
}

// keepalived has no such thing; DESIGN: a master stays master unless somebody may have replaced it for good, and a
// backup listens for a whole master-down time if it can have missed an advert.
void Witness::adopt(Instant now, std::size_t n, const Expect& before) {
    Expect& e = expects_[n];
    const auto& c = own(n);
    e.ripe = e.handed = false;
    e.preempt_from.reset();
    e.provocations.clear();
    e.preempting = {};
    e.preempted_until.reset();
    e.other_owner_since.reset();
    if (c.version != 3) e.learned = c.advert_int;
    if (!fit(n)) {
        if (e.state != State::Fault) fall(n);
    } else if (e.state == State::Fault) {
        e.learned = c.advert_int;
        wait(n, owner(n) ? now : now + down(n));
    } else if (e.state == State::Backup) {
        const bool missed = now >= before.due - down(n) + e.learned || before.due > now + down(n);
        e.due = missed ? now + down(n) : before.due;
    } else if (e.state == State::Master) {
        const Nanos silence = now - (before.due - Nanos{c.advert_int});
        if (c.nopreempt && silence > Nanos{c.advert_int} * c.down_timer_adverts)
            wait(n, now + down(n));
        else
            e.due = std::clamp(before.due, now, now + Nanos{c.advert_int});
    }
}

void Witness::observe(const vrrp::InterfaceFact& fact) { links_.insert_or_assign(fact.name, fact); }

void Witness::link(Instant now, const vrrp::InterfaceFact& fact) {
    observe(fact);
    judge(now);
}

void Witness::judge(Instant now) {
    for (std::size_t n = 0; n < expects_.size(); ++n) {
        Expect& e = expects_[n];
        const Nanos before = down(n);
        e.priority = priority(n);
        // The wait ends as if it had begun with the new priority.
        if (e.state == State::Backup && !owner(n)) e.due += down(n) - before;
        if (!fit(n)) {
            if (e.state != State::Fault) fall(n);
        } else if (e.state == State::Fault) {
            e.learned = own(n).advert_int;
            const Instant begin = std::max(now, earliest_);
            wait(n, owner(n) ? begin : begin + down(n));
        }
    }
}

void Witness::wait(std::size_t n, Instant due) {
    Expect& e = expects_[n];
    e.state = State::Backup;
    e.due = due;
    e.preempting = {};
    e.preempted_until.reset();
    e.other_owner_since.reset();
    e.ripe = false;
    e.preempt_from.reset();
}

void Witness::fall(std::size_t n) {
    Expect& e = expects_[n];
    if (e.state == State::Master && link_up(own(n).interface)) e.resignations_least = 1;  // else nobody would hear it
    e.state = State::Fault;
    e.handed = false;
    e.due = {};
    e.preempting = {};
    e.preempted_until.reset();
    e.other_owner_since.reset();
    e.ripe = false;
    e.preempt_from.reset();
}

void Witness::rule(Instant now, std::size_t n) {
    Expect& e = expects_[n];
    e.state = State::Master;
    if (std::exchange(e.reduced, false) && !maintenance_) e.priority = 255;
    e.failed_over = e.handed = false;
    e.other_owner_since.reset();
    if (!e.preempting.empty()) e.preempted_until = now + own(n).advert_int;
    e.learned = own(n).advert_int;
    e.knows_master = true;
    e.due = now + own(n).advert_int;
    e.ripe = false;
    e.adverts_least = e.adverts_most = 1;
}

void Witness::deadline(Instant now) {
    if (startup_until_ && *startup_until_ <= now) startup_until_.reset();
    for (std::size_t n = 0; n < expects_.size(); ++n) {
        Expect& e = expects_[n];
        if (e.state == State::Master && e.due <= now && e.adverts_most == 0) {
            const Nanos interval = own(n).advert_int;
            e.due += interval * ((now - e.due) / interval + 1);  // missed slots are left out
            e.adverts_least = e.adverts_most = 1;
        } else if (e.state == State::Backup && e.due <= now) {
            if (!grouped(n)) {
                rule(now, n);
                continue;
            }
            e.ripe = true;
            e.due = now + down(n);
            const auto members = together(n);
            if (std::ranges::all_of(members, [&](std::size_t m) { return expects_[m].ripe; }))
                for (const std::size_t m : members) rule(now, m);
        }
    }
    end_hand_overs();
}

std::optional<std::size_t> Witness::concerns(const Packet& packet) const {
    if (packet.forged) return std::nullopt;
    for (std::size_t n = 0; n < config_.instances.size(); ++n) {
        const auto& c = own(n);
        if (c.virtual_router_id != packet.advert.virtual_router_id || c.family != packet.source.family()) continue;
        // keepalived: version 2 neighbours with another interval do not count.
        if (c.version == 2 && packet.advert.interval != c.advert_int) return std::nullopt;
        return n;
    }
    return std::nullopt;
}

void Witness::hear(Instant now, const Packet& packet) {
    if (delayed(now)) return;
    const auto n = concerns(packet);
    if (!n) return;
    if (expects_[*n].state == State::Backup)
        hear_as_backup(now, *n, packet);
    else if (expects_[*n].state == State::Master)
        hear_as_master(now, *n, packet);
    end_hand_overs();
}

// ---- an operator steps in ------------------------------------------------------------------------------------------

// As long as the slowest backup may take to follow a priority 0 advert, and one advert more.
void Witness::hand_over(Instant now, std::size_t n) {
    Expect& e = expects_[n];
    if (e.state != State::Master) return;
    e.resignations_least = 1;
    e.learned = own(n).advert_int;
    wait(n, now + skew(n, 1, own(n).advert_int) + own(n).advert_int);
    e.failed_over = e.handed = true;
}

void Witness::fail_over(Instant now, std::size_t n) {
    for (const std::size_t m : together(n)) hand_over(now, m);
}

void Witness::fail_back(std::size_t n) {
    for (const std::size_t m : together(n)) expects_[m].failed_over = false;
}

void Witness::maintain(Instant now, bool on) {
    maintenance_ = on;
    judge(now);
    for (std::size_t n = 0; n < expects_.size(); ++n) {
        if (on)
            hand_over(now, n);
        else
            fail_back(n);
    }
}

// Nobody took over some members of a group, while somebody follows another router with the rest: it has failed.
void Witness::end_hand_overs() {
    for (std::size_t n = 0; n < expects_.size(); ++n) {
        const auto members = together(n);
        const auto any = [&](auto&& test) { return std::ranges::any_of(members, test); };
        const auto& all = expects_;
        if (!grouped(n) || !any([&](std::size_t m) { return all[m].handed; }) ||
            any([&](std::size_t m) { return all[m].state == State::Master || (all[m].handed && !all[m].ripe); }))
            continue;
        for (const std::size_t m : members) expects_[m].failed_over = expects_[m].handed = false;
    }
}

void Witness::hear_as_backup(Instant now, std::size_t n, const Packet& packet) {
    const wire::VrrpPacket& advert = packet.advert;
    Expect& e = expects_[n];
    const auto& c = own(n);
    if (advert.priority == 0) {
        e.due = now + skew(n, e.priority, e.learned);
        return;
    }
    const bool respects_all = c.nopreempt || e.failed_over;
    bool accepted = respects_all || advert.priority >= e.priority;
    if (!respects_all && accepted) e.preempt_from.reset();
    if (!accepted && c.preempt_delay > Micros{0}) {
        if (!e.preempt_from) e.preempt_from = now + c.preempt_delay;
        accepted = now < *e.preempt_from;
    }
    e.preempting = accepted ? IpAddress{} : packet.source;
    if (!accepted) return;
    if (c.version == 3) e.learned = advert.interval;
    e.knows_master = true;
    e.ripe = e.handed = false;
    e.due = now + down(n);
}

void Witness::hear_as_master(Instant now, std::size_t n, const Packet& packet) {
    Expect& e = expects_[n];
    const auto& c = own(n);
    if (packet.advert.priority == 0) return provoked(now, n, true);
    const auto& addresses = links_.at(kInterface).addresses;
    const auto ours = std::ranges::find(addresses, c.family, &IpAddress::family);
    if (packet.advert.priority == 255 && e.priority == 255 && packet.source != *ours) other_owner(now, n);
    if (e.preempted_until && now < *e.preempted_until && packet.source == e.preempting &&
        std::tie(packet.advert.priority, packet.source) < std::tie(e.priority, *ours)) {
        e.preempted_until.reset();  // the last word of the one who yields to us
        return;
    }
    if (std::tie(packet.advert.priority, packet.source) < std::tie(e.priority, *ours)) return provoked(now, n, false);
    if (c.higher_prio_send_advert) e.adverts_least = e.adverts_most = 1;
    if (c.version == 3) e.learned = packet.advert.interval;
    for (const std::size_t m : together(n)) wait(m, now + down(m));
}

// keepalived: an owner that hears another one for two adverts and 1.2 intervals more gives way, until that is gone.
void Witness::other_owner(Instant now, std::size_t n) {
    Expect& e = expects_[n];
    const Nanos interval = own(n).advert_int;
    if (!e.other_owner_since || now - e.other_owner_last > interval * own(n).down_timer_adverts)
        e.other_owner_since = now;
    e.other_owner_last = now;
    if ((now - *e.other_owner_since) * 10 < interval * 32) return;
    e.reduced = true;
    e.priority = 254;
}

// A master answers at once; a flood is not answered in kind.
void Witness::provoked(Instant now, std::size_t n, bool resigned) {
    Expect& e = expects_[n];
    std::erase_if(e.provocations, [&](Instant at) { return now - at >= own(n).advert_int; });
    e.provocations.push_back(now);
    const bool owed = e.provocations.size() <= kAnswersOwed;
    if (resigned) {
        e.adverts_least = owed ? 1 : 0;
        e.adverts_most = 1;
        e.resets_timer = true;
        return;
    }
    for (const std::size_t m : together(n)) {
        if (own(m).lower_prio_no_advert) continue;
        expects_[m].adverts_least = owed ? 1 : 0;
        expects_[m].adverts_most = 1;
    }
}

// The first result decides at once, later ones after `rise` or `fall` in a row.
void Witness::script(Instant now, bool good) {
    if (script_.known && good == script_.up) {
        script_.streak = 0;
        return;
    }
    const auto& c = config_.scripts.at(0);
    if (++script_.streak < (!script_.known ? 1 : good ? c.rise : c.fall)) return;
    script_ = {.known = true, .up = good};
    judge(now);
}

void Witness::reload(Instant now, const config::Config& config) {
    const config::Config old = std::exchange(config_, config);
    for (std::size_t n = 0; n < expects_.size(); ++n) {
        Expect& e = expects_[n];
        const auto& c = own(n);
        if (e.state != State::Backup || c.version == 2 || !e.knows_master) e.learned = c.advert_int;
        if (c.priority != 255) e.reduced = false;
        const auto& was = old.instances[n];
        // A master whose adverts say something else sends one at once.
        const bool news =
            std::tie(c.advert_int, c.priority, c.addresses) != std::tie(was.advert_int, was.priority, was.addresses);
        if (e.state == State::Master) e.due = news ? now : std::min(e.due, now + Nanos{c.advert_int});
        // Another interval never cuts a wait short.
        if (e.state == State::Backup && c.advert_int != was.advert_int) e.due = std::max(e.due, now + down(n));
    }
    judge(now);
}

void Witness::lost(bool restorable) {
    for (Expect& e : expects_) e.may_give_up = restorable && e.state == State::Master;
}

void Witness::shutdown() {
    for (std::size_t n = 0; n < expects_.size(); ++n) {
        Expect& e = expects_[n];
        if (e.state == State::Master && !links_.at(kInterface).addresses.empty()) e.resignations_least = 1;
        e.state = State::Init;
        e.due = {};
    }
}

// ---- comparing -----------------------------------------------------------------------------------------------------

std::optional<std::string> Witness::compare(Instant now, const vrrp::RouterSnapshot& got,
                                            const vrrp::Intents& intents) {
    std::optional<std::string> complaint;
    const auto since = [&](Instant at) {
        return at == Instant{} ? std::string{"never"}
                               : fmt::format("in {:+.6f} s", std::chrono::duration<double>(at - now).count());
    };
    const auto complain = [&](std::size_t n, const std::string& text) {
        if (!complaint) complaint = fmt::format("(h) {} {}", own(n).name, text);
    };
    for (std::size_t n = 0; n < expects_.size(); ++n) {
        Expect& e = expects_[n];
        const auto& instance = got.instances.at(n);
        const bool resigned = std::ranges::any_of(intents, [](const vrrp::Intent& intent) {
            const auto* sent = std::get_if<vrrp::SendAdvert>(&intent);
            return sent != nullptr && sent->payloads.at(0).at(2) == std::byte{0};
        });
        if (e.may_give_up && instance.state == State::Backup && resigned) wait(n, now + down(n));
        if (instance.state != e.state) {
            complain(n, fmt::format("is {} where {} is owed", to_string(instance.state), to_string(e.state)));
            continue;
        }
        if (const auto wrong = compare_adverts(n, intents)) complain(n, *wrong);
        if (e.resets_timer && instance.deadline == now + Nanos{own(n).advert_int}) e.due = instance.deadline;
        if (instance.deadline != e.due)
            complain(n, fmt::format("as {} has its deadline {}, it is owed {}", to_string(e.state),
                                    since(instance.deadline), since(e.due)));
        if (instance.failed_over != e.failed_over && e.state != State::Init)
            complain(n, e.failed_over ? "forgets its hand-over" : "believes that it was handed over");
        if (instance.effective_priority != e.priority && e.state != State::Init)
            complain(n, fmt::format("has priority {}, it should be {}", instance.effective_priority, e.priority));
    }
    for (Expect& e : expects_) {
        e.adverts_least = e.adverts_most = e.resignations_least = 0;
        e.may_give_up = e.resets_timer = false;
    }
    return complaint;
}

std::optional<std::string> Witness::compare_adverts(std::size_t n, const vrrp::Intents& intents) const {
    const Expect& e = expects_[n];
    unsigned adverts = 0, resignations = 0;
    for (const vrrp::Intent& intent : intents) {
        const auto* sent = std::get_if<vrrp::SendAdvert>(&intent);
        if (sent == nullptr || sent->instance != n) continue;
        const auto sent_priority = std::to_integer<std::uint8_t>(sent->payloads.at(0).at(2));
        ++(sent_priority == 0 ? resignations : adverts);
        if (sent_priority != 0 && e.state == State::Master && sent_priority != e.priority)
            return fmt::format("advertises priority {} where its own is {}", sent_priority, e.priority);
    }
    if (adverts < e.adverts_least || adverts > e.adverts_most)
        return fmt::format("sends {} adverts where {} are owed", adverts, e.adverts_least);
    if (resignations < e.resignations_least) return std::string{"leaves without a priority 0 advert"};
    if (resignations > 0 && e.state == State::Master) return std::string{"resigns and stays master"};
    return std::nullopt;
}

}  // namespace mainstay::sim
