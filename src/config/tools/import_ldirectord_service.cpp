// One virtual of ldirectord's configuration as a virtual_server.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "import_ldirectord.hpp"

namespace mainstay::config {
namespace {

// What is done with a key. KeyPlace nothing is said, the code here and of the checks reads it.
enum class Fate : std::uint8_t {
    Read,
    Number,
    YesOrNo,
    Comment,
    Lost,
    LostIfYes,
    LostIfNo,
    LostUnlessZero,
    LostUnlessAll,
    GlobalOnly
};
enum class KeyPlace : std::uint8_t { Both, Global, Service };
struct KeyRow {
    std::string_view key;
    KeyPlace where;
    Fate fate = Fate::Read;
    std::string_view reason{};
};
constexpr std::string_view kNoLogin = "no check of mainstay logs in to a service";
constexpr std::array kLdirectordKeys{
    KeyRow{"autoreload", KeyPlace::Global, Fate::LostIfYes, "after a change, run `mainstayctl reload`"},
    KeyRow{"callback", KeyPlace::Global, Fate::Lost, "mainstay runs no program when the file changes"},
    KeyRow{"checkcommand", KeyPlace::Service},
    KeyRow{"checkcount", KeyPlace::Both, Fate::Number},
    KeyRow{"checkinterval", KeyPlace::Both, Fate::Number},
    KeyRow{"checkport", KeyPlace::Service},
    KeyRow{"checktimeout", KeyPlace::Both, Fate::Number},
    KeyRow{"checktype", KeyPlace::Service},
    KeyRow{"cleanstop", KeyPlace::Both, Fate::LostIfNo,
           "start the daemon with --dont-release-ipvs, which leaves all services at a stop"},
    KeyRow{"comment", KeyPlace::Service, Fate::Comment},
    KeyRow{"database", KeyPlace::Service, Fate::Lost, kNoLogin},
    KeyRow{"emailalert", KeyPlace::Both},
    KeyRow{"emailalertfreq", KeyPlace::Both, Fate::LostUnlessZero,
           "mainstay sends one mail for each change of state and does not repeat it"},
    KeyRow{"emailalertfrom", KeyPlace::Both, Fate::GlobalOnly, "keepalived.conf has one sender for all services"},
    KeyRow{"emailalertstatus", KeyPlace::Both, Fate::LostUnlessAll,
           "mainstay sends mails in every state of the daemon"},
    KeyRow{"execute", KeyPlace::Global, Fate::Lost, "convert that file as well, and include the result"},
    KeyRow{"failurecount", KeyPlace::Both, Fate::Number},
    KeyRow{"fallback", KeyPlace::Both},
    KeyRow{"fallback6", KeyPlace::Both},
    KeyRow{"fallbackcommand", KeyPlace::Both},
    KeyRow{"fork", KeyPlace::Both},
    KeyRow{"httpmethod", KeyPlace::Service},
    KeyRow{"logfile", KeyPlace::Global, Fate::Lost,
           "mainstay logs to syslog; --log-facility and --log-journal of mainstayd(8) choose where"},
    KeyRow{"login", KeyPlace::Service, Fate::Lost, kNoLogin},
    KeyRow{"maintenancedir", KeyPlace::Global, Fate::Lost, "`mainstayctl server disable` takes a server out"},
    KeyRow{"monitorfile", KeyPlace::Service, Fate::Lost, "`mainstayctl events` shows what happened to each server"},
    KeyRow{"negotiatetimeout", KeyPlace::Both, Fate::Number},
    KeyRow{"netmask", KeyPlace::Service},
    KeyRow{"ops", KeyPlace::Service, Fate::YesOrNo},
    KeyRow{"passwd", KeyPlace::Service, Fate::Lost, kNoLogin},
    KeyRow{"persistent", KeyPlace::Service},
    KeyRow{"protocol", KeyPlace::Service},
    KeyRow{"quiescent", KeyPlace::Both, Fate::YesOrNo},
    KeyRow{"readdquiescent", KeyPlace::Both, Fate::LostIfNo, "mainstay restores a server that another program removed"},
    KeyRow{"real", KeyPlace::Service},
    KeyRow{"real6", KeyPlace::Service},
    KeyRow{"receive", KeyPlace::Service},
    KeyRow{"request", KeyPlace::Service},
    KeyRow{"scheduler", KeyPlace::Service},
    KeyRow{"secret", KeyPlace::Service, Fate::Lost, kNoLogin},
    KeyRow{"service", KeyPlace::Service},
    KeyRow{"servicename", KeyPlace::Service, Fate::Comment},
    KeyRow{"smtp", KeyPlace::Both, Fate::GlobalOnly, "keepalived.conf has one smtp_server for all services"},
    KeyRow{"supervised", KeyPlace::Global},
    KeyRow{"virtualhost", KeyPlace::Service},
};

void note(const KeyRow& row, const LdirectordSetting& setting, bool global, const ImportNotes& notes) {
    switch (row.fate) {
        case Fate::Number:
            if (!digits_between(setting.value, 1, kImportNumberMax))
                notes.lose(setting,
                           fmt::format("a number from 1 to {} is needed; the default is used", kImportNumberMax));
            break;
        case Fate::YesOrNo:
            if (setting.value != "yes" && setting.value != "no")
                notes.lose(setting, "yes or no is needed; the default is used");
            break;
        case Fate::Comment:
            notes.comments.push_back(shown(setting.source));
            break;
        case Fate::Lost:
            notes.lose(setting, row.reason);
            break;
        case Fate::LostIfYes:
            if (setting.value != "no") notes.lose(setting, row.reason);
            break;
        case Fate::LostIfNo:
            if (setting.value != "yes") notes.lose(setting, row.reason);
            break;
        case Fate::LostUnlessZero:
            if (setting.value != "0") notes.lose(setting, row.reason);
            break;
        case Fate::LostUnlessAll:
            if (setting.value != "all" && setting.value != "none") notes.lose(setting, row.reason);
            break;
        case Fate::GlobalOnly:
            if (!global) notes.lose(setting, row.reason);
            break;
        case Fate::Read:
            break;
    }
}

std::optional<std::uint16_t> port_of(std::string_view text, Protocol protocol, const ServicePorts& ports) {
    if (const auto number = digits_between(text, 0, kPortMax)) return static_cast<std::uint16_t>(*number);
    return ports && is_plain_word(text) ? ports(text, protocol) : std::nullopt;
}

std::optional<Forwarding> forwarding_of(std::string_view word) {
    if (word == "gate") return Forwarding::DirectRoute;
    if (word == "masq") return Forwarding::Nat;
    if (word == "ipip") return Forwarding::Tunnel;
    return std::nullopt;
}

// The parts of `real`: words, and then texts in quotes.
struct RealParts {
    std::vector<std::string_view> words, quoted;
};
RealParts real_parts(std::string_view value) {
    RealParts parts;
    const std::size_t quote = std::min(value.find('"'), value.size());
    parts.words = words_of(value.substr(0, quote));
    for (std::size_t at = quote; at < value.size();) {
        const std::size_t close = value.find('"', at + 1);
        if (close == std::string_view::npos) break;
        parts.quoted.push_back(value.substr(at + 1, close - at - 1));
        at = std::min(value.find('"', close + 1), value.size());
    }
    return parts;
}

class ServiceConversion {
public:
    ServiceConversion(const LdirectordService& written, const LdirectordFile& file, const ServicePorts& ports,
                      ImportText& out)
        : written_{written},
          scope_{file.globals, &written.settings},
          ports_{ports},
          notes_{out, made_.service.comments} {}

