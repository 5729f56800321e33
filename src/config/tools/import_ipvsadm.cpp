// The rules that `ipvsadm-save -n` prints and `ipvsadm-restore` reads: one line adds a service (-A) or a server of a
// service (-a), with ipvsadm's options in their short or long form.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "config/language/expand.hpp"
#include "import_text.hpp"

namespace mainstay::config {
namespace {

constexpr std::uint32_t kPersistenceDefault = 360, kEngineNameMax = 15;

enum class Option : std::uint8_t {
    AddService,
    AddServer,
    Tcp,
    Udp,
    Sctp,
    Mark,
    V6,
    Scheduler,
    Persistent,
    Netmask,
    OnePacket,
    Flags,
    Engine,
    Server,
    Masquerading,
    Gatewaying,
    Ipip,
    Weight,
    Upper,
    Lower,
    TunnelType,
    TunnelPort,
    TunnelNoChecksum,
    TunnelChecksum,
    TunnelRemoteChecksum
};
struct OptionRow {
    std::string_view brief, full;
    Option option;
    enum class Argument : std::uint8_t { No, Yes, Maybe } argument;
};
using enum OptionRow::Argument;
constexpr std::array kOptions{
    OptionRow{"-A", "--add-service", Option::AddService, No},
    OptionRow{"-a", "--add-server", Option::AddServer, No},
    OptionRow{"-t", "--tcp-service", Option::Tcp, Yes},
    OptionRow{"-u", "--udp-service", Option::Udp, Yes},
    OptionRow{"", "--sctp-service", Option::Sctp, Yes},
    OptionRow{"-f", "--fwmark-service", Option::Mark, Yes},
    OptionRow{"-6", "--ipv6", Option::V6, No},
    OptionRow{"-s", "--scheduler", Option::Scheduler, Yes},
    OptionRow{"-p", "--persistent", Option::Persistent, Maybe},
    OptionRow{"-M", "--netmask", Option::Netmask, Yes},
    OptionRow{"-o", "--ops", Option::OnePacket, No},
    OptionRow{"-b", "--sched-flags", Option::Flags, Yes},
    OptionRow{"", "--pe", Option::Engine, Yes},
    OptionRow{"-r", "--real-server", Option::Server, Yes},
    OptionRow{"-m", "--masquerading", Option::Masquerading, No},
    OptionRow{"-g", "--gatewaying", Option::Gatewaying, No},
    OptionRow{"-i", "--ipip", Option::Ipip, No},
    OptionRow{"-w", "--weight", Option::Weight, Yes},
    OptionRow{"-x", "--u-threshold", Option::Upper, Yes},
    OptionRow{"-y", "--l-threshold", Option::Lower, Yes},
    OptionRow{"", "--tun-type", Option::TunnelType, Yes},
    OptionRow{"", "--tun-port", Option::TunnelPort, Yes},
    OptionRow{"", "--tun-nocsum", Option::TunnelNoChecksum, No},
    OptionRow{"", "--tun-csum", Option::TunnelChecksum, No},
    OptionRow{"", "--tun-remcsum", Option::TunnelRemoteChecksum, No},
};

struct GivenOption {
    Option option;
    std::string_view argument;
};
// The options of a line, or why it cannot be read.
std::expected<std::vector<GivenOption>, std::string> options_of(const std::vector<std::string_view>& words) {
    std::vector<GivenOption> given;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::size_t equals = words[i].starts_with("--") ? words[i].find('=') : std::string_view::npos;
        const std::string_view name = words[i].substr(0, equals);
        const auto row = std::ranges::find_if(
            kOptions, [&](const OptionRow& r) { return (!r.brief.empty() && r.brief == name) || r.full == name; });
        if (row == kOptions.end()) return std::unexpected{fmt::format("'{}' is not known here", shown(words[i]))};
        std::string_view argument;
        if (equals != std::string_view::npos)
            argument = words[i].substr(equals + 1);
        else if (row->argument != No && i + 1 < words.size() && !words[i + 1].starts_with('-'))
            argument = words[++i];
        if (row->argument == Yes && argument.empty())
            return std::unexpected{fmt::format("'{}' needs an argument", name)};
        given.push_back({row->option, argument});
    }
    return given;
}

// "10.0.0.1:80", "[2001:db8::1]:80", "10.0.0.1".
std::optional<Endpoint> endpoint_of(std::string_view text) {
    std::string_view host = text, port;
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        host = text.substr(1, close - 1);
        port = text.substr(close + 1);
        if (!port.empty() && !port.starts_with(':')) return std::nullopt;
        if (!port.empty()) port.remove_prefix(1);
    } else if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
        host = text.substr(0, colon);
        port = text.substr(colon + 1);
    }
    const auto address = IpAddress::parse(host);
    const auto number = port.empty() ? std::optional<std::uint32_t>{0} : digits_between(port, 0, kPortMax);
    if (!address || !number) return std::nullopt;
    return Endpoint{*address, static_cast<std::uint16_t>(*number)};
}

