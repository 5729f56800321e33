// What a set request over SNMP asks for. Pure.
#pragma once

#include <cstdint>
#include <expected>

#include "mainstay/config/model.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/report/snmp.hpp"

namespace mainstay::role {

struct SnmpRefusal {
    enum class Why : std::uint8_t { NotWritable, WrongValue, NoAccess } why = Why::NotWritable;
};
// The change that a set of `oid` to `value` requests, or the error of the refusal.
[[nodiscard]] std::expected<ipc::ControlRequest, SnmpRefusal> snmp_set(const config::Config& config,
                                                                       const report::Oid& oid,
                                                                       const report::SnmpValue& value);

}  // namespace mainstay::role
