// Reads the kernel's IPVS counters of services and servers, for SNMP and metrics. It exists only while one of them
// shows them.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "mainstay/base/lifetime.hpp"
#include "mainstay/ipc/status.hpp"
#include "mainstay/lvs/facts.hpp"
#include "mainstay/lvs/judge.hpp"
#include "mainstay/report/status.hpp"
#include "mainstay/role/common/runtime.hpp"
#include "reconciler.hpp"

namespace mainstay::role {

// Kernel services whose servers are read per turn of the loop, as in an audit.
inline constexpr std::size_t kCountedSlice = 32;
// However short the intervals are, reading takes at most 1/kCountingShare of the time.
inline constexpr int kCountingShare = 20;

// snmp_vs_stats_update_interval and snmp_rs_stats_update_interval: the least time between two readings.
struct CounterIntervals {
    Micros services{0}, servers{0};
    bool operator==(const CounterIntervals&) const = default;
};
// None: no counters are requested. `by_option`: -x.
[[nodiscard]] std::optional<CounterIntervals> counter_intervals(const config::Config& config, bool by_option);

class LvsCounters {
public:
    // `changed` is called when the counters have changed, never from within the constructor. `judge` and `reconciler`
    // must outlive this object, which serves one configuration of the judge.
    LvsCounters(Runtime& runtime, const lvs::Judge& judge, TableReconciler& reconciler, CounterIntervals intervals,
                std::function<void()> changed);

    // The counters in the order of the judge's services; none until all have been read once. They are lent, not copied:
    // there may be tens of thousands. Give them back before anything else is called.
    [[nodiscard]] std::optional<std::vector<report::ServiceTraffic>> lend();
    void take_back(std::optional<std::vector<report::ServiceTraffic>> lent);

private:
    using Timer = boost::asio::steady_timer;

    void arm(Timer& timer, Instant at, void (LvsCounters::*next)());
    void read_services();
    void read_some_servers();
    [[nodiscard]] Result<void> read_servers(std::size_t service);
    void log_failure(const char* whose, bool& logged, const Error& error);

    Runtime& runtime_;
    const lvs::Judge& judge_;
    TableReconciler& reconciler_;
    CounterIntervals intervals_;
    std::function<void()> changed_;
    std::vector<report::ServiceTraffic> traffic_;
    bool services_read_ = false, servers_read_ = false, logged_services_ = false, logged_servers_ = false;
    std::size_t next_ = 0;      // the service whose servers are read next
    bool moved_ = false;        // a counter has changed in this round
    Instant::duration took_{};  // reading time of this round so far
    Timer services_timer_, servers_timer_;
    Lifetime lifetime_;
};

// None without intervals.
[[nodiscard]] std::unique_ptr<LvsCounters> make_counters(Runtime& runtime, const lvs::Judge& judge,
                                                         TableReconciler& reconciler,
                                                         std::optional<CounterIntervals> intervals,
                                                         std::function<void()> changed);

// Counts how health checks of each type end and how long they take.

// `types` gets an entry for each type of check that has run. A check that could not be run has no duration.
void count_check(std::vector<report::CheckTypeStatus>& types, std::string_view type, lvs::Outcome outcome,
                 Micros duration);

}  // namespace mainstay::role
