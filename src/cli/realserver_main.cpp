// mainstay-realserver up|down|status VIP...
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
    "\n"
    "Prepare a real server for LVS direct routing: `up` adds the virtual addresses to lo as /32 or /128 and stops ARP\n"
    "answers for them (arp_ignore 1, arp_announce 2 on lo and all). `down` removes an address; removing the last IPv4\n"
    "address restores the earlier ARP settings. `status` without addresses checks those that `up` has added.\n"
    "\n"
    "Exit status: 0 done, or everything is set up; 1 failed, or something is missing; 2 wrong usage.\n";

int usage(const std::string& why) {
    cli::print_error("mainstay-realserver: " + why + "\n" + kHelp);
    return kUsage;
}

int run(int argc, char** argv) {
    const std::vector<std::string> words{argv + (argc > 0 ? 1 : 0), argv + argc};
    if (words.empty()) return usage("no action given: up, down or status");
    for (const std::string& word : words) {
        if (word == "-h" || word == "--help") {
            cli::print(kHelp);
            return 0;
        }
        if (word.starts_with('-')) return usage("unknown option " + word);
    }
    const std::string& action = words.front();
    if (action != "up" && action != "down" && action != "status") return usage("unknown action '" + action + "'");
    if (words.size() == 1 && action != "status") return usage(action + " needs at least one address");

    std::vector<Prefix> vips;
    for (std::size_t i = 1; i < words.size(); ++i) {
        const auto vip = cli::parse_virtual_address(words[i]);
        if (!vip) return usage(vip.error().text());
        vips.push_back(*vip);
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