    ImportedService run() {
        made_.service.line = written_.name.line;
        made_.service.source = written_.name.source;
        if (const std::string why = identify(); !why.empty()) return refuse(why);
        note_unusable(written_.settings, false, notes_);
        if (scope_.own_setting("checkinterval") != nullptr && !scope_.yes("fork", false))
            made_.service.comments.emplace_back("checkinterval here had no effect, because fork is not yes");
        schedule();
        if (const std::string why = why_not(made_.service); !why.empty()) return refuse(why);
        check_ = check_of(scope_, made_.service, notes_);
        add_servers();
        describe();
        return std::move(made_);
    }

private:
    ImportedService refuse(const std::string& why) {
        made_.usable = false;
        notes_.lose(written_.name, why);
        for (const auto& setting : written_.settings) made_.service.comments.push_back("    " + shown(setting.source));
        return std::move(made_);
    }

    // Sets address or mark and the protocol. Returns why there is no such service.
    std::string identify() {
        auto& service = made_.service;
        const std::string_view value = written_.name.value;
        if (const auto mark = digits_between(value, 1, UINT32_MAX)) {
            service.fwmark = *mark;
            service.family = written_.name.key == "virtual6" ? Family::V6 : Family::V4;
            return {};
        }
        const auto [host, port] = split_host(value);
        const auto address = IpAddress::parse(host);
        if (!address) return "virtual_server takes an address, and the name of a host may change its own";
        if (port.empty()) return "it has no port";
        const std::string_view protocol = scope_.text("protocol", port == "53" || port == "domain" ? "udp" : "tcp");
        if (protocol != "tcp" && protocol != "udp") return "its protocol is neither tcp nor udp";
        service.protocol = protocol == "udp" ? Protocol::Udp : Protocol::Tcp;
        const auto number = port_of(port, service.protocol, ports_);
        if (!number) return fmt::format("this host knows no port '{}'", shown(port));
        service.endpoint = {*address, *number};
        service.family = address->family();
        return {};
    }

