// Facts and intents of a record, for people.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "mainstay/base/overloaded.hpp"
#include "mainstay/base/text.hpp"
#include "mainstay/record/replay.hpp"
#include "mainstay/wire/vrrp.hpp"
#include "mainstay/wire/vrrp_auth.hpp"

namespace mainstay::record {
namespace {

std::span<const std::byte> vrrp_part(const vrrp::PacketHeard& packet) {
    const bool wrapped = packet.protocol == wire::kAhProtocol && packet.payload.size() >= wire::kAhLength;
    return wrapped ? packet.payload.subspan(wire::kAhLength) : packet.payload;
}

std::string text_of(const vrrp::PacketHeard& packet) {
    const auto part = vrrp_part(packet);
    const std::string way = fmt::format("from {} to {}{}{}", packet.source.to_string(), packet.destination.to_string(),
                                        packet.interface.empty() ? "" : " on ", packet.interface);
    if (part.size() < wire::kVrrpHeaderLength) return fmt::format("a packet of {} bytes {}", part.size(), way);
    return fmt::format("advert of VRID {} with priority {} {}", std::to_integer<unsigned>(part[1]),
                       std::to_integer<unsigned>(part[2]), way);
}

std::string text_of(const vrrp::InterfaceFact& link) {
    if (link.index == 0) return fmt::format("interface {} does not exist", link.name);
    std::vector<std::string> addresses;
    for (const auto& address : link.addresses) addresses.push_back(address.to_string());
    return fmt::format("interface {} is {}, with {}", link.name, link.up ? "up" : "down",
                       addresses.empty() ? "no address" : fmt::format("{}", fmt::join(addresses, ", ")));
}

std::string text_of(const vrrp::ScriptDone& done) {
    switch (done.how) {
        case vrrp::ScriptDone::How::Exited:
            return fmt::format("script {} exited with status {}", done.script, done.status);
        case vrrp::ScriptDone::How::Signalled:
            return fmt::format("script {} was ended by signal {}", done.script, done.status);
        case vrrp::ScriptDone::How::TimedOut:
            return fmt::format("script {} timed out", done.script);
        case vrrp::ScriptDone::How::NotRun:
            break;
    }
    return fmt::format("script {} could not be run", done.script);
}

std::string text_of(const vrrp::AddressLost& f) {
    return fmt::format("address {} on {} was removed", f.address.to_string(), f.interface);
}
std::string text_of(const vrrp::RestoreFailed& f) {
    return fmt::format("address {} on {} cannot be restored", f.address.to_string(), f.interface);
}
std::string text_of(const vrrp::DuplicateAddress& f) {
    return fmt::format("another host has address {} on {}", f.address.to_string(), f.interface);
}
std::string text_of(const vrrp::RoutingLost&) { return "a route or rule was removed"; }
std::string text_of(const vrrp::RoutingUncertain&) { return "routes or rules may have been removed"; }
std::string text_of(const vrrp::RoutingOutcome& f) {
    return fmt::format("{} routes and rules were added, {} refused", f.added.size(), f.refused.size());
}
std::string text_of(const vrrp::BfdFact& f) {
    return fmt::format("BFD session {} is {}", f.name, f.up ? "up" : "down");
}
std::string text_of(const vrrp::FileFact& f) { return fmt::format("file {} holds {}", f.file, f.value); }
std::string text_of(const vrrp::ProcessFact& f) { return fmt::format("{} processes match {}", f.count, f.process); }
std::string text_of(const vrrp::ClockTold&) { return "the calendar clock"; }
std::string text_of(const vrrp::SourceFact& f) {
    return fmt::format("source address {} for {} is {}", f.address.to_string(), f.device,
                       f.here ? "present" : "absent");
}
std::string text_of(const vrrp::HostFacts& f) {
    std::vector<std::string> texts;
    for (const auto& link : f.interfaces) texts.push_back(text_of(link));
    for (const auto& source : f.sources) texts.push_back(text_of(source));
    return fmt::format("{}", fmt::join(texts, "; "));
}
std::string text_of(const vrrp::FailOver&) { return "an operator's failover"; }
std::string text_of(const vrrp::FailBack&) { return "an operator ends a failover"; }
std::string text_of(const vrrp::Maintenance& f) { return f.on ? "maintenance begins" : "maintenance ends"; }
std::string text_of(const vrrp::DeadlineReached&) { return "a deadline"; }
std::string text_of(const vrrp::Shutdown&) { return "shutdown"; }

std::string text_of(const vrrp::Fact& fact) {
    return std::visit([](const auto& f) { return text_of(f); }, fact);
}
std::string text_of(const Started& started) {
    return started.previous ? "start, with the state of the process before" : "start";
}
std::string text_of(const Reloaded& reloaded) {
    return "reload, with " + counted(reloaded.config->instances.size(), "instance");
}

std::string name_of(vrrp::InstanceId id, const config::Config& config) {
    return id < config.instances.size() ? config.instances[id].name : "a removed instance";
}

std::string list_of(const std::vector<vrrp::HeldAddress>& addresses) {
    std::vector<std::string> texts;
    for (const auto& held : addresses)
        texts.push_back(fmt::format("{} on {}", held.prefix.to_string(), held.interface));
    return fmt::format("{}", fmt::join(texts, ", "));
}

// The instance of an intent; kNoInstance: of none, or of one that a reload removed.
vrrp::InstanceId instance_of(const vrrp::Intent& intent) {
    return std::visit(
        [](const auto& i) {
            if constexpr (requires { i.instance.size(); })
                return vrrp::kNoInstance;  // named, because a reload may have removed it
            else if constexpr (requires { i.instance; })
                return i.instance;
            else if constexpr (requires { i.owner; })
                return i.owner;
            else
                return vrrp::kNoInstance;
        },
        intent);
}

bool is_named(const vrrp::Intent& intent, const std::string& name) {
    if (const auto* announce = std::get_if<vrrp::Announce>(&intent)) return announce->event.name == name;
    const auto* ended = std::get_if<vrrp::HandOverEnded>(&intent);
    return ended != nullptr && ended->instance == name;
}

bool fact_concerns(const vrrp::Fact& fact, const config::Instance& instance) {
    if (const auto* packet = std::get_if<vrrp::PacketHeard>(&fact)) {
        const auto part = vrrp_part(*packet);
        return part.size() >= wire::kVrrpHeaderLength && packet->source.family() == instance.family &&
               std::to_integer<std::uint8_t>(part[1]) == instance.virtual_router_id;
    }
    if (const auto* link = std::get_if<vrrp::InterfaceFact>(&fact)) return link->name == instance.interface;
    if (const auto* host = std::get_if<vrrp::HostFacts>(&fact))
        return std::ranges::find(host->interfaces, instance.interface, &vrrp::InterfaceFact::name) !=
               host->interfaces.end();
    if (const auto* done = std::get_if<vrrp::ScriptDone>(&fact))
        return std::ranges::find(instance.track_scripts, done->script, &config::TrackedScript::name) !=
               instance.track_scripts.end();
    return std::holds_alternative<vrrp::Shutdown>(fact);
}

}  // namespace

std::string describe_fact(const Entry& entry) {
    return std::visit([](const auto& what) { return text_of(what); }, entry.what);
}

std::string describe_intent(const vrrp::Intent& intent, const config::Config& config) {
    const auto of = [&](vrrp::InstanceId id) { return name_of(id, config); };
    return std::visit(
        Overloaded{
            [&](const vrrp::SendAdvert& i) {
                const bool wrapped = i.protocol == wire::kAhProtocol;
                const std::size_t at = (wrapped ? wire::kAhLength : 0) + 2;
                const bool readable = !i.payloads.empty() && i.payloads.front().size() > at;
                return fmt::format(
                    "({}) send advert{}", of(i.instance),
                    readable ? fmt::format(" with priority {}", std::to_integer<unsigned>(i.payloads.front()[at]))
                             : "");
            },
            [&](const vrrp::AddAddresses& i) { return fmt::format("({}) add the virtual addresses", of(i.instance)); },
            [&](const vrrp::RemoveAddresses& i) {
                return fmt::format("({}) remove {}", of(i.instance), list_of(i.addresses));
            },
            [&](const vrrp::ChangeAddresses& i) {
                return fmt::format("({}) add {} addresses and remove {}", of(i.instance), i.added.size(),
                                   i.removed.size());
            },
            [&](const vrrp::RestoreAddress& i) {
                return fmt::format("({}) restore {} on {}", of(i.instance), i.prefix.to_string(), i.interface);
            },
            [&](const vrrp::SetRouting& i) { return fmt::format("set {} routes and rules", i.entries.size()); },
            [&](const vrrp::RemoveRouting& i) { return fmt::format("remove {} routes and rules", i.entries.size()); },
            [&](const vrrp::SetStaticAddresses& i) {
                return fmt::format("set {} static addresses", i.addresses.size());
            },
            [&](const vrrp::SendGratuitousArp& i) {
                return fmt::format("({}) announce the addresses, {} times", of(i.instance), i.rounds);
            },
            [&](const vrrp::AnnounceAddress& i) {
                return fmt::format("announce {} on {}", i.address.to_string(), i.interface);
            },
            [&](const vrrp::RunScript& i) { return fmt::format("run script {}", i.script); },
            [&](const vrrp::Announce& i) {
                const auto& why = i.event.reason.empty() ? i.event.detail : i.event.reason;
                return fmt::format("({}) event {}{}{}", i.event.name, plain_word(i.event.transition),
                                   why.empty() ? "" : ": ", why);
            },
            [&](const vrrp::HandOverEnded& i) {
                return fmt::format("({}) the hand-over is over{}", i.instance,
                                   i.master.empty() ? "" : ": " + i.master.to_string() + " took over");
            },
            [&](const vrrp::WriteLog& i) { return fmt::format("log: {}", i.line.text); }},
        intent);
}

bool concerns(const ReplayedStep& step, vrrp::InstanceId id) {
    const auto& config = step.router.config();
    if (id >= config.instances.size()) return false;
    const auto& instance = config.instances[id];
    for (const auto& intent : step.intents)
        if (instance_of(intent) == id || is_named(intent, instance.name)) return true;
    const auto* fact = std::get_if<vrrp::Fact>(&step.entry.what);
    return fact == nullptr || fact_concerns(*fact, instance);
}

// Facts and intents of the judge, for people.

namespace {

std::string service_text(const lvs::Judge& judge, std::size_t service) {
    return service < judge.services().size() ? config::service_name(judge.services()[service]) : "a removed service";
}

std::string check_text(const lvs::Judge& judge, lvs::CheckerId id) {
    const auto place = judge.place(id);
    if (!place) return fmt::format("check {} of a removed server", id);
    const auto& service = judge.services()[place->service];
    const auto& server = service.real_servers[place->server];
    return fmt::format("{} of {} of VS {}", lvs::keyword_of(server.checkers[place->checker].type),
                       config::server_name(server.endpoint, service.protocol), config::service_name(service));
}

std::string_view word_of(lvs::Outcome outcome) {
    switch (outcome) {
        case lvs::Outcome::Passed:
            return "passed";
        case lvs::Outcome::Failed:
            return "failed";
        case lvs::Outcome::TimedOut:
            return "timed out";
        case lvs::Outcome::NotRun:
            break;
    }
    return "could not be run";
}

std::string text_of(const lvs::CheckFinished& f, const lvs::Judge& judge) {
    return fmt::format("{} {}{}{}", check_text(judge, f.checker), word_of(f.outcome), f.reason.empty() ? "" : ": ",
                       f.reason);
}
std::string text_of(const lvs::DeadlineReached&, const lvs::Judge&) { return "a deadline"; }
std::string text_of(const lvs::ConnectionsCounted& f, const lvs::Judge& judge) {
    return fmt::format("the connections of {} destinations of VS {}", f.destinations.size(),
                       service_text(judge, f.service));
}
std::string text_of(const lvs::AddressesChanged& f, const lvs::Judge&) {
    return fmt::format("the host has {} addresses", f.addresses.size());
}
std::string text_of(const lvs::Fact& fact, const lvs::Judge& judge) {
    return std::visit([&](const auto& f) { return text_of(f, judge); }, fact);
}
std::string text_of(const lvs::ServerCommand& f, const lvs::Judge&) {
    return fmt::format("an operator's command: {} {}{}{}", lvs::word_of(f.verb), f.which, f.by.empty() ? "" : ", by ",
                       f.by);
}
std::string text_of(const JudgeStarted& f, const lvs::Judge&) {
    return fmt::format("start, with {}{}", counted(f.config->virtual_servers.size(), "virtual server"),
                       f.memory.empty() ? "" : " and the state of the process before");
}
std::string text_of(const JudgeReloaded& f, const lvs::Judge&) {
    return fmt::format("reload, with {}", counted(f.config->virtual_servers.size(), "virtual server"));
}
std::string text_of(const JudgeChanged& f, const lvs::Judge&) {
    return fmt::format("reload, which changes {}", counted(f.services.size(), "virtual server"));
}
std::string text_of(const JudgeStopped& f, const lvs::Judge&) {
    return f.keep ? "stop, which keeps the table" : "stop";
}

std::string text_of(const lvs::StartCheck& i, const lvs::Judge& judge) {
    return fmt::format("start {}", check_text(judge, i.checker));
}
std::string text_of(const lvs::CancelCheck& i, const lvs::Judge& judge) {
    return fmt::format("cancel {}", check_text(judge, i.checker));
}
std::string text_of(const lvs::Announce& i, const lvs::Judge&) {
    const std::string& why = i.event.reason.empty() ? plain_detail(i.event) : i.event.reason;
    return fmt::format("event {}{}{} {}{}{}", i.event.name, i.event.parent.empty() ? "" : " of VS ", i.event.parent,
                       to_string(i.event.transition), why.empty() ? "" : ": ", why);
}
std::string text_of(const lvs::WriteLog& i, const lvs::Judge&) { return fmt::format("log: {}", i.line.text); }
std::string text_of(const lvs::TableChanged& i, const lvs::Judge& judge) {
    return fmt::format("write the table of VS {}", service_text(judge, i.service));
}
std::string text_of(const lvs::CountConnections& i, const lvs::Judge& judge) {
    return fmt::format("count the connections of VS {}", service_text(judge, i.service));
}

// What a filter matches.
class Filter {
public:
    Filter(const lvs::Judge& judge, const lvs::ServerPattern& pattern, bool whole_service)
        : judge_{judge}, whole_service_{whole_service} {
        for (std::size_t v = 0; v < judge.services().size(); ++v) {
            const auto& service = judge.services()[v];
            if (!lvs::matches(pattern, service)) continue;
            if (whole_service) services_.insert(v), names_.insert(config::service_name(service));
            for (std::size_t s = 0; s < service.real_servers.size(); ++s) {
                const auto& server = service.real_servers[s];
                if (!lvs::matches(pattern, service, server)) continue;
                servers_.insert({v, s});
                names_.insert(config::server_name(server.endpoint, service.protocol));
            }
        }
    }
    [[nodiscard]] bool finds_something() const { return !services_.empty() || !servers_.empty(); }
    [[nodiscard]] bool has(lvs::CheckerId id) const {
        const auto place = judge_.place(id);
        return place && servers_.contains(*place);
    }
    [[nodiscard]] bool has_service(std::size_t service) const { return services_.contains(service); }
    [[nodiscard]] bool has(const Event& event) const {
        return names_.contains(event.name) || (whole_service_ && names_.contains(event.parent));
    }
    // A name ends with a port, which must not go on in the line.
    [[nodiscard]] bool has(const std::string& line) const {
        return std::ranges::any_of(names_, [&](const std::string& name) {
            for (auto at = line.find(name); at != std::string::npos; at = line.find(name, at + 1))
                if (const auto end = at + name.size(); end == line.size() || !is_digit(line[end])) return true;
            return false;
        });
    }
    [[nodiscard]] bool has(const lvs::Intent& intent) const {
        if (const auto* i = std::get_if<lvs::StartCheck>(&intent)) return has(i->checker);
        if (const auto* i = std::get_if<lvs::CancelCheck>(&intent)) return has(i->checker);
        if (const auto* i = std::get_if<lvs::Announce>(&intent)) return has(i->event);
        if (const auto* i = std::get_if<lvs::WriteLog>(&intent)) return has(i->line.text);
        if (const auto* i = std::get_if<lvs::TableChanged>(&intent)) return has_service(i->service);
        return has_service(std::get<lvs::CountConnections>(intent).service);
    }

private:
    const lvs::Judge& judge_;
    bool whole_service_;
    std::set<std::size_t> services_;
    std::set<lvs::ServerRef> servers_;
    std::set<std::string> names_;
};

}  // namespace

std::string describe_fact(const JudgeEntry& entry, const lvs::Judge& judge) {
    return std::visit([&](const auto& what) { return text_of(what, judge); }, entry.what);
}

std::string describe_intent(const lvs::Intent& intent, const lvs::Judge& judge) {
    return std::visit([&](const auto& i) { return text_of(i, judge); }, intent);
}

bool concerns(const ReplayedJudgeStep& step, const lvs::ServerPattern& pattern, bool whole_service) {
    const Filter filter{step.judge, pattern, whole_service};
    if (const auto* fact = std::get_if<lvs::Fact>(&step.entry.what)) {
        if (const auto* finished = std::get_if<lvs::CheckFinished>(fact)) return filter.has(finished->checker);
        if (const auto* counted = std::get_if<lvs::ConnectionsCounted>(fact))
            return filter.has_service(counted->service);
    }
    return std::ranges::any_of(step.intents, [&](const auto& intent) { return filter.has(intent); });
}

bool is_known(const lvs::Judge& judge, const lvs::ServerPattern& pattern) {
    const bool whole_service = pattern.servers == "*";
    return Filter{judge, pattern, whole_service}.finds_something();
}

}  // namespace mainstay::record
