// Converts the drafts of virtual servers to the model: defaults, inheritance, and checks of ports and families.
#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "config/schema/parse_context.hpp"
#include "config/schema/setters.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/model.hpp"
#include "validate.hpp"

namespace mainstay::config {
namespace {

constexpr Seconds kPersistence{360};  // keepalived's, of a service that must be persistent
constexpr Micros kDelayLoop{60'000'000}, kConnectTimeout{5'000'000};

struct TypeDefaults {
    std::uint32_t retry;
    Micros delay_before_retry;
};
TypeDefaults defaults_of(Checker::Type type, Micros delay_loop) {
    switch (type) {
        case Checker::Type::Http:
        case Checker::Type::Ssl:
            return {1, Micros{3'000'000}};
        case Checker::Type::Dns:
            return {3, delay_loop};
        case Checker::Type::Misc:
            return {0, Micros{1'000'000}};
        default:
            return {1, Micros{1'000'000}};
    }
}

template <class T>
T first_of(const std::optional<T>& a, const std::optional<T>& b, const std::optional<T>& c, T otherwise) {
    return a ? *a : b ? *b : c ? *c : otherwise;
}

const std::string& first_text(const std::string& a, const std::string& b, const std::string& c) {
    return !a.empty() ? a : !b.empty() ? b : c;
}

class ServiceCheck {
public:
    ServiceCheck(ParseContext& r, ServiceDraft& draft) : r_{r}, diag_{r.resolved.diag}, s_{draft}, m_{draft.model} {}

    // False when the service is not to be used.
    bool run() {
        resolve_family();
        resolve_protocol();
        if (s_.servers.empty()) return no_servers();
        if (!m_.group.empty() && !resolve_group(r_, s_, all_tunnelled())) return false;
        resolve_scheduler();
        resolve_persistence();
        resolve_inherited();
        for (ServerDraft& server : s_.servers) resolve_server(server);
        drop_unfit_servers();
        if (m_.real_servers.empty()) return no_servers();
        resolve_sorry_server();
        resolve_active_active(diag_, s_);
        check_data_path(r_, s_);
        resolve_quorum();
        return true;
    }

private:
    [[nodiscard]] bool by_address() const { return m_.fwmark == 0 && m_.group.empty(); }
    [[nodiscard]] std::string name() const { return service_name(m_); }
    [[nodiscard]] bool all_tunnelled() const {
        return std::ranges::all_of(s_.servers, [&](const ServerDraft& server) {
            return server.forwarding.value_or(s_.forwarding.value_or(Forwarding::Nat)) == Forwarding::Tunnel;
        });
    }
    // Whether a line of this service that meant `keyword` was reported: then it is not missing.
    [[nodiscard]] bool reported(std::string_view keyword) {
        return r_.reported_of(Block::Service, s_.mark.offset, keyword) != nullptr;
    }

    void resolve_family() {
        if (m_.family != Family::None) return;
        for (const ServerDraft& server : s_.servers) {
            if (is_template(server.model)) continue;
            if (server.forwarding.value_or(s_.forwarding.value_or(Forwarding::Nat)) == Forwarding::Tunnel) continue;
            m_.family = server.model.endpoint.address.family();
            return;
        }
        m_.family = s_.servers.empty() ? Family::V4 : s_.servers.front().model.endpoint.address.family();
        if (m_.family == Family::None) m_.family = named_family(s_.servers.front().model, Family::V4);
    }

    void resolve_protocol() {
        if (m_.fwmark != 0) {
            m_.protocol = Protocol::None;
            if (s_.protocol)
                diag_
                    .warn(Code::ProtocolIgnored, s_.protocol_mark,
                          fmt::format("virtual server {}: a firewall mark has no protocol", name()))
                    .effect = "the keyword is ignored";
            return;
        }
        m_.protocol = s_.protocol.value_or(Protocol::Udp);
        if (s_.protocol || s_.protocol_mark.length != 0 || reported("protocol") || has_marks_alone(r_, *m_.group))
            return;
        auto& d = diag_.error(Code::NoProtocol, s_.mark, fmt::format("virtual server {} has no protocol", name()));
        d.effect = "UDP is used, as keepalived does";
        d.fix = "add `protocol UDP`, or TCP";
    }

