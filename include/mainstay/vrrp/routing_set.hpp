// The routes and rules of one owner - an instance while it is master, or the static ones - as they stand in the kernel.
//
// Level-triggered: what is wanted is set again whenever something may have taken it away, and now and then anyway,
// because the kernel drops IPv4 routes without a word when their interface or source address goes. What was there
// already costs nothing and tells nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "facts.hpp"
#include "restore.hpp"
#include "routing.hpp"
#include "step.hpp"

namespace mainstay::vrrp {

// In the order in which they are removed.
[[nodiscard]] std::vector<RoutingEntry> rules_first(std::vector<RoutingEntry> entries);

class RoutingSet {
public:
    static constexpr Seconds kAudit{30};        // all are set again
    static constexpr Seconds kRefusedRetry{1};  // once after a refusal at first; then with the audits
    static constexpr Micros kSettle{100'000};   // after a change of interfaces, which seldom come alone

    // Of an instance, or kNoInstance: static ones, which nobody resigns for.
    explicit RoutingSet(InstanceId owner = kNoInstance) : owner_{owner} {}
    // `prefix` goes before each line of the log: "(VI_1) ".
    void rename(InstanceId owner, std::string prefix);

    // What changed: positions of the new list, and entries of the old one, rules first. Nothing is done.
    struct Change {
        std::vector<std::size_t> added;
        std::vector<RoutingEntry> removed;
    };
    Change replace(std::vector<RoutingEntry> next);
    [[nodiscard]] const std::vector<RoutingEntry>& entries() const { return entries_; }
    [[nodiscard]] bool established() const { return established_; }

    void establish(Step step);
    void set(Step step, const std::vector<std::size_t>& positions);  // some, at first
    // Those that `concerned` is true of, and that may be gone: what is there still is not changed.
    void renew(Step step, SetRouting::How how, const std::function<bool(const RoutingEntry&)>& concerned) const;
    void retry(Step step, const std::string& device) const;  // what is missing: the device has another address now
    void withdraw(Step step);
    [[nodiscard]] std::vector<RoutingEntry> in_order_of_removal() const;

    // Each answers true when an entry that matters cannot be kept: its owner is to give up.
    [[nodiscard]] bool lost(Step step, const netlink::Routing& told);
    [[nodiscard]] bool outcome(Step step, const RoutingOutcome& outcome);
    void tick(Step step);
    void nudge(Instant now);        // something may be gone
    void look_again(Instant now) {  // a reload: what waits is put back at once, and soon all is compared
        restores_.hasten(now);
        untracked_too_ = established_;
        nudge(now);
    }
    [[nodiscard]] std::optional<Instant> deadline() const;
    [[nodiscard]] std::uint64_t restored_total() const { return restored_; }

private:
    struct Status {
        bool refused = false;  // it could not be set at first: nobody can have removed it
        bool missing = false;  // it is gone and could not be put back; said once
    };
    void emit(Step step, const std::vector<std::size_t>& positions, SetRouting::How how) const;
    void restore(Step step, std::size_t position);
    void added(Step step, SetRouting::How how, std::size_t position);
    [[nodiscard]] bool refused(Step step, SetRouting::How how, std::size_t position, const std::string& reason);
    [[nodiscard]] std::string name(std::size_t position) const;  // "route 10.0.0.0/8 via 10.1.1.1"
    void say(Step step, LogLevel level, std::string text) const;

    InstanceId owner_;
    std::string prefix_;
    std::vector<RoutingEntry> entries_;
    std::vector<Status> status_;  // one per entry
    bool established_ = false;
    RestoreBudget restores_;
    std::optional<Instant> audit_;
    bool untracked_too_ = false;  // the next audit sets what is not tracked as well
    std::uint64_t restored_ = 0;
};

}  // namespace mainstay::vrrp
