// What is true of every service: which checks are due, what their results mean for servers and quorum, what has to
// be told to whom. Facts and time in, intents out; no I/O, no clock. The wanted IPVS table follows from its state.
//
// Rules: a checker that is up tolerates `retry` failures, but none in its very first run; a server is up while all
// its checkers are; a service is up while the weight of its living servers makes quorum. A check starts delay_loop
// after the previous one was due, so lateness does not add up; a retry starts delay_before_retry after the failure.
//
// The judge only puts its parts together (src/lvs): check_schedule, shared_probes, slow_start, draining,
// operator_overrides, firewall_marks, local_addresses, quorum_changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "checker_index.hpp"
#include "desired.hpp"
#include "facts.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/config/validate/service_change.hpp"
#include "mainstay/netlink/mark_table.hpp"
#include "memory.hpp"
#include "overrides.hpp"
#include "service_state.hpp"
#include "table.hpp"

namespace mainstay::lvs {

// Lines per server (activation, first success, shutdown) up to this many servers in all; above it one line per
// service stands for them, and at the end one for all with more services than that. Changes of a server's state are
// told as long as they are not too many (line_budget.hpp).
inline constexpr std::size_t kServersNamedInLogMax = 256;

[[nodiscard]] std::string_view keyword_of(config::Checker::Type type);  // "TCP_CHECK"

// Whether any service's checks depend on the host's addresses (ha_suspend).
[[nodiscard]] bool suspends(const config::Config& config);
[[nodiscard]] bool suspends(const config::VirtualServer& service);

// Evenly distributed over 0..limit, both included.
using Random = std::function<Micros(Micros limit)>;

// Changes of single services that a judge can carry out without looking at the others: only Judge::accept() makes them.
class AcceptedChanges {
public:
    [[nodiscard]] const std::vector<config::ServiceChange>& list() const { return list_; }

private:
    friend class Judge;
    explicit AcceptedChanges(std::vector<config::ServiceChange> list) : list_{std::move(list)} {}
    std::vector<config::ServiceChange> list_;
};

class Judge {
public:
    explicit Judge(Random random);
    Judge(const Judge& other);
    Judge& operator=(const Judge& other);
    Judge(Judge&&) noexcept;
    Judge& operator=(Judge&&) noexcept;
    ~Judge();

    // Called within start(). Neither may step the judge.
    struct Opening {
        // Every state is as it will be, and nothing has been reported: the table can be written. May be empty.
        std::function<void()> settled;
        // The reports, of one service after the other: there may be thousands.
        std::function<void(const Intents&)> report;
    };
    // What an earlier service stands for in the kernel already is left out, with a line. `memory` is an earlier
    // incarnation's: what did not change is not announced again. Emits no TableChanged: all is new.
    // `overrides`: what operators said, likewise.
    void start(config::Config config, const Memory& memory, Moment at, Overrides overrides, const Opening& opening);
    [[nodiscard]] Intents start(config::Config config, const Memory& memory, Moment at, Overrides overrides = {});
    [[nodiscard]] Intents step(const Fact& fact, Moment at);
    // Overrides of single servers. A dry run changes nothing and answers what would change.
    [[nodiscard]] Intents command(const ServerCommand& command, Moment at, ServerAnswer& answer);
    // Timers, verdicts and running checks of unchanged checkers are kept. Afterwards the whole wanted table
    // is to be compared with what is there, whatever TableChanged says; it equals it where nothing changed.
    [[nodiscard]] Intents reload(config::Config next, Moment at);
    // The same when only these change, and all else is as it was: the others are not looked at. Not accepted: changes
    // that make a service another one for the kernel, or that make it begin or cease to suspend its checks.
    [[nodiscard]] std::optional<AcceptedChanges> accept(std::vector<config::ServiceChange> changes) const;
    [[nodiscard]] Intents reload(AcceptedChanges changes, Moment at);
    // What is to be told at the end. `keep`: the table stays in the kernel. Nothing may be stepped afterwards.
    [[nodiscard]] Intents stop(bool keep, Moment at);

    // The addresses as they are, before start() and reload(); never told: nothing is suspended.
    void know_addresses(std::set<IpAddress> addresses);

    // When step(DeadlineReached) is next due; an early call changes nothing.
    [[nodiscard]] std::optional<Instant> deadline() const;

    [[nodiscard]] const std::vector<config::VirtualServer>& services() const;
    [[nodiscard]] const std::vector<ServiceState>& states() const;
    [[nodiscard]] std::uint64_t lines_left_out() const;
    [[nodiscard]] const Overrides& overrides() const;
    [[nodiscard]] std::optional<Override> override_of(std::size_t service, std::size_t server) const;
    // Whether a server of a service with persistence is drained so that its clients go elsewhere.
    [[nodiscard]] bool expires_persistence() const;
    [[nodiscard]] const config::Checker* checker(CheckerId id) const;   // null: gone
    [[nodiscard]] std::optional<CheckerRef> place(CheckerId id) const;  // indices into services(); none: gone
    // The checks that follow this file or session, sorted.
    [[nodiscard]] std::vector<CheckerId> followers(config::Checker::Type type, std::string_view name) const;
    [[nodiscard]] Table desired(std::size_t service) const;  // several for a group
    // The kernel's services that it stands for; empty when others have all of them.
    [[nodiscard]] std::vector<netlink::IpvsServiceKey> keys(std::size_t service) const;
    [[nodiscard]] Table desired() const;
    // nftables_ipvs: what gives packets to groups their marks; none when the configuration does not ask for it.
    [[nodiscard]] std::optional<netlink::MarkTable> mark_table() const;
    [[nodiscard]] ServiceVerdict verdict(std::size_t service) const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::lvs
