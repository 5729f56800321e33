#include "mainstay/vrrp/routing_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace mainstay::vrrp {
namespace {

// The table of a VRF is not compared, because only the role knows its number.
bool concerns(const RoutingEntry& entry, const netlink::Routing& reported) {
    if (entry.vrf.empty()) return netlink::may_be(entry.what, reported);
    auto wanted = std::get<netlink::Route>(entry.what);
    if (const auto* route = std::get_if<netlink::Route>(&reported)) wanted.table = route->table;
    return netlink::may_be(wanted, reported);
}

}  // namespace

std::vector<RoutingEntry> rules_first(std::vector<RoutingEntry> entries) {
    std::ranges::reverse(entries);
    std::ranges::stable_partition(entries, &RoutingEntry::is_rule);
    return entries;
}

void RoutingSet::rename(InstanceId owner, std::string prefix) {
    owner_ = owner;
    prefix_ = std::move(prefix);
}

RoutingSet::Change RoutingSet::replace(std::vector<RoutingEntry> next) {
    Change change;
    for (std::size_t at = 0; at < next.size(); ++at)
        if (std::ranges::find(entries_, next[at]) == entries_.end()) change.added.push_back(at);
    for (const RoutingEntry& entry : entries_)
        if (std::ranges::find(next, entry) == next.end()) change.removed.push_back(entry);
    change.removed = rules_first(std::move(change.removed));

    const auto position = [&](std::size_t before) -> std::optional<std::size_t> {
        const auto at = std::ranges::find(next, entries_[before]);
        return at == next.end() ? std::nullopt : std::optional{static_cast<std::size_t>(at - next.begin())};
    };
    restores_.renumber(position);
    std::vector<Status> status(next.size());
    for (std::size_t at = 0; at < entries_.size(); ++at)
        if (const auto to = position(at)) status[*to] = status_[at];
    entries_ = std::move(next);
    status_ = std::move(status);
    return change;
}

std::vector<RoutingEntry> RoutingSet::in_order_of_removal() const { return rules_first(entries_); }