    void schedule() {
        auto& service = made_.service;
        service.scheduler = scope_.text("scheduler", "wrr");
        if (!is_scheduler(service.scheduler)) {
            notes_.lose(*scope_.find("scheduler"), "keepalived.conf has no such scheduler; wrr is used");
            service.scheduler = "wrr";
        }
        service.one_packet = scope_.yes("ops", false);
        if (service.one_packet && service.protocol != Protocol::Udp && service.fwmark == 0) {
            notes_.lose(*scope_.find("ops"), "only UDP has it");
            service.one_packet = false;
        }
        const auto* persistent = scope_.own_setting("persistent");
        if (persistent == nullptr) return;
        service.persistence_timeout = digits_between(persistent->value, 1, kPersistenceMax);
        if (!service.persistence_timeout)
            return notes_.lose(*persistent, fmt::format("a number from 1 to {} is needed", kPersistenceMax));
        const auto* netmask = scope_.own_setting("netmask");
        if (netmask == nullptr) return;
        const bool usable = service.family == Family::V6 ? digits_between(netmask->value, 1, 128).has_value()
                                                         : is_netmask(netmask->value);
        if (usable)
            service.persistence_granularity = netmask->value;
        else
            notes_.lose(*netmask, service.family == Family::V6 ? "a prefix length from 1 to 128 is needed"
                                                               : "a mask as in 255.255.255.0 is needed");
    }

    void add_servers() {
        for (const LdirectordSetting& setting : written_.settings)
            if (setting.key != "real" && setting.key != "real6")
                continue;
            else if (check_.off)
                made_.service.comments.push_back("    " + shown(setting.source));
            else
                add_real(setting);
    }

    void add_real(const LdirectordSetting& setting) {
        const RealParts parts = real_parts(setting.value);
        const auto forwarding = parts.words.size() >= 2 ? forwarding_of(parts.words[1]) : std::nullopt;
        if (!forwarding || parts.words.size() > 3)
            return notes_.lose(setting, "it needs an address, then gate, masq or ipip, and perhaps a weight");
        const auto weight =
            parts.words.size() == 3 ? digits_between(parts.words[2], 0, kWeightMax) : std::optional<std::uint32_t>{1};
        if (!weight) return notes_.lose(setting, "its weight is no number");
        ServerToImport server;
        server.forwarding = *forwarding;
        server.weight = *weight;
        LdirectordServer written{.setting = setting};
        for (const std::string_view text : parts.quoted) take_quoted(text, setting, server, written);
        if (server.lower_threshold > server.upper_threshold) {
            notes_.lose(setting, "its lower threshold is above the upper one; it has none now");
            server.lower_threshold = 0;
        }
        add_range(parts.words[0], server, written);
    }

