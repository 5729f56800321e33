#include "counters.hpp"

#include <algorithm>
#include <map>

#include "mainstay/config/keyword_values.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/report/snmp.hpp"

namespace mainstay::role {
namespace {

void add(netlink::IpvsStats& sum, const netlink::IpvsStats& more) {
    sum.connections += more.connections;
    sum.in_packets += more.in_packets;
    sum.out_packets += more.out_packets;
    sum.in_bytes += more.in_bytes;
    sum.out_bytes += more.out_bytes;
    sum.cps += more.cps;
    sum.in_pps += more.in_pps;
    sum.out_pps += more.out_pps;
    sum.in_bps += more.in_bps;
    sum.out_bps += more.out_bps;
}

void add(report::ServerTraffic& sum, const netlink::IpvsDestinationEntry& more) {
    add(sum.stats, more.stats);
    sum.active += more.active;
    sum.inactive += more.inactive;
    sum.persistent += more.persistent;
}

}  // namespace

std::optional<CounterIntervals> counter_intervals(const config::Config& config, bool by_option) {
    if (!report::snmp_parts(config, by_option, {}).checker || config.virtual_servers.empty()) return std::nullopt;
    const auto& global = config.global.more->values;
    const auto services = config::value_or_default(global, config::keyword::snmp_vs_stats_update_interval);
    return CounterIntervals{
        services, config::value_of(global, config::keyword::snmp_rs_stats_update_interval).value_or(services)};
}

LvsCounters::LvsCounters(Runtime& runtime, const lvs::Judge& judge, TableReconciler& reconciler,
                         CounterIntervals intervals, std::function<void()> changed)
    : runtime_{runtime},
      judge_{judge},
      reconciler_{reconciler},
      intervals_{intervals},
      changed_{std::move(changed)},
      traffic_(judge.services().size()),
      services_timer_{runtime.loop()},
      servers_timer_{runtime.loop()} {
    arm(services_timer_, runtime_.now(), &LvsCounters::read_services);
    arm(servers_timer_, runtime_.now(), &LvsCounters::read_some_servers);
}

std::unique_ptr<LvsCounters> make_counters(Runtime& runtime, const lvs::Judge& judge, TableReconciler& reconciler,
                                           std::optional<CounterIntervals> intervals, std::function<void()> changed) {
    if (!intervals) return nullptr;
    return std::make_unique<LvsCounters>(runtime, judge, reconciler, *intervals, std::move(changed));
}

std::optional<std::vector<report::ServiceTraffic>> LvsCounters::lend() {
    if (!services_read_ || !servers_read_) return std::nullopt;
    return std::exchange(traffic_, {});
}

void LvsCounters::take_back(std::optional<std::vector<report::ServiceTraffic>> lent) {
    if (lent) traffic_ = std::move(*lent);
}

void LvsCounters::arm(Timer& timer, Instant at, void (LvsCounters::*next)()) {
    timer.expires_at(at);
    timer.async_wait(lifetime_.when_due([this, next] { (this->*next)(); }));
}

void LvsCounters::read_services() {
    const Instant before = runtime_.now();
    bool moved = false;
    if (const auto entries = reconciler_.services(); !entries) {
        log_failure("services", logged_services_, entries.error());
    } else {
        std::map<netlink::IpvsServiceKey, const netlink::IpvsStats*> counted;
        for (const auto& entry : *entries) counted.emplace(entry.service.key, &entry.stats);
        for (std::size_t v = 0; v < traffic_.size(); ++v) {
            netlink::IpvsStats sum;
            for (const auto& key : judge_.keys(v))
                if (const auto found = counted.find(key); found != counted.end()) add(sum, *found->second);
            moved = moved || traffic_[v].stats != sum;
            traffic_[v].stats = sum;
        }
        moved = !std::exchange(services_read_, true) || moved;
        logged_services_ = false;
    }
    const Instant after = runtime_.now();
    arm(services_timer_, std::max(before + intervals_.services, after + (after - before) * kCountingShare),
        &LvsCounters::read_services);
    if (moved) changed_();
}

void LvsCounters::read_some_servers() {
    const Instant before = runtime_.now();
    Result<void> read;
    for (std::size_t keys = 0; read && next_ < traffic_.size() && keys < kCountedSlice; ++next_) {
        keys += judge_.keys(next_).size();
        read = read_servers(next_);
    }
    const Instant after = runtime_.now();
    took_ += after - before;
    if (read && next_ < traffic_.size()) return arm(servers_timer_, after, &LvsCounters::read_some_servers);
    if (read) {
        moved_ = !std::exchange(servers_read_, true) || moved_;
        logged_servers_ = false;
    } else {
        log_failure("servers", logged_servers_, read.error());
    }
    next_ = 0;
    // The interval counts from the end of the last reading.
    arm(servers_timer_,
        after + std::max<Instant::duration>(intervals_.servers, std::exchange(took_, {}) * kCountingShare),
        &LvsCounters::read_some_servers);
    if (std::exchange(moved_, false)) changed_();
}

// A server that is not in the table has no counters.
Result<void> LvsCounters::read_servers(std::size_t number) {
    const auto& service = judge_.services()[number];
    report::ServiceTraffic sum{.stats = traffic_[number].stats, .servers = {}, .sorry_server = {}};
    sum.servers.resize(service.real_servers.size());
    for (const auto& key : judge_.keys(number)) {
        const auto entries = reconciler_.destinations(key);
        if (!entries) return error_of(entries);
        std::map<Endpoint, const netlink::IpvsDestinationEntry*> counted;
        for (const auto& entry : *entries) counted.emplace(entry.destination.endpoint, &entry);
        const auto take = [&](report::ServerTraffic& server, const Endpoint& endpoint, config::Forwarding forwarding) {
            const auto found = counted.find(lvs::endpoint_at(key, service, endpoint, forwarding));
            if (found != counted.end()) add(server, *found->second);
        };
        for (std::size_t s = 0; s < service.real_servers.size(); ++s)
            take(sum.servers[s], service.real_servers[s].endpoint, service.real_servers[s].forwarding);
        if (const auto& sorry = service.sorry_server) take(sum.sorry_server, sorry->endpoint, sorry->forwarding);
    }
    moved_ = moved_ || traffic_[number] != sum;
    traffic_[number] = std::move(sum);
    return {};
}

// The old values stay. If IPVS itself is missing, the reconciler reports that.
void LvsCounters::log_failure(const char* whose, bool& logged, const Error& error) {
    if (!reconciler_.state().available) return;
    if (!std::exchange(logged, true))
        runtime_.log().warning(
            "the IPVS counters of {}, for SNMP and metrics, cannot be read: {}; retried at each interval", whose,
            error.text());
}

void count_check(std::vector<report::CheckTypeStatus>& types, std::string_view type, lvs::Outcome outcome,
                 Micros duration) {
    auto found = std::ranges::find(types, type, &report::CheckTypeStatus::type);
    if (found == types.end())
        found = types.insert(types.end(), {.type = std::string{type}, .durations = {}, .passed = 0});
    if (outcome == lvs::Outcome::NotRun) {
        ++found->not_run;
        return;
    }
    ++(outcome == lvs::Outcome::Passed ? found->passed : found->failed);
    found->durations.record(duration);
}

}  // namespace mainstay::role
