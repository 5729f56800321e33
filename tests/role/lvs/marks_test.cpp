// The nftables table of nftables_ipvs in a network namespace of the test's own, and the watch over the ruleset.
#include "../../needs.hpp"
#include "role/lvs/settings_reconciler.hpp"

#include <doctest/doctest.h>

#include "../../kernel/own_network.hpp"
#include "../../kernel/without_rights.hpp"
#include "../../lvs/builders.hpp"
#include "fakes.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using lvs::test::ip;
using mainstay::test::WithoutRights;
using namespace std::chrono_literals;

namespace {

netlink::MarkTable marks(const std::string& name, std::uint16_t port = 80) {
    netlink::MarkTable table;
    table.name = name;
    table.rules = {{6, ip("10.0.0.1"), ip("10.0.0.1"), port, 7}};
    return table;
}

// The tables as another program sees them.
struct MarksBench {
    explicit MarksBench(kernel::Nftables others) : tables{std::move(others)} {}

    void set(const netlink::MarkTable& table) {
        auto batch = tables.begin();
        netlink::append_mark_table(batch, table);
        REQUIRE(tables.commit(batch));
    }
    void remove(const std::string& name) {
        netlink::MarkTable gone;
        gone.name = name;
        set(gone);
    }
    bool has(const std::string& name) { return tables.has_table(Family::V4, name).value(); }
    bool until(const std::function<bool()>& holds) {
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (!holds() && std::chrono::steady_clock::now() < end) {
            loop.restart();
            loop.run_one_for(10ms);
        }
        return holds();
    }

    kernel::Nftables tables;
    boost::asio::io_context loop;
    KeptLog log;
    MarkReconciler marks{loop, log, 20ms};
};

// Nothing where the kernel or the build has no nftables.
template <class Body>
void on_bench(const Body& body) {
    mainstay::test::in_own_network([&] {
        auto tables = kernel::Nftables::open();
        if (!tables) {
            MESSAGE("no nftables here: ", tables.error().text());
            return;
        }
        MarksBench bench{std::move(*tables)};
        body(bench);
    });
}

constexpr const char* kTooLong =
    "a-name-that-is-longer-than-any-that-the-kernel-takes-"
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    "xxxx"
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

}  // namespace

TEST_CASE("the table is there while it is desired, under its present name" * mainstay::test::kNeedsRoot) {
    on_bench([](MarksBench& bench) {
        bench.marks.set_desired(std::nullopt);
        CHECK_FALSE(bench.has("web"));
        bench.marks.set_desired(marks("web"));
        CHECK(bench.has("web"));
        CHECK(bench.tables.looks_like(marks("web")).value());
        bench.marks.set_desired(marks("other"));
        CHECK(bench.has("other"));
        CHECK_FALSE(bench.has("web"));
        bench.marks.set_desired(std::nullopt);
        CHECK_FALSE(bench.has("other"));
        CHECK(bench.log.texts.empty());
    });
}

TEST_CASE("a table that is desired once more is not written" * mainstay::test::kNeedsRoot) {
    on_bench([](MarksBench& bench) {
        bench.marks.set_desired(marks("web"));
        bench.tables.forget_changes();
        bench.marks.set_desired(marks("web"));
        pollfd look{bench.tables.change_fd(), POLLIN, 0};
        CHECK(::poll(&look, 1, 0) == 0);
        bench.marks.set_desired(marks("web", 81));
        CHECK(::poll(&look, 1, 0) == 1);
    });
}

TEST_CASE("a table that another program changes is restored, and said so" * mainstay::test::kNeedsRoot) {
    on_bench([](MarksBench& bench) {
        bench.marks.set_desired(marks("web"));
        bench.remove("web");
        CHECK(bench.until([&] { return bench.has("web"); }));
        CHECK(bench.log.texts ==
              std::vector<std::string>{"nftables table web was changed by another program: restored"});
        bench.remove("web");
        CHECK(bench.until([&] { return bench.has("web"); }));
        CHECK(bench.log.texts.size() == 2);
    });
}

TEST_CASE("a table of another program is left alone" * mainstay::test::kNeedsRoot) {
    on_bench([](MarksBench& bench) {
        bench.marks.set_desired(marks("web"));
        bench.set(marks("theirs"));
        bench.loop.run_for(200ms);
        CHECK(bench.has("theirs"));
        CHECK(bench.log.texts.empty());
    });
}

