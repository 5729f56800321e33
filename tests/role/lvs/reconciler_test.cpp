// The reconciler on a table in memory.
#include <cerrno>

#include "table_bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace mainstay::lvs::test;
using namespace std::chrono_literals;
using Operation = netlink::IpvsOperation::Kind;
using Flush = config::Global::FlushOnStop;
using Texts = std::vector<std::string>;

TEST_CASE("the start writes the table, says how much it was, and counts it") {
    TableBench bench{2};
    CHECK_FALSE(bench.reconciler.state().available);
    bench.start();
    CHECK(bench.reconciler.state().available);
    CHECK(bench.reconciler.state().problem.empty());
    CHECK(bench.reconciler.state().operations == 4);
    CHECK(bench.reconciler.state().failures == 0);
    CHECK(bench.reconciler.state().repairs == 0);
    CHECK(bench.kernel.dumps == 1);
    CHECK(bench.changed >= 1);
    CHECK(bench.count("IPVS synchronised: 2 services, 4 changes, ") == 1);
    CHECK(bench.kernel.flushes == 0);
}

TEST_CASE("a large table is read and written in parts, and after each the process says that it is still at work") {
    TableBench bench{600};
    for (std::size_t i = 0; i < 100; ++i) bench.kernel.table.push_back(bench.desired[i]);
    bench.start();
    CHECK(bench.kernel.batches.size() == 2);  // of 500 services, each with a server
    CHECK(bench.runtime.times_at_work == 102);
}

TEST_CASE("a table that is right already is read and not written") {
    TableBench bench;
    bench.kernel.table = bench.desired;
    bench.start();
    CHECK(bench.kernel.batches.empty());
    CHECK(bench.reconciler.state().operations == 0);
    CHECK(bench.count("synchronised") == 0);
}

TEST_CASE("an empty table is not read, unless an earlier incarnation has left services") {
    TableBench empty{0}, left{0};
    empty.start();
    CHECK(empty.kernel.dumps == 0);
    left.kernel.table = {entry("10.9.9.9", {}), entry("10.9.9.8", {})};
    left.start({tcp_key("10.9.9.9")});
    CHECK(left.kernel.dumps == 1);
    CHECK(left.written() == Texts{"delete TCP 10.9.9.9:80"});
}

TEST_CASE("a table that cannot be read is not written; it is read again later, and all of it") {
    TableBench bench;
    bench.options.reopen_every = 1ms;
    bench.kernel.counts = false;
    bench.start();
    CHECK(bench.kernel.batches.empty());
    CHECK_FALSE(bench.reconciler.state().available);
    CHECK(bench.reconciler.state().problem == "no buffer space");
    CHECK(bench.count("IPVS: no buffer space: rereading the table") >= 1);
    CHECK(bench.changed >= 1);
    bench.kernel.counts = true;
    CHECK(bench.until([&] { return bench.reconciler.state().available; }));
    CHECK(bench.reconciler.state().problem.empty());
    CHECK(bench.written() == Texts{"add TCP 10.0.0.1:80", "add TCP 10.0.0.1:80 -> 10.1.0.1:80"});
    CHECK(bench.count("IPVS is available now") == 0);  // that it was not, nobody was told
}

TEST_CASE("a table that is missing is named once, and that it is there") {
    TableBench bench;
    bench.options.reopen_every = 3s;
    bench.kernel.available = false;
    bench.start();
    CHECK(bench.count("IPVS cannot be programmed: no IPVS in this kernel: modprobe ip_vs. Health checks run; retried "
                      "every 3 s") == 1);
    CHECK(bench.reconciler.state().problem == "no IPVS in this kernel: modprobe ip_vs");
    CHECK(bench.changed == 1);
    CHECK(bench.reconciler.services().error().code() == Errc::State);
    CHECK(bench.reconciler.services().error().text() == "no IPVS in this kernel: modprobe ip_vs");
    CHECK(bench.reconciler.destinations(tcp_key("10.0.0.1")).error().code() == Errc::State);
    bench.reconciler.update({entry("10.0.0.1", {})});
    bench.reconciler.change({entry("10.0.0.1", {to("10.1.0.2")})});
    bench.reconciler.replace(bench.wanted());
    CHECK(bench.kernel.batches.empty());
    CHECK(bench.changed == 1);
}