void RoutingSet::establish(Step step) {
    std::vector<std::size_t> all(entries_.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    established_ = true;
    set(step, all);
}

void RoutingSet::set(Step step, const std::vector<std::size_t>& positions) {
    established_ = true;
    if (positions.empty()) return;
    for (const std::size_t position : positions) {
        status_[position] = {};
        restores_.is_back(position);
    }
    emit(step, positions, SetRouting::How::First);
    audit_ = step.now + kAudit;
}

void RoutingSet::renew(Step step, SetRouting::How how,
                       const std::function<bool(const RoutingEntry&)>& concerned) const {
    if (!established_) return;
    std::vector<std::size_t> positions;
    for (std::size_t at = 0; at < entries_.size(); ++at)
        if ((how == SetRouting::How::Again || !entries_[at].no_track) && concerned(entries_[at]))
            positions.push_back(at);
    if (!positions.empty()) emit(step, positions, how);
}

void RoutingSet::retry(Step step, const std::string& device) const {
    if (!established_) return;
    std::vector<std::size_t> positions;
    for (std::size_t at = 0; at < entries_.size(); ++at) {
        const auto& devices = entries_[at].devices;
        const bool there = devices.empty() || std::ranges::find(devices, device) != devices.end();
        if (there && (status_[at].missing || status_[at].refused)) positions.push_back(at);
    }
    if (!positions.empty()) emit(step, positions, SetRouting::How::Again);
}

void RoutingSet::withdraw(Step step) {
    if (!entries_.empty()) step.out.push_back(RemoveRouting{owner_, in_order_of_removal()});
    established_ = false;
    restores_.clear();
    audit_.reset();
}

void RoutingSet::emit(Step step, const std::vector<std::size_t>& positions, SetRouting::How how) const {
    SetRouting intent{.owner = owner_, .how = how, .positions = positions, .entries = {}};
    for (const std::size_t position : positions) intent.entries.push_back(entries_[position]);
    step.out.push_back(std::move(intent));
}

bool RoutingSet::lost(Step step, const netlink::Routing& reported) {
    if (!established_) return false;
    bool give_up = false;
    for (std::size_t at = 0; at < entries_.size(); ++at) {
        if (status_[at].refused || !concerns(entries_[at], reported)) continue;
        if (entries_[at].no_track) {
            log(step, LogLevel::Info, fmt::format("{} was removed by another program; it is not tracked", name(at)));
            continue;
        }
        switch (restores_.lost(at, step.now)) {
            case RestoreBudget::Answer::Now:
                restore(step, at);
                break;
            case RestoreBudget::Answer::Later:
                log(step, LogLevel::Warning,
                    fmt::format("{} was removed by another program again; it will be restored later", name(at)));
                break;
            case RestoreBudget::Answer::GiveUp:
                give_up = give_up || entries_[at].decides();
                break;
        }
    }
    return give_up && owner_ != kNoInstance;
}

// keepalived: its log text for static entries (2.4.3).
void RoutingSet::restore(Step step, std::size_t position) {
    emit(step, {position}, SetRouting::How::Restore);
    ++restored_;
    if (status_[position].missing) return log(step, LogLevel::Warning, name(position) + " is missing: restoring it");
    if (owner_ == kNoInstance) return log(step, LogLevel::Warning, "Restoring deleted static " + name(position));
    log(step, LogLevel::Warning, name(position) + " was removed by another program: restoring it");
}

bool RoutingSet::outcome(Step step, const RoutingOutcome& outcome) {
    if (!established_) return false;
    bool give_up = false;
    for (const std::size_t at : outcome.added)
        if (at < entries_.size()) added(step, outcome.how, at);
    for (const auto& [at, reason] : outcome.refused)
        if (at < entries_.size() && refused(step, outcome.how, at, reason)) give_up = true;
    return give_up && owner_ != kNoInstance;
}

void RoutingSet::added(Step step, SetRouting::How how, std::size_t at) {
    const Status before = std::exchange(status_[at], {});
    restores_.is_back(at);
    if (how != SetRouting::How::Audit && how != SetRouting::How::Again) return;
    if (before.refused || (how == SetRouting::How::Again && before.missing)) {
        log(step, LogLevel::Info, name(at) + " could be set at last");
    } else if (how == SetRouting::How::Audit) {
        ++restored_;
        log(step, LogLevel::Warning, name(at) + " was missing: restored");
    }
}

// keepalived: an instance that cannot set an entry at first continues without it (2.4.3). An entry that was set and
// cannot be restored is a fault.
bool RoutingSet::refused(Step step, SetRouting::How how, std::size_t at, const std::string& reason) {
    status_[at].why = reason;
    if (how == SetRouting::How::Again && (status_[at].refused || status_[at].missing)) return false;
    if (how == SetRouting::How::First || how == SetRouting::How::Again) {
        status_[at].refused = true;
        log(step, LogLevel::Error, fmt::format("{} cannot be set: {}", name(at), reason));
        audit_ = std::min(audit_.value_or(step.now + kAudit), step.now + kRefusedRetry);
        return false;
    }
    if (status_[at].refused || entries_[at].no_track) return false;
    if (!std::exchange(status_[at].missing, true))
        log(step, LogLevel::Warning, fmt::format("{} is missing and cannot be restored: {}", name(at), reason));
    return restores_.failed(at, step.now) == RestoreBudget::Answer::GiveUp && entries_[at].decides();
}

void RoutingSet::tick(Step step) {
    if (!established_) return;
    for (const std::size_t position : restores_.take_due(step.now)) restore(step, position);
    if (!audit_ || *audit_ > step.now) return;
    audit_ = step.now + kAudit;
    const bool untracked_too = std::exchange(untracked_too_, false);
    std::vector<std::size_t> all;
    for (std::size_t at = 0; at < entries_.size(); ++at)
        if (untracked_too || !entries_[at].no_track || status_[at].refused) all.push_back(at);
    if (!all.empty()) emit(step, all, SetRouting::How::Audit);
}

void RoutingSet::nudge(Instant now) {
    if (audit_) audit_ = std::min(*audit_, now + kSettle);
}

std::optional<Instant> RoutingSet::deadline() const {
    if (!established_) return std::nullopt;
    const auto next = restores_.next();
    if (!next || !audit_) return next ? next : audit_;
    return std::min(*next, *audit_);
}

std::vector<std::pair<std::string, std::string>> RoutingSet::refused_entries() const {
    std::vector<std::pair<std::string, std::string>> all;
    for (std::size_t at = 0; established_ && at < status_.size(); ++at)
        if (!status_[at].why.empty()) all.emplace_back(name(at), status_[at].why);
    return all;
}

std::string RoutingSet::name(std::size_t position) const {
    const RoutingEntry& entry = entries_[position];
    return (entry.is_rule() ? "rule " : "route ") + describe(entry);
}

void RoutingSet::log(Step step, LogLevel level, std::string text) const {
    step.out.push_back(WriteLog{{level, prefix_ + std::move(text)}, owner_});
}

}  // namespace mainstay::vrrp
