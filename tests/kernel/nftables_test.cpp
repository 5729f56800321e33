// Transactions on the ruleset of a network namespace of the test's own.
#include "mainstay/kernel/nftables.hpp"
#include "../needs.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <cerrno>

#include "../addr.hpp"
#include "own_network.hpp"
#include "without_rights.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using mainstay::test::addr;
using mainstay::test::in_own_network;

namespace {

bool changed(const Nftables& tables) {
    pollfd look{tables.change_fd(), POLLIN, 0};
    return ::poll(&look, 1, 0) == 1;
}

// Runs `body` with the tables; nothing where the kernel or the build has none.
template <class Body>
void with_tables(const Body& body) {
    in_own_network([&] {
        auto tables = Nftables::open();
        if (!tables) {
            CHECK(tables.error().text().find("nftables") != std::string::npos);
            CHECK(tables.error().text().starts_with("this build has no nftables") == !netlink::has_nftables());
            CHECK(tables.error().text().find("send to netlink") == std::string::npos);  // each takes the question
            CHECK(tables.error().code() != Errc::Timeout);  // each kernel answers whether it has them
            MESSAGE("no nftables here: ", tables.error().text());
            return;
        }
        body(*tables);
    });
}

netlink::VipFilter filter(std::set<IpAddress> addresses) {
    netlink::VipFilter made;
    made.filters = true;
    made.addresses = std::move(addresses);
    return made;
}

Result<void> set(Nftables& tables, const netlink::VipFilter& wanted) {
    auto batch = tables.begin();
    netlink::append_filter(batch, wanted);
    return tables.commit(batch);
}

}  // namespace

TEST_CASE("a table is there from its transaction on, until one takes it away" * mainstay::test::kNeedsRoot) {
    with_tables([](Nftables& tables) {
        CHECK_FALSE(tables.has_table(Family::V4, "keepalived").value());
        REQUIRE(set(tables, filter({addr("10.0.0.1")})).has_value());
        CHECK(tables.has_table(Family::V4, "keepalived").value());
        CHECK_FALSE(tables.has_table(Family::V6, "keepalived").value());
        CHECK_FALSE(tables.has_table(Family::V4, "other").value());
        auto batch = tables.begin();
        netlink::append_table_removal(batch, Family::V4, "keepalived");
        REQUIRE(tables.commit(batch).has_value());
        CHECK_FALSE(tables.has_table(Family::V4, "keepalived").value());
    });
}

TEST_CASE("a filter looks like what was set, and like nothing else" * mainstay::test::kNeedsRoot) {
    with_tables([](Nftables& tables) {
        const auto one = filter({addr("10.0.0.1")}), two = filter({addr("10.0.0.1"), addr("10.0.0.2")});
        CHECK_FALSE(tables.looks_like(one).value());
        REQUIRE(set(tables, one).has_value());
        CHECK(tables.looks_like(one).value());
        CHECK_FALSE(tables.looks_like(two).value());
        auto reports = one;
        reports.reports = true;
        reports.vmacs = {{7, 3}};
        CHECK_FALSE(tables.looks_like(reports).value());
        auto batch = tables.begin();
        netlink::append_filter_change(batch, one, two);
        REQUIRE(tables.commit(batch).has_value());
        CHECK(tables.looks_like(two).value());
        CHECK_FALSE(tables.looks_like(one).value());
        REQUIRE(set(tables, reports).has_value());
        CHECK(tables.looks_like(reports).value());
    });
}

TEST_CASE("a mark table looks like what was set, in each family, and a family without rules has none" *
          mainstay::test::kNeedsRoot) {
    with_tables([](Nftables& tables) {
        netlink::MarkTable wanted;
        CHECK(tables.looks_like(wanted).value());
        wanted.rules = {{6, addr("10.0.0.1"), addr("10.0.0.1"), 80, 7}, {6, addr("fd00::1"), addr("fd00::1"), 80, 7}};
        CHECK_FALSE(tables.looks_like(wanted).value());
        auto batch = tables.begin();
        netlink::append_mark_table(batch, wanted);
        REQUIRE(tables.commit(batch).has_value());
        CHECK(tables.looks_like(wanted).value());
        auto fewer = wanted, more = wanted;
        fewer.rules.pop_back();
        more.rules.push_back({17, addr("fd00::1"), addr("fd00::1"), 53, 7});
        CHECK_FALSE(tables.looks_like(fewer).value());
        CHECK_FALSE(tables.looks_like(more).value());
        CHECK_FALSE(tables.looks_like(netlink::MarkTable{}).value());
    });
}

TEST_CASE("changes that others make are reported, our own are not" * mainstay::test::kNeedsRoot) {
    with_tables([](Nftables& tables) {
        CHECK_FALSE(changed(tables));
        REQUIRE(set(tables, filter({addr("10.0.0.1")})).has_value());
        CHECK_FALSE(changed(tables));
        auto others = Nftables::open().value();
        auto theirs = filter({});
        theirs.table = "theirs";
        REQUIRE(set(others, theirs).has_value());
        CHECK(changed(tables));
        CHECK_FALSE(changed(others));
        tables.forget_changes();
        CHECK_FALSE(changed(tables));
    });
}

TEST_CASE("a transaction is done as a whole or refused as a whole, and one that is empty is nothing" *
          mainstay::test::kNeedsRoot) {
    with_tables([](Nftables& tables) {
        CHECK(tables.commit(tables.begin()).has_value());
        REQUIRE(set(tables, filter({addr("10.0.0.1")})).has_value());
        // The element is not there to be taken away: what else the transaction does is not done.
        auto batch = tables.begin();
        auto other = filter({addr("10.0.0.9")});
        other.table = "second";
        netlink::append_filter(batch, other);
        other.table = "keepalived";
        netlink::append_filter_change(batch, other, filter({}));
        const auto refused = tables.commit(batch);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().sys_errno() == ENOENT);
        CHECK(refused.error().text().starts_with("change nftables"));
        CHECK_FALSE(tables.has_table(Family::V4, "second").value());
        CHECK(tables.looks_like(filter({addr("10.0.0.1")})).value());
        // And the next one goes through.
        CHECK(set(tables, filter({addr("10.0.0.2")})).has_value());
    });
}

TEST_CASE("a transaction that the kernel refuses before it looks at it is an error at once, and so is the next" *
          mainstay::test::kNeedsRoot) {
    with_tables([](Nftables& tables) {
        const std::vector<IpAddress> two{addr("10.0.0.1"), addr("10.0.0.2")};
        for (int i = 0; i < 2; ++i) {
            const mainstay::test::WithoutRights refused;
            const auto done = set(tables, filter({two.begin(), two.end()}));
            REQUIRE_FALSE(done);
            CHECK(done.error().text() == "change nftables: the whole batch: Operation not permitted");
        }
        CHECK(set(tables, filter({addr("10.0.0.1")})).has_value());
    });
}

TEST_CASE("a transaction with more messages than one may have is not sent" * mainstay::test::kNeedsRoot) {
    with_tables([](Nftables& tables) {
        auto batch = tables.begin();
        while (batch.count <= 4094) netlink::append_table_removal(batch, Family::V4, "keepalived");
        CHECK(tables.commit(batch).error().code() == Errc::Limit);
        auto whole = tables.begin();
        while (whole.count + 2 <= 4094) netlink::append_table_removal(whole, Family::V4, "keepalived");
        const auto done = tables.commit(whole);
        CHECK((done.has_value() || done.error().code() != Errc::Limit));
    });
}