// Why a line gives nothing. `fatal`: the whole input is refused, because it lacks what -n would have printed.
struct Refusal {
    std::string why;
    bool fatal = false;
};

struct Rule {
    bool adds_service = false;
    ServiceToImport service;  // of a server's line: only what identifies the service
    ServerToImport server;
};

Refusal name_instead(std::string_view text) {
    return {
        fmt::format("'{}' is not an address with a port number: save the table with `ipvsadm-save -n`", shown(text)),
        true};
}

class RuleReader {
public:
    std::expected<Rule, Refusal> read(const std::vector<GivenOption>& given) {
        for (const GivenOption& option : given) take(option);
        if (adds_ == 0) refuse("only -A and -a make a table");
        if (names_ != 1) refuse("exactly one of -t, -u, --sctp-service and -f belongs in a line");
        if (has_server_ == rule_.adds_service) refuse(rule_.adds_service ? "-r has no meaning here" : "-r is missing");
        if (six_) rule_.service.family = Family::V6;
        if (!rule_.adds_service && rule_.server.forwarding == Forwarding::Tunnel)
            if (rule_.server.tunnel.type == Tunnel::Type::Gue && rule_.server.tunnel.port == 0)
                refuse("a tunnel of type gue needs --tun-port");
        if (refusal_) return std::unexpected{*refusal_};
        return std::move(rule_);
    }

private:
    void refuse(std::string why) {
        if (!refusal_) refusal_ = Refusal{std::move(why)};
    }
    std::uint32_t number(std::string_view text, std::uint32_t least, std::uint32_t most) {
        const auto value = digits_between(text, least, most);
        if (!value) refuse(fmt::format("'{}' is not a number from {} to {}", shown(text), least, most));
        return value.value_or(least);
    }
    Endpoint endpoint(std::string_view text) {
        const auto found = endpoint_of(text);
        if (!found && (!refusal_ || !refusal_->fatal)) refusal_ = name_instead(text);
        return found.value_or(Endpoint{});
    }
    void name_service(std::string_view text, Protocol protocol) {
        ++names_;
        rule_.service.protocol = protocol;
        rule_.service.endpoint = endpoint(text);
        rule_.service.family = rule_.service.endpoint.address.family();
    }
    void take(const GivenOption& given) {
        switch (given.option) {
            case Option::AddService:
                rule_.adds_service = true;
                ++adds_;
                break;
            case Option::AddServer:
                ++adds_;
                break;
            case Option::Tcp:
                return name_service(given.argument, Protocol::Tcp);
            case Option::Udp:
                return name_service(given.argument, Protocol::Udp);
            case Option::Sctp:
                return name_service(given.argument, Protocol::Sctp);
            case Option::Mark:
                ++names_;
                rule_.service.fwmark = number(given.argument, 1, UINT32_MAX);
                break;
            case Option::V6:
                six_ = true;
                break;
            case Option::Server:
                has_server_ = true;
                rule_.server.endpoint = endpoint(given.argument);
                break;
            default:
                take_of_service(given);
        }
    }
    void take_of_service(const GivenOption& given) {
        auto& service = rule_.service;
        switch (given.option) {
            case Option::Scheduler:
                service.scheduler = given.argument;
                if (!is_scheduler(given.argument))
                    refuse(fmt::format("keepalived.conf has no scheduler '{}'", shown(given.argument)));
                break;
            case Option::Persistent:
                service.persistence_timeout =
                    given.argument.empty() ? kPersistenceDefault : number(given.argument, 1, kPersistenceMax);
                break;
            case Option::Netmask:
                service.persistence_granularity = given.argument;
                if (!is_granularity(given.argument))
                    refuse(fmt::format("'{}' is neither an IPv4 mask nor a prefix length", shown(given.argument)));
                break;
            case Option::OnePacket:
                service.one_packet = true;
                break;
            case Option::Flags:
                return take_flags(given.argument);
            case Option::Engine:
                service.persistence_engine = given.argument;
                if (!is_plain_word(given.argument) || given.argument.size() > kEngineNameMax)
                    refuse(fmt::format("'{}' is no name of a persistence engine", shown(given.argument)));
                break;
            default:
                take_of_server(given);
        }
    }
    void take_of_server(const GivenOption& given) {
        auto& server = rule_.server;
        switch (given.option) {
            case Option::Masquerading:
                server.forwarding = Forwarding::Nat;
                break;
            case Option::Gatewaying:
                server.forwarding = Forwarding::DirectRoute;
                break;
            case Option::Ipip:
                server.forwarding = Forwarding::Tunnel;
                break;
            case Option::Weight:
                server.weight = number(given.argument, 0, kWeightMax);
                break;
            case Option::Upper:
                server.upper_threshold = number(given.argument, 0, UINT32_MAX);
                break;
            case Option::Lower:
                server.lower_threshold = number(given.argument, 0, UINT32_MAX);
                break;
            case Option::TunnelType:
                if (given.argument == "gue")
                    server.tunnel.type = Tunnel::Type::Gue;
                else if (given.argument == "gre")
                    server.tunnel.type = Tunnel::Type::Gre;
                else if (given.argument != "ipip")
                    refuse(fmt::format("keepalived.conf has no tunnel of type '{}'", shown(given.argument)));
                break;
            case Option::TunnelPort:
                server.tunnel.port = static_cast<std::uint16_t>(number(given.argument, 1, kPortMax));
                break;
            case Option::TunnelChecksum:
                server.tunnel.checksum = Tunnel::Checksum::Sum;
                break;
            case Option::TunnelRemoteChecksum:
                server.tunnel.checksum = Tunnel::Checksum::Remote;
                break;
            default:
                break;  // --tun-nocsum is the default
        }
    }
    void take_flags(std::string_view list) {
        static constexpr std::array<std::string_view, 7> kFlags{"flag-1",  "flag-2",      "flag-3", "sh-fallback",
                                                                "sh-port", "mh-fallback", "mh-port"};
        while (!list.empty()) {
            const std::size_t end = std::min(list.find(','), list.size());
            const std::string_view flag = list.substr(0, end);
            if (std::ranges::find(kFlags, flag) == kFlags.end())
                refuse(fmt::format("keepalived.conf has no scheduler flag '{}'", shown(flag)));
            rule_.service.scheduler_flags.emplace_back(flag);
            list.remove_prefix(std::min(end + 1, list.size()));
        }
    }
    static bool is_granularity(std::string_view text) {
        return is_netmask(text) || digits_between(text, 1, 128).has_value();
    }