    void take_quoted(std::string_view text, const LdirectordSetting& setting, ServerToImport& server,
                     LdirectordServer& written) const {
        const bool upper = text.starts_with("<u:"), lower = text.starts_with("<l:");
        if (upper || lower) {
            const auto number =
                text.ends_with('>') ? digits_between(text.substr(3, text.size() - 4), 0, kWeightMax) : std::nullopt;
            if (!number) return notes_.lose(setting, "its threshold is no number; it has none now");
            (upper ? server.upper_threshold : server.lower_threshold) = *number;
        } else if (!written.has_request) {
            written.request = text;
            written.has_request = true;
        } else if (!written.has_receive) {
            written.receive = text;
            written.has_receive = true;
        } else {
            notes_.lose(setting, "it has more texts in quotes than a request and a receive");
        }
    }

    // "10.0.0.11:80", "10.0.0.11->10.0.0.14:80"
    void add_range(std::string_view place, const ServerToImport& server, LdirectordServer& written) {
        const std::size_t arrow = place.find("->");
        const auto [last_host, port_text] =
            split_host(arrow == std::string_view::npos ? place : place.substr(arrow + 2));
        const std::string_view first_host = arrow == std::string_view::npos ? last_host : place.substr(0, arrow);
        const auto first = IpAddress::parse(first_host), last = IpAddress::parse(last_host);
        if (!first || !last)
            return notes_.lose(written.setting, "real_server takes an address; real_server_dns takes a name");
        const auto port =
            port_text.empty() ? std::optional<std::uint16_t>{0} : port_of(port_text, made_.service.protocol, ports_);
        if (!port) return notes_.lose(written.setting, fmt::format("this host knows no port '{}'", shown(port_text)));
        written.port = *port;
        if (*first == *last) return add_server(*first, server, written);
        if (!first->is_v4() || !last->is_v4() || *last < *first)
            return notes_.lose(written.setting, "a range goes from a lower to a higher IPv4 address");
        const std::uint32_t from = first->v4_host_order(), to = last->v4_host_order();
        if (to - from >= kImportRangeMax)
            return notes_.lose(written.setting, fmt::format("its range has more than {} addresses", kImportRangeMax));
        for (std::uint32_t i = 0; i <= to - from; ++i) add_server(IpAddress::v4(from + i), server, written);
    }

    void add_server(const IpAddress& address, ServerToImport server, const LdirectordServer& written) {
        auto& service = made_.service;
        if (service.servers.size() > kImportServersMax) return;  // the whole file is refused then
        const bool keeps_port = server.forwarding != Forwarding::Nat;
        // The kernel knows no other port then, and ldirectord programs this one; behind a mark none counts.
        server.endpoint = {address, keeps_port ? service.endpoint.port : written.port};
        if (service.fwmark != 0 && service.servers.empty() && address.is_v6()) service.family = Family::V6;
        if (const auto why = why_not(service, server); !why.empty()) return notes_.lose(written.setting, why);
        if (keeps_port && service.fwmark == 0 && written.port != 0 && written.port != service.endpoint.port)
            server.comments.push_back(fmt::format("{}: the kernel keeps port {}; {} is only checked",
                                                  shown(written.setting.source), service.endpoint.port, written.port));
        server.lines = check_lines(check_, service, server, written, {notes_.out, server.comments});
        service.known.insert(server.endpoint);
        service.servers.push_back(std::move(server));
    }

    void describe() {
        auto& lines = made_.service.lines;
        const bool checked = check_.kind != LdirectordCheck::Kind::None;
        if (checked) {
            lines.push_back(fmt::format("delay_loop {}", check_.interval));
            lines.insert(lines.end(), {"alpha", "warmup 0"});  // a server enters the table after its first check
            if (scope_.yes("quiescent", true)) lines.emplace_back("inhibit_on_failure");
        }
        made_.runs_scripts = check_.kind == LdirectordCheck::Kind::External;
        made_.checks_http = check_.kind == LdirectordCheck::Kind::Http || check_.kind == LdirectordCheck::Kind::Https;
        add_fallback();
        add_fallback_command();
    }

