#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "ctl.hpp"
#include "flow.hpp"
#include "ipvs_mtu.hpp"
#include "ipvs_table.hpp"
#include "mainstay/kernel/boot_configuration.hpp"
#include "mainstay/kernel/ipvs.hpp"
#include "mainstay/kernel/path_mtu.hpp"
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
    size.connections = ipvs_connections(std::string{std::istreambuf_iterator<char>{file}, {}});
    return size;
}

int fail_with(const std::string& problem) {
    print_error("mainstayctl: " + problem + "\n");
    return 1;
}

}  // namespace

int ctl_flow(const std::string& client, const std::string& service, bool udp) {
    const auto from = endpoint_from(client), to = endpoint_from(service);
    if (!from || !to)
        return fail_with(fmt::format("'{}' is no address with a port, such as 192.0.2.1:40000 or [2001:db8::1]:40000",
                                     from ? service : client));
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

}  // namespace mainstay::cli
