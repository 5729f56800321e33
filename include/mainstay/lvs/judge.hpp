// The state machine of all services: which checks are due, what their results mean for servers and quorum, and which
// events and log lines follow. Facts and time in, intents out; no I/O, no clock. The desired IPVS table follows from
// its state.
//
// Rules: a checker that is up tolerates `retry` failures, but none in its very first run; a server is up while all
// its checkers are; a service is up while the weight of its living servers makes quorum. A check starts delay_loop
// after the previous one was due, so lateness does not add up; a retry starts delay_before_retry after the failure.
//
// The judge only combines its parts (src/lvs): check_schedule, shared_probes, slow_start, draining, operator_overrides,
// firewall_marks, local_addresses, quorum_changes.
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
#include "mainstay/base/byte_archive.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/netlink/mark_table.hpp"
#include "memory.hpp"
#include "overrides.hpp"
#include "service_state.hpp"
#include "table.hpp"

namespace mainstay::lvs {

// Up to this many servers in total, activation, first success and shutdown are logged per server; above it per service,
// and at the end, with more services than that, in one line for all. Changes of a server's state are logged unless
// there are too many at a time (LineBudget).
inline constexpr std::size_t kServersNamedInLogMax = 256;

[[nodiscard]] std::string_view keyword_of(config::Checker::Type type);  // "TCP_CHECK"

// Whether any service's checks depend on the host's addresses (ha_suspend).
[[nodiscard]] bool suspends(const config::Config& config);
[[nodiscard]] bool suspends(const config::VirtualServer& service);

// Evenly distributed over 0..limit, both included.
using Random = std::function<Micros(Micros limit)>;

// Whether services come or go with these changes, so that the indexes of others change.
[[nodiscard]] bool moves(const std::vector<config::ServiceChange>& changes);
// Where each stands among `running` services, an added one where it comes to stand. None: the list is in another order
// than it says, or of other services.
[[nodiscard]] std::optional<std::vector<std::size_t>> running_indexes(const std::vector<config::ServiceChange>& changes,
                                                                      std::size_t running);

// Services that change, come or go, which a judge can apply without examining the others. Only Judge::accept() creates
// them.
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
        // All states are final and nothing has been reported yet: the table can be written. May be empty.
        std::function<void()> settled;
        // Called with the reports of one service after the other, because there may be thousands.
        std::function<void(const Intents&)> report;
    };
    // A kernel service that an earlier configured service uses already is left out, with a log line. `memory` and
    // `overrides` come from an earlier incarnation; unchanged states are not reported again. Emits no TableChanged,
    // because the whole table is new.
    void start(config::Config config, const Memory& memory, Moment at, Overrides overrides, const Opening& opening,
               HostFacts host = {});
    [[nodiscard]] Intents start(config::Config config, const Memory& memory, Moment at, Overrides overrides = {},
                                HostFacts host = {});
    [[nodiscard]] Intents step(const Fact& fact, Moment at);
    // An operator's command for servers. A dry run changes nothing and reports what would change.
    [[nodiscard]] Intents command(const ServerCommand& command, Moment at, ServerAnswer& answer);
    // Timers, verdicts and running checks of unchanged checkers are kept. Afterwards compare the whole desired table
    // with the kernel's, independently of TableChanged.
    [[nodiscard]] Intents reload(config::Config next, Moment at, HostFacts host = {});
    // The same for changes of only these services; the others are not examined. None: a change gives a service another
    // identity in the kernel, or turns ha_suspend on or off, or what comes or goes concerns others, as what a group
    // has, so the whole reload() is needed.
    [[nodiscard]] std::optional<AcceptedChanges> accept(std::vector<config::ServiceChange> changes) const;
    [[nodiscard]] Intents reload(AcceptedChanges changes, Moment at, HostFacts host = {});
    // The events and log lines of the stop. `keep`: the table stays in the kernel. Do not call step() afterwards.
    [[nodiscard]] Intents stop(bool keep, Moment at);

    // The whole state as bytes of this version of the program, without the configuration.
    void save(ByteWriter& out) const;
    // Made of the state that was saved and the configuration as it was then, global() and services(): takes the same
    // steps, if `random` returns the same. Errc::Invalid: the bytes are not the state of a judge of this configuration.
    [[nodiscard]] static Result<Judge> resume(Random random, config::Config config, ByteReader& in);

    // When step(DeadlineReached) is next due; an early call changes nothing.
    [[nodiscard]] std::optional<Instant> deadline() const;

    [[nodiscard]] const config::Global& global() const;
    [[nodiscard]] const std::vector<config::VirtualServer>& services() const;
    [[nodiscard]] const std::vector<ServiceState>& states() const;
    [[nodiscard]] std::uint64_t lines_left_out() const;
    // When the check that has run for longest was due; none: no check runs. Looks at every check.
    [[nodiscard]] std::optional<Instant> oldest_running_check() const;
    [[nodiscard]] const Overrides& overrides() const;
    [[nodiscard]] std::optional<Override> override_of(std::size_t service, std::size_t server) const;
    // Whether any server is drained with --expire-persistence.
    [[nodiscard]] bool expires_persistence() const;
    [[nodiscard]] const config::Checker* checker(CheckerId id) const;   // null: removed
    [[nodiscard]] std::optional<CheckerRef> place(CheckerId id) const;  // indices into services(); none: removed
    // The checks that follow this file or session, sorted.
    [[nodiscard]] std::vector<CheckerId> followers(config::Checker::Type type, std::string_view name) const;
    [[nodiscard]] Table desired(std::size_t service) const;  // several for a group
    // The kernel services of this configured service; empty if earlier services use all of them.
    [[nodiscard]] std::vector<netlink::IpvsServiceKey> keys(std::size_t service) const;
    [[nodiscard]] Table desired() const;
    // The table of nftables_ipvs; none if that is not configured.
    [[nodiscard]] std::optional<netlink::MarkTable> mark_table() const;
    [[nodiscard]] ServiceVerdict verdict(std::size_t service) const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::lvs
