// Why a service or a real server is in its state.
#include <fmt/format.h>

#include "document_queries.hpp"
#include "mainstay/lvs/overrides.hpp"
#include "why_text.hpp"

namespace mainstay::report {
namespace {

using lvs::Hold;

constexpr std::size_t kServersNamedMax = 20;  // in the sentences about a service

const OverrideStatus* override_of(const WhySource& source, const ServiceStatus& service, const ServerStatus& server) {
    if (!source.status.lvs) return nullptr;
    for (const auto& one : source.status.lvs->overrides)
        if (one.service == service.name && one.server == server.endpoint) return &one;
    return nullptr;
}

bool is_held(const OverrideStatus* held, Hold hold) { return held != nullptr && static_cast<Hold>(held->hold) == hold; }

std::string duration_text(Micros duration) {
    const auto us = duration.count();
    if (us < 1'000) return fmt::format("{} us", us);
    return us < 1'000'000 ? fmt::format("{:.1f} ms", static_cast<double>(us) / 1e3)
                          : fmt::format("{:.1f} s", static_cast<double>(us) / 1e6);
}

// "TCP_CHECK 10.0.0.11:80 failed: connection refused (3 failures in a row, last 2 s ago, took 1.2 ms)"
// "MISC_CHECK /usr/local/bin/check for 10.0.0.11:80 passes: ..."
std::string check_text(const WhySource& source, const CheckStatus& check) {
    const std::string name = check.script.empty() ? fmt::format("{} {}", check.type, check.target)
                                                  : fmt::format("{} {} for {}", check.type, check.script, check.target);
    if (!check.has_run) return fmt::format("{} has not run yet{}", name, check.up ? "" : " and counts as failed");
    const auto row = in_a_row(check.failures_in_row);
    std::string details = fmt::format("{}last {}, took {}", row.empty() ? "" : row + ", ", ago(source, check.last_run),
                                      duration_text(check.last_duration));
    if (check.weight) details += fmt::format(", asks for weight {}", *check.weight);
    const char* verb = check.up && check.failures_in_row > 0 ? "fails, which retry or fall still tolerates"
                       : check.up                            ? "passes"
                                                             : "failed";
    const auto errors = check.errors.empty() ? std::string{} : ": " + check.errors;
    return fmt::format("{} {}: {}{} ({})", name, verb, check.last_result, errors, details);
}

std::vector<const CheckStatus*> failed_checks(const ServerStatus& server) {
    std::vector<const CheckStatus*> failed;
    for (const auto& check : server.checks)
        if (!check.up) failed.push_back(&check);
    return failed;
}

std::string failure_text(const WhySource& source, const ServerStatus& server) {
    std::string text;
    for (const auto* check : failed_checks(server))
        text += fmt::format("{}{}", text.empty() ? "" : ", and ", check_text(source, *check));
    return text.empty() ? "it is down, although no check of it has failed" : text;
}

std::string state_of(const ServerStatus& server, const OverrideStatus* held) {
    if (is_held(held, Hold::Disabled)) return "DISABLED";
    if (is_held(held, Hold::Drained)) return "DRAINED";
    return server.alive ? "UP" : "DOWN";
}

std::string ipvs_text(const WhySource& source) {
    const auto& lvs = source.status.lvs;
    return lvs && !lvs->ipvs_available ? "IPVS cannot be programmed: " + lvs->ipvs_problem : std::string{};
}

constexpr const char* kSuspended =
    "its checks do not run, because no address of the service is on this host (ha_suspend): what they found last stays";

// Out of the table, although it is alive and nobody disabled it.
std::string absence_text(const WhySource& source, const ServiceStatus& service, const ServerStatus& server) {
    if (auto text = ipvs_text(source); !text.empty()) return text;
    if (service.sorry_in_use)
        return fmt::format("{} has lost its quorum and serves from its sorry server {}", service.name,
                           service.sorry_server);
    if (server.leave && server.leave->over) return "its drain_timeout has passed, or its last connection has ended";
    if (!service.quorum_up) return fmt::format("{} has no quorum", service.name);
    return "the kernel does not have it yet; if it refused it, the log says so with the reason";
}

// The state of one that no operator drained or disabled.
std::string usual_sentence(const WhySource& source, const ServiceStatus& service, const ServerStatus& server) {
    const std::string since = since_text(source, server.since);
    if (server.alive && server.kept)
        return fmt::format("{} is kept in the table by min_alive{}, although {}", server.name, since,
                           failure_text(source, server));
    if (server.alive && !server.in_table)
        return fmt::format("{} is out of the table because {}", server.name, absence_text(source, service, server));
    if (server.alive)
        return fmt::format("{} is in the table with weight {}{} because {}", server.name, server.weight_in_table, since,
                           server.checks.empty() ? "it has no health check" : "its health checks pass");
    if (server.in_table)
        return fmt::format("{} has weight {} in the table{} (inhibit_on_failure) because {}", server.name,
                           server.weight_in_table, since, failure_text(source, server));
    return fmt::format("{} is out of the table{} because {}", server.name, since, failure_text(source, server));
}

// ": kernel update; it ends at 10:30:00"
std::string details(const WhySource& source, const OverrideStatus& held) {
    std::string out = held.reason.empty() ? std::string{} : ": " + held.reason;
    if (held.until) out += "; this ends at " + moment(source, *held.until);
    return out;
}

// Whether an override that takes connections away is why the server gets none. One that is drained stays in the table
// unless its drain_timeout is over: where it is not there, its checks or the service's quorum took it out.
bool has_effect(const OverrideStatus* held, const ServerStatus& server) {
    return is_held(held, Hold::Disabled) ||
           (is_held(held, Hold::Drained) && (server.in_table || (server.leave && server.leave->over)));
}

std::string server_sentence(const WhySource& source, const ServiceStatus& service, const ServerStatus& server) {
    if (service.sorry_in_use && server.name == service.sorry_server)
        return fmt::format(
            "{} is in the table with weight {} as the sorry server of {}, whatever its checks and operators say",
            server.name, server.weight_in_table, service.name);
    const auto* held = override_of(source, service, server);
    if (is_held(held, Hold::Disabled))
        return fmt::format("{} {}{} because {} disabled it{}", server.name,
                           server.in_table ? "gets no new connections and leaves the table" : "is out of the table",
                           since_text(source, held->since), held->by, details(source, *held));
    if (has_effect(held, server))
        return fmt::format("{} {}{} because {} drained it{}", server.name,
                           server.in_table ? "gets no new connections (weight 0)" : "is out of the table",
                           since_text(source, held->since), held->by, details(source, *held));
    return usual_sentence(source, service, server);
}

void add_operator(const WhySource& source, const ServerStatus& server, const OverrideStatus* held, Reasons& reasons) {
    if (is_held(held, Hold::Weight))
        reasons.add_at(
            held->since,
            fmt::format("{}: {} set its weight to {}{}", moment(source, held->since), held->by, held->weight,
                        held->until ? details(source, *held) : ", until it is reset" + details(source, *held)));
    if (is_held(held, Hold::Drained) && !has_effect(held, server))
        reasons.add_at(held->since, fmt::format("{}: {} drained it: it will have weight 0 when it is back{}",
                                                moment(source, held->since), held->by, details(source, *held)));
    if (server.leave && !server.leave->over) {
        std::string text = server.leave->connections
                               ? fmt::format("{} of its connections remain", *server.leave->connections)
                               : std::string{"its connections continue"};
        if (server.leave->until.unix_us > 0)
            text += fmt::format("; it leaves the table at {} at the latest", moment(source, server.leave->until));
        reasons.add(std::move(text));
    }
    if (server.grows_since)
        reasons.add(fmt::format("slow_start raises its weight since {}: it has {} of {}",
                                moment(source, *server.grows_since), server.weight_in_table, server.weight));
}

std::int64_t weight_alive(const ServiceStatus& service) {
    std::int64_t sum = 0;
    for (const auto& server : service.servers)
        if (server.alive) sum += std::max<std::int64_t>(0, server.weight);
    return sum;
}

// 0 also of a quorum that the service has not had since the start: nothing has happened then.
WallTime quorum_since(const WhySource& source, const ServiceStatus& service) {
    return changed_to(source, Event::Kind::VirtualServer, service.name,
                      service.quorum_up ? Transition::Up : Transition::Down);
}

std::string service_sentence(const WhySource& source, const ServiceStatus& service, WallTime since) {
    const char* const has = service.quorum_up ? "its" : since.unix_us > 0 ? "lost its" : "no";
    const std::string sum =
        fmt::format("{} of its {} servers {} up with a total weight of {}", count_alive(service),
                    service.servers.size(), count_alive(service) == 1 ? "is" : "are", weight_alive(service));
    const std::string needs =
        service.quorum > 0
            ? fmt::format(", and its quorum is {}{}", service.quorum,
                          service.hysteresis > 0 ? fmt::format(" with a hysteresis of {}", service.hysteresis) : "")
            : "";
    return fmt::format("{} has {} quorum{} because {}{}", service.name, has, since_text(source, since),
                       service.servers.empty() ? "it has no servers" : sum, needs);
}

std::string announced_sentence(const WhySource& source, const AnnouncedStatus& one) {
    const std::string address = one.address.to_string(), since = since_text(source, one.since);
    const std::string why = one.reason.empty() ? std::string{} : ": " + one.reason;
    if (one.state == "announced") return fmt::format("{} is announced on {}{}{}", address, one.interface, since, why);
    if (one.state == "draining")
        return fmt::format("{} is announced on {} as a last resort{}, because this director is in maintenance{}",
                           address, one.drain_interface, since, why);
    return fmt::format("{} is not announced{}{}", address, since, why);
}

bool has_address(const ServiceStatus& service, const IpAddress& address) {
    return service.key.address == address ||
           std::ranges::find(service.group_keys, address, &netlink::IpvsServiceKey::address) !=
               service.group_keys.end();
}

}  // namespace

Explanation explain(const WhySource& source, const AnnouncedStatus& announced) {
    Reasons reasons;
    reasons.add(announced_sentence(source, announced));
    std::size_t left = kServersNamedMax;
    for (const auto& service : source.status.lvs->services) {
        if (!has_address(service, announced.address)) continue;
        if (left-- == 0) {
            reasons.add("... and more services");
            break;
        }
        reasons.add(service_sentence(source, service, quorum_since(source, service)));
    }
    std::string state = announced.state == "announced"  ? "ANNOUNCED"
                        : announced.state == "draining" ? "DRAINING"
                                                        : "WITHDRAWN";
    return {announced.address.to_string(), "address", std::move(state), announced.since, reasons.take()};
}

Explanation explain(const WhySource& source, const ServiceStatus& service) {
    Reasons reasons;
    const WallTime since = quorum_since(source, service);
    reasons.add(service_sentence(source, service, since));
    if (auto text = ipvs_text(source); !text.empty()) reasons.add(std::move(text));
    if (service.suspended) reasons.add(kSuspended);
    if (service.sorry_in_use && source.status.lvs->ipvs_available)
        reasons.add(fmt::format("its sorry server {} is in the table instead of them", service.sorry_server));
    else if (!service.quorum_up && service.sorry_server.empty())
        reasons.add("it has no sorry server");
    std::size_t left = kServersNamedMax;
    for (const auto& server : service.servers) {
        const auto* held = override_of(source, service, server);
        if (server.alive && server.in_table && !server.kept && held == nullptr) continue;
        if (server.alive && service.sorry_in_use && held == nullptr) continue;
        if (left-- == 0) {
            reasons.add("... and more servers");
            break;
        }
        reasons.add_at(has_effect(held, server) ? held->since : server.since, server_sentence(source, service, server));
    }
    add_events(source, Event::Kind::VirtualServer, service.name, "", reasons);
    return {service.name, "service", service.quorum_up ? "UP" : "DOWN", since, reasons.take()};
}

Explanation explain(const WhySource& source, const ServiceStatus& service, const ServerStatus& server) {
    Reasons reasons;
    const auto* held = override_of(source, service, server);
    reasons.add(server_sentence(source, service, server));
    add_operator(source, server, held, reasons);
    if (service.suspended) reasons.add(kSuspended);
    if (!server.alive && is_held(held, Hold::Drained) && has_effect(held, server))
        reasons.add(failure_text(source, server));
    const bool checks_matter = server.alive && !server.kept && !is_held(held, Hold::Disabled);
    for (const auto& check : server.checks)
        if (checks_matter) reasons.add(check_text(source, check));
    add_events(source, Event::Kind::RealServer, server.name, service.name, reasons);
    const WallTime since = has_effect(held, server) ? held->since : server.since;
    return {server.name, "server", state_of(server, held), since, reasons.take()};
}

}  // namespace mainstay::report
