// The rows of SNMP's tables as short lines.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "mainstay/config/load.hpp"
#include "mainstay/report/snmp.hpp"

namespace mainstay::test {

using report::Oid;
using report::SnmpTrap;
using report::SnmpValue;
using report::SnmpView;

inline config::Config read(std::string text) {
    auto loaded = config::load_text("x.conf", std::move(text), {});
    REQUIRE(loaded.can_run());
    return std::move(loaded.config);
}

inline std::string shown(const Oid& oid) {
    std::string text;
    for (const auto part : oid) text += fmt::format("{}{}", text.empty() ? "" : ".", part);
    return text;
}

// I integer, G gauge, C counter, L counter of 64 bits, T ticks, A IpAddress; octets as text or as hexadecimal digits.
inline std::string shown(const SnmpValue& value) {
    using Type = SnmpValue::Type;
    std::string hex;
    switch (value.type) {
        case Type::Integer:
            return fmt::format("I{}", static_cast<std::int32_t>(value.number));
        case Type::Octets:
            if (std::ranges::all_of(value.octets, [](char c) { return c >= ' ' && c < '\x7f'; }))
                return fmt::format("'{}'", value.octets);
            for (const char c : value.octets) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
            return "x" + hex;
        case Type::IpAddress:
            for (const char c : value.octets) hex += fmt::format(".{}", static_cast<unsigned char>(c));
            return "A" + hex.substr(1);
        case Type::Counter32:
            return fmt::format("C{}", value.number);
        case Type::Gauge32:
            return fmt::format("G{}", value.number);
        case Type::TimeTicks:
            return fmt::format("T{}", value.number);
        case Type::Counter64:
            return fmt::format("L{}", value.number);
        case Type::ObjectId:
            return "O" + shown(value.oid);
    }
    return {};
}

// "1: 2='VI_1' 3=G51": the index of each row below this entry, and its columns.
inline std::string rows(const SnmpView& view, const Oid& entry) {
    std::map<Oid, std::string> lines;
    for (const auto& [oid, value] : view) {
        if (oid.size() < entry.size() + 2 || !std::equal(entry.begin(), entry.end(), oid.begin())) continue;
        const auto column = oid.begin() + static_cast<std::ptrdiff_t>(entry.size());
        lines[Oid{column + 1, oid.end()}] += fmt::format(" {}={}", *column, shown(value));
    }
    std::string all;
    for (const auto& [index, cells] : lines) all += shown(index) + ":" + cells + "\n";
    return all;
}

// "2.0='LVS_1'": what lies directly below.
inline std::string scalars(const SnmpView& view, const Oid& root) {
    std::string all;
    for (const auto& [oid, value] : view)
        if (oid.size() == root.size() + 2 && oid.back() == 0 && std::equal(root.begin(), root.end(), oid.begin()))
            all += fmt::format("{}{}={}", all.empty() ? "" : " ", oid[root.size()], shown(value));
    return all;
}

inline std::string shown(const std::vector<SnmpTrap>& traps) {
    std::string all;
    for (const auto& trap : traps) {
        all += shown(trap.oid);
        for (const auto& [oid, value] : trap.objects) all += fmt::format(" {}={}", shown(oid), shown(value));
        all += "\n";
    }
    return all;
}

}  // namespace mainstay::test