    bool no_servers() {
        constexpr std::string_view kLast = "; the virtual server has no other, and is left out";
        Diagnostic* why = left_out_ < diag_.entries().size() ? &diag_.entries()[left_out_].diagnostic : nullptr;
        for (const auto* keyword : {"real_server", "real_server_dns", "real_server_file"})
            if (why == nullptr) why = r_.reported_of(Block::Service, s_.mark.offset, keyword);
        if (why == nullptr)
            diag_.error(Code::NoRealServer, s_.mark, fmt::format("virtual server {} has no real_server", name()))
                .effect = "it is left out";
        else if (!why->effect.ends_with(kLast))
            why->effect += kLast;
        return false;
    }
    void leave_out(const ServerDraft& server, Code code, std::string message) {
        diag_.error(code, server.mark, std::move(message)).effect = "it is left out";
        left_out_ = diag_.last();
    }

    void resolve_scheduler() {
        m_.scheduler = s_.scheduler.empty() ? "wlc" : s_.scheduler;
        if (!s_.scheduler_given && !m_.active_active && !reported("lb_algo") && !reported("lvs_sched")) {
            auto& d = diag_.error(Code::NoScheduler, s_.mark, fmt::format("virtual server {} has no lb_algo", name()));
            d.effect = "wlc is used";
            d.fix = "add `lb_algo wlc`";
        }
        const bool all_given =
            std::ranges::all_of(s_.servers, [](const ServerDraft& server) { return server.forwarding.has_value(); });
        if (!s_.forwarding && !all_given && !reported("lb_kind") && !reported("lvs_method")) {
            auto& d = diag_.error(Code::NoForwarding, s_.mark, fmt::format("virtual server {} has no lb_kind", name()));
            d.effect = "NAT is used";
            d.fix = "add `lb_kind NAT`, DR or TUN";
        }
        if (!s_.one_packet) return;
        if (m_.protocol == Protocol::Udp || m_.fwmark != 0)
            m_.scheduler_flags |= kOnePacket;
        else
            diag_.error(Code::FlagIgnored, s_.one_packet_mark, "ops is for UDP and firewall marks only").effect =
                "the flag is ignored";
    }

    void resolve_persistence() {
        m_.persistent = s_.persistence_timeout.has_value() || s_.netmask.has_value();
        m_.persistence_timeout = s_.persistence_timeout.value_or(m_.persistent ? kPersistence : Seconds{0});
        m_.persistence_netmask = s_.netmask.value_or(m_.family == Family::V6 ? 128U : 0xffffffffU);
        const bool any_port = by_address() ? m_.endpoint.port == 0 : any_port_in(m_);
        if (!any_port || m_.persistent) return;
        auto& d = diag_.error(Code::ZeroPort, s_.mark,
                              fmt::format("virtual server {} has no port; all ports go with persistence only", name()));
        d.effect = fmt::format("port 0 and persistence_timeout {} are used", kPersistence.count());
        d.fix = "write the port behind the address, or add persistence_timeout";
        no_port_told_ = true;
        m_.persistent = true;
        m_.persistence_timeout = kPersistence;
    }

    void resolve_inherited() {
        m_.delay_loop = s_.defaults.delay_loop.value_or(kDelayLoop);
        const auto checker_alert = r_.global.smtp_alert_checker ? r_.global.smtp_alert_checker : r_.global.smtp_alert;
        m_.smtp_alert = s_.smtp_alert.value_or(checker_alert.value_or(false));
    }

