// Answers of Consul and etcd: what is read of them, and what refuses one.
#include "mainstay/config/registry.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

using namespace mainstay;
using namespace mainstay::config;

namespace {

std::string shown(const Result<DiscoveredServers>& servers) {
    if (!servers) return servers.error().text();
    std::string out;
    for (const auto& one : *servers) {
        out += (out.empty() ? "" : ", ") + Endpoint{one.address, one.port}.to_string();
        if (one.weight) out += fmt::format(" w{}", *one.weight);
    }
    return out;
}

std::string instance(const std::string& service, const std::string& checks = R"({"Status":"passing"})") {
    return R"({"Node":{"Node":"n1","Address":"10.0.0.9"},"Service":{)" + service + R"(},"Checks":[)" + checks + "]}";
}
std::string consul(const std::string& entries, const ConsulSelection& selection = {}) {
    return shown(read_consul_health("[" + entries + "]", selection));
}

std::string etcd(const std::string& values, std::uint16_t port = 0) {
    const auto read = read_etcd_range(R"({"header":{"cluster_id":"1","revision":"12"},"kvs":[)" + values + "]}", port);
    if (!read) return read.error().text();
    CHECK(read->revision == 12);
    return shown(read->servers);
}
std::string value(const std::string& base64) { return R"({"key":"L3dlYi8x","value":")" + base64 + "\"}"; }

}  // namespace

TEST_CASE("an instance of Consul has its own address, or its node's, and the weight of its health") {
    CHECK(consul("") == "");
    CHECK(consul(instance(R"("Address":"10.0.0.2","Port":8080,"Weights":{"Passing":5,"Warning":2})")) ==
          "10.0.0.2:8080 w5");
    CHECK(consul(instance(R"("Address":"","Port":80)")) == "10.0.0.9:80");
    CHECK(consul(instance(R"("Port":80,"Weights":{"Passing":5,"Warning":2})",
                          R"({"Status":"passing"},{"Status":"warning"})")) == "10.0.0.9:80 w2");
    CHECK(consul(instance(R"("Address":"2001:db8::1","Port":80)")) == "[2001:db8::1]:80");
    CHECK(consul(instance(R"("Port":0)"), {.without_tags = {}, .any_health = false, .port = 81}) == "10.0.0.9:81");
}

TEST_CASE("instances that Consul finds critical, and those with a tag that is not wanted, are left out") {
    const std::string critical =
        instance(R"("Address":"10.0.0.2","Port":80)", R"({"Status":"passing"},{"Status":"critical"})");
    const std::string away = instance(R"("Address":"10.0.0.3","Port":80)", R"({"Status":"maintenance"})");
    const std::string old = instance(R"("Address":"10.0.0.4","Port":80,"Tags":["blue","old"])");

    CHECK(consul(critical + "," + away) == "");
    CHECK(consul(critical + "," + away, {.without_tags = {}, .any_health = true, .port = 0}) ==
          "10.0.0.2:80, 10.0.0.3:80");
    CHECK(consul(old) == "10.0.0.4:80");
    CHECK(consul(old, {.without_tags = {"old"}, .any_health = false, .port = 0}) == "");
    CHECK(consul(old, {.without_tags = {"ol"}, .any_health = false, .port = 0}) == "10.0.0.4:80");
}

TEST_CASE("several instances at one place are one server, with the largest weight") {
    const auto at = [](const char* weight) {
        return instance(fmt::format(R"("Address":"10.0.0.2","Port":80,"Weights":{{"Passing":{}}})", weight));
    };

    CHECK(consul(at("2") + "," + at("7") + "," + at("3")) == "10.0.0.2:80 w7");
}

