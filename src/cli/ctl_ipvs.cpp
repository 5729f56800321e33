#include "ctl_ipvs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <iterator>

#include "ctl.hpp"
#include "flow.hpp"
#include "ipvs_mtu.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/kernel/ipvs.hpp"
#include "mainstay/kernel/kernel_release.hpp"
#include "mainstay/kernel/local_address.hpp"
#include "mainstay/lvs/mh_table.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

// Version and table size of the kernel, in ipvsadm's own words.
std::string headline() {
    std::ifstream file{"/proc/net/ip_vs"};
    std::string line;
    return std::getline(file, line) ? line : "IP Virtual Server";
}

Result<std::vector<IpvsTableEntry>> read_table() {
    auto socket = kernel::IpvsSocket::open();
    if (!socket) return error_of(socket);
    auto services = socket->services();
    if (!services) return error_of(services);
    std::vector<IpvsTableEntry> table;
    for (auto& service : *services) {
        auto destinations = socket->destinations(service.service.key);
        if (!destinations) return error_of(destinations);
        table.push_back({std::move(service), std::move(*destinations)});
    }
    return table;
}

TableSize table_size() {
    TableSize size{.configured = lvs::mh_table_size(kernel::boot_configuration())};
    if (size.configured) return size;
    std::ifstream file{"/proc/net/ip_vs_conn"};
    size.connections = netlink::ipvs_connections(std::string{std::istreambuf_iterator<char>{file}, {}});
    return size;
}

int fail_with(const std::string& problem, int exit_code = 1) {
    print_error("mainstayctl: " + problem + "\n");
    return exit_code;
}

}  // namespace

int ctl_flow(const std::string& client, const std::string& service, bool udp) {
    const auto from = endpoint_from(client), to = endpoint_from(service);
    if (!from || !to)
        return fail_with(fmt::format("'{}' is no address with a port, such as 192.0.2.1:40000 or [2001:db8::1]:40000",
                                     from ? service : client),
                         kUsage);
    const auto table = read_table();
    if (!table) return fail_with(table.error().text());
    constexpr std::uint8_t kTcp = 6, kUdp = 17;
    const auto lines = explain_flow(*table, {*from, *to, udp ? kUdp : kTcp}, table_size());
    if (!lines) return fail_with(lines.error().text());
    std::string out;
    for (const auto& line : *lines) out += (out.empty() ? "" : "  ") + line + "\n";
    print(out);
    return 0;
}

int ctl_ipvs(bool stats) {
    auto table = read_table();
    if (!table) return fail_with(table.error().text());
    const std::string text = format_ipvs_table(headline(), std::move(*table), stats);
    print(text);
    return 0;
}

int ctl_ipvs_mtu() {
    auto table = read_table();
    if (!table) return fail_with(table.error().text());
    print(format_ipvs_mtu(std::move(*table), kernel::path_mtu));
    return 0;
}

