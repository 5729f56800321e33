// Checks whether the firewall accepts incoming VRRP: a chain that drops by default must have a rule that accepts IP
// protocol 112 (or everything, or the multicast group). This is a heuristic, because rules may have any conditions.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "doctor.hpp"

namespace mainstay::cli {
namespace {

using nlohmann::json;

constexpr int kVrrpProtocol = 112;

bool names_vrrp(const json& value) {
    if (value.is_string()) {
        const auto& text = value.get_ref<const std::string&>();
        return text == "vrrp" || text == "112" || text.starts_with("224.0.0.");
    }
    if (value.is_number_integer()) return value.get<std::int64_t>() == kVrrpProtocol;
    if (value.is_object()) {
        if (const auto set = value.find("set"); set != value.end()) return names_vrrp(*set);
        if (const auto prefix = value.find("prefix"); prefix != value.end() && prefix->is_object()) {
            const auto address = prefix->find("addr");
            return address != prefix->end() && address->is_string() &&
                   address->get_ref<const std::string&>().starts_with("224.0.0.");
        }
        return false;
    }
    return value.is_array() && std::ranges::any_of(value, [](const json& entry) {
               return entry.is_string() ? names_vrrp(entry)
                                        : entry.is_number_integer() && entry.get<std::int64_t>() == kVrrpProtocol;
           });
}

// Accepts VRRP, or everything that arrives on an interface that is not the loopback.
bool lets_vrrp_in(const json& expressions) {
    bool accepts = false, vrrp = false, narrow = false;
    for (const auto& expression : expressions) {
        if (!expression.is_object()) continue;
        if (expression.contains("accept")) accepts = true;
        if (const auto match = expression.find("match"); match != expression.end() && match->is_object()) {
            const json right = match->value("right", json{});
            const std::string left = match->value("left", json{}).dump();
            if (names_vrrp(right))
                vrrp = true;
            else if (left.find("iifname") == std::string::npos || right == "lo")
                narrow = true;
        }
    }
    return accepts && (vrrp || !narrow);
}

std::string place_of(const json& object) {
    return fmt::format("{} {}", object.value("family", ""), object.value("table", ""));
}

// firewalld's way: the chain accepts by default, but its last rule turns away what came as far.
bool turns_away_the_rest(const json& objects, const json& chain) {
    return std::ranges::any_of(objects, [&](const json& other) {
        const auto rule = other.find("rule");
        if (rule == other.end() || place_of(*rule) != place_of(chain) || !rule->contains("expr") ||
            rule->value("chain", "") != chain.value("name", "")) {
            return false;
        }
        bool away = false;
        for (const auto& expression : (*rule)["expr"]) {
            if (!expression.is_object() || expression.contains("match")) return false;
            away = away || expression.contains("drop") || expression.contains("reject");
        }
        return away;
    });
}

}  // namespace

std::vector<std::string> nft_drops_vrrp(std::string_view ruleset_json) {
    std::vector<std::string> dropping;
    const json ruleset = json::parse(ruleset_json, nullptr, false);
    if (!ruleset.is_object() || !ruleset.contains("nftables") || !ruleset["nftables"].is_array()) return dropping;
    const json& objects = ruleset["nftables"];
    try {
        for (const auto& entry : objects) {
            const auto chain = entry.find("chain");
            if (chain == entry.end() || chain->value("hook", "") != "input" || chain->value("type", "") != "filter") {
                continue;
            }
            const std::string family = chain->value("family", "");
            if (family != "ip" && family != "inet") continue;
            if (chain->value("policy", "") != "drop" && !turns_away_the_rest(objects, *chain)) continue;
            // A rule of any chain of the table counts: the input chain may jump to it.
            const bool accepted = std::ranges::any_of(objects, [&](const json& other) {
                const auto rule = other.find("rule");
                return rule != other.end() && place_of(*rule) == place_of(*chain) && rule->contains("expr") &&
                       lets_vrrp_in((*rule)["expr"]);
            });
            if (!accepted) {
                dropping.push_back(fmt::format("nft table {} chain {} drops by default and has no rule for VRRP",
                                               place_of(*chain), chain->value("name", "")));
            }
        }
    } catch (const json::exception&) {
        return dropping;  // a member of another type than nft writes: nothing can be said of the rest
    }
    return dropping;
}

std::vector<std::string> iptables_drops_vrrp(std::string_view saved) {
    std::istringstream lines{std::string{saved}};
    std::string line, table;
    bool drops = false, accepts = false;
    while (std::getline(lines, line)) {
        if (line.starts_with("*")) table = line.substr(1);
        if (table != "filter") continue;
        if (line.starts_with(":INPUT DROP")) drops = true;
        if (!line.starts_with("-A ") || line.find("-j ACCEPT") == std::string::npos) continue;
        const bool vrrp = line.find("-p vrrp") != std::string::npos || line.find("-p 112") != std::string::npos ||
                          line.find("-d 224.0.0.") != std::string::npos;
        if (vrrp || line == "-A INPUT -j ACCEPT") accepts = true;
    }
    if (!drops || accepts) return {};
    return {"iptables chain INPUT drops by default and has no rule for VRRP"};
}

}  // namespace mainstay::cli
