// Drives the kernel adapters from the host and lab tests: one command, answers as lines of JSON on stdout.
// The commands that wait print {"ready":true} first and end when their stdin does.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_probe.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
#include "mainstay/kernel/vrrp_sockets.hpp"

namespace mainstay::probe_tool {

int report(const Error& error) {
    fmt::print("{{\"error\":\"{}\",\"errno\":{},\"code\":{}}}\n", error.text(), error.sys_errno(),
               static_cast<int>(error.code()));
    return 1;
}

namespace {

std::string hex(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte b : bytes) text += fmt::format("{:02x}", static_cast<unsigned>(b));
    return text;
}

std::vector<std::byte> from_hex(std::string_view text) {
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        unsigned value = 0;
        std::from_chars(text.data() + i, text.data() + i + 2, value, 16);
        bytes.push_back(std::byte(value));
    }
    return bytes;
}

std::string show(const kernel::Link& link) {
    return fmt::format(
        "{{\"link\":\"{}\",\"index\":{},\"up\":{},\"running\":{},\"loopback\":{},\"mtu\":{},\"mac\":\"{}\"}}",
        link.name, link.index, link.up, link.running, link.loopback, link.mtu, hex(link.hardware_address));
}

std::string show(const kernel::Address& address, std::string_view kind) {
    return fmt::format(
        "{{\"{}\":\"{}\",\"index\":{},\"label\":\"{}\",\"broadcast\":\"{}\",\"scope\":{},\"nodad\":{},"
        "\"tentative\":{},\"deprecated\":{},\"secondary\":{}}}",
        kind, address.prefix.to_string(), address.interface_index, address.label,
        address.broadcast ? address.broadcast->to_string() : "", address.scope, address.nodad, address.tentative,
        address.deprecated, address.secondary);
}

std::string show(const kernel::RouteNotification& notification) {
    if (const auto* changed = std::get_if<kernel::LinkChanged>(&notification)) return show(changed->link);
    if (const auto* gone = std::get_if<kernel::LinkGone>(&notification)) {
        return fmt::format("{{\"gone\":\"{}\",\"index\":{}}}", gone->name, gone->index);
    }
    if (const auto* added = std::get_if<kernel::AddressAdded>(&notification)) return show(added->address, "added");
    if (const auto* removed = std::get_if<kernel::AddressRemoved>(&notification)) {
        return show(removed->address, "removed");
    }
    return "{\"lost\":true}";
}

// Calls `read` whenever `fd` is readable, until stdin ends.
int serve(int fd, const std::function<bool()>& read) {
    fmt::print("{{\"ready\":true}}\n");
    std::fflush(stdout);
    for (;;) {
        std::array<pollfd, 2> waits{pollfd{.fd = fd, .events = POLLIN, .revents = 0},
                                    pollfd{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0}};
        if (poll(waits.data(), waits.size(), -1) < 0) return 1;
        if (waits[0].revents != 0 && !read()) return 1;
        std::fflush(stdout);
        if (waits[1].revents != 0) return 0;
    }
}

Result<std::uint32_t> index_of(kernel::Rtnetlink& route, std::string_view name) {
    const auto links = route.links();
    if (!links) return std::unexpected{links.error()};
    for (const auto& link : *links) {
        if (link.name == name) return link.index;
    }
    return fail(Errc::NotFound, "no interface " + std::string{name});
}

int list(const Arguments& arguments) {
    auto route = kernel::Rtnetlink::open();
    if (!route) return report(route.error());
    if (arguments[0] == "links") {
        const auto links = route->links();
        if (!links) return report(links.error());
        for (const auto& link : *links) fmt::print("{}\n", show(link));
    } else {
        const auto addresses = route->addresses();
        if (!addresses) return report(addresses.error());
        for (const auto& address : *addresses) fmt::print("{}\n", show(address, "address"));
    }
    return 0;
}

// add|remove IF PREFIX[,label=L][,brd=A][,dad][,deprecated][,scope=N] ...
int change(const Arguments& arguments) {
    auto route = kernel::Rtnetlink::open();
    if (!route) return report(route.error());
    const auto index = index_of(*route, arguments[1]);
    if (!index) return report(index.error());
    std::vector<kernel::Address> addresses;
    for (std::size_t i = 2; i < arguments.size(); ++i) {
        std::string_view rest = arguments[i];
        kernel::Address address{.interface_index = *index};
        bool first = true;
        while (!rest.empty()) {
            const auto word = rest.substr(0, rest.find(','));
            rest.remove_prefix(std::min(word.size() + 1, rest.size()));
            if (first) address.prefix = Prefix::parse(word).value_or(Prefix{});
            if (word.starts_with("label=")) address.label = word.substr(6);
            if (word.starts_with("brd=")) address.broadcast = IpAddress::parse(word.substr(4));
            if (word.starts_with("scope="))
                address.scope = static_cast<std::uint8_t>(std::stoi(std::string{word.substr(6)}));
            if (word == "dad") address.nodad = false;
            if (word == "deprecated") address.deprecated = true;
            first = false;
        }
        addresses.push_back(std::move(address));
    }
    if (addresses.size() == 1) route->warm_up(addresses.front());  // changes nothing
    const auto failures = arguments[0] == "add" ? route->add(addresses) : route->remove(addresses);
    if (!failures) return report(failures.error());
    for (const auto& failure : *failures) {
        fmt::print("{{\"failed\":{},\"errno\":{}}}\n", failure.index, failure.sys_errno);
    }
    return 0;
}

