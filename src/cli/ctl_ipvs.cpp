#include <fstream>

#include "ctl.hpp"
#include "ipvs_table.hpp"
#include "mainstay/kernel/ipvs.hpp"
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
    if (!socket) return std::unexpected{std::move(socket.error())};
    auto services = socket->services();
    if (!services) return std::unexpected{std::move(services.error())};
    std::vector<IpvsTableEntry> table;
    for (auto& service : *services) {
        auto destinations = socket->destinations(service.service.key);
        if (!destinations) return std::unexpected{std::move(destinations.error())};
        table.push_back({std::move(service), std::move(*destinations)});
    }
    return table;
}

}  // namespace

int ctl_ipvs(bool stats) {
    auto table = read_table();
    if (!table) {
        print_error("mainstayctl: " + table.error().text() + "\n");
        return 1;
    }
    const std::string text = format_ipvs_table(headline(), std::move(*table), stats);
    print(text);
    return 0;
}

}  // namespace mainstay::cli