    void resolve_server(ServerDraft& server) {
        RealServer& rs = server.model;
        rs.forwarding = server.forwarding.value_or(s_.forwarding.value_or(Forwarding::Nat));
        if (rs.forwarding == Forwarding::Tunnel) rs.tunnel = server.forwarding ? server.tunnel : s_.tunnel;
        rs.weight = server.weight.value_or(s_.weight.value_or(1));
        rs.inhibit_on_failure = server.inhibit.value_or(m_.inhibit_on_failure);
        const auto checker_alert = r_.global.smtp_alert_checker ? r_.global.smtp_alert_checker : r_.global.smtp_alert;
        rs.smtp_alert = server.smtp_alert.value_or(checker_alert.value_or(true));
        check_port_ = rs.endpoint.port;
        resolve_port(server);
        if (rs.endpoint.port != 0) check_port_ = rs.endpoint.port;
        if (rs.upper_threshold != 0 && rs.lower_threshold > rs.upper_threshold) {
            auto& d = diag_.advise(
                Code::ThresholdOrder, server.mark,
                fmt::format("{}: lthreshold {} is above uthreshold {}", server_name(rs.endpoint, m_.protocol),
                            rs.lower_threshold, rs.upper_threshold));
            d.effect = "the kernel would refuse it; lthreshold becomes uthreshold";
            rs.lower_threshold = rs.upper_threshold;
        }
        split_hosts(server.checkers);
        rs.checkers.reserve(server.checkers.size());
        for (CheckerDraft& checker : server.checkers)
            if (resolve_checker(checker, server)) rs.checkers.push_back(std::move(checker.model));
    }

    // Its address and port, or the name that stands for them.
    [[nodiscard]] std::string text_of(const RealServer& server) const {
        for (const auto& keyword : {keyword::real_server_dns, keyword::real_server_file})
            if (const std::string* name = find_word(server.more->values, keyword)) return *name;
        return server_name(server.endpoint, m_.protocol);
    }

    void resolve_port(ServerDraft& server) {
        Endpoint& endpoint = server.model.endpoint;
        const bool rewritten = server.model.forwarding == Forwarding::Nat;
        if (!by_address()) {
            // The packet keeps its port. In a group that is the entry's; what is written is where checks go.
            if (rewritten) return;
            if (endpoint.address.family() == m_.family || server.model.forwarding == Forwarding::Tunnel)
                report_kept_port(diag_, m_, endpoint.port, server.mark, "real server " + text_of(server.model));
            if (m_.fwmark != 0) endpoint.port = 0;
            return;
        }
        if (!server.port_given || (rewritten && endpoint.port == 0)) endpoint.port = m_.endpoint.port;
        if (!rewritten && endpoint.port != m_.endpoint.port)
            take_service_port(endpoint, server.mark, fmt::format("real server {}", text_of(server.model)));
    }

    void take_service_port(Endpoint& endpoint, Mark mark, const std::string& what) {
        endpoint.port = m_.endpoint.port;
        if (no_port_told_) return;
        auto& d = diag_.warn(Code::PortReset, mark,
                             fmt::format("{}: DR and TUN cannot change the port, which is {} at the virtual server",
                                         what, endpoint.port));
        d.effect = fmt::format("port {} is used", endpoint.port);
        d.fix = "lb_kind NAT can";
    }

    bool resolve_checker(CheckerDraft& draft, const ServerDraft& server) {
        Checker& c = draft.model;
        const CheckDefaults& own = draft.own;
        const CheckDefaults& rs = server.defaults;
        const CheckDefaults& vs = s_.defaults;
        c.delay_loop = first_of(own.delay_loop, rs.delay_loop, vs.delay_loop, kDelayLoop);
        const TypeDefaults type = defaults_of(c.type, c.delay_loop);
        c.retry = first_of(own.retry, rs.retry, vs.retry, type.retry);
        c.delay_before_retry =
            first_of(own.delay_before_retry, rs.delay_before_retry, vs.delay_before_retry, type.delay_before_retry);
        c.connect_timeout = first_of(own.connect_timeout, rs.connect_timeout, vs.connect_timeout, kConnectTimeout);
        c.warmup = first_of(own.warmup, rs.warmup, vs.warmup, c.delay_loop);
        c.alpha = own.alpha.value_or(rs.alpha.value_or(m_.alpha));
        c.log_all_failures = draft.log_all_failures.value_or(r_.global.checker_log_all_failures);
        const Endpoint& endpoint = server.model.endpoint;
        c.target.address = draft.connect_ip.empty() ? endpoint.address : draft.connect_ip;
        c.target.port = draft.connect_port != 0 ? draft.connect_port : check_port_;
        if (answer_has_port(server) && draft.connect_port == 0) c.target.port = 0;
        const Family family = c.target.address.empty() ? m_.family : c.target.address.family();
        if (!draft.bind_ip.empty()) {
            if (draft.bind_ip.family() == family) {
                c.bind = std::optional{Endpoint{draft.bind_ip, draft.bind_port}};
            } else {
                diag_
                    .error(
                        Code::FamilyMismatch, draft.mark,
                        fmt::format("bindto {} is not of the family of the checked address", draft.bind_ip.to_string()))
                    .effect = "bindto is ignored";
            }
        }
        if (c.target.address.is_link_local_v6() && c.bind_if.empty() && c.type != Checker::Type::Misc &&
            c.type != Checker::Type::File && c.type != Checker::Type::Bfd) {
            auto& d = diag_.error(
                Code::CheckerIncomplete, draft.mark,
                fmt::format("a check of the link-local address {} needs bind_if", c.target.address.to_string()));
            d.effect = "the check is left out";
            d.fix = "add `bind_if INTERFACE`";
            return false;
        }
        if (c.target.port == 0 && !answer_has_port(server)) advise_port(diag_, draft, text_of(server.model));
        if (c.type == Checker::Type::Grpc) resolve_grpc(draft, server);
        if (c.type == Checker::Type::Misc && c.misc_timeout.count() == 0) c.misc_timeout = m_.delay_loop;
        if (c.type == Checker::Type::Http || c.type == Checker::Type::Ssl)
            return resolve_urls(
                diag_, draft, first_text(draft.own.virtualhost, server.defaults.virtualhost, s_.defaults.virtualhost));
        return check_checker(diag_, draft);
    }

