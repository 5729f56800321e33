// The small valid files in which the tests make one slip each, and the host that they are tested on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mainstay/config/load.hpp"

namespace mainstay::config::testing {

inline constexpr std::string_view kVrrp =
    "vrrp_instance VI_1 {\n"
    "    state BACKUP\n"
    "    interface eth0\n"
    "    virtual_router_id 51\n"
    "    priority 100\n"
    "    advert_int 1\n"
    "    authentication {\n"
    "        auth_type PASS\n"
    "        auth_pass 1111\n"
    "    }\n"
    "    virtual_ipaddress {\n"
    "        10.9.9.9/24\n"
    "    }\n"
    "}\n";

inline constexpr std::string_view kLvs =
    "virtual_server 10.9.9.9 80 {\n"
    "    delay_loop 6\n"
    "    lb_algo rr\n"
    "    lb_kind DR\n"
    "    protocol TCP\n"
    "    real_server 10.1.1.1 80 {\n"
    "        weight 1\n"
    "        TCP_CHECK {\n"
    "            connect_timeout 3\n"
    "        }\n"
    "    }\n"
    "}\n";

inline const std::string kVrrpFile{kVrrp}, kLvsFile{kLvs};

// `text` with its line `number` (from 1) replaced; an empty replacement removes it.
inline std::string with_line(std::string_view text, int number, std::string_view replacement) {
    std::string out;
    for (int line = 1; !text.empty(); ++line) {
        const std::size_t end = text.find('\n') + 1;
        if (line != number)
            out += text.substr(0, end);
        else if (!replacement.empty())
            out += std::string{replacement} + "\n";
        text.remove_prefix(end);
    }
    return out;
}
inline std::string vrrp(int line, std::string_view replacement) { return with_line(kVrrp, line, replacement); }
inline std::string lvs(int line, std::string_view replacement) { return with_line(kLvs, line, replacement); }

// eth0 and eth1 exist; so do /bin/true and /bin/writable (which others may change), and the users root and web.
inline Environment host() {
    Environment environment;
    environment.interface_called = [](std::string_view name) {
        return std::string{name == "lo" || name == "eth0" || name == "eth1" ? name : ""};
    };
    environment.account_exists = [](std::string_view user, std::string_view group) {
        return (user == "root" || user == "web") && (group.empty() || group == "web");
    };
    environment.script_facts = [](const Command& command, const Global&) {
        Environment::ScriptFacts facts;
        const std::string& path = command.argv.front();
        facts.found = path == "/bin/true" || path == "/bin/writable" || path == "killall" || path == "pidof" ||
                      path == "/bin/plain";
        facts.executable = path != "/bin/plain";
        facts.insecure = path == "/bin/writable";
        facts.resolved = path;
        return facts;
    };
    environment.host_name = "director";
    environment.host_resolves = [](std::string_view name) { return name == "mail.example.com"; };
    return environment;
}

// One line per diagnostic: "7:5 error MS0201 message".
inline std::vector<std::string> lines_of(const Loaded& loaded) {
    std::vector<std::string> lines;
    constexpr const char* kNames[] = {"note", "warning", "error", "fatal"};
    for (const Diagnostic& d : loaded.diagnostics) {
        std::string code = std::to_string(d.code);
        code.insert(0, 4 - std::min<std::size_t>(code.size(), 4), '0');
        lines.push_back(std::to_string(d.place.line) + ":" + std::to_string(d.place.column) + " " +
                        kNames[static_cast<std::size_t>(d.severity)] + " MS" + code + " " + d.message);
    }
    return lines;
}

inline Loaded load_sample(std::string text) { return load_text("ha.conf", std::move(text), host()); }

}  // namespace mainstay::config::testing
