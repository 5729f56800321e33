// Two files as a pair, and what is said of them.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "mainstay/config/load.hpp"
#include "mainstay/config/tools/pair.hpp"

namespace mainstay::config::testing {

using Lines = std::vector<std::string>;

inline Lines render_all(const Config& a, const Config& b) {
    const PairNames names;
    Lines lines;
    for (const auto& finding : compare_pair(a, b, names)) {
        std::string text = render(finding, names, false);
        text.pop_back();
        lines.push_back(std::move(text));
    }
    return lines;
}

inline Config config_of(const std::string& text) {
    Loaded loaded = load_text("x.conf", text, {});
    REQUIRE(loaded.can_run());
    return std::move(loaded.config);
}

inline Lines compared(const std::string& a, const std::string& b) { return render_all(config_of(a), config_of(b)); }

// An instance with what a pair needs; `more` is added, `priority` and `state` as given.
inline std::string instance(const std::string& state, int priority, const std::string& more = {},
                            const std::string& name = "VI_1", int vrid = 51, const std::string& vip = "10.9.9.9/24",
                            const std::string& interface = "eth0") {
    return "vrrp_instance " + name + " {\nstate " + state + "\ninterface " + interface + "\nvirtual_router_id " +
           std::to_string(vrid) + "\npriority " + std::to_string(priority) + "\nvirtual_ipaddress {\n" + vip + "\n}\n" +
           more + "\n}\n";
}

}  // namespace mainstay::config::testing
