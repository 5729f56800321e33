// The reconciler's audit, on a table in memory that counts what is read.
#include <cerrno>

#include "table_bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace mainstay::lvs::test;
using namespace std::chrono_literals;
using Flush = config::Global::FlushOnStop;
using Texts = std::vector<std::string>;

TEST_CASE("an audit reads 32 services in a turn, so that nothing else waits long for it") {
    TableBench bench{65};
    bench.start();
    bench.written();
    bench.kernel.reads = 0;
    bench.reconciler.audit_soon();
    bench.slice();
    CHECK(bench.kernel.reads == 32);
    bench.slice();
    CHECK(bench.kernel.reads == 64);
    bench.slice();
    CHECK(bench.kernel.reads == 65);
    CHECK(bench.written().empty());
    CHECK(bench.reconciler.state().repairs == 0);
}

TEST_CASE("an audit repairs what another program changed, names and counts it") {
    TableBench bench{3};
    bench.start();
    bench.written();
    bench.kernel.table[0].destinations[0].weight = 5;
    std::erase_if(bench.kernel.table, [](const auto& one) { return one.service.key == tcp_key("10.0.0.2"); });
    bench.kernel.table.push_back(entry("10.9.9.9", {}));
    const int changed = bench.changed;
    bench.reconciler.audit_soon();
    CHECK(bench.until([&] { return bench.reconciler.state().repairs == 3; }));
    CHECK(bench.changed == changed + 1);
    CHECK(bench.written() ==
          Texts{"change TCP 10.0.0.1:80 -> 10.1.0.1:80", "add TCP 10.0.0.2:80", "add TCP 10.0.0.2:80 -> 10.1.0.1:80"});
    CHECK(bench.count("IPVS was changed by another program; repaired: add TCP 10.0.0.2:80 -> 10.1.0.1:80") == 1);
    CHECK(bench.count("IPVS was changed by another program") == 3);
    CHECK(bench.kernel.table.size() == 4);
}

TEST_CASE("of many repairs ten are named") {
    TableBench bench{12};
    bench.start();
    for (auto& one : bench.kernel.table) one.destinations.clear();
    bench.reconciler.audit_soon();
    CHECK(bench.until([&] { return bench.reconciler.state().repairs == 12; }));
    CHECK(bench.count("IPVS was changed by another program; repaired: add TCP ") == 10);
    CHECK(bench.count("IPVS was changed by another program; repaired: 2 more operations") == 1);
}

TEST_CASE("a list that was wrong once is no reason for a repair") {
    TableBench bench;
    bench.start();
    bench.written();
    bench.kernel.lies = true;
    bench.reconciler.audit_soon();
    CHECK(bench.until([&] { return !bench.kernel.lies; }));
    bench.run_for(10ms);
    CHECK(bench.written().empty());
    CHECK(bench.count("another program") == 0);
    CHECK(bench.reconciler.state().repairs == 0);
}

TEST_CASE("a service of an earlier incarnation that could not be deleted is deleted by an audit") {
    TableBench bench{0};
    bench.kernel.table = {entry("10.9.9.9", {})};
    bench.kernel.refuses = [](const netlink::IpvsOperation&) { return EBUSY; };
    bench.start({tcp_key("10.9.9.9")});
    CHECK(bench.kernel.table.size() == 1);
    bench.kernel.refuses = nullptr;
    bench.reconciler.audit_soon();
    CHECK(bench.until([&] { return bench.kernel.table.empty(); }));
    CHECK(bench.count("another program") == 0);
    const auto dumps = bench.kernel.dumps;
    bench.reconciler.audit_soon();
    bench.run_for(10ms);
    CHECK(bench.kernel.dumps == dumps);  // there is nothing to look at any more
}

TEST_CASE("one that somebody else deleted meanwhile is forgotten") {
    TableBench bench{0};
    bench.kernel.table = {entry("10.9.9.9", {})};
    bench.kernel.refuses = [](const netlink::IpvsOperation&) { return EBUSY; };
    bench.start({tcp_key("10.9.9.9")});
    bench.kernel.table.clear();
    bench.kernel.batches.clear();
    bench.reconciler.audit_soon();
    CHECK(bench.until([&] { return bench.kernel.dumps >= 3; }));
    bench.run_for(10ms);
    CHECK(bench.kernel.batches.empty());
}

