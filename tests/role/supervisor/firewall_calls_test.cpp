// The vrrp role makes the arguments of the firewall's command, the supervisor allows them: both must mean the same.
#include <doctest/doctest.h>
#include <fmt/ranges.h>

#include "mainstay/alert/script_requests.hpp"
#include "mainstay/vrrp/filter.hpp"

using namespace mainstay;

namespace {

vrrp::FilterState full(bool sets) {
    vrrp::FilterState state;
    state.names.sets = sets;
    state.plan.v6.family = Family::V6;
    for (auto* filter : {&state.plan.v4, &state.plan.v6}) {
        filter->filters = filter->reports = true;
        filter->vmacs = {{7, 2}, {8, 2}};
    }
    state.plan.v4.addresses = {*IpAddress::parse("10.9.9.9"), *IpAddress::parse("10.9.9.10")};
    state.plan.v6.addresses = {*IpAddress::parse("2001:db8::9")};
    state.plan.v6.on_link = {{*IpAddress::parse("fe80::9"), 2, "eth0"}};
    state.devices = {{7, "vrrp.51"}};  // the name of the other one is not known
    return state;
}

}  // namespace

TEST_CASE("each call that a change of the firewall makes is one that the supervisor runs") {
    std::size_t calls = 0;
    const vrrp::FilterState nothing;
    for (const bool sets : {true, false}) {
        const auto state = full(sets), other = full(!sets);
        for (const auto& list : {vrrp::filter_calls(nullptr, state), vrrp::filter_calls(&state, nothing),
                                 vrrp::filter_calls(&nothing, state), vrrp::filter_calls(&other, state)})
            for (const auto& call : list) {
                CAPTURE(fmt::format("{}", fmt::join(call, " ")));
                CHECK(alert::is_firewall_call(call));
                CHECK(alert::script_arguments("firewall", "firewall", call));
                ++calls;
            }
    }
    CHECK(calls > 40);
}