    // Its one url is the method that it calls.
    void resolve_grpc(CheckerDraft& draft, const ServerDraft& server) {
        draft.model.urls = std::vector<HttpUrl>{
            {.path = "/grpc.health.v1.Health/Check",
             .digest = {},
             .status_codes = {{200, 200}},
             .virtualhost = first_text(draft.own.virtualhost, server.defaults.virtualhost, s_.defaults.virtualhost)}};
    }

    void take_named(ServerDraft& server) {
        const std::string_view problem = named_problem(server.model, m_.family);
        if (problem.empty()) {
            if (answer_has_port(server) && server.model.forwarding == Forwarding::Nat) server.model.endpoint.port = 0;
            m_.real_servers.push_back(std::move(server.model));
            return;
        }
        leave_out(server, Code::CheckerIncomplete,
                  fmt::format("virtual server {}: {}: {}", name(),
                              is_file(server.model) ? "real_server_file" : "real_server_dns", problem));
    }

    // Servers of another family without a tunnel, and second ones of the same address and port.
    void drop_unfit_servers() {
        std::vector<std::pair<Endpoint, std::size_t>> order;
        order.reserve(s_.servers.size());
        for (std::size_t n = 0; n < s_.servers.size(); ++n) order.emplace_back(s_.servers[n].model.endpoint, n);
        std::ranges::sort(order);
        std::vector<bool> duplicate(s_.servers.size());
        for (std::size_t n = 1; n < order.size(); ++n)
            if (order[n].first == order[n - 1].first) duplicate[order[n].second] = true;
        m_.real_servers.reserve(s_.servers.size());
        for (std::size_t n = 0; n < s_.servers.size(); ++n) {
            ServerDraft& server = s_.servers[n];
            const Endpoint& endpoint = server.model.endpoint;
            if (!server.model.more->values.empty()) report_other_sources(diag_, server, text_of(server.model));
            if (is_template(server.model)) {
                take_named(server);
                continue;
            }
            if (endpoint.address.family() != m_.family && server.model.forwarding != Forwarding::Tunnel) {
                leave_out(server, Code::FamilyMismatch,
                          fmt::format("real server {} is not of the family of virtual server {}",
                                      endpoint.address.to_string(), name()));
            } else if (duplicate[n]) {
                diag_
                    .error(Code::DuplicateServer, server.mark,
                           fmt::format("virtual server {} has real server {} already", name(),
                                       server_name(endpoint, m_.protocol)))
                    .effect = "the second one is left out";
            } else {
                m_.real_servers.push_back(std::move(server.model));
            }
        }
    }

