// Compares the virtual servers of two directors, which must be the same, so that clients find them after a takeover.
#include <algorithm>
#include <map>
#include <tuple>

#include "import_text.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "pair_report.hpp"

namespace mainstay::config {
namespace {

using Where = PairFinding::Where;

using Identity = std::tuple<std::uint32_t, Family, std::string, std::uint8_t, Endpoint>;

Identity identity(const VirtualServer& v) {
    if (v.fwmark != 0) return {v.fwmark, v.family, {}, std::uint8_t{0}, {}};
    return {0, v.family, v.group, static_cast<std::uint8_t>(v.protocol), v.endpoint};
}

std::string persistence(const VirtualServer& v) {
    return v.persistent ? fmt::format("{} s", v.persistence_timeout.count()) : std::string{"off"};
}

std::string sorry(const VirtualServer& v) {
    return v.sorry_server ? fmt::format("{} {}", v.sorry_server->endpoint.to_string(),
                                        method_words(v.sorry_server->forwarding, {}))
                          : std::string{"none"};
}

class Services {
public:
    Services(PairReport& report, const Config& first, const Config& second)
        : r_{report}, first_{first}, second_{second} {}

    void run() {
        std::map<Identity, const VirtualServer*> seconds;
        for (const auto& v : second_.virtual_servers) seconds.emplace(identity(v), &v);
        std::map<Identity, const VirtualServer*> firsts;
        for (const auto& v : first_.virtual_servers) {
            if (!firsts.emplace(identity(v), &v).second) continue;  // a double is the check of one file's matter
            const auto found = seconds.find(identity(v));
            if (found == seconds.end())
                lacks(service_name(v), Where::Second);
            else
                service(v, *found->second);
        }
        for (const auto& v : second_.virtual_servers)
            if (!firsts.contains(identity(v))) lacks(service_name(v), Where::First);
    }

private:
    void lacks(const std::string& name, Where where) {
        const std::string& other = r_.name(where == Where::First ? Where::Second : Where::First);
        r_.add(Severity::Error, Code::PairService, where,
               fmt::format("virtual_server {} is in {} only: clients get no service while {} is MASTER", name, other,
                           r_.name(where)),
               fmt::format("add it to {}", r_.name(where)));
    }

    template <class T>
    void same(const std::string& name, std::string_view keyword, const T& first, const T& second) {
        if (first == second) return;
        r_.add(Severity::Warning, Code::PairService, Where::Both,
               fmt::format("virtual_server {}: {} {}", name, keyword, r_.both(first, second)),
               "set the same value in both");
    }

    void service(const VirtualServer& a, const VirtualServer& b) {
        const std::string name = service_name(a);
        same(name, "lb_algo", a.scheduler, b.scheduler);
        if (a.scheduler == b.scheduler) same(name, "scheduler flags", a.scheduler_flags, b.scheduler_flags);
        same(name, "persistence_timeout", persistence(a), persistence(b));
        if (a.persistent && b.persistent && a.persistence_netmask != b.persistence_netmask)
            r_.add(Severity::Warning, Code::PairService, Where::Both,
                   fmt::format("virtual_server {}: persistence_granularity differs", name),
                   "set the same value in both");
        same(name, "quorum", a.quorum, b.quorum);
        same(name, "sorry_server", sorry(a), sorry(b));
        servers(name, a, b);
    }

    void servers(const std::string& name, const VirtualServer& a, const VirtualServer& b) {
        const auto key_of = [](const RealServer& s) {
            return std::pair{s.endpoint, is_template(s) ? source_words(s) : std::string{}};
        };
        std::map<std::pair<Endpoint, std::string>, const RealServer*> firsts, seconds;
        for (const auto& s : a.real_servers) firsts.emplace(key_of(s), &s);
        for (const auto& s : b.real_servers) seconds.emplace(key_of(s), &s);
        const auto lacking = [&](const std::vector<RealServer>& list, const auto& in, Where where) {
            for (const auto& s : list) {
                if (in.contains(key_of(s))) continue;
                r_.add(Severity::Warning, Code::PairService, where,
                       fmt::format("virtual_server {}: {}{} is in {} only", name, is_template(s) ? "" : "real_server ",
                                   written_name(s), r_.name(where == Where::First ? Where::Second : Where::First)),
                       fmt::format("add it to {}", r_.name(where)));
            }
        };
        lacking(a.real_servers, seconds, Where::Second);
        lacking(b.real_servers, firsts, Where::First);
        // All servers of a service mostly differ in one way: said once, with the first one.
        std::size_t forwarding = 0, weight = 0;
        const RealServer *forwarding_at = nullptr, *weight_at = nullptr;
        for (const auto& [key, s] : firsts) {
            const auto other = seconds.find(key);
            if (other == seconds.end()) continue;
            if (s->forwarding != other->second->forwarding && forwarding++ == 0) forwarding_at = s;
            if (s->weight != other->second->weight && weight++ == 0) weight_at = s;
        }
        const auto more = [](std::size_t count) {
            return count > 1 ? fmt::format(" (and {} more server{})", count - 1, count == 2 ? "" : "s") : std::string{};
        };
        if (forwarding_at != nullptr)
            r_.add(Severity::Warning, Code::PairService, Where::Both,
                   fmt::format("virtual_server {}: forwarding to {}: {}{}", name, written_name(*forwarding_at),
                               r_.both(method_words(forwarding_at->forwarding, {}),
                                       method_words(seconds.at(key_of(*forwarding_at))->forwarding, {})),
                               more(forwarding)),
                   "set the same lb_kind in both");
        if (weight_at != nullptr)
            r_.add(Severity::Warning, Code::PairService, Where::Both,
                   fmt::format("virtual_server {}: weight of {}: {}{}", name, written_name(*weight_at),
                               r_.both(weight_at->weight, seconds.at(key_of(*weight_at))->weight), more(weight)),
                   "set the same weight in both");
    }

    PairReport& r_;
    const Config& first_;
    const Config& second_;
};

}  // namespace

void compare_services(PairReport& report, const Config& first, const Config& second) {
    Services{report, first, second}.run();
}

}  // namespace mainstay::config
