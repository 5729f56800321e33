// mainstay-realserver up|down|status VIP..., mss SIZE VIP...
#include <string>
#include <vector>

#include "output.hpp"
#include "realserver.hpp"

namespace {

using namespace mainstay;

constexpr int kNotUp = 1, kUsage = 2;

constexpr const char* kHelp =
    "usage: mainstay-realserver up|down VIP...\n"
    "       mainstay-realserver status [VIP...]\n"
    "       mainstay-realserver mss SIZE VIP... | nft -f -\n"
    "\n"
    "Prepare a real server for LVS direct routing: `up` adds the virtual addresses to lo as /32 or /128 and stops ARP\n"
    "answers for them (arp_ignore 1, arp_announce 2 on lo and all). `down` removes an address; removing the last IPv4\n"
    "address restores the earlier ARP settings. `status` without addresses checks those that `up` has added. `mss` "
    "changes\n"
    "nothing: it prints rules of nftables by which the addresses ask their clients for TCP segments of at most SIZE "
    "bytes,\n"
    "so that they fit into a tunnel; a director's `mainstayctl ipvs --mtu` shows the size.\n"
    "\n"
    "Exit status: 0 done, or everything is set up; 1 failed, or something is missing; 2 wrong usage.\n";

int usage(const std::string& why) {
    cli::print_error("mainstay-realserver: " + why + "\n" + kHelp);
    return kUsage;
}

int run(int argc, char** argv) {
    const std::vector<std::string> words{argv + (argc > 0 ? 1 : 0), argv + argc};
    if (words.empty()) return usage("no action given: up, down, status or mss");
    for (const std::string& word : words) {
        if (word == "-h" || word == "--help") {
            cli::print(kHelp);
            return 0;
        }
        if (word.starts_with('-')) return usage("unknown option " + word);
    }
    const std::string& action = words.front();
    if (action != "up" && action != "down" && action != "status" && action != "mss")
        return usage("unknown action '" + action + "'");
    const std::size_t first_vip = action == "mss" ? 2 : 1;
    if (action == "mss" && words.size() == 1) return usage("mss needs a size, and at least one address");
    if (words.size() == first_vip && action != "status") return usage(action + " needs at least one address");

    std::vector<Prefix> vips;
    for (std::size_t i = first_vip; i < words.size(); ++i) {
        const auto vip = cli::parse_virtual_address(words[i]);
        if (!vip) return usage(vip.error().text());
        vips.push_back(*vip);
    }
    if (action == "mss") {
        const auto mss = cli::parse_mss(words[1]);
        if (!mss) return usage(mss.error().text());
        cli::print(cli::mss_rules(*mss, vips));
        return 0;
    }
    const auto report = action == "up"     ? cli::real_server_up(vips)
                        : action == "down" ? cli::real_server_down(vips)
                                           : cli::real_server_status(vips);
    if (!report) {
        cli::print_error("mainstay-realserver: " + report.error().text() + "\n");
        return kNotUp;
    }
    for (const std::string& line : report->lines) cli::print(line + "\n");
    return report->right ? 0 : kNotUp;
}

}  // namespace

int main(int argc, char** argv) { return cli::finish_output("mainstay-realserver", run(argc, argv), kNotUp); }
