// Makes a keepalived.conf from what other programs that manage IPVS keep: ldirectord's configuration, and the rules
// that ipvsadm-save prints. The result gives the kernel the same table. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/config/model.hpp"

namespace mainstay::config {

inline constexpr std::size_t kImportBytesMax = std::size_t{16} << 20;  // of the input
inline constexpr std::size_t kImportServersMax = 100'000;              // of all services together
inline constexpr std::size_t kImportRangeMax = 256;                    // servers of one range of addresses

inline constexpr std::size_t kImportLostMax = 10'000;  // more, and nothing is made

struct ImportProblem {
    std::uint32_t line = 0;  // of the input, from 1
    std::string what;        // one line of plain characters; never a password
    bool operator==(const ImportProblem&) const = default;
};

struct Imported {
    std::string text;                 // a keepalived.conf; it loads without an error
    std::vector<ImportProblem> lost;  // each one is a comment in `text` as well, where it belongs
};

// The port of a name in /etc/services, for TCP or UDP. Null: no name is known.
using ServicePorts = std::function<std::optional<std::uint16_t>(std::string_view name, Protocol protocol)>;

// An error is about an input that is no such file at all: nothing can be made of it.
[[nodiscard]] std::expected<Imported, ImportProblem> read_ldirectord(std::string_view text, const ServicePorts& ports);
// Only numbers: names of ports and hosts are refused, because another host may know others.
[[nodiscard]] std::expected<Imported, ImportProblem> read_ipvsadm_rules(std::string_view text);

}  // namespace mainstay::config
