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

TEST_CASE("what is no cell of the table of instances cannot be written") {
    config::Config config;
    config.instances.emplace_back().name = "VI_1";
    config.instances.emplace_back().name = "VI_2";
    const auto refused = [&](const Oid& oid) {
        const auto wanted = snmp_set(config, oid, integer(120));
        return !wanted && wanted.error().why == SnmpRefusal::Why::NotWritable;
    };
    CHECK_FALSE(refused(kKeepalivedMib + Oid{2, 3, 1, 7, 2}));
    CHECK(refused(kKeepalivedMib + Oid{2, 3, 1, 7, 0}));
    CHECK(refused(kKeepalivedMib + Oid{2, 3, 1, 7, 3}));
    CHECK(refused(kKeepalivedMib + Oid{2, 3, 1, 7, 1, 1}));
    CHECK(refused(kKeepalivedMib + Oid{2, 3, 1, 7}));
    CHECK(refused(kKeepalivedMib + Oid{2, 4, 1, 7, 1}));
    CHECK(refused(kKeepalivedMib));
    CHECK(refused({}));
}

TEST_CASE("a write is asked for as SNMP, of the instance of its row, with a truth value as one or zero") {
    using What = ipc::ControlRequest::What;
    config::Config config;
    config.instances.emplace_back().name = "VI_1";
    config.instances.emplace_back().name = "VI_2";
    config.instances.back().version = 3;
    const auto set = [&](std::uint32_t column, std::uint64_t value) {
        return snmp_set(config, kKeepalivedMib + Oid{2, 3, 1, column, 2}, integer(value));
    };
    const std::pair<std::uint32_t, What> flags[] = {
        {13, What::SetPreempt}, {27, What::SetAccept}, {28, What::SetPromoteSecondaries}, {29, What::SetLinkbeat}};
    for (const auto& [column, what] : flags) {
        CAPTURE(column);
        for (const std::uint64_t value : {1, 2}) {
            const auto wanted = set(column, value);
            REQUIRE(wanted.has_value());
            CHECK(wanted->what == what);
            CHECK(wanted->instance == "VI_2");
            CHECK(wanted->value == (value == 1 ? 1 : 0));
            CHECK(wanted->by == "SNMP");
        }
        for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{3}, ~std::uint64_t{0}})
            CHECK(set(column, value).error().why == SnmpRefusal::Why::WrongValue);
    }
    CHECK(set(7, 1)->value == 1);
    CHECK(set(7, 254)->value == 254);
    CHECK(set(7, ~std::uint64_t{0}).error().why == SnmpRefusal::Why::WrongValue);
}
