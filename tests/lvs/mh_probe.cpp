// Tells what the calculator of `mh` says, for tests that compare it with a kernel: reads from standard input
//
//     table SIZE [fallback] [port]           a table begins
//     server ADDRESS PORT LAST_WEIGHT WEIGHT in the order of the kernel's list
//     flow ADDRESS PORT                      answered with ADDRESS PORT of the server, or "none"
#include <fmt/format.h>

#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "mainstay/lvs/mh_table.hpp"

using namespace mainstay;

namespace {

struct Asked {
    std::uint32_t size = lvs::kMhUsualTableSize;
    lvs::MhFlags flags;
    std::vector<lvs::MhDestination> servers;
    std::vector<bool> available;
    std::optional<lvs::MhTable> table;
};

Endpoint read_endpoint(std::istream& in) {
    std::string address;
    unsigned port = 0;
    in >> address >> port;
    return {IpAddress::parse(address).value_or(IpAddress{}), static_cast<std::uint16_t>(port)};
}

std::string answer(Asked& asked, const Endpoint& client) {
    if (!asked.table) asked.table.emplace(asked.servers, asked.size);
    const auto chosen = asked.table->choose(client, asked.flags, [&](std::size_t n) { return asked.available[n]; });
    if (!chosen) return "none";
    const auto& server = asked.servers[*chosen].endpoint;
    return fmt::format("{} {}", server.address.to_string(), server.port);
}

}  // namespace

int main() {
    Asked asked;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream in{line};
        std::string command;
        in >> command;
        if (command == "table") {
            asked = {};
            in >> asked.size;
            for (std::string word; in >> word;) (word == "port" ? asked.flags.port : asked.flags.fallback) = true;
        } else if (command == "server") {
            const auto endpoint = read_endpoint(in);
            std::uint32_t last = 0, weight = 0;
            in >> last >> weight;
            asked.servers.push_back({endpoint, last});
            asked.available.push_back(weight > 0);
        } else if (command == "flow") {
            fmt::print("{}\n", answer(asked, read_endpoint(in)));
        }
    }
    return 0;
}