TEST_CASE("audits follow one another at their interval, and end with the stop") {
    TableBench bench;
    bench.options.audit_every = 1ms;
    bench.start();
    const auto dumps = bench.kernel.dumps;
    CHECK(bench.until([&] { return bench.kernel.dumps >= dumps + 5; }));
    bench.reconciler.stop(true, Flush::No);
    const auto last = bench.kernel.dumps;
    bench.run_for(30ms);
    CHECK(bench.kernel.dumps == last);
    bench.reconciler.audit_soon();
    bench.run_for(30ms);
    CHECK(bench.kernel.dumps == last);
}

TEST_CASE("without an interval an audit happens only when it is asked for, once") {
    TableBench bench;
    bench.options.audit_every = Micros{0};
    bench.start();
    const auto dumps = bench.kernel.dumps;
    bench.run_for(20ms);
    CHECK(bench.kernel.dumps == dumps);
    bench.reconciler.audit_soon();
    CHECK(bench.until([&] { return bench.kernel.dumps == dumps + 1; }));
    bench.run_for(20ms);
    CHECK(bench.kernel.dumps == dumps + 1);
}

TEST_CASE("an audit whose reading fails opens the socket again, and audits go on") {
    TableBench bench;
    bench.options.audit_every = 1ms;
    bench.options.reopen_every = 1ms;
    bench.start();
    bench.kernel.counts = false;
    CHECK(bench.until([&] { return !bench.reconciler.state().available; }));
    CHECK(bench.count("IPVS: no buffer space: rereading the table") >= 1);
    bench.kernel.counts = true;
    CHECK(bench.until([&] { return bench.reconciler.state().available; }));
    bench.kernel.table[0].destinations.clear();
    CHECK(bench.until([&] { return bench.reconciler.state().repairs == 1; }));
}

TEST_CASE("an audit that was cut short begins again with the first service") {
    TableBench bench{33};
    bench.options.reopen_every = 0ms;
    bench.start_into_audit();
    bench.kernel.lists = false;
    CHECK(bench.until([&] { return !bench.reconciler.state().available; }));
    bench.kernel.lists = true;
    CHECK(bench.until([&] { return bench.reconciler.state().available; }));
    bench.kernel.reads = 0;
    bench.slice();
    CHECK(bench.kernel.reads == 32);
}

TEST_CASE("an audit that finds the table closed begins again with the first service when it is open") {
    TableBench bench{33};
    bench.options.reopen_every = 1ms;
    bench.start_into_audit();
    bench.kernel.available = false;
    bench.kernel.socket_breaks = true;
    bench.reconciler.update({entry("10.0.0.1", {})});
    CHECK_FALSE(bench.reconciler.state().available);
    bench.run_for(150ms);  // the next slice's turn is in it
    bench.kernel.available = true;
    CHECK(bench.until([&] { return bench.reconciler.state().available; }));
    bench.kernel.reads = 0;
    bench.slice();
    CHECK(bench.kernel.reads == 32);
}

TEST_CASE("an audit that is asked for begins with the first service, wherever another one has come") {
    TableBench bench{33};
    bench.start_into_audit();
    bench.reconciler.audit_soon();
    bench.kernel.reads = 0;
    bench.slice();
    CHECK(bench.kernel.reads == 32);
}

TEST_CASE("a usual audit is spread over half of its interval") {
    TableBench bench{33};
    bench.start_into_audit();
    const auto begun = std::chrono::steady_clock::now();
    CHECK(bench.until([&] { return bench.kernel.reads == 33; }));
    CHECK(std::chrono::steady_clock::now() - begun >= 99ms);
}

TEST_CASE("a reload has a large table's services audited at once, and their servers at the interval") {
    TableBench bench{kServicesAuditedAtOnce + 1};
    bench.options.audit_every = 1h;
    bench.start();
    bench.written();
    bench.kernel.reads = 0;
    const auto last = bench.desired.back().service.key;

    bench.reconciler.audit_soon();
    CHECK(bench.kernel.reads == 0);
    CHECK(bench.written().empty());

    auto& table = bench.kernel.table;
    table.front().service.scheduler = "dh";
    table.back().destinations.clear();
    std::erase_if(table, [](const auto& one) { return one.service.key == tcp_key("10.0.0.2"); });
    bench.reconciler.audit_soon();
    CHECK(bench.written() ==
          Texts{"change TCP 10.0.0.1:80", "add TCP 10.0.0.2:80", "add TCP 10.0.0.2:80 -> 10.1.0.1:80"});
    CHECK(bench.count("IPVS was changed by another program; repaired: ") == 3);

    bench.options.audit_every = Micros{0};  // no other audit follows
    bench.reconciler.audit_soon();
    CHECK(bench.until([&] { return bench.reconciler.state().repairs == 4; }));
    CHECK(bench.written() == Texts{"add " + netlink::describe(last) + " -> 10.1.0.1:80"});
}