    Rule rule_;
    std::optional<Refusal> refusal_;
    int adds_ = 0, names_ = 0;
    bool six_ = false, has_server_ = false;
};

class Rules {
public:
    std::expected<Imported, ImportProblem> read(std::string_view text) {
        while (!text.empty() && !problem_) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            ++line_;
            read_line(trimmed(text.substr(0, end)));
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        if (!problem_ && !has_rules_) problem_ = ImportProblem{line_, "there is no rule of ipvsadm-save in it"};
        if (problem_) return std::unexpected{*problem_};
        out_.comments({"Made by `mainstayctl migrate --from ipvsadm`.",
                       "The rules of ipvsadm-save have no health checks: give each real_server one, for example",
                       "TCP_CHECK, so that a server that fails leaves the table. They have no thresholds either."},
                      0);
        if (!comments_.empty()) out_.blank();
        out_.comments(comments_, 0);
        for (ServiceToImport& service : services_) out_.service(service);
        return out_.take();
    }

private:
    void refuse(std::string what) { problem_ = ImportProblem{line_, std::move(what)}; }

    void read_line(std::string_view line) {
        if (line.empty() || line.starts_with('#')) return;
        if (!line.starts_with('-'))
            return refuse(
                fmt::format("'{}' is no rule of ipvsadm-save: save the table with `ipvsadm-save -n`", shown(line)));
        has_rules_ = true;
        const auto given = options_of(words_of(line));
        if (!given) return lose(line, given.error(), nullptr);
        auto rule = RuleReader{}.read(*given);
        if (!rule && rule.error().fatal) return refuse(rule.error().why);
        if (!rule) return lose(line, rule.error().why, nullptr);
        if (rule->adds_service)
            add_service(line, std::move(rule->service));
        else
            add_server(line, *rule);
    }

