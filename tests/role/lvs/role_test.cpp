#include "mainstay/role/lvs/role.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <cstring>

#include "../../lvs/builders.hpp"
#include "../../probe/loopback.hpp"
#include "bench.hpp"
#include "mainstay/config/load.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace mainstay::lvs::test;
using namespace std::chrono_literals;
using Operation = netlink::IpvsOperation::Kind;

namespace {

config::RealServer quickly_checked(const Endpoint& target) {
    auto one = checked("10.0.0.11");
    one.checkers[0].target = target;
    one.checkers[0].delay_loop = 20ms;
    one.checkers[0].delay_before_retry = 10ms;
    one.checkers[0].connect_timeout = 2s;
    return one;
}

lvs::ServiceTable foreign() { return {tcp_service("10.9.9.9"), {to("10.9.9.1")}}; }

}  // namespace

TEST_CASE("the start writes the whole table at once, reports it, and leaves foreign services alone") {
    Bench bench;
    bench.kernel.table.push_back(foreign());

    bench.start(with({pair()}));

    CHECK(bench.kernel.batches.size() == 1);
    CHECK(bench.operations() == 3);
    REQUIRE(bench.in_kernel("10.0.0.1") != nullptr);
    CHECK(bench.in_kernel("10.0.0.1")->destinations == std::vector{to("10.0.0.12", 2), to("10.0.0.11")});
    CHECK(*bench.in_kernel("10.9.9.9") == foreign());
    REQUIRE(bench.runtime.events.size() == 1);
    CHECK(bench.runtime.events[0].detail == "Starting with quorum up 1+0=1 <= 3");
    CHECK(bench.runtime.status().ipvs_available);
    CHECK(bench.runtime.status().services.at(0).servers.at(1).name == "[10.0.0.12]:tcp:80");
    bench.stop();
    CHECK(bench.kernel.table == lvs::Table{foreign()});
}

TEST_CASE("at a stop the state says so, with the services as they were; not where the table stays") {
    for (const bool keep : {false, true}) {
        Bench bench;
        bench.options.keep_ipvs_at_stop = keep;
        bench.start(with({pair()}));
        CHECK_FALSE(bench.runtime.status().stopped);
        bench.stop();
        CHECK(bench.runtime.status().stopped == !keep);
        CHECK(bench.runtime.status().services.at(0).quorum_up);
    }
}

TEST_CASE("smtp_alert_checker says whether services are mailed about, whatever smtp_alert says") {
    // effect: global_defs: smtp_alert_checker
    for (const bool on : {true, false}) {
        auto loaded = config::load_text("x.conf",
                                        std::string{"global_defs {\nsmtp_alert "} + (on ? "off" : "on") +
                                            "\nsmtp_alert_checker " + (on ? "on" : "off") +
                                            "\n}\nvirtual_server 10.9.9.9 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\n"
                                            "real_server 10.1.1.1 80 {\nweight 1\n}\n}\n",
                                        {});
        REQUIRE(loaded.can_run());
        Bench bench;
        bench.start(std::move(loaded.config));
        REQUIRE(bench.runtime.events.size() == 1);
        CHECK(bench.runtime.events[0].mail == on);
    }
}

TEST_CASE("what the kernel holds already is taken up: only the difference is written") {
    Bench bench;
    bench.kernel.table.push_back({tcp_service("10.0.0.1"), {to("10.0.0.12", 1), to("10.0.0.77")}});

    bench.start(with({pair()}));

    CHECK(bench.operations() == 3);  // add .11, set the weight of .12, delete .77
    CHECK(bench.in_kernel("10.0.0.1")->destinations == std::vector{to("10.0.0.11"), to("10.0.0.12", 2)});
}

