// Converts the judge's state to the state block, which status shows and a new incarnation resumes from.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "mainstay/ipc/status.hpp"
#include "mainstay/lvs/judge.hpp"
#include "reconciler.hpp"
#include "settings_reconciler.hpp"

namespace mainstay::role {

// Everything except the services.
[[nodiscard]] report::LvsStatus status_of(const lvs::Judge& judge, const TableReconciler::State& table,
                                          std::uint64_t generation);
// The mh table of an active_active service.
using MhTableOf = std::function<std::optional<report::MhTableStatus>(const config::VirtualServer& service)>;
// The kernel's table of a service that it does not have as desired, because it refused something or has not got it yet.
// None: it has it as desired, or there is no table.
using OtherTableOf = std::function<std::optional<lvs::ServiceTable>(const netlink::IpvsServiceKey& key)>;
// What the scripts of MISC_CHECKs that failed last wrote to stderr.
using CheckErrors = std::map<lvs::CheckerId, std::string>;
// Encodes the status with its services one at a time, because all of tens of thousands of servers at once would take
// much memory. Parameters and result as for StateBlock::Writer; `rest`, which is not changed, is everything else.
[[nodiscard]] std::size_t write_status(std::span<std::byte> room, report::LvsStatus& rest, const lvs::Judge& judge,
                                       lvs::Moment at, const MhTableOf& mh_table_of = {},
                                       const CheckErrors& errors = {}, const OtherTableOf& other_table_of = {});
void put_original_sysctls(const IpvsSysctls::Values& originals, report::LvsStatus& status);
[[nodiscard]] IpvsSysctls::Values original_sysctls_of(const report::LvsStatus& status);
[[nodiscard]] lvs::Memory memory_of(const report::LvsStatus& status);
// The operators' overrides.
[[nodiscard]] lvs::Overrides overrides_of(const report::LvsStatus& status);

}  // namespace mainstay::role
