// A reload's report names what an operator's slip changes: by the keyword, with both values, what is worse first.
#include <doctest/doctest.h>

#include "diff_text.hpp"

using namespace mainstay;
using namespace mainstay::role::test;

namespace {

const std::string kWeb =
    "virtual_server 10.9.9.9 80 {\ndelay_loop 6\nlb_algo rr\nlb_kind DR\nprotocol TCP\n"
    "real_server 10.1.1.1 80 {\nHTTP_GET {\nurl {\npath /health\nstatus_code 200\n}\nconnect_timeout 3\n}\n}\n}\n";
const std::string kKeepsResult = "         a check with the same target keeps its result until it runs again\n";
const std::string kUntouched = "unchanged: 0 instances, 0 services; IPVS table changes: 0\n";
// The brace of the url, whose block is unknown with that of HTTP_GETS, ends the real server, as with keepalived.
const std::string kBehind = "change settings TCP 10.9.9.9:80\n         connect_timeout none -> 3\n";

}  // namespace

TEST_CASE("a check whose keyword is mistyped is said to be gone") {
    CHECK(text_of(kWeb, replaced(kWeb, "HTTP_GET", "HTTP_GETS")) ==
          "change checks TCP 10.9.9.9:80 -> 10.1.1.1:80\n"
          "         worse: HTTP_GET removed: no check is left, the server is always up\n" +
              kBehind + kUntouched);
}

TEST_CASE("the path that a check asks for is shown before and after") {
    CHECK(text_of(kWeb, replaced(kWeb, "path /health", "path /other")) ==
          "change checks TCP 10.9.9.9:80 -> 10.1.1.1:80\n"
          "         HTTP_GET url path /health -> /other\n" +
              kKeepsResult + kUntouched);
}

TEST_CASE("a delay_loop is shown before and after, once for all the checks that follow it") {
    const std::string shown = "change settings TCP 10.9.9.9:80\n         delay_loop 6 -> 60\n" + kUntouched;
    CHECK(text_of(kWeb, replaced(kWeb, "delay_loop 6\n", "delay_loop 60\n")) == shown);
    CHECK(text_of(kWeb, replaced(kWeb, "delay_loop 6\n", "delay_lop 6\n")) == shown);
}

TEST_CASE("a time of a check that stays is not said to change with the delay_loop that it happens to equal") {
    const auto with = [](const char* loop, const char* lines) {
        return replaced(replaced(kWeb, "delay_loop 6", loop), "connect_timeout 3\n", lines);
    };
    const auto changed = [&](const char* before, const char* after) {
        return "change checks TCP 10.9.9.9:80 -> 10.1.1.1:80\n         HTTP_GET delay_before_retry " +
               std::string{before} + " -> " + after + "\n" + kKeepsResult + kUntouched;
    };
    CHECK(text_of(with("delay_loop 6", "delay_before_retry 3\n"), with("delay_loop 3", "delay_before_retry 3\n")) ==
          "change settings TCP 10.9.9.9:80\n         delay_loop 6 -> 3\n" + kUntouched);
    CHECK(text_of(with("delay_loop 6", ""), with("delay_loop 6", "delay_before_retry 4\n")) == changed("3", "4"));
    CHECK(text_of(with("delay_loop 6", "delay_before_retry 4\n"), with("delay_loop 6", "")) == changed("4", "3"));
    const auto script = [](const char* lines) {
        return "vrrp_script s {\nscript /bin/true\n" + std::string{lines} +
               "}\nvrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\ntrack_script {\ns\n}\n"
               "virtual_ipaddress {\n10.9.9.8\n}\n}\n";
    };
    CHECK(text_of(script("interval 9\ntimeout 5\n"), script("interval 5\ntimeout 5\n")) ==
          "change script s\n         interval 9 -> 5\nunchanged: 1 instance, 0 services; IPVS table changes: 0\n");
}

TEST_CASE("a forwarding method is shown before and after") {
    CHECK(text_of(kWeb, replaced(kWeb, "lb_kind DR", "lb_kind NAT")) ==
          "change server TCP 10.9.9.9:80 -> 10.1.1.1:80\n         lb_kind DR -> NAT\n"
          "unchanged: 0 instances, 0 services; IPVS table changes: 1\n");
}

TEST_CASE("what is worse comes first, in the log too") {
    const std::string instance =
        "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\npriority 100\nvirtual_ipaddress "
        "{\n10.9.9.8\n}\n}\n";
    const std::string before = instance + kWeb;
    const std::string after = replaced(replaced(before, "priority 100", "priority 90"), "HTTP_GET", "HTTP_GETS");
    CHECK(role::as_log_lines(role::diff_reload(config_of(before), config_of(after)), 20) ==
          std::vector<std::string>{
              "change checks TCP 10.9.9.9:80 -> 10.1.1.1:80: worse: HTTP_GET removed: no check is left, the server is "
              "always up",
              "change instance VI_1: it keeps its state, timers and counters; priority 100 -> 90",
              "change settings TCP 10.9.9.9:80: connect_timeout none -> 3"});
}

TEST_CASE("each value that changes has its place in the new file, also in the log and as JSON") {
    const std::string instance =
        "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\npriority 100\nvirtual_ipaddress "
        "{\n10.9.9.8\n}\n}\n";
    const auto next = config::load_text(
        "ha.conf", replaced(replaced(instance + kWeb, "priority 100", "priority 90"), "path /health", "path /other"),
        {});
    config::KeywordPlaces places{next};
    const auto diff = role::diff_reload(config_of(instance + kWeb), next.config, role::Orphans::Expire, &places);
    CHECK(role::as_text(diff) ==
          "change instance VI_1\n         it keeps its state, timers and counters\n"
          "         priority 100 -> 90 (ha.conf:4)\n"
          "change checks TCP 10.9.9.9:80 -> 10.1.1.1:80\n"
          "         HTTP_GET url path /health -> /other (ha.conf:17)\n" +
              kKeepsResult + kUntouched);
    CHECK(role::as_log_lines(diff, 1) ==
          std::vector<std::string>{
              "change instance VI_1: it keeps its state, timers and counters; priority 100 -> 90 (ha.conf:4)"});
    CHECK(role::as_json(diff)["changes"][0].dump() ==
          R"({"action":"change","kind":"instance","name":"VI_1","details":["it keeps its state, timers and counters",)"
          R"("priority 100 -> 90"],"worse":false,"places":[null,"ha.conf:4"]})");
}

TEST_CASE("a key of auth_hmac is never shown") {
    const auto with = [](const char* key) {
        return std::string{
                   "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nversion 3\nauth_hmac {\nkey 1 "} +
               key + "\nactive_key 1\n}\nvirtual_ipaddress {\n10.9.9.8\n}\n}\n";
    };
    CHECK(text_of(with("0123456789abcdef0123456789abcdef"), with("0123456789abcdef0123456789abcdeX")) ==
          "change instance VI_1\n         it keeps its state, timers and counters\n"
          "         auth_hmac key changed\n" +
              kUntouched);
}
