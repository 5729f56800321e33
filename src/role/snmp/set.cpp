// The writable columns of vrrpInstanceTable.
#include "set.hpp"

#include <algorithm>
#include <utility>

#include "role/common/instance_requests.hpp"

namespace mainstay::role {

using report::SnmpValue;

std::expected<ipc::ControlRequest, SnmpRefusal> snmp_set(const config::Config& config, const report::Oid& oid,
                                                         const SnmpValue& value) {
    using What = ipc::ControlRequest::What;
    using Why = SnmpRefusal::Why;
    const auto refuse = [](Why why) { return std::unexpected{SnmpRefusal{why}}; };
    const report::Oid table = report::kKeepalivedMib + report::Oid{2, 3, 1};
    if (oid.size() != table.size() + 2 || !std::equal(table.begin(), table.end(), oid.begin()))
        return refuse(Why::NotWritable);
    const auto column = oid[table.size()], row = oid[table.size() + 1];
    if (row < 1 || row > config.instances.size()) return refuse(Why::NotWritable);
    const auto& instance = config.instances[row - 1];
    const std::pair<std::uint32_t, What> kColumns[] = {{7, What::SetPriority},
                                                       {13, What::SetPreempt},
                                                       {27, What::SetAccept},
                                                       {28, What::SetPromoteSecondaries},
                                                       {29, What::SetLinkbeat}};
    for (const auto& [number, what] : kColumns) {
        if (number != column) continue;
        if (value.type != SnmpValue::Type::Integer) return refuse(Why::WrongValue);
        if (what == What::SetAccept && instance.version != 3) return refuse(Why::NoAccess);
        ipc::ControlRequest wanted{
            .what = what, .instance = instance.name, .value = static_cast<std::int64_t>(value.number), .by = "SNMP"};
        if (what != What::SetPriority) {
            if (value.number != 1 && value.number != 2) return refuse(Why::WrongValue);
            wanted.value = value.number == 1 ? 1 : 0;
        }
        if (!with_requested_change(config, row - 1, wanted)) return refuse(Why::WrongValue);
        return wanted;
    }
    return refuse(Why::NotWritable);
}

}  // namespace mainstay::role