TEST_CASE("what changes while the table is missing is in it when it comes") {
    TableBench bench{2};
    bench.options.reopen_every = 20ms;
    bench.kernel.available = false;
    bench.start();
    bench.reconciler.update({entry("10.0.0.1", {to("10.1.0.2")})});
    bench.reconciler.change({entry("10.0.0.2", {})});
    bench.kernel.available = true;
    CHECK(bench.until([&] { return bench.reconciler.state().available; }));
    CHECK(bench.written() == Texts{"add TCP 10.0.0.1:80", "add TCP 10.0.0.1:80 -> 10.1.0.2:80", "add TCP 10.0.0.2:80"});
    CHECK(bench.count("IPVS is available now") == 1);
}

TEST_CASE("an update writes the difference of the services that it names, and of no other") {
    TableBench bench{2};
    bench.start();
    bench.written();
    const int changed = bench.changed;
    bench.reconciler.update({entry("10.0.0.2", {to("10.1.0.1", 7)}), entry("10.7.7.7", {to("10.1.0.1")})});
    CHECK(bench.written() == Texts{"change TCP 10.0.0.2:80 -> 10.1.0.1:80"});
    CHECK(bench.changed == changed + 1);
    CHECK(bench.kernel.batches.empty());
    bench.reconciler.change({entry("10.0.0.1", {}), entry("10.7.7.7", {to("10.1.0.1")})});
    CHECK(bench.written() == Texts{"delete TCP 10.0.0.1:80 -> 10.1.0.1:80"});
    CHECK(bench.changed == changed + 2);
}

TEST_CASE("another table deletes what is not wanted any more, and reads what is new before it writes it") {
    TableBench bench{2};
    bench.start();
    bench.written();
    bench.kernel.table.push_back(entry("10.0.0.9", {to("10.1.0.5")}));
    const auto dumps = bench.kernel.dumps;
    bench.desired = {bench.desired[0], entry("10.0.0.9", {to("10.1.0.1")})};
    bench.reconciler.replace(bench.wanted());
    CHECK(bench.kernel.dumps == dumps + 1);
    CHECK(bench.written() == Texts{"add TCP 10.0.0.9:80 -> 10.1.0.1:80", "delete TCP 10.0.0.9:80 -> 10.1.0.5:80",
                                   "delete TCP 10.0.0.2:80"});
    bench.reconciler.replace(bench.wanted());
    CHECK(bench.kernel.dumps == dumps + 1);
    CHECK(bench.written().empty());
}

TEST_CASE("of services that come and go those alone are written, and one that is there already is read first") {
    TableBench bench{3};
    bench.start();
    bench.written();
    bench.kernel.table.push_back(entry("10.0.0.9", {to("10.1.0.5")}));
    const auto dumps = bench.kernel.dumps;
    const auto nine = entry("10.0.0.9", {to("10.1.0.1")}), eight = entry("10.0.0.8", {to("10.1.0.1")});

    bench.reconciler.change({}, {{tcp_key("10.0.0.2")}, {{nine, std::nullopt}, {eight, tcp_key("10.0.0.1")}}});

    CHECK(bench.kernel.dumps == dumps + 1);
    CHECK(bench.written() == Texts{"add TCP 10.0.0.8:80", "add TCP 10.0.0.8:80 -> 10.1.0.1:80",
                                   "add TCP 10.0.0.9:80 -> 10.1.0.1:80", "delete TCP 10.0.0.9:80 -> 10.1.0.5:80",
                                   "delete TCP 10.0.0.2:80"});
    bench.desired = {eight, bench.desired[0], bench.desired[2], nine};
    bench.reconciler.replace(bench.wanted());
    CHECK(bench.written().empty());
    CHECK(bench.reconciler.has_all());
}