    void add_fallback() {
        auto& service = made_.service;
        const auto* setting = scope_.find(service.family == Family::V6 ? "fallback6" : "fallback");
        if (setting == nullptr) return;
        const auto words = words_of(setting->value);
        const auto forwarding = words.size() == 2   ? forwarding_of(words[1])
                                : words.size() == 1 ? std::optional{Forwarding::DirectRoute}
                                                    : std::nullopt;
        if (!forwarding) return notes_.lose(*setting, "it needs an address, and perhaps gate, masq or ipip");
        const auto [host, port_text] = split_host(words[0]);
        const auto address = IpAddress::parse(host);
        if (!address) return notes_.lose(*setting, "sorry_server takes an address");
        if (address->family() != service.family) return notes_.lose(*setting, "it is of the other address family");
        auto port =
            port_text.empty() ? std::optional{service.endpoint.port} : port_of(port_text, service.protocol, ports_);
        if (!port) return notes_.lose(*setting, fmt::format("this host knows no port '{}'", shown(port_text)));
        if (*forwarding != Forwarding::Nat) port = service.endpoint.port;
        if (check_.off) return add_server(*address, {.forwarding = *forwarding}, {.setting = *setting, .port = *port});
        service.lines.push_back(fmt::format("sorry_server {} {}", address->to_string(), *port));
        service.lines.push_back(fmt::format("sorry_server_lvs_method {}", method_words(*forwarding, {})));
    }

    void add_fallback_command() {
        const auto* setting = scope_.find("fallbackcommand");
        if (setting == nullptr) return;
        const auto& service = made_.service;
        const bool marked = service.fwmark != 0;
        const std::string name = marked ? ":0" : service.endpoint.to_string();
        const std::string_view protocol = marked ? "fwm" : service.protocol == Protocol::Udp ? "udp" : "tcp";
        const auto with = [&](std::string_view verb) {
            return setting->value.find(' ') == std::string_view::npos
                       ? quoted_command(fmt::format("{} {} {} {}", setting->value, verb, name, protocol))
                       : std::nullopt;
        };
        const auto down = with("start"), up = with("stop");
        if (!down || !up) return notes_.lose(*setting, "quorum_down takes the absolute path of a program");
        made_.service.lines.push_back(fmt::format("quorum_down {} root", *down));
        made_.service.lines.push_back(fmt::format("quorum_up {} root", *up));
        made_.runs_scripts = true;
    }

    const LdirectordService& written_;
    LdirectordScope scope_;
    const ServicePorts& ports_;
    ImportedService made_;
    ImportNotes notes_;
    LdirectordCheck check_;
};

}  // namespace

bool counts_outside_virtuals(std::string_view key) {
    const auto row = std::ranges::find(kLdirectordKeys, key, &KeyRow::key);
    return row != kLdirectordKeys.end() && row->where != KeyPlace::Service;
}

void note_unusable(const LdirectordSettings& settings, bool global, const ImportNotes& notes) {
    for (const LdirectordSetting& setting : settings) {
        const auto row = std::ranges::find(kLdirectordKeys, setting.key, &KeyRow::key);
        const bool known =
            row != kLdirectordKeys.end() && row->where != (global ? KeyPlace::Service : KeyPlace::Global);
        if (known)
            note(*row, setting, global, notes);
        else
            notes.lose(setting, row != kLdirectordKeys.end()
                                    ? fmt::format("it has no meaning {} a virtual", global ? "outside" : "in")
                                    : "mainstayctl does not know this key");
    }
}

ImportedService service_of(const LdirectordService& written, const LdirectordFile& file, const ServicePorts& ports,
                           ImportText& out) {
    return ServiceConversion{written, file, ports, out}.run();
}

}  // namespace mainstay::config