TEST_CASE("a server that refuses leaves the table, in the state block too, and returns when it accepts") {
    UniqueFd listener = probe::test::bind_only();
    const Endpoint target = probe::test::bound_to(listener);
    Bench bench;
    bench.start(with({service({quickly_checked(target), server("10.0.0.12")})}));

    CHECK(bench.runtime.until([&] { return bench.in_kernel("10.0.0.1")->destinations.size() == 1; }));
    CHECK(bench.in_kernel("10.0.0.1")->destinations[0] == to("10.0.0.12"));
    CHECK(bench.runtime.events.back().detail == "TCP CHECK failed on service");
    CHECK(bench.runtime.events.back().mail);
    CHECK(bench.runtime.until([&] { return !bench.runtime.status().services[0].servers[0].alive; }));
    CHECK(bench.runtime.status().services[0].servers[0].checks[0].last_result == "connection refused");

    REQUIRE(::listen(listener.get(), 64) == 0);
    CHECK(bench.runtime.until([&] { return bench.in_kernel("10.0.0.1")->destinations.size() == 2; }));
    CHECK(bench.runtime.events.back().transition == Transition::Up);
    bench.stop();
}

TEST_CASE("the sorry server enters in the same batch before the last server leaves") {
    const UniqueFd closed = probe::test::bind_only();
    auto web = service({quickly_checked(probe::test::bound_to(closed))});
    web.sorry_server = sorry("10.0.0.99");
    Bench bench;
    bench.start(with({web}));

    CHECK(bench.runtime.until([&] { return bench.kernel.batches.size() == 2; }));
    REQUIRE(bench.kernel.batches[1].size() == 2);
    CHECK(bench.kernel.batches[1][0].kind == Operation::AddDestination);
    CHECK(bench.kernel.batches[1][0].destination == to("10.0.0.99"));
    CHECK(bench.kernel.batches[1][1].kind == Operation::DeleteDestination);
}

TEST_CASE("without IPVS checks run and status says what is missing; once it is there the table is put in") {
    const UniqueFd closed = probe::test::bind_only();
    Bench bench;
    bench.kernel.available = false;
    bench.start(with({service({quickly_checked(probe::test::bound_to(closed)), server("10.0.0.12")})}));

    CHECK_FALSE(bench.runtime.status().ipvs_available);
    CHECK(bench.runtime.status().ipvs_problem == "no IPVS in this kernel: modprobe ip_vs");
    CHECK(bench.runtime.until(
        [&] { return bench.kernel.opened > 3 && !bench.runtime.status().services[0].servers[0].alive; }));
    CHECK(bench.runtime.log().count("IPVS cannot be programmed") == 1);

    bench.kernel.available = true;
    CHECK(bench.runtime.until([&] { return bench.runtime.status().ipvs_available; }));
    CHECK(bench.in_kernel("10.0.0.1")->destinations == std::vector{to("10.0.0.12")});
    CHECK(bench.runtime.log().count("IPVS is available now") == 1);
    bench.stop();
}

TEST_CASE("what others changed is repaired and counted, what is not ours stays") {
    Bench bench;
    bench.options.audit_every = 20ms;
    bench.start(with({pair()}));
    bench.kernel.table.clear();
    bench.kernel.table.push_back(foreign());

    CHECK(bench.runtime.until([&] { return bench.in_kernel("10.0.0.1") != nullptr; }));
    CHECK(bench.in_kernel("10.0.0.1")->destinations.size() == 2);
    CHECK(*bench.in_kernel("10.9.9.9") == foreign());
    CHECK(bench.runtime.log().count("IPVS was changed by another program; repaired: ") == 3);
    CHECK(bench.runtime.until([&] { return bench.runtime.status().repairs == 3; }));
    bench.stop();
}

TEST_CASE("a finding that a second read does not confirm is no repair") {
    Bench bench;
    bench.options.audit_every = 20ms;
    bench.start(with({pair()}));
    bench.kernel.batches.clear();
    bench.kernel.lies = true;
    const auto dumps = bench.kernel.dumps;

    CHECK(bench.runtime.until([&] { return bench.kernel.dumps >= dumps + 4; }));

    CHECK_FALSE(bench.kernel.lies);
    CHECK(bench.kernel.batches.empty());
}

