// Checks whether the firewall lets VRRP pass: a chain that drops by default must have a rule that accepts IP protocol
// 112 (or everything, or the multicast group), and no rule may drop VRRP that none before it accepts. This is a
// heuristic, because rules may have any conditions. Each address family is looked at by itself: a rule for one lets
// nothing of the other pass.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <sstream>

#include "doctor.hpp"

namespace mainstay::cli {
namespace {

using nlohmann::json;

constexpr int kVrrpProtocol = 112;

constexpr std::string_view kGroup6 = "ff02::12";

bool names_vrrp(const json& value) {
    if (value.is_string()) {
        const auto& text = value.get_ref<const std::string&>();
        return text == "vrrp" || text == "112" || text.starts_with("224.0.0.") || text == kGroup6;
    }
    if (value.is_number_integer()) return value.get<std::int64_t>() == kVrrpProtocol;
    if (value.is_object()) {
        if (const auto set = value.find("set"); set != value.end()) return names_vrrp(*set);
        if (const auto prefix = value.find("prefix"); prefix != value.end() && prefix->is_object()) {
            const auto address = prefix->find("addr");
            if (address == prefix->end() || !address->is_string()) return false;
            const auto& text = address->get_ref<const std::string&>();
            return text.starts_with("224.0.0.") || text == "ff02::" || text == "ff00::" || text == kGroup6;
        }
        return false;
    }
    return value.is_array() && std::ranges::any_of(value, [](const json& entry) {
               return entry.is_string() ? names_vrrp(entry)
                                        : entry.is_number_integer() && entry.get<std::int64_t>() == kVrrpProtocol;
           });
}

// A condition that asks for the family and nothing else, as nfproto does; None: another one.
Family family_asked(const json& match) {
    const json right = match.value("right", json{});
    const std::string left = match.value("left", json{}).dump();
    const bool asks =
        left.find(R"("nfproto")") != std::string::npos || left.find(R"("key":"protocol")") != std::string::npos;
    if (!asks || match.value("op", "==") == "!=") return Family::None;
    if (right == "ipv4" || right == "ip") return Family::V4;
    return right == "ipv6" || right == "ip6" ? Family::V6 : Family::None;
}

// A table sees packets of its own family; inet is both.
bool sees(const std::string& table_family, Family family) {
    return table_family == "inet" || table_family == (family == Family::V4 ? "ip" : "ip6");
}

// Whether packets of the family come to a rule of the table and past its conditions on the family; `ip saddr` is one.
bool is_for(Family family, const json& rule) {
    if (!sees(rule.value("family", ""), family)) return false;
    const Family other = family == Family::V4 ? Family::V6 : Family::V4;
    const char* header = family == Family::V4 ? R"("protocol":"ip6")" : R"("protocol":"ip")";
    return std::ranges::none_of(rule["expr"], [&](const json& expression) {
        const auto match = expression.is_object() ? expression.find("match") : expression.end();
        return match != expression.end() && match->is_object() &&
               (family_asked(*match) == other || match->value("left", json{}).dump().find(header) != std::string::npos);
    });
}

const char* of_family(Family family) { return family == Family::V6 ? " of IPv6" : ""; }

struct Acceptance {
    bool accepts = false;
    bool vrrp = false;    // a condition names VRRP
    bool narrow = false;  // another condition is more than an interface other than the loopback
    // Accepts VRRP, or everything that arrives on an interface that is not the loopback.
    [[nodiscard]] bool lets_vrrp_in() const { return accepts && (vrrp || !narrow); }
};
Acceptance acceptance_of(const json& expressions) {
    Acceptance rule;
    for (const auto& expression : expressions) {
        if (!expression.is_object()) continue;
        if (expression.contains("accept")) rule.accepts = true;
        if (const auto match = expression.find("match"); match != expression.end() && match->is_object()) {
            const json right = match->value("right", json{});
            const std::string left = match->value("left", json{}).dump();
            if (names_vrrp(right))
                rule.vrrp = true;
            else if (family_asked(*match) == Family::None &&
                     (left.find("iifname") == std::string::npos || right == "lo"))
                rule.narrow = true;
        }
    }
    return rule;
}

// An interface on which no instance runs; interfaces: those of the instances, none if they are not known.
bool is_elsewhere(const std::string& interface, std::span<const std::string> interfaces) {
    return !interfaces.empty() && std::ranges::find(interfaces, interface) == interfaces.end();
}

bool is_comment(const json& xt) { return xt.is_object() && xt.value("name", "") == "comment"; }

// How a condition of a rule is said; null: one that is not known.
const char* word_of(const std::string& left) {
    if (left.find("saddr") != std::string::npos) return "from";
    if (left.find("ifname") != std::string::npos) return "on";
    return nullptr;
}

bool names_vrrp_of_iptables(const std::string& line) {
    return line.find("-p vrrp") != std::string::npos || line.find("-p 112") != std::string::npos ||
           line.find("-d 224.0.0.") != std::string::npos || line.find("-d ff02::12/") != std::string::npos;
}

std::string without_prefix(const std::string& address) {
    for (const std::string_view host : {"/32", "/128"})
        if (address.ends_with(host) && (host == "/128" || address.find(':') == std::string::npos))
            return address.substr(0, address.size() - host.size());
    return address;
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

// Which packets of VRRP a rule drops or rejects: "VRRP", "VRRP from 192.0.2.3"; empty: none, or only some, by
// conditions that this does not know. What is dropped from all but one address is no mistake: the one is the peer's.
std::string dropped_vrrp(const json& expressions, std::span<const std::string> interfaces) {
    bool drops = false, vrrp = false;
    std::string where;
    for (const auto& expression : expressions) {
        if (!expression.is_object()) return {};
        if (expression.contains("drop") || expression.contains("reject")) drops = true;
        if (const auto xt = expression.find("xt"); xt != expression.end() && !is_comment(*xt)) return {};
        if (expression.contains("limit")) return {};
        const auto match = expression.find("match");
        if (match == expression.end()) continue;
        const json right = match->value("right", json{});
        const std::string left = match->value("left", json{}).dump();
        if (match->value("op", "==") == "!=") return {};
        if (names_vrrp(right)) {
            vrrp = true;
        } else if (family_asked(*match) != Family::None) {
            continue;  // the rule is for the family
        } else if (const char* word = word_of(left); word != nullptr && right.is_string()) {
            if (std::string_view{word} == "on" && is_elsewhere(right.get<std::string>(), interfaces)) return {};
            where += fmt::format(" {} {}", word, right.get<std::string>());
        } else {
            return {};
        }
    }
    return drops && vrrp ? "VRRP" + where : std::string{};
}

// The hook from which each chain of a table is reached: its own, or that of the chain that jumps to it.
std::map<std::string, std::string> hooks_of(const json& objects, const std::string& table) {
    std::map<std::string, std::string> hooks;
    for (const auto& entry : objects)
        if (const auto chain = entry.find("chain"); chain != entry.end() && place_of(*chain) == table)
            if (const std::string hook = chain->value("hook", ""); !hook.empty())
                hooks[chain->value("name", "")] = hook;
    for (std::size_t before = 0; before != hooks.size();) {
        before = hooks.size();
        for (const auto& entry : objects) {
            const auto rule = entry.find("rule");
            if (rule == entry.end() || place_of(*rule) != table || !rule->contains("expr")) continue;
            const auto from = hooks.find(rule->value("chain", ""));
            if (from == hooks.end()) continue;
            const std::string hook = from->second;
            for (const auto& expression : (*rule)["expr"])
                for (const char* verdict : {"jump", "goto"})
                    if (expression.is_object() && expression.contains(verdict))
                        hooks.emplace(expression[verdict].value("target", ""), hook);
        }
    }
    return hooks;
}

// Rules that drop VRRP by name, unless a rule before them accepts it in some way.
void find_dropping_rules(const json& objects, std::span<const std::string> interfaces, Family family,
                         std::vector<std::string>& dropping) {
    std::map<std::string, std::map<std::string, std::string>> tables;
    std::set<std::string> accepted;  // a table and a hook: a rule that was read accepts VRRP there
    for (const auto& entry : objects) {
        const auto rule = entry.find("rule");
        if (rule == entry.end() || !rule->contains("expr")) continue;
        const std::string table = place_of(*rule), chain = rule->value("chain", "");
        if (!is_for(family, *rule)) continue;
        if (!tables.contains(table)) tables[table] = hooks_of(objects, table);
        const std::string hook = tables[table].contains(chain) ? tables[table][chain] : "";
        if (const auto found = acceptance_of((*rule)["expr"]); found.accepts && found.vrrp)
            accepted.insert(table + hook);
        const std::string what = dropped_vrrp((*rule)["expr"], interfaces);
        if (what.empty() || accepted.contains(table + hook)) continue;
        if (hook == "input" || hook == "prerouting")
            dropping.push_back(fmt::format("nft table {} chain {} has a rule that drops {}", table, chain, what));
        if (hook == "output" || hook == "postrouting")
            dropping.push_back(
                fmt::format("nft table {} chain {} has a rule that drops {} on its way out", table, chain, what));
    }
}

// One line of iptables-save, as dropped_vrrp.
std::string dropped_by_iptables(const std::string& line, std::span<const std::string> interfaces) {
    const bool drops = line.find(" -j DROP") != std::string::npos || line.find(" -j REJECT") != std::string::npos;
    if (!drops || !names_vrrp_of_iptables(line) || line.find(" ! ") != std::string::npos) return {};
    std::istringstream words{line};
    std::string word, value, where;
    while (words >> word) {
        if (word == "-m") return {};
        for (const auto& [option, says] : {std::pair{"-s", "from"}, std::pair{"-i", "on"}, std::pair{"-o", "on"}})
            if (word == option && words >> value) {
                if (word != "-s" && is_elsewhere(value, interfaces)) return {};
                where += fmt::format(" {} {}", says, without_prefix(value));
            }
    }
    return "VRRP" + where;
}

}  // namespace

std::vector<std::string> nft_drops_vrrp(std::string_view ruleset_json, std::span<const std::string> interfaces,
                                        Family family) {
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
            if (!sees(chain->value("family", ""), family)) continue;
            if (chain->value("policy", "") != "drop" && !turns_away_the_rest(objects, *chain)) continue;
            // A rule of any chain of the table counts: the input chain may jump to it.
            const bool accepted = std::ranges::any_of(objects, [&](const json& other) {
                const auto rule = other.find("rule");
                return rule != other.end() && place_of(*rule) == place_of(*chain) && rule->contains("expr") &&
                       is_for(family, *rule) && acceptance_of((*rule)["expr"]).lets_vrrp_in();
            });
            if (!accepted) {
                dropping.push_back(fmt::format("nft table {} chain {} drops by default and has no rule for VRRP{}",
                                               place_of(*chain), chain->value("name", ""), of_family(family)));
            }
        }
        find_dropping_rules(objects, interfaces, family, dropping);
    } catch (const json::exception&) {
        return dropping;  // a member of another type than nft writes: nothing can be said of the rest
    }
    return dropping;
}

