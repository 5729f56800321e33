#include "mainstay/vrrp/instance.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "mainstay/config/addresses.hpp"
#include "mainstay/config/keywords.hpp"
#include "timers.hpp"

namespace mainstay::vrrp {

Instance::Instance(InstanceId id, std::shared_ptr<const config::Instance> config, InstanceContext context)
    : id_{id},
      config_{std::move(config)},
      around_{std::move(context)},
      effective_{config_->priority},
      master_interval_{config_->advert_int} {
    apply_settings();
    routing_.rename(id_, "(" + config_->name + ") ");
    (void)routing_.replace(routing_of(*config_));
    refresh_advertised();
}

void Instance::apply_settings() {
    old_checksum_ = old_checksum_ || settings().old_unicast_checksum == Settings::OldChecksum::Always;
    if (settings().old_unicast_checksum == Settings::OldChecksum::Never) old_checksum_ = false;
}

Nanos Instance::down_time() const {
    return master_down_time(config_->version, effective_, master_interval_, config_->down_timer_adverts);
}

// keepalived: with `state MASTER` an instance waits one interval and the smallest skew instead of three intervals; an
// owner does not wait at all. Neither applies in a sync group, whose members begin together (2.4.3).
Instant Instance::first_election(Instant begin) const {
    if (owner()) return begin;
    if (hint_) return begin + config_->advert_int + skew_time(config_->version, 255, config_->advert_int);
    return begin + down_time();
}

void Instance::start(Step step, const Health& health, Instant begin) {
    earliest_ = begin;
    awaits_source_ = health.awaits_source;
    hint_ = config_->initial_master && !grouped() && !around_.maintenance;
    source_ = health.source;
    mtu_ = health.mtu;
    effective_ = priority_of(health.priority);
    priority_parts_ = health.parts;
    refresh_advertised();
    if (health.faults.empty())
        begin_as_backup(step, begin);
    else
        enter_fault(step, health, " (init)");
}

void Instance::begin_as_backup(Step step, Instant begin) {
    reasons_.set(Cause::Start, "the instance started");
    enter_backup(step, first_election(begin), " (init)");
}

void Instance::adopt(Step step, const Health& health, const InstanceSnapshot& previous) {
    if (previous.state == State::Init) return start(step, health, step.now);
    counters_ = previous.counters;
    last_mailed_ = previous.last_mailed;
    problems_.adopt(previous.problems);
    auth_.adopt(previous.auth_sent, previous.auth_heard);
    reduced_ = previous.reduced && config_->priority == config::kOwnerPriority;
    earliest_ = step.now;
    source_ = health.source;
    mtu_ = health.mtu;
    effective_ = priority_of(health.priority);
    failed_over_ = previous.failed_over;
    state_ = previous.state;
    faults_ = previous.faults;
    if (faults_.empty() && !previous.fault.empty()) faults_.push_back({.value = previous.fault});
    if (previous.state == State::Fault && health.only_waiting) waits_ = Waits::ForScripts;
    owns_addresses_ = previous.owns_addresses;
    if (config_->version == 3 && previous.master_interval > Micros{0}) master_interval_ = previous.master_interval;
    master_ = previous.master;
    master_priority_ = previous.master_priority;
    if (state_ == State::Backup && previous.names_master()) reasons_.heard_master(master_, master_priority_);
    if (state_ == State::Master && source_) master_ = *source_, master_priority_ = effective_;
    reasons_.set(previous.cause, previous.reason);
    refresh_advertised();
    set_health(step, health);
    if (state_ == previous.state && state_ != State::Fault) adopt_state(step, previous);
    // Another program was MASTER, whose state nobody handed over. Its scripts have run, and its mails were sent.
    if (state_ == State::Master && previous.master.empty()) announce(step, Transition::Master, {}, false);
}

void Instance::adopt_state(Step step, const InstanceSnapshot& previous) {
    if (state_ == State::Backup) {
        // Adverts that arrived while no socket was open are lost. Unless none can have been due yet, the wait starts
        // again: a late takeover is better than two masters.
        const Instant heard = previous.deadline - down_time();
        const bool missed = step.now >= heard + master_interval_ || previous.deadline > step.now + down_time();
        timer_ = missed ? step.now + down_time() : previous.deadline;
        return;
    }
    const Nanos silence = step.now - (previous.deadline - Nanos{config_->advert_int});
    if (config_->nopreempt && silence > Nanos{config_->advert_int} * config_->down_timer_adverts) {
        // Another router may be master by now, and may stay it.
        step_back(step, Cause::Crash, "this process was restarted, and another router may have taken over meanwhile", 0,
                  down_time());
        follows_master_ = grouped();  // the other members of the group follow a master as well
        return;
    }
    timer_ = std::clamp(previous.deadline, step.now, step.now + Nanos{config_->advert_int});
    add_addresses(step, 0);
    owns_addresses_ = true;
    if (config_->garp_master_delay > Micros{0}) second_garp_at_ = step.now + config_->garp_master_delay;
    if (config_->garp_master_refresh > Micros{0})
        refresh_ = step.now + config_->garp_master_delay + config_->garp_master_refresh;
    arm_extra_arps(step.now);
}

void Instance::set_health(Step step, const Health& health) {
    if (!health.keeps_priority) {
        set_priority(step, health.priority);
        priority_parts_ = health.parts;
    }
    awaits_source_ = health.awaits_source;
    if (!health.faults.empty()) {
        if (state_ != State::Fault) {
            enter_fault(step, health);
        } else if (waits_ != Waits::No && !health.only_waiting) {
            waits_ = Waits::No;
            hint_ = false;
            reasons_.set(health.faults.front().cause, text_of(health.faults));
            log_fault(step, health, "");
        }
        faults_ = health.faults;
    }
    if (source_ != health.source || mtu_ != health.mtu) {
        source_ = health.source;
        mtu_ = health.mtu;
        refresh_advertised();
        if (state_ == State::Master && source_) master_ = *source_;
    }
    if (!health.faults.empty() || state_ != State::Fault) return;
    // keepalived: the neighbours' ARP entry for our unicast source may be stale (2.4.3).
    if (!config_->unicast_peers.empty() && source_) step.out.push_back(AnnounceAddress{config_->interface, *source_});
    const Instant begin = std::max(step.now, earliest_);
    master_interval_ = config_->advert_int;
    if (waits_ == Waits::ToStart) return begin_as_backup(step, begin);
    reasons_.set(reasons_.cause(), fmt::format("the fault has ended ({})", text_of(faults_)));
    enter_backup(step, first_election(begin));
}

std::uint8_t Instance::priority_of(int total) const {
    if (around_.maintenance) return kMaintenancePriority;
    return reduced_ ? kReducedPriority : effective_priority(config_->priority, total);
}

// A running timer must end as if it had been started with the new priority. An owner's wait does not depend on it.
void Instance::set_priority(Step step, int total) {
    const std::uint8_t next = priority_of(total);
    if (next == effective_) return;
    log(step, LogLevel::Info, fmt::format("Changing effective priority from {} to {}", effective_, next));
    const Nanos before = down_time();
    effective_ = next;
    if (state_ == State::Backup && timer_ && !owner()) *timer_ += down_time() - before;
    if (!around_.notify_priority || (state_ != State::Backup && state_ != State::Master)) return;
    announce(step, state_ == State::Master ? Transition::MasterPriority : Transition::BackupPriority);
}

void Instance::enter_backup(Step step, Instant deadline, const char* suffix) {
    clear_timers();
    state_ = State::Backup;
    timer_ = deadline;
    waits_ = Waits::No;
    hint_ = false;
    faults_.clear();
    log(step, LogLevel::Notice, fmt::format("Entering BACKUP STATE{}", suffix));
    announce(step, Transition::Backup, "VRRP Instance is no longer owning VRRP VIPs");
}

void Instance::enter_fault(Step step, const Health& health, const char* suffix) {
    reasons_.set(health.faults.front().cause, text_of(health.faults));
    if (state_ == State::Master) leave_master(step, health.link_up ? 2 : 0);  // keepalived: twice (2.4.3)
    end_hand_over(step, HandOverEnded::How::Interrupted);
    clear_timers();
    const bool silent = health.only_waiting && state_ == State::Init;
    waits_ = !silent ? Waits::No : health.awaits_scripts ? Waits::ForScripts : Waits::ToStart;
    // keepalived: the short first election is lost in a FAULT, even in that of waiting scripts (2.2.7).
    hint_ = hint_ && waits_ == Waits::ToStart;
    state_ = State::Fault;
    log_fault(step, health, suffix);
    faults_ = health.faults;
}

// keepalived: an instance that only waits for its scripts is in FAULT, but does not report it (2.4.3). What else may be
// awaited at the start it has read before, or does not mind: it begins as BACKUP (2.2.7).
void Instance::log_fault(Step step, const Health& health, const char* suffix) {
    if (waits_ == Waits::ToStart)
        return log(step, LogLevel::Info, fmt::format("not started yet: {}", text_of(health.faults)));
    if (waits_ == Waits::No)
        for (const Fault& fault : health.faults)
            log(step, LogLevel::Info, fmt::format("entering FAULT state ({})", text_of(fault)));
    log(step, LogLevel::Warning, fmt::format("Entering FAULT STATE{}", suffix));
    if (waits_ == Waits::No) announce(step, Transition::Fault, "VRRP Instance is no longer owning VRRP VIPs");
}

// The advert is sent first, so that the next backup stays quiet; log lines and events follow last.
void Instance::become_master(Step step) {
    const IpAddress preempted = preempting_;
    if (handed_over_at_)
        reasons_.taken_back();
    else
        reasons_.took_over(effective_, down_time(), problems_.refused_since(step.now - down_time(), config_->version));
    clear_timers();
    if (!preempted.empty()) preempted_until_ = step.now + config_->advert_int;
    preempting_ = preempted;
    if (std::exchange(reduced_, false) && !around_.maintenance) {
        effective_ = config_->priority;
        log(step, LogLevel::Info,
            fmt::format("the other address owner no longer advertises: our priority is {} again", effective_));
    }
    state_ = State::Master;
    ++counters_.become_master;
    master_interval_ = config_->advert_int;
    if (source_) master_ = *source_;
    master_priority_ = effective_;
    send_advert(step);
    add_addresses(step, config_->garp_master_repeat);
    owns_addresses_ = true;

    timer_ = step.now + config_->advert_int;
    if (config_->garp_master_delay > Micros{0}) second_garp_at_ = step.now + config_->garp_master_delay;
    if (config_->garp_master_refresh > Micros{0})
        refresh_ = step.now + config_->garp_master_delay + config_->garp_master_refresh;
    arm_extra_arps(step.now);

    log(step, LogLevel::Debug, "Receive advertisement timeout");
    log(step, LogLevel::Notice, "Entering MASTER STATE");
    log(step, LogLevel::Debug, "setting VIPs.");
    if (!config_->excluded_addresses.empty()) log(step, LogLevel::Debug, "setting E-VIPs.");
    announce(step, Transition::Master, "VRRP Instance is now owning VRRP VIPs");
    end_hand_over(step, HandOverEnded::How::TakenBack);
    failed_over_ = false;
    if (around_.maintenance)
        log(step, LogLevel::Warning,
            "no other router is heard: MASTER in maintenance, as the last resort; every other router preempts it");
}

void Instance::leave_master(Step step, unsigned resignations) {
    for (; resignations > 0; --resignations) send_resignation(step);
    routing_.withdraw(step);
    auto held = held_addresses(*config_);
    if (!held.empty()) step.out.push_back(RemoveAddresses{id_, std::move(held)});
    log(step, LogLevel::Debug, "removing VIPs.");
    if (!config_->excluded_addresses.empty()) log(step, LogLevel::Debug, "removing E-VIPs.");
    owns_addresses_ = false;
    master_priority_ = 0;
    ++counters_.release_master;
}

void Instance::step_back(Step step, Cause cause, std::string reason, unsigned resignations, Nanos wait) {
    reasons_.set(cause, std::move(reason));  // what is told of the change has it
    leave_master(step, resignations);
    enter_backup(step, step.now + wait);
}

void Instance::yield(Step step, bool resign) {
    wants_master_ = false;
    if (state_ != State::Master) return;
    step_back(step, Cause::Group, fmt::format("another member of sync group {} left MASTER", config_->sync_group),
              resign ? 1 : 0, down_time());
}

void Instance::stop(Step step) {
    reasons_.set(Cause::Stop, "the VRRP process stops");
    if (state_ == State::Master) leave_master(step, 1);
    if (state_ != State::Init) announce(step, Transition::Stop, "VRRP Instance stopping");
    end_hand_over(step, HandOverEnded::How::Interrupted);
    clear_timers();
    state_ = State::Init;
}

void Instance::remove(Step step) {
    id_ = kNoInstance;
    reasons_.set(Cause::Reload, "a reload removed it");
    routing_.rename(kNoInstance, "(" + config_->name + ") ");
    if (state_ == State::Master) leave_master(step, 1);
    end_hand_over(step, HandOverEnded::How::Interrupted);
    clear_timers();
    // keepalived: a removed instance ends as DELETED if notify_deleted says so, else as FAULT (2.4.3).
    if (is_given(config_->more->values, config::keyword::notify_deleted))
        announce(step, Transition::Deleted, "VRRP Deleted at reload");
    else if (state_ != State::Fault)
        announce(step, Transition::Fault, "VRRP Instance is no longer owning VRRP VIPs");
    state_ = State::Init;
}

void Instance::clear_timers() {
    for (auto* timer : {&timer_, &second_garp_at_, &refresh_, &rival_burst_, &preempt_from_, &extra_}) timer->reset();
    restores_.clear();
    duplicates_.clear();
    once_.clear();
    wants_master_ = owes_arps_ = false;
    preempting_ = {};
    for (auto* moment : {&preempted_until_, &other_owner_since_, &other_owner_last_, &refused_at_}) moment->reset();
}

void Instance::tick(Step step) {
    const auto reached = [&](std::optional<Instant>& timer) { return timer && *timer <= step.now; };
    if (reached(timer_)) {
        if (state_ == State::Master && stalled_too_long(step)) {
            // Another router may be master by now, and may stay it.
            step_back(step, Cause::Pause,
                      "this process did not run for longer than a backup waits: another router may have taken over", 0,
                      down_time());
            if (grouped()) follows_master_ = true;
        } else if (state_ == State::Master) {
            advert_due(step);
        } else if (grouped()) {
            wants_master_ = true;
            master_priority_ = 0;  // it hears none, whatever its group does
            timer_ = step.now + down_time();
        } else {
            become_master(step);
        }
    }
    if (state_ != State::Master) return;
    if (reached(second_garp_at_)) {
        second_garp_at_.reset();
        send_arps(step, config_->garp_master_repeat);
    }
    if (reached(refresh_)) {
        const Nanos period = std::max<Nanos>(config_->garp_master_refresh, Seconds{1});
        *refresh_ += period * ((step.now - *refresh_) / period + 1);
        send_arps(step, config_->garp_master_refresh_repeat);
    }
    if (reached(extra_)) {
        arm_extra_arps(step.now);
        send_extra_arps(step);
    }
    if (reached(rival_burst_)) {
        rival_burst_.reset();
        send_arps(step, config_->garp_lower_prio_repeat);
    }
    for (const std::size_t position : restores_.take_due(step.now)) restore(step, position);
    routing_.tick(step);
    for (const std::size_t position : duplicates_.take_due(step.now)) {
        const HeldAddress held = held_address(*config_, position);
        step.out.push_back(RestoreAddress{id_, held.interface, held.prefix});
        send_arps(step, 1);
    }
}

// keepalived's timer_expired_backup: a backup with that priority would have taken over by now (2.4.3).
bool Instance::stalled_too_long(Step step) {
    if (!config_->nopreempt || !settings().timer_expired_backup) return false;
    const Nanos late = step.now - *timer_;
    const Nanos silence = late + config_->advert_int;
    if (silence < master_down_time(config_->version, *settings().timer_expired_backup, config_->advert_int,
                                   config_->down_timer_adverts))
        return false;
    const auto micros = std::chrono::duration_cast<Micros>(late).count();
    step.out.push_back(WriteLog{{LogLevel::Info, fmt::format("VRRP thread timer expired {}.{:06} seconds ago",
                                                             micros / 1'000'000, micros % 1'000'000)},
                                id_});
    log(step, LogLevel::Info, "another router may be master by now, which nopreempt respects");
    return true;
}

// The next advert is due one interval after the last one was due, not after it was sent; missed adverts are skipped.
void Instance::advert_due(Step step) {
    const Nanos interval = std::max<Nanos>(config_->advert_int, Micros{1000});
    const Nanos late = step.now - *timer_;
    if (late > interval / 10) ++counters_.deadlines_late;
    if (step.advert_lateness != nullptr) step.advert_lateness->record(std::chrono::duration_cast<Micros>(late));
    const auto missed = late / interval;
    counters_.adverts_skipped += static_cast<std::uint64_t>(missed);
    *timer_ += interval * (missed + 1);
    send_advert(step);
    if (std::exchange(owes_arps_, false)) reannounce_addresses(step);
}

std::optional<Instant> Instance::deadline() const {
    std::optional<Instant> earliest = restores_.next();
    for (const auto& due : {routing_.deadline(), duplicates_.next()})
        if (due && (!earliest || *due < *earliest)) earliest = due;
    for (const auto* timer : {&timer_, &second_garp_at_, &refresh_, &rival_burst_, &extra_})
        if (*timer && (!earliest || **timer < *earliest)) earliest = *timer;
    return earliest;
}

InstanceSnapshot Instance::snapshot() const {
    InstanceSnapshot s;
    s.name = config_->name;
    s.interface = config_->interface;
    s.group = config_->sync_group;
    s.virtual_router_id = config_->virtual_router_id;
    s.version = config_->version;
    s.base_priority = config_->priority;
    s.effective_priority = effective_;
    s.family = config_->family;
    s.state = state_;
    s.owns_addresses = owns_addresses_;
    s.deadline = timer_.value_or(Instant{});
    s.master_interval = master_interval_;
    s.master = master_;
    s.master_priority = state_ == State::Master ? effective_ : master_priority_;
    s.fault = text_of(faults_);
    s.faults = faults_;
    s.last_mailed = last_mailed_;
    s.counters = counters_;
    s.auth_sent = auth_.sent();
    s.auth_heard = auth_.heard();
    s.reduced = reduced_;
    s.problems = problems_.seen();
    s.reason = reasons_.text();
    s.cause = reasons_.cause();
    s.priority_parts = priority_parts_;
    s.failed_over = failed_over_;
    s.counters.routing_restored += routing_.restored_total();
    return s;
}

}  // namespace mainstay::vrrp
