// The audit: the kernel sends no notifications about its IPVS table, so it is read periodically, a slice per turn of
// the loop. A difference is read a second time before it is repaired, because a dump does not report that it was
// interrupted.
#include <algorithm>

#include "reconciler.hpp"

namespace mainstay::role {
namespace {

constexpr Micros kSlicePauseMin{1'000};
constexpr Micros kSlicePauseMax{100'000};

}  // namespace

void TableReconciler::arm_audit(Micros pause) {
    if (stopped_) return;
    audit_timer_.expires_after(pause);
    audit_timer_.async_wait(lifetime_.when_due([this] {
        if (!stopped_) audit_turn();
    }));
}

void TableReconciler::audit_soon() {
    if (ledger_.size() > kServicesAuditedAtOnce && options_.audit_every.count() > 0) {
        if (!ipvs_ || stopped_) return;
        if (auto done = audit_services(); !done) close_and_retry(done.error());
        return;
    }
    audit_ = {};
    audit_.hurried = true;
    arm_audit(Micros{0});
}

void TableReconciler::audit_turn() {
    Result<void> done;
    if (!ipvs_) {
        audit_ = {};
    } else if (done = audit_slice(); !done) {
        audit_ = {};
        close_and_retry(done.error());
    }
    if (!audit_.running) {
        audit_.hurried = false;
        if (options_.audit_every.count() > 0) arm_audit(options_.audit_every);
        return;
    }
    if (audit_.hurried) return arm_audit(kSlicePauseMin);
    const auto slices = static_cast<std::int64_t>(ledger_.size() / kAuditSlice + 1);
    arm_audit(std::clamp(options_.audit_every / 2 / slices, kSlicePauseMin, kSlicePauseMax));
}

Result<void> TableReconciler::audit_slice() {
    if (!audit_.running) {
        if (ledger_.size() == 0 && ledger_.left_over().empty()) return {};
        auto services = ipvs_->services();
        if (!services) return error_of(services);
        audit_ = {.services = {}, .next = 0, .suspects = {}, .running = true, .hurried = audit_.hurried};
        for (auto& entry : *services) audit_.services.emplace(entry.service.key, std::move(entry.service));
    }
    const std::size_t end = std::min(audit_.next + kAuditSlice, ledger_.size());
    for (; audit_.next < end; ++audit_.next) {
        const auto key = ledger_.wanted(audit_.next).service.key;
        const auto found = audit_.services.find(key);
        auto read = read_service(found == audit_.services.end() ? nullptr : &found->second, key);
        if (!read) return error_of(read);
        if (!ledger_.is_as_wanted(audit_.next)) audit_.suspects.insert(key);
    }
    if (audit_.next < ledger_.size()) return {};
    audit_.running = false;
    return audit_confirm(std::move(audit_.suspects));
}

// The kernel lists all services at once, and the servers of one at a time.
Result<void> TableReconciler::audit_services() {
    const auto services = ipvs_->services();
    if (!services) return error_of(services);
    std::vector<bool> as_wanted(ledger_.size());
    for (const auto& [service, stats] : *services)
        if (const auto at = ledger_.find(service.key))
            as_wanted[*at] = ledger_.is_as_wanted(*at) && lvs::same_service(ledger_.wanted(*at).service, service);
    std::set<netlink::IpvsServiceKey> suspects = unsure_;
    for (std::size_t at = 0; at < ledger_.size(); ++at)
        if (!as_wanted[at]) suspects.insert(ledger_.wanted(at).service.key);
    return audit_confirm(std::move(suspects));
}

Result<void> TableReconciler::audit_confirm(std::set<netlink::IpvsServiceKey> again) {
    again.insert(ledger_.left_over().begin(), ledger_.left_over().end());
    std::erase_if(unsure_, [&again](const auto& key) { return !again.contains(key); });
    if (again.empty()) return {};
    auto services = ipvs_->services();
    if (!services) return error_of(services);
    std::map<netlink::IpvsServiceKey, const netlink::IpvsService*> present;
    for (const auto& entry : *services) present.emplace(entry.service.key, &entry.service);

    std::vector<std::size_t> suspects;
    for (const auto& key : again) {
        const auto found = present.find(key);
        auto read = read_service(found == present.end() ? nullptr : found->second, key);
        if (!read) return error_of(read);
        if (const auto wanted = ledger_.find(key))
            suspects.push_back(*wanted);
        else if (found == present.end())
            ledger_.forget_left_over(key);
    }
    repair(suspects);
    return {};
}

void TableReconciler::repair(std::span<const std::size_t> suspects) {
    Operations operations;
    for (const std::size_t i : suspects) ledger_.plan(i, operations);
    ledger_.plan_left_over(operations);
    if (operations.empty()) return;

    // An operation that the kernel refused earlier is not a change by another program.
    std::size_t foreign = 0;
    for (const auto& operation : operations) {
        if (unsure_.contains(operation.service.key)) continue;
        if (++foreign <= kOperationsNamedMax) {
            log_.warning("IPVS was changed by another program; repaired: {}", netlink::describe(operation));
        }
    }
    if (foreign > kOperationsNamedMax) {
        log_.warning("IPVS was changed by another program; repaired: {} more operations",
                     foreign - kOperationsNamedMax);
    }
    unsure_.clear();
    if (!execute(operations)) return;
    state_.repairs += foreign;
    changed_();
}

}  // namespace mainstay::role