TEST_CASE("a refused operation is logged once and retried with every audit, not as a change by another program") {
    Bench bench;
    bench.options.audit_every = 20ms;
    bench.kernel.refused_scheduler = "wrr";
    bench.start(with({pair()}));

    CHECK(bench.runtime.until([&] { return bench.kernel.batches.size() >= 4; }));
    CHECK(bench.runtime.log().count("IPVS refused add TCP 10.0.0.1:80: the kernel has no scheduler wrr") == 1);
    CHECK(bench.runtime.log().count("IPVS refused ") == 1);  // not of its servers as well
    CHECK_FALSE(bench.runtime.status().services[0].servers[0].in_table);
    CHECK(bench.runtime.log().count("changed by another program") == 0);

    bench.kernel.refused_scheduler.clear();
    CHECK(bench.runtime.until([&] { return bench.in_kernel("10.0.0.1") != nullptr; }));
    CHECK(bench.in_kernel("10.0.0.1")->destinations.size() == 2);
    CHECK(bench.runtime.until([&] { return bench.runtime.status().services[0].servers[0].in_table; }));
    bench.stop();
}

TEST_CASE(
    "of a batch in which the kernel has no memory or is busy for one operation, only that one is reported and "
    "repeated") {
    using Kind = netlink::IpvsOperation::Kind;
    int number = EBUSY;
    SUBCASE("ENOMEM") { number = ENOMEM; }
    SUBCASE("EBUSY") {}
    Bench bench;
    bench.options.audit_every = 20ms;
    bench.kernel.refuses = [number](const netlink::IpvsOperation& operation) {
        const bool that_one = operation.destination.endpoint.address == *IpAddress::parse("10.0.0.12");
        return operation.kind == Kind::AddDestination && that_one ? number : 0;
    };
    bench.start(with({pair()}));
    CHECK(bench.runtime.until([&] { return bench.kernel.batches.size() >= 3; }));

    REQUIRE(bench.in_kernel("10.0.0.1") != nullptr);
    CHECK(bench.in_kernel("10.0.0.1")->destinations.size() == 1);
    CHECK(bench.runtime.status().services[0].servers[0].in_table);
    CHECK_FALSE(bench.runtime.status().services[0].servers[1].in_table);
    CHECK(bench.kernel.batches[0].size() == 3);  // the service and both servers
    for (std::size_t i = 1; i < bench.kernel.batches.size(); ++i) {
        REQUIRE(bench.kernel.batches[i].size() == 1);
        CHECK(netlink::describe(bench.kernel.batches[i][0]) == "add TCP 10.0.0.1:80 -> 10.0.0.12:80");
    }
    CHECK(bench.runtime.log().count("IPVS refused ") == 1);
    CHECK(bench.runtime.log().count("IPVS refused add TCP 10.0.0.1:80 -> 10.0.0.12:80: " +
                                    std::string{std::strerror(number)}) == 1);
    CHECK(bench.runtime.log().count("changed by another program") == 0);

    bench.kernel.refuses = nullptr;
    CHECK(bench.runtime.until([&] { return bench.in_kernel("10.0.0.1")->destinations.size() == 2; }));
    bench.stop();
}

TEST_CASE("after lost answers the table is read again and the rest is written") {
    Bench bench;
    bench.start(with({pair()}));
    bench.kernel.socket_breaks = true;

    bench.reload(with({pair(), service({server("10.0.0.13")}, "10.0.0.2")}));

    CHECK(bench.in_kernel("10.0.0.2") == nullptr);
    CHECK(bench.runtime.until([&] { return bench.in_kernel("10.0.0.2") != nullptr; }));
    CHECK(bench.kernel.opened == 2);
    bench.stop();
}