namespace {

using netlink::IpvsDestinationEntry;
using netlink::IpvsServiceKey;

constexpr std::uint32_t kAllOnes = 0xffffffff, kIpv6Full = 128;

// sh and mh have names for their flags; a flag without a name leaves empty parentheses, as ipvsadm does.
std::string scheduler_flags(const netlink::IpvsService& service) {
    constexpr std::array kBits{config::kFlag1, config::kFlag2, config::kFlag3};
    std::array<const char*, kBits.size()> names{"flag-1", "flag-2", "flag-3"};
    if (service.scheduler == "sh") names = {"sh-fallback", "sh-port", nullptr};
    if (service.scheduler == "mh") names = {"mh-fallback", "mh-port", nullptr};
    if ((service.flags & (config::kFlag1 | config::kFlag2 | config::kFlag3)) == 0) return {};
    std::vector<const char*> set;
    for (std::size_t i = 0; i < kBits.size(); ++i) {
        if ((service.flags & kBits[i]) != 0 && names[i] != nullptr) set.push_back(names[i]);
    }
    return fmt::format(" ({})", fmt::join(set, ","));
}

std::string dotted(std::uint32_t mask) { return IpAddress::v4(mask).to_string(); }

std::string service_line(const netlink::IpvsService& service) {
    std::string line = fmt::format("{:<4} {} {}{}", protocol_name(service.key), service_name(service.key),
                                   service.scheduler, scheduler_flags(service));
    if ((service.flags & netlink::kIpvsPersistent) != 0) {
        line += fmt::format(" persistent {}", service.timeout_s);
        const bool v6 = service.key.family == Family::V6;
        if (v6 && service.netmask != kIpv6Full) line += fmt::format(" mask {}", service.netmask);
        if (!v6 && service.netmask != kAllOnes) line += " mask " + dotted(service.netmask);
        if (!service.engine.empty()) line += " pe " + service.engine;
    }
    if ((service.flags & netlink::kIpvsOnePacket) != 0) line += " ops";
    return line + "\n";
}

// Nine columns: whole, in thousands, millions or thousands of millions.
std::string large(std::uint64_t number) {
    if (number < 100'000'000) return fmt::format("{:>9}", number);
    if (number < 100'000'000'000) return fmt::format("{:>8}K", number / 1'000);
    if (number < 100'000'000'000'000) return fmt::format("{:>8}M", number / 1'000'000);
    return fmt::format("{:>8}G", number / 1'000'000'000);
}

std::string numbers(const netlink::IpvsStats& stats) {
    return large(stats.connections) + large(stats.in_packets) + large(stats.out_packets) + large(stats.in_bytes) +
           large(stats.out_bytes) + "\n";
}

// ipvsadm subtracts IPv4 addresses as 32-bit numbers and looks at the sign: 200.0.0.1 comes before 9.0.0.1.
int compare(const IpAddress& a, const IpAddress& b) {
    if (a.is_v4() && b.is_v4()) return static_cast<std::int32_t>(a.v4_host_order() - b.v4_host_order());
    return std::memcmp(a.bytes().data(), b.bytes().data(), std::min(a.bytes().size(), b.bytes().size()));
}

int compare(const IpvsServiceKey& a, const IpvsServiceKey& b) {
    if (a.fwmark != b.fwmark) return a.fwmark < b.fwmark ? -1 : 1;
    if (a.family != b.family) return a.family < b.family ? -1 : 1;
    if (a.protocol != b.protocol) return a.protocol < b.protocol ? -1 : 1;
    if (const int order = compare(a.address, b.address); order != 0) return order;
    return int{a.port} - int{b.port};
}

// The C library's merge sort, because that order of addresses is not transitive: any other sort would give another
// result, and std::sort may even leave its range.
template <class T, class Key>
void sort_like_c(std::vector<T>& items, const Key& key) {
    if (items.size() < 2) return;
    const auto middle = items.begin() + static_cast<std::ptrdiff_t>(items.size() / 2);
    std::vector<T> left{std::make_move_iterator(items.begin()), std::make_move_iterator(middle)};
    std::vector<T> right{std::make_move_iterator(middle), std::make_move_iterator(items.end())};
    sort_like_c(left, key);
    sort_like_c(right, key);
    items.clear();
    std::size_t l = 0, r = 0;
    while (l < left.size() && r < right.size()) {
        const bool take_left = compare(key(left[l]), key(right[r])) <= 0;
        items.push_back(std::move(take_left ? left[l++] : right[r++]));
    }
    for (; l < left.size(); ++l) items.push_back(std::move(left[l]));
    for (; r < right.size(); ++r) items.push_back(std::move(right[r]));
}

IpvsServiceKey destination_key(const IpvsDestinationEntry& entry) {
    return {.address = entry.destination.endpoint.address, .port = entry.destination.endpoint.port};
}

}  // namespace

std::string protocol_name(const IpvsServiceKey& key) {
    if (key.fwmark != 0) return "FWM";
    const std::string_view name = netlink::protocol_name(key.protocol);
    return std::string{name.empty() ? "???" : name};
}

std::string service_name(const IpvsServiceKey& key) {
    if (key.fwmark == 0) return Endpoint{key.address, key.port}.to_string();
    return fmt::format("{}{}", key.fwmark, key.family == Family::V6 ? " IPv6" : "");
}

const char* forwarding_name(std::uint32_t forwarding) {
    switch (forwarding) {
        case 0:
            return "Masq";
        case 1:
            return "Local";
        case 2:
            return "Tunnel";
        case 3:
            return "Route";
        case 4:
            return "Bypass";
        default:
            return "???";
    }
}

void sort_like_ipvsadm(std::vector<IpvsTableEntry>& table) {
    sort_like_c(table, [](const IpvsTableEntry& entry) { return entry.service.service.key; });
    for (auto& entry : table) sort_like_c(entry.destinations, destination_key);
}

std::string format_ipvs_table(std::string_view headline, std::vector<IpvsTableEntry> table, bool stats) {
    std::string out = std::string{headline} + "\n";
    out += stats ? "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n"
                   "  -> RemoteAddress:Port\n"
                 : "Prot LocalAddress:Port Scheduler Flags\n"
                   "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n";
    sort_like_ipvsadm(table);
    for (const auto& entry : table) {
        const auto& service = entry.service.service;
        out += stats ? fmt::format("{:<4} {:<28}{}", protocol_name(service.key), service_name(service.key),
                                   numbers(entry.service.stats))
                     : service_line(service);
        for (const auto& server : entry.destinations) {
            const std::string name = server.destination.endpoint.to_string();
            out += stats ? fmt::format("  -> {:<28}{}", name, numbers(server.stats))
                         : fmt::format("  -> {:<28} {:<7} {:<6} {:<10} {:<10}\n", name,
                                       forwarding_name(server.destination.forwarding), server.destination.weight,
                                       server.active, server.inactive);
        }
    }
    return out;
}

}  // namespace mainstay::cli