    // The comment stands at the service, or at the end of the last one.
    void lose(std::string_view line, std::string_view why, ServiceToImport* service) {
        auto& comments = service != nullptr  ? service->comments
                         : services_.empty() ? comments_
                                             : services_.back().comments;
        comments.push_back(out_.lose(line_, line, why));
        if (out_.lost() > kImportLostMax)
            refuse(fmt::format("more than {} lines cannot be carried over", kImportLostMax));
    }

    void add_service(std::string_view line, ServiceToImport&& service) {
        if (places_.contains(key_of(service))) return lose(line, "the service is there already", nullptr);
        if (service.scheduler.empty()) service.scheduler = "wlc";
        if (!service.persistence_timeout && !service.persistence_granularity.empty())
            service.persistence_timeout = kPersistenceDefault;
        const bool needs_mask = service.family == Family::V4;
        if (!service.persistence_granularity.empty() && is_netmask(service.persistence_granularity) != needs_mask)
            return lose(
                line,
                needs_mask ? "an IPv4 service has a mask as in 255.255.255.0" : "an IPv6 service has a prefix length",
                nullptr);
        if (const auto why = why_not(service); !why.empty()) return lose(line, why, nullptr);
        service.line = line_;
        service.source = line;
        places_.emplace(key_of(service), services_.size());
        services_.push_back(std::move(service));
    }

    void add_server(std::string_view line, Rule& rule) {
        ServiceToImport* service = find(rule.service);
        if (service == nullptr) return lose(line, "no line before it adds its service", nullptr);
        if (const auto why = why_not(*service, rule.server); !why.empty()) return lose(line, why, service);
        if (++servers_ > kImportServersMax)
            return refuse(fmt::format("there are more than {} real servers", kImportServersMax));
        service->known.insert(rule.server.endpoint);
        service->servers.push_back(std::move(rule.server));
    }

    ServiceToImport* find(const ServiceToImport& wanted) {
        const auto place = places_.find(key_of(wanted));
        return place == places_.end() ? nullptr : &services_[place->second];
    }

    ImportText out_;
    std::vector<ServiceToImport> services_;
    std::map<ServiceKey, std::size_t> places_;  // in services_
    BlockLines comments_;
    std::optional<ImportProblem> problem_;
    std::size_t servers_ = 0;
    std::uint32_t line_ = 0;
    bool has_rules_ = false;
};

}  // namespace

std::expected<Imported, ImportProblem> read_ipvsadm_rules(std::string_view text) {
    if (text.size() > kImportBytesMax)
        return std::unexpected{ImportProblem{1, fmt::format("it has more than {} MiB", kImportBytesMax >> 20)}};
    return Rules{}.read(text);
}

}  // namespace mainstay::config