    void resolve_sorry_server() {
        if (!m_.sorry_server) return;
        SorryServer& sorry = *m_.sorry_server;
        sorry.forwarding = s_.sorry_forwarding.value_or(s_.forwarding.value_or(Forwarding::Nat));
        if (sorry.forwarding == Forwarding::Tunnel) sorry.tunnel = s_.sorry_forwarding ? s_.sorry_tunnel : s_.tunnel;
        if (sorry.endpoint.address.family() != m_.family && sorry.forwarding != Forwarding::Tunnel) {
            diag_
                .error(Code::FamilyMismatch, s_.sorry_mark,
                       fmt::format("the sorry server is not of the family of virtual server {}", name()))
                .effect = "there is no sorry server";
            m_.sorry_server.reset();
            return;
        }
        resolve_sorry_port(sorry);
        share_with_real_server(sorry);
    }

    // Both have one entry in the table, so there is one answer to whether it stays there when idle.
    void share_with_real_server(SorryServer& sorry) {
        const auto same = std::ranges::find(m_.real_servers, sorry.endpoint, &RealServer::endpoint);
        if (same == m_.real_servers.end() || same->inhibit_on_failure == sorry.inhibit) return;
        auto& d = diag_.error(Code::FlagIgnored, s_.sorry_mark,
                              fmt::format("the sorry server is real server {} too, which {} inhibit_on_failure",
                                          server_name(sorry.endpoint, m_.protocol), sorry.inhibit ? "has no" : "has"));
        d.effect = "the real server's setting counts for both";
        sorry.inhibit = same->inhibit_on_failure;
    }

    void resolve_sorry_port(SorryServer& sorry) {
        if (!by_address()) {
            if (sorry.forwarding == Forwarding::Nat) return;
            report_kept_port(diag_, m_, sorry.endpoint.port, s_.sorry_mark, "the sorry server");
            if (m_.fwmark != 0) sorry.endpoint.port = 0;
            return;
        }
        if (!s_.sorry_port_given || (sorry.forwarding == Forwarding::Nat && sorry.endpoint.port == 0))
            sorry.endpoint.port = m_.endpoint.port;
        if (sorry.forwarding != Forwarding::Nat && sorry.endpoint.port != m_.endpoint.port)
            take_service_port(sorry.endpoint, s_.sorry_mark, "the sorry server");
    }

    void resolve_quorum() {
        std::uint64_t sum = 0;
        for (const RealServer& rs : m_.real_servers) sum += rs.weight;
        const bool named = std::ranges::any_of(m_.real_servers, is_template);  // how many they are is not known
        if (m_.quorum > sum && !named) {
            auto& d = diag_.warn(
                Code::QuorumTooHigh, s_.quorum_mark.length != 0 ? s_.quorum_mark : s_.mark,
                fmt::format("virtual server {}: quorum {} is above the sum of weights, {}", name(), m_.quorum, sum));
            d.effect = fmt::format("quorum {} is used", sum);
            m_.quorum = static_cast<std::uint32_t>(sum);
        }
        if (m_.hysteresis == 0 || m_.hysteresis < m_.quorum) return;
        const std::uint32_t most = m_.quorum == 0 ? 0 : m_.quorum - 1;
        diag_
            .error(Code::HysteresisTooHigh, s_.hysteresis_mark,
                   fmt::format("virtual server {}: hysteresis {} is not below quorum {}", name(), m_.hysteresis,
                               m_.quorum))
            .effect = fmt::format("{} is used", most);
        m_.hysteresis = most;
    }

