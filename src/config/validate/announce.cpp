// Checks announce { } of virtual servers: against their kind, each other, and the addresses of VRRP.
#include "mainstay/config/validate/resolved.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "config/schema/parse_context.hpp"
#include "mainstay/config/addresses.hpp"
#include "mainstay/config/keywords.hpp"
#include "validate.hpp"

namespace mainstay::config {
namespace {

constexpr std::string_view kNotAnnounced = "nothing is announced for it";

struct Range {
    IpAddress first, last;  // both included
    [[nodiscard]] bool overlaps(const Range& other) const { return first <= other.last && other.first <= last; }
};

std::vector<Range> ranges_of(const VirtualServer& service) {
    if (service.group.empty()) return {{service.endpoint.address, service.endpoint.address}};
    std::vector<Range> ranges;
    for (const GroupEntry& entry : service.membership->entries)
        if (entry.fwmark == 0) ranges.push_back({entry.first, entry.last});
    return ranges;
}

class AnnounceCheck {
public:
    AnnounceCheck(ParseContext& r, const Config& config) : diag_{r.diag}, config_{config} {
        for (const auto& one : r.announcements) marks_[{one.endpoint, one.fwmark, one.group}].push_back(one.mark);
    }

    void run() {
        for (const VirtualServer& service : config_.virtual_servers)
            if (find_section(service.more->sections, keyword::announce) != nullptr) check(service);
    }

private:
    struct Known {
        const VirtualServer& service;
        AnnounceSettings settings;
        std::vector<Range> ranges;
    };

    // Services of one address differ in their protocol only: they stand in the file's order.
    Mark take_mark(const VirtualServer& service) {
        auto& marks = marks_[{service.endpoint, service.fwmark, *service.group}];
        if (marks.empty()) return {};
        const Mark mark = marks.front();
        marks.erase(marks.begin());
        return mark;
    }

    void check(const VirtualServer& service) {
        const Mark mark = take_mark(service);
        const std::string name = service_name(service);
        const auto unusable = [&](std::string_view why, std::string_view fix) {
            auto& d =
                diag_.error(Code::AnnounceUnusable, mark, fmt::format("virtual server {}: announce {}", name, why));
            d.effect = kNotAnnounced;
            d.fix = fix;
        };
        const auto settings = announce_settings(service);
        const auto ranges = ranges_of(service);
        if (!settings || ranges.empty())
            return unusable("needs an address, and a firewall mark has none",
                            "announce the address in a virtual_server of its own");
        if (is_given(config_.more->values, keyword::net_namespace_ipvs))
            return unusable("does not work with net_namespace_ipvs",
                            "run mainstay as a whole in that namespace (net_namespace)");
        if (settings->interface == settings->drain_interface) {
            auto& d = diag_.error(
                Code::AnnounceConflict, mark,
                fmt::format("virtual server {}: interface and drain_interface are both {}", name, settings->interface));
            d.effect = "draining does not change what is announced";
            d.fix = "give drain_interface another name";
        }
        if (is_given(service.more->values, keyword::ha_suspend))
            diag_
                .error(
                    Code::SuspendIgnored, mark,
                    fmt::format("virtual server {}: ha_suspend waits for the address, and announce for checks", name))
                .effect = "ha_suspend is ignored";
        check_against_others(service, *settings, ranges, mark);
        check_against_vrrp(name, ranges, mark);
        known_.push_back({service, *settings, ranges});
    }

    void check_against_others(const VirtualServer& service, const AnnounceSettings& settings,
                              const std::vector<Range>& ranges, Mark mark) {
        const auto other = std::ranges::find_if(known_, [&](const Known& known) {
            return known.settings != settings && std::ranges::any_of(ranges, [&](const Range& own) {
                       return std::ranges::any_of(known.ranges,
                                                  [&](const Range& theirs) { return own.overlaps(theirs); });
                   });
        });
        if (other == known_.end()) return;
        auto& d =
            diag_.error(Code::AnnounceConflict, mark,
                        fmt::format("virtual server {}: announce differs from that of {}, which has the same address",
                                    service_name(service), service_name(other->service)));
        d.effect = fmt::format("the settings of {} are used for both", service_name(other->service));
        d.fix = "write the same settings in both";
    }

    // VRRP's address is on one router; an announced one is on each.
    void check_against_vrrp(const std::string& name, const std::vector<Range>& ranges, Mark mark) {
        for (const Instance& instance : config_.instances)
            for (const VirtualAddress& address : all_addresses(instance)) {
                const Range own{address.prefix.address, address.prefix.address};
                if (std::ranges::none_of(ranges, [&](const Range& range) { return range.overlaps(own); })) continue;
                auto& d = diag_.error(
                    Code::AnnounceConflict, mark,
                    fmt::format("virtual server {}: announce, and {} is an address of vrrp_instance {} as well", name,
                                address.prefix.address.to_string(), instance.name));
                d.effect = "routers reach it on the announced way, hosts of its subnet on the master";
                d.fix = "remove it from one of the two";
                return;
            }
    }

    Diagnoser& diag_;
    const Config& config_;
    std::map<std::tuple<Endpoint, std::uint32_t, std::string>, std::vector<Mark>> marks_;
    std::vector<Known> known_;
};

}  // namespace

void check_announce(ParseContext& r, const Config& config) {
    if (!r.announcements.empty()) AnnounceCheck{r, config}.run();
}

namespace {

Seconds seconds_of(const KeywordValues& values, const DefaultedKeyword<Micros>& keyword) {
    return std::chrono::duration_cast<Seconds>(value_or_default(values, keyword));
}

}  // namespace

std::optional<AnnounceSettings> announce_settings(const VirtualServer& service) {
    if (!announces(service)) return std::nullopt;
    const KeywordValues& values = find_section(service.more->sections, keyword::announce)->values;
    const std::string* interface = find_word(values, keyword::interface);
    return AnnounceSettings{.any_service = first_word_or_default(values, keyword::services) == "any",
                            .interface = interface != nullptr ? *interface : std::string{kAnnounceInterface},
                            .drain_interface = first_word_or_default(values, keyword::drain_interface),
                            .lifetime = seconds_of(values, keyword::lifetime),
                            .hold = first_word_or_default(values, keyword::on_loss) == "hold",
                            .drain_time = seconds_of(values, keyword::drain_time)};
}

bool announces(const VirtualServer& service) {
    return service.fwmark == 0 && find_section(service.more->sections, keyword::announce) != nullptr;
}

bool announces(const Config& config) {
    return std::ranges::any_of(config.virtual_servers, [](const VirtualServer& service) { return announces(service); });
}

}  // namespace mainstay::config
