// How an instance handles received adverts, removed addresses, and a new configuration.
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>

#include "mainstay/config/addresses.hpp"
#include "mainstay/vrrp/holdings.hpp"
#include "mainstay/vrrp/instance.hpp"
#include "mainstay/wire/vrrp_auth.hpp"
#include "timers.hpp"

namespace mainstay::vrrp {
namespace {

// The limit of answers to other masters and resigning masters within one advert interval, so that a flood is not
// answered with a flood.
constexpr unsigned kAnswersPerInterval = 4;
constexpr int kOwnerPatienceTenths = 32;  // of an advert interval
constexpr const char* kRemovedAgain = "another program removed them again and again";

// The master-down interval counts from the arrival of the advert, not from when this process read it. If that took
// longer than a tenth of an interval, this process may have been paused, and the time of reading is used to be safe.
Nanos counted_wait(const PacketHeard& packet, Micros interval) {
    return std::clamp<Nanos>(packet.waited, Nanos{0}, Nanos{interval} / 10);
}

}  // namespace

HeldAddress held_address(const config::Instance& config, const config::VirtualAddress& address) {
    return {config::device_of(address, config), address.prefix};
}

HeldAddress held_address(const config::Instance& config, std::size_t position) {
    return held_address(config, config::all_addresses(config)[position]);
}

std::vector<HeldAddress> held_addresses(const config::Instance& config) {
    std::vector<HeldAddress> held;
    held.reserve(config.addresses.size() + config.excluded_addresses.size());
    for (const auto& address : config::all_addresses(config)) held.push_back(held_address(config, address));
    return held;
}

void Instance::hear(Step step, const PacketHeard& packet) {
    if (state_ != State::Backup && state_ != State::Master) return;  // keepalived: ignored (2.4.3)
    const auto advert = check_advert({*config_, advertised_, master_, settings(), step.unix_us, auth_, old_checksum_,
                                      counters_, once_, problems_, step.now, step.out, id_},
                                     packet);
    if (!advert) return heard_refused(step, packet);
    if (advert->priority == 0) ++counters_.pri_zero_rcvd;
    if (state_ == State::Backup)
        hear_as_backup({step.now - counted_wait(packet, master_interval_), step.out}, *advert);
    else
        hear_as_master(step, *advert);
}

void Instance::hear_as_backup(Step step, const Advert& advert) {
    if (advert.priority == 0) {
        log(step, LogLevel::Debug, "Backup received priority 0 advertisement");
        timer_ = step.now + skew_time(config_->version, effective_, master_interval_);
        reasons_.heard_resignation(advert.source);
        return;
    }
    if (!accepts(step, advert)) {
        preempting_ = advert.source;
        reasons_.heard_lower(advert.source, advert.priority);
        if (once_.first(Problem::LowerPriority))
            log(step, LogLevel::Info,
                fmt::format("received lower priority ({}) advert from {} - discarding", advert.priority,
                            advert.source.to_string()));
        return;
    }
    if (advert.source != master_) once_.clear();
    follow(step, advert);
    reasons_.heard_master(advert.source, advert.priority);
    preempting_ = {};
    wants_master_ = false;
    follows_master_ = true;
    end_hand_over(step, HandOverEnded::How::TakenOver, advert.source);
}

bool Instance::accepts(Step step, const Advert& advert) {
    if (config_->nopreempt || failed_over_) return true;
    if (advert.priority >= effective_) {
        preempt_from_.reset();
        return true;
    }
    if (config_->preempt_delay <= Micros{0}) return false;
    if (!preempt_from_) {
        preempt_from_ = step.now + config_->preempt_delay;
        log(step, LogLevel::Debug,
            fmt::format("preempting {} only after {} s", advert.source.to_string(),
                        std::chrono::duration<double>(config_->preempt_delay).count()));
    }
    return step.now < *preempt_from_;
}

// Version 3 backups use the master's interval, not their own (RFC 9568 6.4.2). An interval of zero would make
// every backup take over immediately, so it is not used.
void Instance::follow(Step step, const Advert& advert) {
    master_ = advert.source;
    master_priority_ = advert.priority;
    if (config_->version == 3 && advert.interval > Micros{0}) master_interval_ = advert.interval;
    timer_ = step.now + down_time();
}

void Instance::hear_other_vrid(Step step, const IpAddress& source, std::uint8_t vrid, const IpAddress& address) {
    if (state_ != State::Backup && state_ != State::Master) return;
    if (vrid == config_->virtual_router_id) return;  // to another multicast group
    std::string text = fmt::format("{} advertises {} with VRID {}, this router has VRID {}", source.to_string(),
                                   address.to_string(), vrid, config_->virtual_router_id);
    if (once_.first(Problem::OtherVrid))
        log(step, LogLevel::Warning, text + ": neither hears the other, and both may hold the address");
    problems_.note(Problem::OtherVrid, source, step.now, std::move(text));
}

void Instance::hear_as_master(Step step, const Advert& advert) {
    if (advert.priority == 0) {
        if (!may_answer(step.now)) return;
        send_advert(step);
        timer_ = step.now + config_->advert_int;
        return;
    }
    if (advert.priority == effective_ && source_ && advert.source == *source_) {
        const bool to_itself = std::ranges::find(config_->unicast_peers, advert.source,
                                                 &config::UnicastPeer::address) != config_->unicast_peers.end();
        if (!to_itself)
            problems_.note(Problem::OwnAddress, advert.source, step.now, "adverts come from our own address");
        if (once_.first(Problem::OwnAddress))
            log(step, LogLevel::Warning,
                fmt::format("received an advert from our own address {}: {}", advert.source.to_string(),
                            to_itself ? "it is among our unicast_peer" : "does another host have it?"));
        return;
    }
    heard_other_owner(step, advert);
    if (advert.priority > effective_ || (advert.priority == effective_ && source_ && advert.source > *source_)) {
        const bool equal = advert.priority == effective_;
        log(step, LogLevel::Info,
            equal ? fmt::format("Master received advert from {} with same priority {} but higher IP address than ours",
                                advert.source.to_string(), advert.priority)
                  : fmt::format("Master received advert from {} with higher priority {}, ours {}",
                                advert.source.to_string(), advert.priority, effective_));
        if (config_->higher_prio_send_advert) send_advert(step);
        reasons_.yielded_to(advert.source, advert.priority, effective_);
        leave_master(step, 0);
        follow(step, advert);
        enter_backup(step, step.now + down_time());
        follows_master_ = true;
        return;
    }
    if (just_preempted(step, advert)) return;
    ++counters_.rival_masters;
    heard_rival(step, advert);
    if (!may_answer(step.now)) {
        owes_arps_ = true;
        return;
    }
    log(step, LogLevel::Info,  // keepalived's words, which monitoring matches; without the last where it sends no
                               // advert (2.2.7)
        fmt::format("Received advert from {} with lower priority {}, ours {}{}", advert.source.to_string(),
                    advert.priority, effective_, config_->lower_prio_no_advert ? "" : ", forcing new election"));
    reassert_mastership(step);
    answered_rival_ = true;
    announce(step, Transition::LowerPriorityHeard);  // runs its own script, and a FIFO line
}

// The line that names what is refused is keepalived's, and does not say what it means for a MASTER.
void Instance::heard_refused(Step step, const PacketHeard& packet) {
    if (state_ != State::Master || wire::resigns(packet.payload, packet.protocol)) return;
    const bool goes_on = refused_at_ && step.now - *refused_at_ < down_time();
    refused_at_ = step.now;
    if (goes_on) return;
    if (const std::string text = problems_.refused_since(step.now, config_->version); !text.empty())
        log(step, LogLevel::Warning, "two masters: the adverts of another MASTER are refused: " + text);
}

// A rival that received our adverts would be BACKUP. It is logged again when it was not heard meanwhile.
void Instance::heard_rival(Step step, const Advert& advert) {
    std::string text =
        fmt::format("{} is MASTER, too, with priority {}: it does not receive our adverts, or refuses them",
                    advert.source.to_string(), advert.priority);
    if (!problems_.noted_since(Problem::RivalMaster, step.now - down_time()))
        log(step, LogLevel::Warning, "two masters: " + text);
    problems_.note(Problem::RivalMaster, advert.source, step.now, std::move(text));
}

// A former master that yields to us sends a last advert (higher_prio_send_advert), or one was in flight. Our addresses
// have just been announced, so it needs no answer.
bool Instance::just_preempted(Step step, const Advert& advert) {
    if (!preempted_until_ || step.now >= *preempted_until_ || advert.source != preempting_) return false;
    preempted_until_.reset();
    return true;
}

// Of two owners the one with the lower address steps down when it receives the other's adverts. An owner that does not
// (it may ignore all adverts) has time for two more adverts and 1.2 intervals; then we reduce our priority below that
// of an owner (2.4.3).
void Instance::heard_other_owner(Step step, const Advert& advert) {
    if (effective_ != config::kOwnerPriority || advert.priority != config::kOwnerPriority) return;
    const Nanos interval = config_->advert_int;
    if (!other_owner_since_ || step.now - *other_owner_last_ > interval * config_->down_timer_adverts)
        other_owner_since_ = step.now;
    other_owner_last_ = step.now;
    if (step.now - *other_owner_since_ < interval * kOwnerPatienceTenths / 10) return;
    reduced_ = true;
    effective_ = kReducedPriority;
    log(step, LogLevel::Warning,
        fmt::format("{} is configured as address owner (priority 255), too: reducing our priority to {}",
                    advert.source.to_string(), kReducedPriority));
}

void Instance::reassert_mastership(Step step) {
    if (!config_->lower_prio_no_advert) send_advert(step);
    reannounce_addresses(step);
}

// Another master has announced our addresses, so we announce them again.
void Instance::reannounce_addresses(Step step) {
    if (config_->garp_lower_prio_repeat == 0) return;
    send_arps(step, config_->garp_lower_prio_repeat);
    if (config_->garp_lower_prio_delay > Micros{0}) rival_burst_ = step.now + config_->garp_lower_prio_delay;
}

bool Instance::may_answer(Instant now) {
    if (now - answers_since_ >= config_->advert_int) {
        answers_since_ = now;
        answers_ = 0;
    }
    return ++answers_ <= kAnswersPerInterval;
}

std::optional<std::size_t> Instance::position_of(const std::string& interface, const Prefix& prefix) const {
    const HeldAddress wanted{interface, prefix};
    std::size_t position = 0;
    for (const auto& address : config::all_addresses(*config_)) {
        if (held_address(*config_, address) == wanted) return position;
        ++position;
    }
    return std::nullopt;
}

void Instance::address_lost(Step step, const std::string& interface, const Prefix& prefix) {
    if (state_ != State::Master || !owns_addresses_) return;
    const auto position = position_of(interface, prefix);
    if (!position) return;
    if (config::all_addresses(*config_)[*position].no_track) {
        log(step, LogLevel::Info,
            fmt::format("address {} on {} was removed by another program; it is not tracked", prefix.to_string(),
                        interface));
        restores_.leave(*position);
        return;
    }
    switch (restores_.lost(*position, step.now)) {
        case RestoreBudget::Answer::Now:
            restore(step, *position);
            return;
        case RestoreBudget::Answer::Later:
            log(step, LogLevel::Warning,
                fmt::format("address {} on {} was removed by another program again; it will be restored later",
                            prefix.to_string(), interface));
            return;
        case RestoreBudget::Answer::GiveUp:
            resign_for_lost(step, "addresses", kRemovedAgain);
            return;
    }
}

void Instance::restore(Step step, std::size_t position) {
    const HeldAddress held = held_address(*config_, position);
    step.out.push_back(RestoreAddress{id_, held.interface, held.prefix});
    send_arps(step, 1);
    ++counters_.addresses_restored;
    log(step, LogLevel::Warning,
        fmt::format("address {} on {} was removed by another program: restoring it", held.prefix.to_string(),
                    held.interface));
}

void Instance::restore_failed(Step step, const std::string& interface, const Prefix& prefix) {
    if (state_ != State::Master) return;
    const auto position = position_of(interface, prefix);
    if (position && restores_.failed(*position, step.now) == RestoreBudget::Answer::GiveUp)
        resign_for_lost(step, "addresses", fmt::format("the kernel refused to set {} again", prefix.to_string()));
}

// Waits the whole master-down interval, not only the skew time, so that a peer that can keep the addresses takes over.
void Instance::resign_for_lost(Step step, const char* what, const std::string& why) {
    log(step, LogLevel::Warning, fmt::format("the {} cannot be kept: resigning", what));
    step_back(step, Cause::Address, fmt::format("the {} could not be kept: {}", what, why), 1, down_time());
    resigned_ = true;
}

// Logged once while it lasts. It is retried, because the other host may stop using the address.
void Instance::duplicate_found(Step step, const std::string& interface, const Prefix& prefix) {
    if (state_ != State::Master) return;
    const auto position = position_of(interface, prefix);
    if (!position) return;
    ++counters_.duplicate_addresses;
    if (duplicates_.found(*position, step.now))
        log(step, LogLevel::Error,
            fmt::format("address {} on {} is in use by another host (duplicate address detection): the kernel does not "
                        "use it; retried every {} s",
                        prefix.to_string(), interface, DuplicateAddresses::kRetry.count()));
}

void Instance::routing_lost(Step step, const netlink::Routing& reported) {
    if (state_ == State::Master && routing_.lost(step, reported))
        resign_for_lost(step, "routes and rules", kRemovedAgain);
}

void Instance::routing_outcome(Step step, const RoutingOutcome& outcome) {
    if (state_ == State::Master && routing_.outcome(step, outcome))
        resign_for_lost(step, "routes and rules", kRemovedAgain);
}

void Instance::reassert(Step step) {
    if (state_ != State::Master) return;
    restores_.all_are_back();
    add_addresses(step, config_->garp_master_repeat);
}

void Instance::adjust_timers(Step step, const config::Instance& old, bool news) {
    const bool learned = state_ == State::Backup && config_->version == 3 && old.version == 3 && !master_.empty();
    if (!learned) master_interval_ = config_->advert_int;
    // keepalived: a master sends an advert at each reload. A master in the old format may have taken over meanwhile.
    if (timer_ && state_ == State::Master) timer_ = news ? step.now : std::min(*timer_, step.now + config_->advert_int);
    const bool other_wait = old.advert_int != config_->advert_int || old.version != config_->version ||
                            old.down_timer_adverts != config_->down_timer_adverts;
    if (timer_ && state_ == State::Backup && other_wait) timer_ = std::max(*timer_, step.now + down_time());
    if (old.preempt_delay != config_->preempt_delay) preempt_from_ = {};  // keepalived: the wait begins again
    if (state_ == State::Master && old.garp_master_refresh != config_->garp_master_refresh) {
        refresh_.reset();
        if (config_->garp_master_refresh > Micros{0}) refresh_ = step.now + config_->garp_master_refresh;
    }
}

AddressChange Instance::reconfigure(Step step, InstanceId id, std::shared_ptr<const config::Instance> config,
                                    InstanceContext around) {
    const bool other_keys = around.settings.hmac != around_.settings.hmac || config->auth_pass != config_->auth_pass;
    if (other_keys) auth_.forget_senders();
    const bool was_owner = owner();
    std::optional<SendAdvert> sent;
    if (state_ == State::Master && source_) sent = advert_of(effective_);
    using OldChecksum = Settings::OldChecksum;
    if (settings().old_unicast_checksum == OldChecksum::Always) old_checksum_ = false;  // unless it is set again
    const auto old = std::exchange(config_, std::move(config));
    id_ = id;
    around_ = std::move(around);
    const Micros old_extra = settings().extra_arps;
    apply_settings();
    if (config_->priority != config::kOwnerPriority) reduced_ = false;
    once_.clear();
    if (old->sync_group != config_->sync_group) wants_master_ = false;
    refresh_advertised();
    if (sent) sent->instance = id_;
    adjust_timers(step, *old,
                  sent && (other_keys || old->priority != config_->priority || advert_of(effective_) != *sent));
    // As at a start, an owner does not wait.
    if (timer_ && state_ == State::Backup && owner() && !was_owner && !reduced_) timer_ = std::max(step.now, earliest_);
    if (state_ == State::Master && old_extra != settings().extra_arps) arm_extra_arps(step.now);

    AddressChange change;
    std::set<AddressIdentity> before;
    for (const auto& address : config::all_addresses(*old)) before.insert(identity_of(*old, address));
    const auto after = config::all_addresses(*config_);
    for (std::size_t position = 0; position < after.size(); ++position)
        if (!before.contains(identity_of(*config_, after[position]))) change.added.push_back(position);
    // Pending restores move to their new positions; addresses that the reload itself sets are not missing any more.
    restores_.renumber([&](std::size_t position) -> std::optional<std::size_t> {
        const HeldAddress held = held_address(*old, position);
        const auto next = position_of(held.interface, held.prefix);
        return next && std::ranges::find(change.added, *next) == change.added.end() ? next : std::nullopt;
    });
    duplicates_.clear();
    routing_.rename(id_, "(" + config_->name + ") ");
    change.routing = routing_.replace(routing_of(*config_));
    change.announce = !change.added.empty() || old->vmac->mac != config_->vmac->mac;
    return change;
}

}  // namespace mainstay::vrrp
