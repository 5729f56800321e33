#include "mainstay/alert/scripts.hpp"

#include <string_view>
#include <utility>

#include "mainstay/alert/fifos.hpp"
#include "mainstay/alert/script_requests.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/validate/resolved.hpp"

namespace mainstay::alert {

namespace keyword = config::keyword;

namespace {

// Written to FIFOs only.
bool is_priority_change(Transition transition) {
    return transition == Transition::MasterPriority || transition == Transition::BackupPriority;
}

// The part of a key for the transition. One without a script of its own gets a key too, which is in no table.
std::string_view suffix_of(Transition transition) {
    switch (transition) {
        case Transition::Master:
            return "master";
        case Transition::Backup:
            return "backup";
        case Transition::Fault:
            return "fault";
        case Transition::Stop:
            return "stop";
        case Transition::Deleted:
            return "deleted";
        case Transition::LowerPriorityHeard:
            return "master_rx_lower_pri";
        case Transition::Up:
            return "up";
        case Transition::Down:
            return "down";
        case Transition::MasterPriority:
        case Transition::BackupPriority:
            break;
    }
    return "other";
}

// "instance/VI_1", "group/G1", "real_server/<RS> of <VS>", "virtual_server/<VS>". Names may contain any character: the
// kind before and the transition after the name distinguish two keys. It is the queue of its scripts, too, which run in
// the order of its events; scripts of two servers, or of a service and its servers, run side by side as keepalived's
// do.
std::string subject_of(const Event& event) {
    switch (event.kind) {
        case Event::Kind::Instance:
            return "instance/" + event.name;
        case Event::Kind::Group:
            return "group/" + event.name;
        case Event::Kind::RealServer:
            return "real_server/" + event.name + " of " + event.parent;
        case Event::Kind::VirtualServer:
            return "virtual_server/" + event.name;
    }
    return "unknown/" + event.name;
}

// notify_deleted, which may come without a command, and notify_master_rx_lower_pri.
config::Command rarer_command(const config::ExtraSettings& more, Transition transition) {
    const bool deleted = transition == Transition::Deleted;
    if (!deleted && transition != Transition::LowerPriorityHeard) return {};
    const auto& keyword = deleted ? keyword::notify_deleted : keyword::notify_master_rx_lower_pri;
    return config::value_of(more.values, keyword).value_or(config::Command{});
}

// By which the scripts of a server are known. Servers of real_server_dns and real_server_file have those of their
// source. keepalived: a server of a firewall-mark service has no protocol in its name.
std::string name_of(const config::VirtualServer& service, const config::RealServer& server) {
    if (auto source = config::source_words(server); !source.empty()) return source;
    return config::server_name(server.endpoint, service.fwmark != 0 ? config::Protocol::None : service.protocol);
}

void want(std::vector<Wanted>& all, std::string key, const config::Command& command, Micros timeout = Micros{0}) {
    if (!command.empty()) all.push_back({std::move(key), command, timeout});
}

void want_notifies(std::vector<Wanted>& all, Event::Kind kind, const std::string& name,
                   const config::Notifies& notify) {
    const auto key = [&](Transition transition) {
        return notify_key(Event{.kind = kind, .name = name, .transition = transition}, false);
    };
    want(all, key(Transition::Master), notify.master);
    want(all, key(Transition::Backup), notify.backup);
    want(all, key(Transition::Fault), notify.fault);
    want(all, key(Transition::Stop), notify.stop);
    want(all, notify_key(Event{.kind = kind, .name = name}, true), notify.any);
}

void want_notifies_of(std::vector<Wanted>& all, const config::Instance& instance) {
    want_notifies(all, Event::Kind::Instance, instance.name, instance.notify);
    for (const auto transition : {Transition::Deleted, Transition::LowerPriorityHeard})
        want(all, notify_key({.kind = Event::Kind::Instance, .name = instance.name, .transition = transition}, false),
             rarer_command(*instance.more, transition));
}

void want_notifies_of(std::vector<Wanted>& all, const config::SyncGroup& group) {
    want_notifies(all, Event::Kind::Group, group.name, group.notify);
}

void want_notifies_of(std::vector<Wanted>& all, const config::VirtualServer& service) {
    const auto key = [](Event::Kind kind, std::string name, std::string parent, Transition transition) {
        return notify_key(
            Event{.kind = kind, .name = std::move(name), .parent = std::move(parent), .transition = transition}, false);
    };
    const std::string name = config::service_name(service);
    want(all, key(Event::Kind::VirtualServer, name, {}, Transition::Up), service.quorum_up);
    want(all, key(Event::Kind::VirtualServer, name, {}, Transition::Down), service.quorum_down);
    for (const auto& server : service.real_servers) {
        if (server.notify_up.empty() && server.notify_down.empty()) continue;
        const std::string server_name = name_of(service, server);
        want(all, key(Event::Kind::RealServer, server_name, name, Transition::Up), server.notify_up);
        want(all, key(Event::Kind::RealServer, server_name, name, Transition::Down), server.notify_down);
    }
}

void want_service(std::vector<Wanted>& all, const config::VirtualServer& service) {
    for (const auto& server : service.real_servers) {
        for (std::size_t i = 0; i < server.checkers.size(); ++i) {
            const auto& check = server.checkers[i];
            if (check.type != config::Checker::Type::Misc) continue;
            want(all, misc_check_key(service, server, i), check.misc_path,
                 check.misc_timeout != Micros{0} ? check.misc_timeout : service.delay_loop);
        }
    }
    want_notifies_of(all, service);
}

// startup_script, shutdown_script and the readers of FIFOs.
void want_process_scripts(std::vector<Wanted>& all, const config::Global& global) {
    // Without one shutdown_script has as long as the whole stop.
    const auto& values = global.more->values;
    if (const auto command = config::value_of(values, keyword::startup_script))
        want(all, kStartupScript, *command, config::value_or_default(values, keyword::startup_script_timeout));
    if (const auto command = config::value_of(values, keyword::shutdown_script))
        want(all, kShutdownScript, *command,
             config::value_of(values, keyword::shutdown_script_timeout).value_or(Seconds{0}));
    for (const Fifo& fifo : fifos(global))
        if (fifo.script) want(all, fifo_script_key(fifo.keyword), *fifo.script);
}

}  // namespace

// The kind at the start of a key (see subject_of()) decides who may request it.
Requester requester_of_script(std::string_view key) {
    const auto begins = [key](std::string_view prefix) { return key.starts_with(prefix); };
    if (key == kFirewallKey || begins("vrrp_script/") || begins("instance/") || begins("group/"))
        return Requester::Vrrp;
    if (begins("misc_check/") || begins("real_server/") || begins("virtual_server/")) return Requester::Lvs;
    if (key == kStartupScript || key == kShutdownScript || begins("fifo/")) return Requester::Supervisor;
    return Requester::Nobody;
}

std::string track_script_key(const std::string& name) { return "vrrp_script/" + name; }

std::string misc_check_key(const config::VirtualServer& service, const config::RealServer& server, std::size_t index) {
    return "misc_check/" + name_of(service, server) + " of " + config::service_name(service) + "/" +
           std::to_string(index);
}

std::string notify_key(const Event& event, bool generic) {
    return subject_of(event) + "/" + std::string{generic ? "any" : suffix_of(event.transition)};
}

NotifyScripts::NotifyScripts(const config::Config& config) {
    for (const auto& instance : config.instances) add(instance);
    for (const auto& group : config.sync_groups) add(group);
    for (const auto& service : config.virtual_servers) add(service);
}

template <class Configured>
void NotifyScripts::add(const Configured& configured) {
    std::vector<Wanted> wanted;
    want_notifies_of(wanted, configured);
    for (auto& one : wanted) keys_.insert(std::move(one.key));
}

void NotifyScripts::change(const config::ServiceChange& change) {
    std::vector<Wanted> before;
    want_notifies_of(before, change.before);
    for (const auto& one : before) {
        if (const auto found = keys_.find(one.key); found != keys_.end()) keys_.erase(found);
    }
    add(change.after);
}

std::vector<NotifyCall> NotifyScripts::calls(const Event& event) const {
    if (keys_.empty() || !event.notify) return {};
    const bool of_vrrp = event.kind == Event::Kind::Instance || event.kind == Event::Kind::Group;
    return of_vrrp ? vrrp_calls(event) : server_calls(event);
}

// keepalived: the state's script gets no additional arguments, the generic one gets four.
std::vector<NotifyCall> NotifyScripts::vrrp_calls(const Event& event) const {
    std::vector<NotifyCall> calls;
    if (is_priority_change(event.transition)) return calls;
    const auto take = [&](bool generic, std::vector<std::string> extra) {
        if (auto key = notify_key(event, generic); keys_.contains(key))
            calls.push_back({std::move(key), subject_of(event), std::move(extra)});
    };
    // keepalived: of a removed instance, which ends as FAULT, notify_fault does not run (2.2.7).
    if (!event.removed || event.transition != Transition::Fault) take(false, {});
    if (event.transition == Transition::LowerPriorityHeard) return calls;
    const bool group = event.kind == Event::Kind::Group;
    take(true, {group ? "GROUP" : "INSTANCE", event.name, to_string(event.transition),
                std::to_string(group ? 0 : event.priority)});
    return calls;
}

std::vector<NotifyCall> NotifyScripts::server_calls(const Event& event) const {
    Event of_source = event;
    if (!event.source.empty()) of_source.name = *event.source;
    auto key = notify_key(of_source, false);
    if (!keys_.contains(key)) return {};
    return {{std::move(key), subject_of(event), {}}};
}

std::vector<Wanted> wanted_scripts(const config::Config& config) {
    std::vector<Wanted> all;
    want_process_scripts(all, config.global);
    for (const auto& script : config.scripts) {
        want(all, track_script_key(script.name), script.command, script.timeout);
    }
    for (const auto& instance : config.instances) want_notifies_of(all, instance);
    for (const auto& group : config.sync_groups) want_notifies_of(all, group);
    for (const auto& service : config.virtual_servers) want_service(all, service);
    if (wants_firewall_script(config)) all.push_back(firewall_script());
    return all;
}

}  // namespace mainstay::alert