TEST_CASE("a new service that cannot be read is a lost socket") {
    TableBench bench;
    bench.start();
    bench.kernel.counts = false;
    bench.desired.push_back(entry("10.0.0.9", {}));
    bench.reconciler.replace(bench.wanted());
    CHECK_FALSE(bench.reconciler.state().available);
}

TEST_CASE("a large table is written in several batches") {
    TableBench bench{400};
    bench.start();
    CHECK(bench.kernel.table.size() == 400);
    REQUIRE(bench.kernel.batches.size() == 2);
    CHECK(bench.kernel.batches[0].size() == 512);
    CHECK(bench.kernel.batches[1].size() == 288);
    CHECK(bench.count("IPVS synchronised: 400 services, 800 changes, ") == 1);
}

TEST_CASE("a batch whose answers are lost ends the writing") {
    TableBench bench{400};
    bench.kernel.socket_breaks = true;
    bench.start();
    CHECK(bench.kernel.batches.empty());
    CHECK(bench.count("synchronised") == 0);
    CHECK_FALSE(bench.reconciler.state().available);
    CHECK(bench.reconciler.state().operations == 0);
}

TEST_CASE("refusals are named, ten of them, and the others counted") {
    TableBench bench{12};
    bench.kernel.refuses = [](const netlink::IpvsOperation&) { return EPERM; };
    bench.start();
    CHECK(bench.count("IPVS refused add TCP 10.0.0.1:80: Operation not permitted") == 1);
    CHECK(bench.count("IPVS refused add ") == 10);
    CHECK(bench.count("IPVS refused 2 more operations") == 1);
    CHECK(bench.count(" -> ") == 0);  // of servers whose service was refused
    CHECK(bench.reconciler.state().failures == 24);
    CHECK(bench.reconciler.state().operations == 24);
}

TEST_CASE("a scheduler or a persistence engine that the kernel does not have is named") {
    TableBench bench{2};
    bench.desired[1].service.engine = "sip";
    bench.kernel.refuses = [](const netlink::IpvsOperation& operation) {
        return operation.kind == Operation::AddService ? ENOENT : 0;
    };
    bench.start();
    CHECK(bench.count("IPVS refused add TCP 10.0.0.1:80: the kernel has no scheduler") == 1);
    CHECK(bench.count("the kernel has no scheduler wrr, or no persistence engine sip") == 1);
    TableBench server;
    server.kernel.refuses = [](const netlink::IpvsOperation& operation) {
        return operation.kind == Operation::AddDestination ? ENOENT : 0;
    };
    server.start();
    CHECK(server.count("IPVS refused add TCP 10.0.0.1:80 -> 10.1.0.1:80: No such file or directory") == 1);
}

TEST_CASE("a refusal is named again after everything was accepted once") {
    TableBench bench;
    bench.kernel.refuses = [](const netlink::IpvsOperation& operation) {
        return operation.kind == Operation::SetDestination ? EPERM : 0;
    };
    bench.start();
    const std::string refusal = "IPVS refused change TCP 10.0.0.1:80 -> 10.1.0.1:80";
    bench.reconciler.update({entry("10.0.0.1", {to("10.1.0.1", 7)})});
    CHECK(bench.count(refusal) == 1);
    bench.reconciler.update({entry("10.0.0.1", {to("10.1.0.1", 7)})});
    CHECK(bench.count(refusal) == 1);
    bench.reconciler.update({entry("10.0.0.1", {to("10.1.0.1"), to("10.1.0.2")})});
    bench.reconciler.update({entry("10.0.0.1", {to("10.1.0.1", 7), to("10.1.0.2")})});
    CHECK(bench.count(refusal) == 2);
}