TEST_CASE("a new incarnation after a crash touches nothing that is right and announces nothing") {
    const UniqueFd closed = probe::test::bind_only();
    const auto config = with({service({quickly_checked(probe::test::bound_to(closed)), server("10.0.0.12")}),
                              service({server("10.0.0.13")}, "10.0.0.2")});
    Bench bench;
    bench.start(config);
    CHECK(bench.runtime.until([&] { return !bench.runtime.status().services[0].servers[0].alive; }));
    bench.role.reset();  // no stop: as if killed
    bench.runtime.loop_.restart();
    bench.kernel.batches.clear();
    bench.runtime.events.clear();

    SUBCASE("the same configuration") {
        bench.start(config, true);
        CHECK(bench.kernel.batches.empty());
        CHECK(bench.runtime.events.empty());
        CHECK_FALSE(bench.runtime.status().services[0].servers[0].alive);
    }
    SUBCASE("the same, of a daemon that was started with --takeover") {
        bench.runtime.startup.adopt = true;
        bench.start(config, true);
        CHECK(bench.kernel.batches.empty());
        CHECK_FALSE(bench.runtime.log_.has("--takeover"));
    }
    SUBCASE("a service went meanwhile") {
        auto next = config;
        next.virtual_servers.pop_back();
        bench.start(next, true);
        CHECK(bench.operations() == 1);
        CHECK(bench.in_kernel("10.0.0.2") == nullptr);
    }
    bench.stop();
}

TEST_CASE("the stop deletes services, not their servers one by one, unless they are to stay") {
    Bench bench;
    config::Config config = with({pair(), service({server("10.0.0.13")}, "10.0.0.2")});
    bench.kernel.table.push_back(foreign());
    SUBCASE("default") {
        bench.start(config);
        bench.kernel.batches.clear();
        bench.stop();
        CHECK(bench.operations() == 2);
        CHECK(bench.kernel.table == lvs::Table{foreign()});
    }
    SUBCASE("kept") {
        bench.options.keep_ipvs_at_stop = true;
        bench.start(config);
        bench.stop();
        CHECK(bench.kernel.table.size() == 3);
    }
    SUBCASE("lvs_flush_on_stop") {
        // effect: global_defs: lvs_flush_on_stop lvs_flush_onstop
        config.global.lvs_flush_on_stop = config::Global::FlushOnStop::All;
        bench.start(config);
        bench.stop();
        CHECK(bench.kernel.flushes == 1);
        CHECK(bench.kernel.table.empty());
    }
}

TEST_CASE("lvs_flush empties the table first, but not for a new incarnation after a crash") {
    // effect: global_defs: lvs_flush
    Bench bench;
    bench.kernel.table.push_back(foreign());
    config::Config config = with({pair()});
    config.global.lvs_flush = true;

    bench.start(config, true);
    CHECK(bench.kernel.flushes == 0);
    bench.start(config);
    CHECK(bench.kernel.flushes == 1);
    CHECK(bench.kernel.table.size() == 1);
}

TEST_CASE("a stop while checks hang comes to an end") {
    const probe::test::Blackhole silent;
    auto one = quickly_checked(silent.endpoint());
    one.checkers[0].connect_timeout = 60s;
    Bench bench;
    bench.start(with({service({one})}));
    const auto begin = std::chrono::steady_clock::now();
    CHECK(bench.runtime.until([&] { return std::chrono::steady_clock::now() - begin > 1100ms; }));  // it has begun

    bench.stop();

    CHECK(bench.kernel.table.empty());
}

TEST_CASE("a stop before the start ends too") {
    Bench bench;
    bench.role = make_lvs_role(bench.runtime, bench.options);
    bench.stop();
}

namespace {

using How = ipc::ScriptResult::How;

config::RealServer checked_by_script(bool dynamic) {
    auto one = server("10.0.0.11", 10);
    one.checkers.push_back(misc_check(one.endpoint));
    one.checkers[0].delay_loop = 20ms;
    one.checkers[0].misc_dynamic = dynamic;
    return one;
}

// Waits for the next script, answers it, and waits until the answer has been judged.
void answer_only_script(Bench& bench, How how, int status) {
    auto& scripts = bench.runtime.scripts;
    REQUIRE(bench.runtime.until([&] { return !scripts.empty(); }));
    REQUIRE(scripts.size() == 1);
    CHECK(scripts[0].key == "misc_check/[10.0.0.11]:tcp:80 of [10.0.0.1]:tcp:80/0");
    const auto done = std::exchange(scripts, {}).at(0).done;
    done({1, how, status});
    REQUIRE(bench.runtime.until([&] { return !scripts.empty(); }));  // it goes on with the next run
}

std::vector<netlink::IpvsDestination> after(How how, int status, bool dynamic) {
    Bench bench;
    bench.start(with({service({checked_by_script(dynamic)})}));
    answer_only_script(bench, how, status);
    auto destinations = bench.in_kernel("10.0.0.1")->destinations;
    bench.stop();
    return destinations;
}

}  // namespace

