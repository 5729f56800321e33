// Types and helpers that the parts of the comparison of two directors share.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "mainstay/config/tools/pair.hpp"

namespace mainstay::config {

struct PairReport {
    using Where = PairFinding::Where;

    const PairNames& names;
    std::vector<PairFinding> findings;

    void add(Severity severity, Code code, Where where, std::string what, std::string fix = {}) {
        findings.push_back({severity, code, where, std::move(what), std::move(fix)});
    }
    // "eth0 in A, eth1 in B"
    template <class First, class Second>
    [[nodiscard]] std::string both(const First& first, const Second& second) const {
        return fmt::format("{} in {}, {} in {}", first, names.first, second, names.second);
    }
    [[nodiscard]] const std::string& name(Where where) const {
        return where == Where::First ? names.first : names.second;
    }
};

// Of `from` what `in` lacks, as text in the order of `from`.
inline std::vector<std::string> missing(const std::vector<std::string>& from, const std::vector<std::string>& in) {
    std::vector<std::string> out;
    for (const auto& item : from)
        if (std::ranges::find(in, item) == in.end()) out.push_back(item);
    return out;
}

struct InstancePair {
    const Instance& first;
    const Instance& second;
    const SyncGroup* first_group;  // null: none
    const SyncGroup* second_group;
    [[nodiscard]] std::string name() const {
        return first.name == second.name ? first.name : first.name + "/" + second.name;
    }
};

// pair_election.cpp: priorities, who starts as MASTER, preemption, and what tracked scripts and interfaces can move.
void compare_election(PairReport& report, const InstancePair& pair);
// pair_election.cpp: whether both have a VMAC, and who hears whom then.
void compare_vmacs(PairReport& report, const InstancePair& pair);
// pair_services.cpp
void compare_services(PairReport& report, const Config& first, const Config& second);

}  // namespace mainstay::config