TEST_CASE("connections are counted of the servers of these services, none of a service that is not there") {
    TableBench bench{2};
    bench.start();
    bench.kernel.connections = 3;
    const auto counted = bench.reconciler.connections({bench.desired[1], entry("10.7.7.7", {})});
    REQUIRE(counted);
    REQUIRE(counted->size() == 1);
    CHECK((*counted)[0].endpoint == at("10.1.0.1", 80));
    CHECK((*counted)[0].active == 3);
    CHECK((*counted)[0].inactive == 0);
}

TEST_CASE("the stop deletes its services, keeps them if they are to stay, or flushes the table") {
    TableBench plain{2}, kept{2}, flushed{2};
    for (TableBench* bench : {&plain, &kept, &flushed}) {
        bench->kernel.table.push_back(entry("10.9.9.9", {}));
        bench->start();
        bench->written();
    }
    plain.reconciler.stop(false, Flush::No);
    CHECK(plain.written() == Texts{"delete TCP 10.0.0.1:80", "delete TCP 10.0.0.2:80"});
    CHECK(plain.kernel.table.size() == 1);
    CHECK_FALSE(plain.reconciler.state().available);
    kept.reconciler.stop(true, Flush::All);
    CHECK(kept.written().empty());
    CHECK(kept.kernel.flushes == 0);
    flushed.reconciler.stop(false, Flush::All);
    CHECK(flushed.written().empty());
    CHECK(flushed.kernel.flushes == 1);
}

TEST_CASE("a refusal at the stop is named") {
    TableBench bench;
    bench.start();
    bench.kernel.refuses = [](const netlink::IpvsOperation&) { return EPERM; };
    bench.reconciler.stop(false, Flush::No);
    CHECK(bench.count("IPVS refused delete TCP 10.0.0.1:80: Operation not permitted") == 1);
}

TEST_CASE("a socket that is lost before or at the stop is opened once more, to delete what is in the table") {
    TableBench before{2}, at_stop{2}, gone;
    for (TableBench* bench : {&before, &at_stop, &gone}) {
        bench->start();
        bench->kernel.socket_breaks = true;
    }
    for (TableBench* bench : {&before, &gone}) {
        bench->reconciler.update({entry("10.0.0.1", {to("10.1.0.1", 7)})});
        CHECK_FALSE(bench->reconciler.state().available);
    }
    gone.kernel.available = false;
    for (TableBench* bench : {&before, &at_stop, &gone}) {
        bench->written();
        bench->reconciler.stop(false, Flush::No);
        bench->run_for(5ms);
        CHECK(bench->kernel.opened == 2);
    }
    CHECK(before.written() == Texts{"delete TCP 10.0.0.1:80", "delete TCP 10.0.0.2:80"});
    CHECK(at_stop.kernel.table.empty());
    CHECK(gone.count("IPVS: no IPVS in this kernel: modprobe ip_vs: the services that mainstay has put into it stay") ==
          1);
}

TEST_CASE("a table that was never there is not looked for at the stop") {
    TableBench bench;
    bench.kernel.available = false;
    bench.start();
    bench.reconciler.stop(false, Flush::No);
    CHECK(bench.kernel.opened == 1);
}

TEST_CASE("lvs_flush flushes at the first opening only") {
    TableBench bench;
    bench.options.reopen_every = 1ms;
    bench.kernel.available = false;
    bench.start({}, true);
    CHECK(bench.kernel.flushes == 0);
    bench.kernel.available = true;
    CHECK(bench.until([&] { return bench.kernel.flushes == 1; }));
    bench.kernel.socket_breaks = true;
    bench.reconciler.update({entry("10.0.0.1", {to("10.1.0.1", 7)})});
    CHECK(bench.until([&] { return bench.kernel.opened == 4 || bench.reconciler.state().available; }));
    CHECK(bench.kernel.flushes == 1);
}
