// What may be set over SNMP.
#include "role/snmp/set.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace mainstay;
using namespace mainstay::role;
using report::kKeepalivedMib;
using report::Oid;
using report::SnmpValue;

namespace {

SnmpValue integer(std::uint64_t number) {
    return {.type = SnmpValue::Type::Integer, .number = number, .octets = {}, .oid = {}};
}
SnmpValue text(const char* octets) {
    return {.type = SnmpValue::Type::Octets, .number = 0, .octets = octets, .oid = {}};
}

}  // namespace

TEST_CASE("five columns of an instance may be written, within their ranges") {
    config::Config config;
    config.instances.emplace_back().name = "VI_1";
    const auto set = [&](std::uint32_t column, std::uint32_t row, const SnmpValue& value) -> std::string {
        const auto wanted = snmp_set(config, kKeepalivedMib + Oid{2, 3, 1, column, row}, value);
        if (wanted) return fmt::format("{} {} {}", static_cast<int>(wanted->what), wanted->instance, wanted->value);
        return wanted.error().why == SnmpRefusal::Why::WrongValue ? "wrong"
               : wanted.error().why == SnmpRefusal::Why::NoAccess ? "no access"
                                                                  : "not writable";
    };
    using What = ipc::ControlRequest::What;
    CHECK(set(7, 1, integer(120)) == fmt::format("{} VI_1 120", static_cast<int>(What::SetPriority)));
    CHECK(set(7, 1, integer(0)) == "wrong");
    CHECK(set(7, 1, integer(256)) == "wrong");
    CHECK(set(7, 1, text("120")) == "wrong");
    CHECK(set(7, 2, integer(120)) == "not writable");
    CHECK(set(13, 1, integer(2)) == fmt::format("{} VI_1 0", static_cast<int>(What::SetPreempt)));
    CHECK(set(13, 1, integer(0)) == "wrong");
    CHECK(set(27, 1, integer(1)) == "no access");  // there is no accept mode in version 2
    CHECK(set(28, 1, integer(1)) == fmt::format("{} VI_1 1", static_cast<int>(What::SetPromoteSecondaries)));
    CHECK(set(2, 1, text("x")) == "not writable");
}
