// Keeps the kernel's IPVS table in its desired state: holds the desired table and the known actual one (lvs::Ledger),
// sends the difference, and periodically compares the known table with the kernel. It reads, changes and deletes only
// services that are or were desired.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "mainstay/base/lifetime.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/lvs/judge.hpp"
#include "mainstay/lvs/ledger.hpp"
#include "mainstay/lvs/table.hpp"
#include "mainstay/role/lvs/role.hpp"

namespace mainstay::role {

// Services read per turn of the loop in an audit: some hundred microseconds.
inline constexpr std::size_t kAuditSlice = 32;
// A reload has the whole table audited at once if there are no more services than this. Of more, whose servers take the
// kernel longer than the reload itself, only the services are; their servers wait for the next audit of the interval.
inline constexpr std::size_t kServicesAuditedAtOnce = 512;
// Operations planned before they are sent: all of a large table at once would take more memory than the table.
inline constexpr std::size_t kOperationsPlanned = 512;
// Operations named one by one in the log; what goes beyond is counted.
inline constexpr std::size_t kOperationsNamedMax = 10;
// Refused operations that are remembered so that they are logged once.
inline constexpr std::size_t kRefusalsRememberedMax = 1000;

class TableReconciler {
public:
    struct State {
        bool available = false;
        std::string problem;  // why not, and what to do
        std::uint64_t operations = 0, failures = 0, repairs = 0;
    };

    // `changed` is called when `state()` has changed. All arguments but `options` must outlive the reconciler.
    TableReconciler(Runtime& runtime, const LvsOptions& options, std::function<void()> changed);

    // The desired table, requested for one configured service at a time, because the whole may be large.
    struct Wanted {
        std::size_t services = 0;
        std::function<lvs::Table(std::size_t service)> of;
    };
    // Opens IPVS, and retries until that succeeds. `owned_before`: services of an earlier incarnation, deleted if no
    // longer desired.
    void start(const Wanted& wanted, std::span<const netlink::IpvsServiceKey> owned_before, bool flush_first);
    void update(std::vector<lvs::ServiceTable> changed);  // services that are desired already
    void replace(const Wanted& wanted);                   // all of them, after a reload
    // Services that come and go, each of those with the key of the one that follows it in the file; none: it is the
    // last.
    struct Moved {
        std::vector<netlink::IpvsServiceKey> gone;
        std::vector<std::pair<lvs::ServiceTable, std::optional<netlink::IpvsServiceKey>>> come;  // the last one first
    };
    void change(std::vector<lvs::ServiceTable> changed, Moved moved = {});  // after a reload that changed only these
    void audit_soon();  // after a reload, to repair changes by other programs
    void stop(bool keep, config::Global::FlushOnStop flush);
    // Whether the kernel has all services, or this one, with their servers as desired, as far as is known.
    [[nodiscard]] bool has_all() const;
    [[nodiscard]] bool is_as_wanted(const netlink::IpvsServiceKey& key) const;
    // The same, but for what waits for a repair of an active_active service.
    [[nodiscard]] bool is_usable(const netlink::IpvsServiceKey& key) const;
    // Deletes and reorders what waits for it in these services.
    void repair_order(std::span<const netlink::IpvsServiceKey> keys);
    // The service in the kernel, and as it shall be there, both with the newest destination first; none: not known.
    [[nodiscard]] std::optional<lvs::ServiceTable> known(const netlink::IpvsServiceKey& key) const;
    [[nodiscard]] std::optional<lvs::ServiceTable> wanted(const netlink::IpvsServiceKey& key) const;

    // The service in the kernel if it is not as desired, without destinations if it is not known to exist; none: it is
    // as desired, or there is no table.
    [[nodiscard]] std::optional<lvs::ServiceTable> other_table(const netlink::IpvsServiceKey& key) const;

    // The kernel's current connection counts for these services; a service that does not exist has none.
    [[nodiscard]] Result<std::vector<lvs::ConnectionsCounted::Destination>> connections(const lvs::Table& services);
    // All services in the kernel, including those of other programs; and the servers of one, none if it does not exist.
    [[nodiscard]] Result<std::vector<netlink::IpvsServiceEntry>> services();
    [[nodiscard]] Result<std::vector<netlink::IpvsDestinationEntry>> destinations(const netlink::IpvsServiceKey& key);

    [[nodiscard]] const State& state() const { return state_; }

private:
    using Key = netlink::IpvsServiceKey;
    using Operations = std::vector<netlink::IpvsOperation>;

    // Several batches that belong together.
    struct Work {
        std::size_t operations = 0;
        std::chrono::steady_clock::duration took{};
        std::size_t named = 0, unnamed = 0;  // refusals
        bool refused = false;
    };

    void set_desired(const Wanted& wanted);
    void open();
    void unavailable(const Error& error);
    void close_and_retry(const Error& error);
    void arm_reopen();
    [[nodiscard]] Result<void> read_all();
    [[nodiscard]] Result<void> read_strange();
    [[nodiscard]] Result<bool> read_service(const netlink::IpvsService* service, const Key& key);
    [[nodiscard]] bool carry_out(void (lvs::Ledger::*plan)(std::size_t, Operations&) const, Work& work);
    void reconcile();
    [[nodiscard]] Result<void> remove(config::Global::FlushOnStop flush);
    [[nodiscard]] bool execute(const Operations& operations);
    [[nodiscard]] bool execute(const Operations& operations, Work& work);
    void take_over(const Operations& operations, const IpvsTable::Outcome& outcome);
    void log_refusals(const Operations& operations, const IpvsTable::Outcome& outcome, Work& work);
    void log_rest(const Work& work);

    void arm_audit(Micros pause);
    void audit_turn();
    [[nodiscard]] Result<void> audit_slice();
    [[nodiscard]] Result<void> audit_services();
    // Reads these and the leftovers a second time, and repairs what differs still.
    [[nodiscard]] Result<void> audit_confirm(std::set<Key> again);
    void repair(std::span<const std::size_t> suspects);

    Runtime& runtime_;
    Log& log_;
    const LvsOptions& options_;
    std::function<void()> changed_;
    State state_;

    std::unique_ptr<IpvsTable> ipvs_;
    bool flush_first_ = false;
    bool was_open_ = false;  // there may be services of ours in the kernel
    bool stopped_ = false;
    bool logged_unavailable_ = false;
    lvs::Ledger ledger_;
    std::set<Key> unsure_;  // an operation on them failed: the ledger may be wrong
    std::set<std::string> logged_refusals_;

    struct Audit {
        std::map<Key, netlink::IpvsService> services;
        std::size_t next = 0;
        std::set<Key> suspects;
        bool running = false;
        bool hurried = false;  // not spread over half of the audit interval
    } audit_;
    boost::asio::steady_timer reopen_timer_;
    boost::asio::steady_timer audit_timer_;
    Lifetime lifetime_;
};

// What a reload's changes are for the table.
class TableChanges {
public:
    explicit TableChanges(const std::vector<config::ServiceChange>& changes);
    // The services that come and go, once the judge has them.
    [[nodiscard]] TableReconciler::Moved moved(const lvs::Judge& judge) const;

    std::set<std::size_t> changed;  // services that stay, by their indexes afterwards

private:
    std::vector<netlink::IpvsServiceKey> gone_;
    std::vector<std::size_t> come_;
};

}  // namespace mainstay::role
