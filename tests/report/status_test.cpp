#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "mainstay/report/document.hpp"

namespace mainstay::report {

TEST_CASE("times are written in UTC, and not at all when there are none") {
    CHECK(iso_time({1'795'163'866'999'999}) == "2026-11-20T08:37:46Z");
    CHECK(iso_time({}) == "");
    CHECK(iso_time({-5}) == "");
    CHECK(iso_time({INT64_MAX}) == "");
}

TEST_CASE("the status names what people look for") {
    DaemonStatus status{.version = "0.1.0", .host_name = "dir1", .generation = 3};
    vrrp::InstanceSnapshot instance;
    instance.name = "VI_1";
    instance.state = vrrp::State::Master;
    instance.master = *IpAddress::parse("192.168.4.11");
    instance.since = {1'795'163'866'000'000};
    instance.problems = {{"rival_master", *IpAddress::parse("10.0.0.2"), Instant{std::chrono::seconds{90}}, 7, "text"}};
    status.now = {1'795'163'876'000'000};
    status.clock = Instant{std::chrono::seconds{100}};
    status.vrrp.emplace();
    status.vrrp->router.instances = {instance, instance};
    status.vrrp->router.scripts = {{.name = "chk"}};
    status.vrrp->addresses = {{"192.168.4.200/32"}};
    status.lvs.emplace();
    status.lvs->services = {{.name = "[10.0.0.1]:tcp:80",
                             .scheduler = "rr",
                             .quorum_up = true,
                             .servers = {{.name = "[10.0.0.11]:tcp:80",
                                          .endpoint = {*IpAddress::parse("10.0.0.11"), 80},
                                          .checks = {{.type = "TCP_CHECK",
                                                      .target = "10.0.0.11:80",
                                                      .up = false,
                                                      .has_run = true,
                                                      .failures_in_row = 2,
                                                      .last_result = "connection refused"}}}}}};

    const auto json = nlohmann::json::parse(status_json(status));

    CHECK(json["generation"] == 3);
    CHECK(json["vrrp"]["instances"][0]["state"] == "MASTER");
    CHECK(json["vrrp"]["instances"][0]["master"] == "192.168.4.11");
    CHECK(json["vrrp"]["instances"][0]["since"] == "2026-11-20T08:37:46Z");
    CHECK(json["vrrp"]["instances"][0]["addresses"] == nlohmann::json::array({"192.168.4.200/32"}));
    CHECK(json["vrrp"]["instances"][1]["addresses"].empty());
    CHECK(json["vrrp"]["scripts"][0]["state"] == "UNKNOWN");
    CHECK(json["vrrp"]["instances"][0]["problems"][0].dump() ==
          R"({"count":7,"kind":"rival_master","last":"2026-11-20T08:37:46Z","last_unix_us":1795163866000000,)"
          R"("peer":"10.0.0.2","text":"text"})");
    const auto& check = json["lvs"]["services"][0]["servers"][0]["checks"][0];
    CHECK(check["last_result"] == "connection refused");
    CHECK(check["failures_in_row"] == 2);
    CHECK(check["up"] == false);
}

TEST_CASE("an instance in FAULT names no master") {
    DaemonStatus status;
    vrrp::InstanceSnapshot instance;
    instance.state = vrrp::State::Fault;
    instance.master = *IpAddress::parse("192.168.4.11");
    status.vrrp.emplace();
    status.vrrp->router.instances = {instance};

    CHECK(nlohmann::json::parse(status_json(status))["vrrp"]["instances"][0]["master"] == "");
}

TEST_CASE("a role that has published nothing is null, and names of any bytes leave valid JSON") {
    DaemonStatus status{.version = "0.1.0", .host_name = "bad\xFF\"name\n"};

    const auto json = nlohmann::json::parse(status_json(status), nullptr, false);

    REQUIRE(json.is_object());
    CHECK(json["vrrp"].is_null());
    CHECK(json["lvs"].is_null());
    CHECK(json["host"] == "bad\uFFFD\"name\n");
}

}  // namespace mainstay::report
