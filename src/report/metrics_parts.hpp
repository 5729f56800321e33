// The parts of metrics(), each a section of the text in the order of metric_families().
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mainstay/report/document.hpp"
#include "metrics_writer.hpp"

namespace mainstay::report {

// Objects with their labels. Prometheus refuses a whole answer in which two series have the same labels, so of such
// objects only the first stays.
template <class T>
class Labelled {
public:
    struct One {
        Labels labels;
        const T* object;
        std::size_t position;  // in the list it comes from
    };
    void add(Labels labels, const T& object, std::size_t position = 0) {
        if (seen_.insert(labels.text()).second)
            all_.push_back({std::move(labels), &object, position});
        else
            ++left_out_;
    }
    [[nodiscard]] const std::vector<One>& all() const { return all_; }
    [[nodiscard]] std::uint64_t left_out() const { return left_out_; }

private:
    std::vector<One> all_;
    std::set<std::string> seen_;
    std::uint64_t left_out_ = 0;
};

// One family with a sample for each object; `value` returns a number or a bool.
template <class T, class F>
void put_each(MetricsWriter& out, std::string_view family, const Labelled<T>& list, const F& value) {
    out.family(family);
    for (const auto& one : list.all()) out.sample(one.labels, value(*one.object));
}
template <class T>
void put_times(MetricsWriter& out, std::string_view family, const Labelled<T>& list, WallTime T::* at) {
    out.family(family);
    for (const auto& one : list.all()) out.time(one.labels, one.object->*at);
}

using LabelledInstances = Labelled<vrrp::InstanceSnapshot>;
using LabelledServices = Labelled<ServiceStatus>;
// A family of each instance's own count of something.
struct CounterFamily {
    std::string_view name;
    std::uint64_t vrrp::Counters::* value;
};
[[nodiscard]] LabelledInstances labelled_instances(const DaemonStatus& status);
[[nodiscard]] LabelledServices labelled_services(const DaemonStatus& status);

void put_counters(MetricsWriter& out, const LabelledInstances& instances, std::span<const CounterFamily> families);
void put_vrrp(MetricsWriter& out, const VrrpStatus& vrrp, const LabelledInstances& instances);
void put_bfd(MetricsWriter& out, const BfdStatus& bfd);
void put_lvs(MetricsWriter& out, const DaemonStatus& status, const LvsStatus& lvs, const LabelledServices& services);

// With scope=servers: series for each server and check. Their labels are made for each family anew, since those of tens
// of thousands take more memory than all else. Both arguments must outlive it.
class ServerSeries {
public:
    ServerSeries(const LvsStatus& lvs, const LabelledServices& services);
    using Put = void (*)(const ServerSeries& series, MetricsWriter& out);
    [[nodiscard]] static std::span<const Put> families();  // each writes one, of the services at hand
    // The first services are at hand, with about kServersAtOnce servers; also if there is none.
    void begin();
    [[nodiscard]] bool next();  // those after them; false: there are no more
    [[nodiscard]] std::uint64_t left_out() const { return left_out_; }

private:
    // Calls `f` with the labels, the server, and its traffic, which is null where it is not known.
    template <class F>
    void servers(MetricsWriter& out, std::string_view family, const F& f) const;
    template <class F>
    void checks(MetricsWriter& out, std::string_view family, const F& f) const;  // with the labels and the check
    template <std::uint64_t netlink::IpvsStats::* kValue>
    void counters(MetricsWriter& out, std::string_view family) const;
    void active_connections(MetricsWriter& out) const;
    void current_connections(MetricsWriter& out) const;

    static constexpr std::size_t kServersAtOnce = 1000;
    [[nodiscard]] std::span<const LabelledServices::One> at_hand() const {
        return std::span{services_.all()}.subspan(from_, to_ - from_);
    }
    void family(MetricsWriter& out, std::string_view name) const {
        if (from_ == 0) out.family(name);
    }

    const LabelledServices& services_;
    std::size_t from_ = 0, to_ = 0;
    const std::vector<ServiceTraffic>* traffic_;  // null: not known
    std::set<const ServerStatus*> repeated_;      // those with the labels of an earlier one
    std::uint64_t left_out_ = 0;                  // of servers and checks
};
void put_compat(MetricsWriter& out, const DaemonStatus& status, const MetricsOptions& options);

}  // namespace mainstay::report