TEST_CASE("one wrong entry refuses the whole answer, and is named") {
    const std::string good = instance(R"("Port":80)") + ",";
    const struct {
        std::string entry, problem;
    } rows[] = {
        {"7", "entry 2 has no Service"},
        {instance(R"("Address":"web.<b>example","Port":80)"),
         "entry 2 has 'web.?b?example' as its address: names are not looked up here"},
        {instance(R"("Address":"0.0.0.0","Port":80)"), "entry 2 has '0.0.0.0', which is no address of a host"},
        {instance(R"("Address":"224.0.0.1","Port":80)"), "entry 2 has '224.0.0.1', which is no address of a host"},
        {instance(R"("Port":0)"), "entry 2 (10.0.0.9) has no port from 1 to 65535: --port gives one to all"},
        {instance(R"("Port":65536)"), "entry 2 (10.0.0.9) has no port from 1 to 65535: --port gives one to all"},
        {instance(R"("Port":80,"Weights":{"Passing":65536})"),
         "entry 2 (10.0.0.9) has a weight that is no number from 0 to 65535"},
        {instance(R"("Port":80,"Weights":{"Passing":-1})"),
         "entry 2 (10.0.0.9) has a weight that is no number from 0 to 65535"},
        {instance(R"("Port":80)", R"({"Status":"odd"})"), "entry 2 has the state 'odd', which is not known"},
        {R"({"Service":{"Port":80,"Address":"10.0.0.2"}})", "entry 2 has no list of checks"},
    };
    for (const auto& row : rows) CHECK(consul(good + row.entry) == row.problem);
    CHECK(shown(read_consul_health("{}", {})) == "the answer is no list of instances");
    CHECK(shown(read_consul_health(R"([{"Service":)", {})) == "the answer is no JSON, or ends early");
    CHECK(shown(read_consul_health("", {})) == "the answer is no JSON, or ends early");
}