    ParseContext& r_;
    Diagnoser& diag_;
    ServiceDraft& s_;
    VirtualServer& m_;
    std::size_t left_out_ = Diagnoser::kNowhere;  // the message about the last server that is
    bool no_port_told_ = false;                   // servers' ports go with the service's
    std::uint16_t check_port_ = 0;  // of the server that is being resolved: a mark's may have none in the table
};

// Commands and groups are judged by what the end of the file knows.
bool waits_for_the_end(const ServiceDraft& service) {
    const VirtualServer& m = service.model;
    if (!m.group.empty() || !m.quorum_up.empty() || !m.quorum_down.empty()) return true;
    return std::ranges::any_of(service.servers, [](const ServerDraft& server) {
        return !server.model.notify_up.empty() || !server.model.notify_down.empty() ||
               std::ranges::any_of(server.checkers, [](const CheckerDraft& checker) {
                   return checker.model.type == Checker::Type::Misc;
               });
    });
}

// Estimates the number of services of the file from its beginning, because a list that grows by doubling takes up to
// three times the memory.
void make_room(Resolved& resolved, double read, double all) {
    constexpr std::size_t kFew = 256;
    constexpr double kSpare = 1.05;
    const std::size_t have = resolved.models.size();
    if (have < kFew || have < resolved.models.capacity()) return;
    const auto guess = static_cast<double>(have) * kSpare * std::max(all / std::max(read, 1.0), 1.0);
    resolved.models.reserve(static_cast<std::size_t>(guess) + 1);
    resolved.marks.reserve(resolved.models.capacity());
}

void add_resolved(ParseContext& r, VirtualServer model, Mark mark) {
    make_room(r.resolved, mark.offset, static_cast<double>(r.snapshot.text().size()));
    r.resolved.models.push_back(std::move(model));
    r.resolved.marks.push_back(mark);
}

// The positions of services that an earlier one has the address, protocol, firewall mark and family of.
// keepalived programs a service twice and lets the kernel refuse; which definition wins is luck.
void find_duplicates(const Resolved& resolved, std::vector<bool>& left_out) {
    const auto key = [&](std::size_t n) {
        const VirtualServer& m = resolved.models[n];
        return std::tie(m.endpoint, m.protocol, m.fwmark, m.family, *m.group);
    };
    std::vector<std::uint32_t> order;
    order.reserve(resolved.models.size());
    for (std::uint32_t n = 0; n < resolved.models.size(); ++n)
        if (!left_out[n]) order.push_back(n);
    std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
        return std::tuple_cat(key(a), std::tie(a)) < std::tuple_cat(key(b), std::tie(b));
    });
    for (std::size_t i = 1; i < order.size(); ++i)
        if (key(order[i]) == key(order[i - 1])) left_out[order[i]] = true;
}

}  // namespace

void resolve_service(ParseContext& r) {
    ServiceDraft& draft = r.services.back();
    draft.position = r.resolved.models.size();
    if (!r.resolve_early || waits_for_the_end(draft)) return add_resolved(r, {}, draft.mark);
    if (!r.resolved.with) r.resolved.with = r.global;
    const IpAddress own = draft.model.endpoint.address;
    for (const ServerDraft& server : draft.servers)
        if (!own.empty() && server.model.endpoint.address == own) r.resolved.remarkable = true;
    const std::size_t servers = draft.servers.size();
    const bool taken = ServiceCheck{r, draft}.run();
    if (!taken || draft.model.real_servers.size() != servers) r.resolved.remarkable = true;
    if (taken) add_resolved(r, std::move(draft.model), draft.mark);
    r.services.pop_back();
}

void check_services(ParseContext& r, Config& config) {
    Resolved& resolved = r.resolved;
    std::vector<bool> left_out(resolved.models.size());
    for (ServiceDraft& draft : r.services) {
        if (ServiceCheck{r, draft}.run())
            resolved.models[draft.position] = std::move(draft.model);
        else
            left_out[draft.position] = true;
    }
    std::vector<bool> second = left_out;
    find_duplicates(resolved, second);
    std::size_t kept = 0;
    for (std::size_t n = 0; n < resolved.models.size(); ++n) {
        if (second[n] && !left_out[n])
            resolved.diag
                .advise(Code::DuplicateService, resolved.marks[n],
                        fmt::format("virtual server {} is defined already", service_name(resolved.models[n])))
                .effect = "the second one is left out";
        if (second[n]) continue;
        if (kept != n) resolved.models[kept] = std::move(resolved.models[n]);
        ++kept;
    }
    resolved.models.resize(kept);
    drop_unfollowable(r, resolved.models);
    std::map<std::string_view, std::uint32_t> users;
    for (VirtualServer& model : resolved.models)
        if (!model.group.empty()) model.membership.edit().position = users[*model.group]++;
    config.virtual_servers = std::move(resolved.models);
    r.diag.append(std::move(resolved.diag));
}

}  // namespace mainstay::config