std::vector<std::string> iptables_drops_vrrp(std::string_view saved, std::span<const std::string> interfaces,
                                             Family family) {
    const char* program = family == Family::V4 ? "iptables" : "ip6tables";
    std::istringstream lines{std::string{saved}};
    std::vector<std::string> dropping;
    std::string line, table;
    bool drops = false, accepts = false;
    while (std::getline(lines, line)) {
        if (line.starts_with("*")) table = line.substr(1);
        if (line.starts_with("-A ") && !accepts)
            if (const std::string what = dropped_by_iptables(line, interfaces); !what.empty()) {
                const std::string chain = line.substr(3, line.find(' ', 3) - 3);
                const bool leaves = chain == "OUTPUT" || chain == "POSTROUTING";
                if (chain != "FORWARD")
                    dropping.push_back(fmt::format("{} chain {} has a rule that drops {}{}", program, chain, what,
                                                   leaves ? " on its way out" : ""));
            }
        if (table != "filter") continue;
        if (line.starts_with(":INPUT DROP")) drops = true;
        if (!line.starts_with("-A ") || line.find("-j ACCEPT") == std::string::npos) continue;
        if (names_vrrp_of_iptables(line) || line == "-A INPUT -j ACCEPT") accepts = true;
    }
    if (drops && !accepts)
        dropping.push_back(
            fmt::format("{} chain INPUT drops by default and has no rule for VRRP{}", program, of_family(family)));
    return dropping;
}

}  // namespace mainstay::cli