TEST_CASE("a script that passes leaves its server in; one that fails, hangs, is killed or cannot run takes it out") {
    using In = std::vector<netlink::IpvsDestination>;
    CHECK(after(How::Exited, 0, false) == In{to("10.0.0.11", 10)});
    CHECK(after(How::Exited, 1, false).empty());
    CHECK(after(How::Exited, 7, false).empty());
    CHECK(after(How::Signalled, 9, false).empty());
    CHECK(after(How::TimedOut, 0, false).empty());
    CHECK(after(How::NotRun, ENOENT, false).empty());
    CHECK(after(How::NotRun, 0, false).empty());
    CHECK(after(How::NotRun, EAGAIN, false) == In{to("10.0.0.11", 10)});  // a shortage says nothing about it
}

TEST_CASE("a dynamic script's exit status is the weight plus two; 1 and a signal are failures") {
    using In = std::vector<netlink::IpvsDestination>;
    CHECK(after(How::Exited, 0, true) == In{to("10.0.0.11", 10)});
    CHECK(after(How::Exited, 1, true).empty());
    CHECK(after(How::Exited, 2, true) == In{to("10.0.0.11", 0)});
    CHECK(after(How::Exited, 255, true) == In{to("10.0.0.11", 253)});
    CHECK(after(How::Signalled, 15, true).empty());
}

TEST_CASE("a script's result that comes after the role's end is ignored") {
    Bench bench;
    bench.start(with({service({checked_by_script(false)})}));
    REQUIRE(bench.runtime.until([&] { return !bench.runtime.scripts.empty(); }));
    bench.stop();
    bench.role.reset();

    bench.runtime.scripts.at(0).done({1, How::Exited, 1});
    bench.runtime.loop_.poll();

    CHECK(bench.runtime.log_.count("Misc check") == 0);
}

TEST_CASE("a web server that answers with a wrong status leaves the table") {
    Bench bench;
    const auto listener = probe::test::listen_on_any();
    REQUIRE(::fcntl(listener.get(), F_SETFL, O_NONBLOCK) == 0);
    auto one = quickly_checked(probe::test::bound_to(listener));
    one.checkers[0].type = config::Checker::Type::Http;
    one.checkers[0].connect_timeout = 5s;
    one.checkers[0].urls.edit().push_back({"/", {}, {{}}, {}});
    bench.start(with({service({one})}));
    UniqueFd peer;
    REQUIRE(bench.runtime.until([&] {
        if (!peer) peer = UniqueFd{::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK)};
        return static_cast<bool>(peer);
    }));
    std::string request;
    REQUIRE(bench.runtime.until([&] {
        char bytes[512];
        const auto got = ::recv(peer.get(), bytes, sizeof bytes, 0);
        if (got > 0) request.append(bytes, static_cast<std::size_t>(got));
        return request.ends_with("\r\n\r\n");
    }));
    CHECK(request.starts_with("GET / HTTP/1.0\r\n"));
    const std::string answer = "HTTP/1.0 503 Busy\r\n\r\n";
    REQUIRE(::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(answer.size()));
    peer.reset();

    CHECK(bench.runtime.until([&] { return bench.in_kernel("10.0.0.1")->destinations.empty(); }));
    CHECK(bench.runtime.log_.count("HTTP_CHECK on service [10.0.0.11]:tcp:80 failed.") == 1);
    CHECK(bench.runtime.until([&] {
        const auto check = bench.runtime.status().services.at(0).servers.at(0).checks.at(0);
        return check.last_result == "HTTP status code 503";
    }));
    bench.stop();
}