int watch(const Arguments& /*arguments*/) {
    auto route = kernel::Rtnetlink::open();
    if (!route) return report(route.error());
    return serve(route->notification_fd(), [&] {
        const auto found = route->read_notifications();
        if (!found) return report(found.error()) == 0;
        for (const auto& notification : *found) fmt::print("{}\n", show(notification));
        return true;
    });
}

// vrrp-receive IF 4|6 GROUP|-
int vrrp_receive(const Arguments& arguments) {
    auto route = kernel::Rtnetlink::open();
    if (!route) return report(route.error());
    const auto index = index_of(*route, arguments[1]);
    if (!index) return report(index.error());
    auto receiver = kernel::VrrpReceiver::open(arguments[2] == "4" ? Family::V4 : Family::V6, arguments[1], *index,
                                               IpAddress::parse(arguments[3]).value_or(IpAddress{}));
    if (!receiver) return report(receiver.error());
    return serve(receiver->fd(), [&] {
        std::vector<kernel::ReceivedPacket> packets;
        std::vector<std::byte> room;
        for (;;) {
            const auto more = receiver->receive(packets, room);
            if (!more) return report(more.error()) == 0;
            if (!*more) break;
        }
        for (const auto& packet : packets) {
            fmt::print("{{\"from\":\"{}\",\"to\":\"{}\",\"ttl\":{},\"payload\":\"{}\"}}\n", packet.source.to_string(),
                       packet.destination.to_string(), packet.ttl, hex(packet.payload));
        }
        return true;
    });
}

// vrrp-send IF SOURCE DESTINATION TTL HEX COUNT
int vrrp_send(const Arguments& arguments) {
    auto route = kernel::Rtnetlink::open();
    if (!route) return report(route.error());
    const auto index = index_of(*route, arguments[1]);
    if (!index) return report(index.error());
    const auto source = IpAddress::parse(arguments[2]).value_or(IpAddress{});
    const auto destination = IpAddress::parse(arguments[3]).value_or(IpAddress{});
    auto sender = kernel::VrrpSender::open(source.family(), arguments[1], *index);
    if (!sender) return report(sender.error());
    const auto payload = from_hex(arguments[5]);
    for (int i = 0; i < std::stoi(arguments[6]); ++i) {
        const auto ttl = static_cast<std::uint8_t>(std::stoi(arguments[4]));
        sender->look_for_way(source, destination, ttl, payload, kernel::kVrrp);  // is not to be seen on the wire
        auto sent = sender->send(source, destination, ttl, payload);
        if (!sent) return report(sent.error());
    }
    return 0;
}

// frames IF HEX...
int frames(const Arguments& arguments) {
    auto route = kernel::Rtnetlink::open();
    if (!route) return report(route.error());
    const auto index = index_of(*route, arguments[1]);
    if (!index) return report(index.error());
    auto sender = kernel::FrameSender::open();
    if (!sender) return report(sender.error());
    std::vector<std::vector<std::byte>> all;
    for (std::size_t i = 2; i < arguments.size(); ++i) all.push_back(from_hex(arguments[i]));
    auto sent = sender->send(*index, all);
    return sent ? 0 : report(sent.error());
}

struct Command {
    std::size_t least_arguments;
    std::function<int(const Arguments&)> run;
};

}  // namespace
}  // namespace mainstay::probe_tool

int main(int argc, char** argv) {
    using namespace mainstay::probe_tool;
    const std::map<std::string_view, Command> commands{
        {"links", {1, list}},
        {"addresses", {1, list}},
        {"add", {2, change}},
        {"remove", {2, change}},
        {"watch", {1, watch}},
        {"vrrp-receive", {4, vrrp_receive}},
        {"vrrp-send", {7, vrrp_send}},
        {"frames", {2, frames}},
        {"ipvs-perform", {1, ipvs_perform}},
        {"ipvs-dump", {1, ipvs_dump}},
        {"ipvs-flush", {1, ipvs_flush}},
        {"bfd", {2, bfd_sessions}},
        {"ipvs-daemons", {3, ipvs_daemons}},
    };
    const Arguments arguments{argv + 1, argv + argc};
    const auto command = arguments.empty() ? commands.end() : commands.find(arguments[0]);
    if (command == commands.end() || arguments.size() < command->second.least_arguments) {
        std::fputs("usage: kernel_probe COMMAND ARGUMENTS (see tests/kernel/kernel_probe.cpp)\n", stderr);
        return 2;
    }
    return command->second.run(arguments);
}