TEST_CASE("ten thousand servers are taken, and one more is refused") {
    const auto many = [](std::size_t count) {
        std::string entries;
        for (std::size_t i = 0; i < count; ++i)
            entries += fmt::format("{}{{\"Service\":{{\"Address\":\"10.{}.{}.1\",\"Port\":80}},\"Checks\":[]}}",
                                   i == 0 ? "" : ",", i / 250, i % 250);
        return read_consul_health("[" + entries + "]", {});
    };

    CHECK(many(10'000)->size() == 10'000);
    CHECK(shown(many(10'001)) == "it has 10001 servers, and a file may have 10000");
}

TEST_CASE("a value of etcd is an address and port, or an object with one") {
    CHECK(etcd("") == "");
    CHECK(etcd(value("MTAuMC4wLjI6ODA=")) == "10.0.0.2:80");               // 10.0.0.2:80
    CHECK(etcd(value("WzIwMDE6ZGI4OjoxXTo4MA==")) == "[2001:db8::1]:80");  // [2001:db8::1]:80
    CHECK(etcd(value("eyJBZGRyIjoiMTAuMC4wLjM6ODAiLCJNZXRhZGF0YSI6bnVsbH0=")) ==
          "10.0.0.3:80");  // as etcd names servers
    CHECK(etcd(value("eyJhZGRyZXNzIjoiMTAuMC4wLjQ6ODEiLCJ3ZWlnaHQiOjR9")) == "10.0.0.4:81 w4");
    CHECK(etcd(value("MTAuMC4wLjU="), 8080) == "10.0.0.5:8080");               // 10.0.0.5
    CHECK(etcd(value("WzIwMDE6ZGI4OjoxXQ=="), 8080) == "[2001:db8::1]:8080");  // [2001:db8::1]
    CHECK(etcd(value("MTAuMC4wLjU=")) == "entry 1 (10.0.0.5) has no port from 1 to 65535: --port gives one to all");
    CHECK(etcd(value("d2ViOjgw")) == "entry 1 has 'web' as its address: names are not looked up here");
    CHECK(etcd(value("MTAuMC4wLjI6ODA")) == "entry 1 has no value in base64");
    CHECK(etcd(value("MT=uMC4wLjI6ODA=")) == "entry 1 has no value in base64");
}

TEST_CASE("an answer of etcd that is none, or not whole, is refused") {
    const auto problem = [](const char* text) {
        const auto read = read_etcd_range(text, 0);
        return read ? std::string{"read"} : read.error().text();
    };

    CHECK(problem(R"({"error":"etcdserver: permission denied","code":7})") ==
          "etcd refuses it: 'etcdserver: permission denied'");
    CHECK(problem(R"({"error":{"message":"x"}})") == "etcd refuses it: 'x'");
    CHECK(problem(R"({"kvs":[]})") == "the answer has no revision");
    CHECK(problem(R"({"header":{"revision":"0"}})") == "the answer has no revision");
    CHECK(problem(R"({"header":{"revision":"3"},"kvs":7})") == "the answer has no list of keys");
    CHECK(problem(R"({"header":{"revision":"3"},"more":true})") == "the answer is not whole");
    CHECK(problem(R"({"header":{"revision":"3"}})") == "read");
}

TEST_CASE("a watch of etcd reports changes, and history that is gone") {
    const auto note = [](const char* line) {
        const auto read = read_etcd_watch(line);
        if (!read) return read.error().text();
        return std::string{*read == EtcdNote::Changed     ? "changed"
                           : *read == EtcdNote::Compacted ? "compacted"
                                                          : "nothing"};
    };

    CHECK(note(R"({"result":{"header":{},"created":true}})") == "nothing");
    CHECK(note(R"({"result":{"header":{},"events":[]}})") == "nothing");
    CHECK(note(R"({"result":{"header":{},"events":[{"type":"DELETE"}]}})") == "changed");
    CHECK(note(R"({"result":{"canceled":true,"compact_revision":"9"}})") == "compacted");
    CHECK(note(R"({"result":{"canceled":true,"cancel_reason":"no leader"}})") == "etcd ended the watch: 'no leader'");
    CHECK(note(R"({"error":{"http_code":401,"message":"invalid auth token"}})") ==
          "etcd refuses the watch: 'invalid auth token'");
    CHECK(note("[]") == "the answer to the watch has no result");
}

TEST_CASE("etcd's first revision is one") {
    CHECK(read_etcd_range(R"({"header":{"revision":"1"}})", 80)->revision == 1);
    CHECK(read_etcd_range(R"({"header":{"revision":"0"}})", 80).error().text() == "the answer has no revision");
}

TEST_CASE("a store's words are shown with what is no letter, digit or usual mark as ?") {
    CHECK(read_etcd_token(R"({"error":"AZ az 09 <b> \n"})").error().text() ==
          "etcd refuses the name or the password: 'AZ az 09 ?b? ?'");
}

TEST_CASE("requests to etcd name the range of a prefix in base64") {
    CHECK(etcd_range_request("/web/") == R"({"key":"L3dlYi8=","range_end":"L3dlYjA="})");
    CHECK(etcd_range_request("a\xff") == R"({"key":"Yf8=","range_end":"Yg=="})");
    CHECK(etcd_range_request("") == R"({"key":"AA==","range_end":"AA=="})");
    CHECK(etcd_range_request("\xff") == R"({"key":"/w==","range_end":"AA=="})");
    CHECK(etcd_watch_request("/web/", 13) ==
          R"({"create_request":{"key":"L3dlYi8=","range_end":"L3dlYjA=","start_revision":"13"}})");
    CHECK(etcd_token_request("na\"me", "p") == R"({"name":"na\"me","password":"p"})");
    CHECK(read_etcd_token(R"({"token":"abc.1"})") == "abc.1");
    CHECK(read_etcd_token(R"({"token":"a\nb"})").error().text() == "the answer has no token");
    CHECK(read_etcd_token("{\"token\":\"a\x7f\"}").error().text() == "the answer has no token");
    CHECK(read_etcd_token(R"({"error":"etcdserver: authentication failed"})").error().text() ==
          "etcd refuses the name or the password: 'etcdserver: authentication failed'");
}

TEST_CASE("the file of servers is one that mainstay reads") {
    CHECK(server_file_of({}) == "[\n]\n");
    CHECK(server_file_of({{*IpAddress::parse("10.0.0.2"), 80, {}}, {*IpAddress::parse("2001:db8::1"), 81, 3}}) ==
          "[\n {\"targets\": [\"10.0.0.2:80\"]},\n {\"targets\": [\"[2001:db8::1]:81\"], \"labels\": {\"weight\": "
          "\"3\"}}\n]\n");
}
