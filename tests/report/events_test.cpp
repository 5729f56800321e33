#include "mainstay/report/events.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::report;

TEST_CASE("an event is one line of JSON") {
    const HistoryEntry entry{.id = 7,
                             .source = "lvs",
                             .event = {.kind = Event::Kind::RealServer,
                                       .name = "[10.0.0.11]:tcp:80",
                                       .parent = "[10.0.0.1]:tcp:80",
                                       .transition = Transition::Down,
                                       .detail = "TCP CHECK \"failed\"\n",
                                       .reason = "connection refused",
                                       .cause = Cause::Track,
                                       .at = {1'795'163'866'000'001}}};
    CHECK(event_json(entry) ==
          R"({"id":7,"at":"2026-11-20T08:37:46Z","at_unix_us":1795163866000001,"source":"lvs","kind":"server",)"
          R"("name":"[10.0.0.11]:tcp:80","parent":"[10.0.0.1]:tcp:80","transition":"DOWN","priority":0,)"
          R"("detail":"TCP CHECK \"failed\"\n","reason":"connection refused","cause":"track"})");
}

TEST_CASE("an event whose mail has a formula has plain words instead") {
    const HistoryEntry entry{.id = 1,
                             .source = "lvs",
                             .event = {.kind = Event::Kind::VirtualServer,
                                       .name = "[10.0.0.1]:tcp:80",
                                       .transition = Transition::Down,
                                       .detail = "Lost quorum 1+0=1 <= 0",
                                       .plain = "Lost quorum: the servers that are up have weight 0, 1 is needed"}};
    CHECK(event_json(entry).find(R"("detail":"Lost quorum: the servers that are up have weight 0, 1 is needed")") !=
          std::string::npos);
    CHECK(event_json(entry).find("<=") == std::string::npos);
}

TEST_CASE("a name may hold any bytes") {
    const HistoryEntry entry{.id = 1, .source = "vrrp", .event = {.name = "\xff"}};
    CHECK(event_json(entry).find("\"name\":\"\xef\xbf\xbd\"") != std::string::npos);
}