TEST_CASE("a failure is said once and tried again" * mainstay::test::kNeedsRoot) {
    on_bench([](MarksBench& bench) {
        const auto bad = marks(kTooLong);
        bench.marks.set_desired(bad);
        bench.loop.run_for(100ms);
        REQUIRE(bench.log.texts.size() == 1);
        CHECK(bench.log.texts[0].starts_with("nftables_ipvs: "));
        CHECK(bench.log.texts[0].ends_with(": packets to virtual server groups are not marked; retried every 0 s"));
        bench.marks.set_desired(marks("web"));
        CHECK(bench.has("web"));
        bench.marks.set_desired(bad);
        CHECK(bench.log.texts.size() == 2);
        CHECK(bench.has("web"));
        bench.marks.stop(false);
        CHECK_FALSE(bench.has("web"));
    });
}

TEST_CASE("what the kernel refuses is tried again by itself, and watched from then on" * mainstay::test::kNeedsRoot) {
    on_bench([](MarksBench& bench) {
        {
            const WithoutRights refused;
            bench.marks.set_desired(marks("web"));
            bench.loop.run_for(50ms);
        }
        CHECK_FALSE(bench.has("web"));
        CHECK(bench.log.texts.size() == 1);
        CHECK(bench.until([&] { return bench.has("web"); }));
        CHECK(bench.log.texts.size() == 1);
        bench.remove("web");
        CHECK(bench.until([&] { return bench.has("web"); }));
        CHECK(bench.log.count("nftables table web was changed by another program: restored") == 1);
    });
}

TEST_CASE("nothing is tried again after the stop, and a table that it cannot remove is named" *
          mainstay::test::kNeedsRoot) {
    on_bench([](MarksBench& bench) {
        {
            const WithoutRights refused;
            bench.marks.set_desired(marks("web"));
        }
        bench.marks.stop(false);
        bench.loop.run_for(60ms);
        CHECK_FALSE(bench.has("web"));
        CHECK(bench.log.texts.size() == 1);
    });
    on_bench([](MarksBench& bench) {
        bench.marks.set_desired(marks("web"));
        {
            const WithoutRights refused;
            bench.marks.stop(false);
        }
        CHECK(bench.has("web"));
        REQUIRE(bench.log.texts.size() == 1);
        CHECK(bench.log.texts[0].starts_with("nftables_ipvs: "));
    });
}

TEST_CASE("the stop removes the table, unless it is to stay" * mainstay::test::kNeedsRoot) {
    on_bench([](MarksBench& bench) {
        bench.marks.set_desired(marks("web"));
        bench.marks.stop(true);
        CHECK(bench.has("web"));
        bench.remove("web");
        bench.loop.run_for(200ms);  // nobody looks any more
        CHECK_FALSE(bench.has("web"));
    });
    on_bench([](MarksBench& bench) {
        bench.marks.set_desired(marks("web"));
        bench.marks.stop(false);
        CHECK_FALSE(bench.has("web"));
        bench.marks.stop(false);
        CHECK(bench.log.texts.empty());
    });
}

TEST_CASE("many changes of the ruleset are looked at once, and the next ones again" * mainstay::test::kNeedsRoot) {
    on_bench([](MarksBench& bench) {
        auto tables = kernel::Nftables::open().value();
        int looks = 0;
        RulesetWatch watch{bench.loop, [&looks] { ++looks; }};
        watch.start(tables);
        watch.start(tables);
        bench.set(marks("a"));
        bench.set(marks("b"));
        bench.loop.poll();
        bench.set(marks("c"));
        bench.loop.restart();
        bench.loop.poll();
        CHECK(looks == 0);
        CHECK(bench.until([&] { return looks == 1; }));
        bench.loop.run_for(150ms);
        CHECK(looks == 1);
        bench.set(marks("d"));
        CHECK(bench.until([&] { return looks == 2; }));
        bench.set(marks("e"));
        bench.loop.restart();
        bench.loop.poll();
        watch.stop();
        bench.loop.restart();
        bench.loop.run_for(150ms);
        CHECK(looks == 2);
        watch.start(tables);
        bench.set(marks("f"));
        CHECK(bench.until([&] { return looks == 3; }));
    });
}
