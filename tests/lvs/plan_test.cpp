#include "mainstay/lvs/plan.hpp"

#include <doctest/doctest.h>

#include "builders.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;
using netlink::IpvsDestination;
using netlink::IpvsOperation;
using Kind = netlink::IpvsOperation::Kind;

namespace {

IpvsOperation op(Kind kind, const netlink::IpvsService& service, IpvsDestination destination = {}) {
    return {kind, service, std::move(destination)};
}

const netlink::IpvsService web_service = tcp_service("10.0.0.1");
const netlink::IpvsService other_service = tcp_service("10.0.0.2");

}  // namespace

TEST_CASE("an equal table needs no write, whatever the order of the kernel's list") {
    const Table desired{{web_service, {to("10.0.0.11"), to("10.0.0.12", 2)}}};
    const Table actual{{web_service, {to("10.0.0.12", 2), to("10.0.0.11")}}};

    CHECK(plan(desired, actual, std::vector{web_service.key}).empty());
}

TEST_CASE("a new service comes with its destinations in file order, each service complete before the next") {
    const Table desired{{web_service, {to("10.0.0.11"), to("10.0.0.12", 0)}}, {other_service, {to("10.0.0.13")}}};

    const std::vector<IpvsOperation> expected{
        op(Kind::AddService, web_service), op(Kind::AddDestination, web_service, to("10.0.0.11")),
        op(Kind::AddDestination, web_service, to("10.0.0.12", 0)), op(Kind::AddService, other_service),
        op(Kind::AddDestination, other_service, to("10.0.0.13"))};
    CHECK(plan(desired, {}, {}) == expected);
}

TEST_CASE("what is added or takes traffic comes first, weight 0 next, deletions last") {
    const Table actual{{web_service, {to("10.0.0.11"), to("10.0.0.12"), to("10.0.0.13", 0)}}};
    const Table desired{{web_service, {to("10.0.0.12", 0), to("10.0.0.13", 5), to("10.0.0.14")}}};

    const std::vector<IpvsOperation> expected{op(Kind::SetDestination, web_service, to("10.0.0.13", 5)),
                                              op(Kind::AddDestination, web_service, to("10.0.0.14")),
                                              op(Kind::SetDestination, web_service, to("10.0.0.12", 0)),
                                              op(Kind::DeleteDestination, web_service, to("10.0.0.11"))};
    CHECK(plan(desired, actual, {}) == expected);
}

TEST_CASE("the sorry server is in before the last real server goes, and goes after the real ones are back") {
    const Table real{{web_service, {to("10.0.0.11"), to("10.0.0.12")}}};
    const Table sorry{{web_service, {to("10.0.0.99")}}};

    CHECK(plan(sorry, real, {}) == std::vector{op(Kind::AddDestination, web_service, to("10.0.0.99")),
                                               op(Kind::DeleteDestination, web_service, to("10.0.0.11")),
                                               op(Kind::DeleteDestination, web_service, to("10.0.0.12"))});
    CHECK(plan(real, sorry, {}) == std::vector{op(Kind::AddDestination, web_service, to("10.0.0.11")),
                                               op(Kind::AddDestination, web_service, to("10.0.0.12")),
                                               op(Kind::DeleteDestination, web_service, to("10.0.0.99"))});
}

TEST_CASE("a changed destination is set, never deleted and added again") {
    IpvsDestination before = to("10.0.0.11");
    IpvsDestination after = before;
    SUBCASE("weight") { after.weight = 7; }
    SUBCASE("forwarding method") { after.forwarding = 3; }
    SUBCASE("a threshold") { after.upper_threshold = 100; }

    CHECK(plan({{web_service, {after}}}, {{web_service, {before}}}, {}) ==
          std::vector{op(Kind::SetDestination, web_service, after)});
}

TEST_CASE("a service is set when its scheduler, flags or persistence change, and keeps its destinations") {
    netlink::IpvsService after = web_service;
    SUBCASE("scheduler") { after.scheduler = "rr"; }
    SUBCASE("a scheduler flag") { after.flags = 0x8; }
    SUBCASE("persistence") {
        after.flags = netlink::kIpvsPersistent;
        after.timeout_s = 360;
    }
    SUBCASE("engine") { after.engine = "sip"; }

    CHECK(plan({{after, {to("10.0.0.11")}}}, {{web_service, {to("10.0.0.11")}}}, {}) ==
          std::vector{op(Kind::SetService, after)});
}

TEST_CASE("the persistence timeout and mask count only while persistence is on") {
    netlink::IpvsService one = web_service, two = web_service;
    one.timeout_s = 50;
    two.netmask = 0xffffff00;
    CHECK(plan({{one, {}}}, {{two, {}}}, {}).empty());

    one.flags = two.flags = netlink::kIpvsPersistent;
    CHECK(plan({{one, {}}}, {{two, {}}}, {}) == std::vector{op(Kind::SetService, one)});
}

TEST_CASE("the kernel's own HASHED flag is no difference") {
    netlink::IpvsService dumped = web_service;
    dumped.flags |= netlink::kIpvsHashed;

    CHECK(plan({{web_service, {}}}, {{dumped, {}}}, {}).empty());
}

TEST_CASE("a service that is not ours is never touched") {
    const Table foreign{{other_service, {to("10.0.0.77")}}};

    CHECK(plan({}, foreign, {}).empty());
    CHECK(plan({}, foreign, std::vector{web_service.key}).empty());
}

TEST_CASE("a service that was ours is deleted after everything else, in one operation") {
    const Table actual{{web_service, {to("10.0.0.11"), to("10.0.0.12")}}};
    const Table desired{{other_service, {to("10.0.0.11")}}};

    CHECK(plan(desired, actual, std::vector{web_service.key, other_service.key, web_service.key}) ==
          std::vector{op(Kind::AddService, other_service), op(Kind::AddDestination, other_service, to("10.0.0.11")),
                      op(Kind::DeleteService, web_service)});
}

TEST_CASE("a service or server that is wanted twice is put in once, the first one") {
    const Table desired{{web_service, {to("10.0.0.11", 1), to("10.0.0.11", 9)}}, {web_service, {to("10.0.0.12")}}};

    CHECK(plan(desired, {}, {}) ==
          std::vector{op(Kind::AddService, web_service), op(Kind::AddDestination, web_service, to("10.0.0.11", 1))});
    CHECK(plan(desired, {{web_service, {to("10.0.0.11", 1)}}}, {}).empty());
}

TEST_CASE("services of one address and different protocols, marks or families are different services") {
    netlink::IpvsService udp = web_service, mark = web_service, mark6 = web_service;
    udp.key.protocol = 17;
    mark.key = {};
    mark.key.fwmark = 5;
    mark6.key = mark.key;
    mark6.key.family = Family::V6;

    CHECK(plan({{udp, {}}, {mark6, {}}}, {{web_service, {}}, {mark, {}}}, {}) ==
          std::vector{op(Kind::AddService, udp), op(Kind::AddService, mark6)});
}
