// The routes and rules of one owner (an instance while it is master, or the static ones) and their state in the kernel.
//
// Level-triggered: the desired entries are set again whenever something may have removed them, and periodically,
// because the kernel silently drops IPv4 routes when their interface or source address is removed. Setting an entry
// that exists changes nothing and logs nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "facts.hpp"
#include "restore.hpp"
#include "routing.hpp"

namespace mainstay::vrrp {

// The order in which entries are removed.
[[nodiscard]] std::vector<RoutingEntry> rules_first(std::vector<RoutingEntry> entries);

class RoutingSet {
public:
    static constexpr Seconds kAudit{30};        // all are set again
    static constexpr Seconds kRefusedRetry{1};  // once after an initial refusal; later retries come with the audits
    static constexpr Micros kSettle{100'000};   // delay after a change of interfaces, which come in bursts

    // `owner`: an instance, or kNoInstance for static entries, whose loss makes no instance resign.
    explicit RoutingSet(InstanceId owner = kNoInstance) : owner_{owner} {}
    // `prefix` begins each log line: "(VI_1) ".
    void rename(InstanceId owner, std::string prefix);

    // Replaces the list and returns the change: positions in the new list, and removed entries, rules first. It causes
    // no intents.
    struct Change {
        std::vector<std::size_t> added;
        std::vector<RoutingEntry> removed;
    };
    Change replace(std::vector<RoutingEntry> next);
    [[nodiscard]] const std::vector<RoutingEntry>& entries() const { return entries_; }
    [[nodiscard]] bool established() const { return established_; }

    void establish(Step step);
    void set(Step step, const std::vector<std::size_t>& positions);  // some, at first
    // Sets those entries again for which `concerned` is true; existing ones stay unchanged.
    void renew(Step step, SetRouting::How how, const std::function<bool(const RoutingEntry&)>& concerned) const;
    void retry(Step step,
               const std::string& device) const;  // sets missing entries: the device's addresses have changed
    void withdraw(Step step);
    [[nodiscard]] std::vector<RoutingEntry> in_order_of_removal() const;

    // Each returns true if a tracked entry cannot be kept, so that its owner must resign.
    [[nodiscard]] bool lost(Step step, const netlink::Routing& reported);
    [[nodiscard]] bool outcome(Step step, const RoutingOutcome& outcome);
    void tick(Step step);
    void nudge(Instant now);        // entries may have been removed: audit soon
    void look_again(Instant now) {  // a reload: pending restores are done at once, an audit follows soon
        restores_.hasten(now);
        untracked_too_ = established_;
        nudge(now);
    }
    [[nodiscard]] std::optional<Instant> deadline() const;
    [[nodiscard]] std::uint64_t restored_total() const { return restored_; }
    // The entries that are not there because the kernel refused them, "route 10.0.0.0/8 via 10.1.1.1", and why.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> refused_entries() const;

private:
    struct Status {
        bool refused = false;  // it could not be set at first, so no program can have removed it
        bool missing = false;  // it was removed and could not be restored; logged once
        std::string why;       // the kernel's last refusal, not recorded; empty: it is set, or the answer is not known
    };
    template <class A>
    friend void fields(A& archive, RoutingSet& set);  // router_state.cpp
    template <class A>
    friend void fields(A& archive, Status& status);  // router_state.cpp
    void emit(Step step, const std::vector<std::size_t>& positions, SetRouting::How how) const;
    void restore(Step step, std::size_t position);
    void added(Step step, SetRouting::How how, std::size_t position);
    [[nodiscard]] bool refused(Step step, SetRouting::How how, std::size_t position, const std::string& reason);
    [[nodiscard]] std::string name(std::size_t position) const;  // "route 10.0.0.0/8 via 10.1.1.1"
    void log(Step step, LogLevel level, std::string text) const;

    InstanceId owner_;
    std::string prefix_;
    std::vector<RoutingEntry> entries_;
    std::vector<Status> status_;  // one per entry
    bool established_ = false;
    RestoreBudget restores_;
    std::optional<Instant> audit_;
    bool untracked_too_ = false;  // the next audit sets untracked entries as well
    std::uint64_t restored_ = 0;
};

}  // namespace mainstay::vrrp
