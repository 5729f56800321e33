#include "mainstay/lvs/quorum.hpp"

#include <doctest/doctest.h>

#include "builders.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

TEST_CASE("a service that is down comes up at quorum + hysteresis, not below") {
    const Quorum quorum{5, 2};

    CHECK_FALSE(quorum_holds(quorum, 6, false));
    CHECK(quorum_holds(quorum, 7, false));
}

TEST_CASE("a service that is up stays down to quorum - hysteresis, and not below") {
    const Quorum quorum{5, 2};

    CHECK(quorum_holds(quorum, 3, true));
    CHECK_FALSE(quorum_holds(quorum, 2, true));
}

TEST_CASE("without any weight there is no quorum") {
    CHECK_FALSE(quorum_holds({1, 0}, 0, true));
    CHECK_FALSE(quorum_holds({0, 0}, 0, true));
    CHECK_FALSE(quorum_holds({0, 0}, 0, false));
}

TEST_CASE("quorum is bounded by the configured weights, hysteresis by the quorum") {
    auto web = service({server("10.0.0.11", 1), server("10.0.0.12", 2)});
    struct Row {
        std::uint32_t quorum, hysteresis;
        Quorum expected;
    };
    for (const Row& row :
         {Row{3, 0, {3, 0}}, Row{4, 0, {3, 0}}, Row{3, 2, {3, 2}}, Row{3, 3, {3, 2}}, Row{1, 1, {1, 0}}}) {
        CAPTURE(row.quorum);
        CAPTURE(row.hysteresis);
        web.quorum = row.quorum;
        web.hysteresis = row.hysteresis;
        CHECK(quorum_of(web) == row.expected);
    }
    web.real_servers = {server("10.0.0.11", 0)};
    CHECK(quorum_of(web) == Quorum{0, 0});
}

TEST_CASE("only the living servers' clamped weights count") {
    ServiceVerdict verdict;
    verdict.servers = {{true, 3}, {false, 5}, {true, -4}, {true, 2147483648}};

    CHECK(alive_weight(verdict) == 3 + 2147483647LL);
}

TEST_CASE("the sums are written as keepalived writes them, in a lost quorum's mail with a plus") {
    CHECK(gained_text({2, 1}, 3) == "2+1=3 <= 3");
    CHECK(lost_text({2, 1}, 0) == "2-1=1 > 0");
    CHECK(lost_mail_text({2, 1}, 0) == "2+1=1 <= 0");
    CHECK(lost_text({9, 4}, 11, true) == "9-4=13 > 11");
    CHECK(lost_mail_text({9, 4}, 11, true) == "9+4=13 <= 11");
}

TEST_CASE("in plain words a quorum says what there is and what is needed") {
    CHECK(plain_quorum_text({2, 1}, 3, true) == "the servers that are up have weight 3, 3 is needed");
    CHECK(plain_quorum_text({2, 1}, 0, false) == "the servers that are up have weight 0, 1 is needed");
    CHECK(plain_quorum_text({0, 0}, 0, false) == "the servers that are up have weight 0, 1 is needed");
}
