// The commands of kernel_probe about IPVS.
#include <fmt/format.h>

#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "kernel_probe.hpp"
#include "mainstay/kernel/ipvs.hpp"

namespace mainstay::probe_tool {
namespace {

using netlink::IpvsOperation;

Endpoint endpoint(const std::string& text) {
    const auto colon = text.rfind(':');
    std::string address = text.substr(0, colon);
    if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
    return {IpAddress::parse(address).value_or(IpAddress{}),
            static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1)))};
}

// "tcp 10.0.0.1:80", "udp [fd00::1]:53", "fwm 5", "fwm6 5"
netlink::IpvsServiceKey read_key(std::istream& in) {
    std::string protocol, where;
    in >> protocol >> where;
    netlink::IpvsServiceKey key;
    if (protocol.starts_with("fwm")) {
        key.family = protocol == "fwm6" ? Family::V6 : Family::V4;
        key.fwmark = static_cast<std::uint32_t>(std::stoul(where));
        return key;
    }
    const Endpoint at = endpoint(where);
    key.family = at.address.family();
    key.protocol = protocol == "tcp" ? 6 : protocol == "udp" ? 17 : 132;
    key.address = at.address;
    key.port = at.port;
    return key;
}

// KIND KEY [scheduler=S] [flags=N] [timeout=N] [netmask=N] [engine=E]
//          [to=ENDPOINT] [fwd=0|2|3] [weight=N] [upper=N] [lower=N]
IpvsOperation read_operation(const std::string& line) {
    static const std::map<std::string, IpvsOperation::Kind> kinds{
        {"add-service", IpvsOperation::Kind::AddService},       {"set-service", IpvsOperation::Kind::SetService},
        {"delete-service", IpvsOperation::Kind::DeleteService}, {"add", IpvsOperation::Kind::AddDestination},
        {"set", IpvsOperation::Kind::SetDestination},           {"delete", IpvsOperation::Kind::DeleteDestination},
    };
    std::istringstream in{line};
    std::string word;
    in >> word;
    IpvsOperation operation{.kind = kinds.at(word), .service = {.key = read_key(in)}, .destination = {}};
    auto& service = operation.service;
    auto& destination = operation.destination;
    if (service.key.family == Family::V6) service.netmask = 128;
    while (in >> word) {
        const auto equals = word.find('=');
        const std::string name = word.substr(0, equals), value = word.substr(equals + 1);
        const auto number = [&] { return static_cast<std::uint32_t>(std::stoll(value)); };
        if (name == "scheduler") service.scheduler = value;
        if (name == "engine") service.engine = value;
        if (name == "flags") service.flags = number();
        if (name == "timeout") service.timeout_s = number();
        if (name == "netmask") service.netmask = number();
        if (name == "to") destination.endpoint = endpoint(value);
        if (name == "fwd") destination.forwarding = number();
        if (name == "weight") destination.weight = std::stoi(value);
        if (name == "upper") destination.upper_threshold = number();
        if (name == "lower") destination.lower_threshold = number();
    }
    return operation;
}

}  // namespace

int ipvs_perform(const Arguments&) {
    auto socket = kernel::IpvsSocket::open();
    if (!socket) return report(socket.error());
    std::vector<IpvsOperation> operations;
    for (std::string line; std::getline(std::cin, line);) operations.push_back(read_operation(line));
    const auto outcome = socket->perform(operations);
    if (!outcome) return report(outcome.error());
    for (const auto& failure : outcome->failures) {
        fmt::print("{{\"failed\":{},\"errno\":{},\"text\":\"{}\"}}\n", failure.index, failure.sys_errno, failure.text);
    }
    fmt::print("{{\"operations\":{},\"forgiven\":{},\"sendmsg\":{}}}\n", operations.size(), outcome->forgiven,
               outcome->sendmsg_calls);
    return 0;
}

int ipvs_dump(const Arguments&) {
    auto socket = kernel::IpvsSocket::open();
    if (!socket) return report(socket.error());
    const auto services = socket->services();
    if (!services) return report(services.error());
    for (const auto& [service, stats] : *services) {
        fmt::print(
            "{{\"service\":\"{}\",\"scheduler\":\"{}\",\"flags\":{},\"timeout\":{},\"netmask\":{},"
            "\"engine\":\"{}\",\"connections\":{}}}\n",
            describe(service.key), service.scheduler, service.flags, service.timeout_s, service.netmask, service.engine,
            stats.connections);
        const auto destinations = socket->destinations(service.key);
        if (!destinations) return report(destinations.error());
        for (const auto& entry : *destinations) {
            fmt::print(
                "{{\"to\":\"{}\",\"forwarding\":{},\"weight\":{},\"upper\":{},\"lower\":{},\"active\":{},"
                "\"inactive\":{},\"connections\":{},\"in_bytes\":{}}}\n",
                entry.destination.endpoint.to_string(), entry.destination.forwarding, entry.destination.weight,
                entry.destination.upper_threshold, entry.destination.lower_threshold, entry.active, entry.inactive,
                entry.stats.connections, entry.stats.in_bytes);
        }
    }
    return 0;
}

int ipvs_daemons(const Arguments& arguments) {
    auto socket = kernel::IpvsSocket::open();
    if (!socket) return report(socket.error());
    using State = netlink::IpvsDaemon::State;
    const int times = std::stoi(arguments[2]);
    for (int i = 0; i < times; ++i) {
        for (const State state : {State::Backup, State::Master}) {
            if (auto done = socket->start_daemon({.state = state, .interface = arguments[1], .sync_id = 7}); !done)
                return report(done.error());
            if (auto done = socket->stop_daemon(state); !done) return report(done.error());
        }
    }
    auto stopped = socket->stop_daemon(State::Backup);  // where none runs
    if (!stopped) return report(stopped.error());
    const auto left = socket->daemons();
    if (!left) return report(left.error());
    fmt::print("{{\"stopped\":{},\"left\":{}}}\n", 2 * times, left->size());
    return 0;
}

int ipvs_flush(const Arguments&) {
    auto socket = kernel::IpvsSocket::open();
    if (!socket) return report(socket.error());
    auto done = socket->flush();
    return done ? 0 : report(done.error());
}

}  // namespace mainstay::probe_tool
