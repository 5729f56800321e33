// Files of real servers: what is read of them, and what refuses one.
#include "mainstay/config/server_file.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

using namespace mainstay;
using namespace mainstay::config;

namespace {

// "192.0.2.1:80 w3", a line for each server; or the problem.
std::string read(std::string_view text, const ServerFileSource& source = {}) {
    const auto servers = read_server_file(text, source);
    if (!servers) return servers.error().text();
    std::string out;
    for (const auto& one : *servers) {
        out += (out.empty() ? "" : ", ") + Endpoint{one.address, one.port}.to_string();
        if (one.weight) out += fmt::format(" w{}", *one.weight);
    }
    return out;
}

std::string entries(std::string_view targets) { return fmt::format(R"([{{"targets":[{}]}}])", targets); }

}  // namespace

TEST_CASE("each target of each entry is a server, sorted, with the weight of its entry") {
    CHECK(read(R"([{"targets":["192.0.2.2:81","192.0.2.2:80"],"labels":{"weight":"3","zone":"a"}},
                   {"labels":{"zone":"b"},"targets":["192.0.2.1:80"]},
                   {"targets":["[2001:db8::1]:8080"],"labels":{"weight":0}}, {"targets":[]}])") ==
          "192.0.2.1:80, 192.0.2.2:80 w3, 192.0.2.2:81 w3, [2001:db8::1]:8080 w0");
    CHECK(read("[]").empty());
    CHECK(read(" [ ] \n").empty());
}

TEST_CASE("with a port of the configuration a target needs none, and its own is replaced") {
    ServerFileSource source;
    source.port = 8080;
    CHECK(read(entries(R"("192.0.2.1","192.0.2.2:80","2001:db8::1","[2001:db8::2]")"), source) ==
          "192.0.2.1:8080, 192.0.2.2:8080, [2001:db8::1]:8080, [2001:db8::2]:8080");
    CHECK(read(entries(R"("192.0.2.1:80","192.0.2.1:81")"), source) ==
          "entries 1 and 1 both have 192.0.2.1:8080: leave one out");
    CHECK(read(entries(R"("192.0.2.1")")) ==
          "entry 1 has the target '192.0.2.1', which has no port: write it there, or behind the file's path in the "
          "configuration");
}

TEST_CASE("labels keep and drop entries") {
    ServerFileSource source;
    const char* text = R"([{"targets":["192.0.2.1:80"],"labels":{"zone":"a","stage":"live"}},
                           {"targets":["192.0.2.2:80"],"labels":{"zone":"b","stage":"live"}},
                           {"targets":["192.0.2.3:80"],"labels":{"zone":"a","stage":"test"}},
                           {"targets":["192.0.2.4:80"]}])";
    source.keep = {{"zone", {"a", "b"}}};
    CHECK(read(text, source) == "192.0.2.1:80, 192.0.2.2:80, 192.0.2.3:80");
    source.drop = {{"stage", {"test"}}};
    CHECK(read(text, source) == "192.0.2.1:80, 192.0.2.2:80");
    source.keep.push_back({"zone", {"b"}});
    CHECK(read(text, source) == "192.0.2.2:80");
    source.keep.clear();
    CHECK(read(text, source) == "192.0.2.1:80, 192.0.2.2:80, 192.0.2.4:80");
}

TEST_CASE("a target has to be an address with a port, and the entry that has another one is named") {
    const struct {
        const char* target;
        const char* reported;
    } rows[] = {
        {"web-1:80",
         "is not an address (a host name is not looked up here: write its address, or use real_server_dns)"},
        {"", "is not an address (a host name is not looked up here: write its address, or use real_server_dns)"},
        {"192.0.2.256:80",
         "is not an address (a host name is not looked up here: write its address, or use real_server_dns)"},
        {"[192.0.2.1]:80",
         "is not an address (a host name is not looked up here: write its address, or use real_server_dns)"},
        {"192.0.2.1:0", "has no port from 1 to 65535"},
        {"192.0.2.1:65536", "has no port from 1 to 65535"},
        {"192.0.2.1:", "has no port from 1 to 65535"},
        {"192.0.2.1:http", "has no port from 1 to 65535"},
        {"192.0.2.1: 80", "has no port from 1 to 65535"},
        {"[2001:db8::1]80", "has something other than a port behind the bracket"},
        {"224.0.0.18:80", "is no address of a host"},
        {"0.0.0.0:80", "is no address of a host"},
        {"[::]:80", "is no address of a host"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.target);
        CHECK(read(fmt::format(R"([{{"targets":["192.0.2.1:81"]}},{{"targets":["{}"]}}])", row.target)) ==
              fmt::format("entry 2 has the target '{}', which {}", row.target, row.reported));
    }
}

TEST_CASE("what is quoted of a file has neither markup nor control characters, and an end") {
    CHECK(read(entries(R"("<script>alert(1)</script>")"))
              .starts_with("entry 1 has the target '?script?alert?1?"
                           "?/script?'"));
    CHECK(read(entries(R"("a\u001b[31m\nb\u0000")")).starts_with("entry 1 has the target 'a?[31m?b?'"));
    CHECK(read(entries("\"" + std::string(10'000, 'x') + "\"")).size() < 250);
    CHECK(read(R"([{"<b>":1}])") == "entry 1 has the key '?b?': an entry has \"targets\" and \"labels\" alone");
}

TEST_CASE("the servers are of the family of the service") {
    ServerFileSource source;
    source.family = Family::V4;
    CHECK(read(entries(R"("192.0.2.1:80","[2001:db8::1]:80")"), source) ==
          "entry 1 has the target '[2001:db8::1]:80', which is IPv6, and the service is IPv4");
    source.family = Family::V6;
    CHECK(read(entries(R"("192.0.2.1:80")"), source) ==
          "entry 1 has the target '192.0.2.1:80', which is IPv4, and the service is IPv6");
}

TEST_CASE("a server that is there twice refuses the file, which says where") {
    CHECK(read(R"([{"targets":["192.0.2.1:80"]},{"targets":["192.0.2.2:80"]},{"targets":["192.0.2.1:80"]}])") ==
          "entries 1 and 3 both have 192.0.2.1:80: leave one out");
    CHECK(read(entries(R"("[2001:db8::1]:80","[2001:db8:0::1]:80")")) ==
          "entries 1 and 1 both have [2001:db8::1]:80: leave one out");
}

TEST_CASE("a weight is a number from 0 to 65535") {
    const auto weight = [](std::string_view value) {
        return read(fmt::format(R"([{{"targets":["192.0.2.1:80"],"labels":{{"weight":{}}}}}])", value));
    };
    CHECK(weight("\"65535\"") == "192.0.2.1:80 w65535");
    CHECK(weight("65535") == "192.0.2.1:80 w65535");
    for (const char* bad : {"65536", "-1", "1x", "", "1.5", "+1", " 1"}) {
        CAPTURE(bad);
        CHECK(weight(fmt::format("\"{}\"", bad)) ==
              fmt::format("entry 1 has the weight '{}': write a number from 0 to 65535", bad));
    }
    CHECK(weight("1.5") == "entry 1 has the weight '1.5': write a number from 0 to 65535");
    CHECK(weight("null") == "entry 1 has null as label 'weight': write a text");
    CHECK(weight("[1]") == "entry 1 has a list as label 'weight': write a text");
}

TEST_CASE("anything but a list of entries is refused where it begins") {
    CHECK(read("{}") == "it is an object and should be a list of entries: [{\"targets\": [...]}]");
    CHECK(read("1") == "it is a number and should be a list of entries: [{\"targets\": [...]}]");
    CHECK(read("[[]]") == "behind entry 0 is a list: an entry is an object with \"targets\"");
    CHECK(read("[\"192.0.2.1:80\"]") == "behind entry 0 is a text: an entry is an object with \"targets\"");
    CHECK(read("[{}]") == "entry 1 has no \"targets\": an entry without servers has an empty list");
    CHECK(read(R"([{"targets":{}}])") == "entry 1 has an object as \"targets\": write a list of texts");
    CHECK(read(R"([{"targets":"192.0.2.1:80"}])") == "entry 1 has a text as \"targets\": write a list of texts");
    CHECK(read(R"([{"targets":[1]}])") ==
          "entry 1 has a number among its targets: a target is a text, \"address:port\"");
    CHECK(read(R"([{"targets":[[]]}])") ==
          "entry 1 has a list among its targets: a target is a text, \"address:port\"");
    CHECK(read(R"([{"targets":[],"labels":[]}])") == "entry 1 has a list as \"labels\": write an object of texts");
    CHECK(read(R"([{"targets":[],"targets":[]}])") == "entry 1 has 'targets' twice: leave one out");
    CHECK(read(R"([{"labels":{"a":"1","a":"2"},"targets":[]}])") == "entry 1 has the label 'a' twice: leave one out");
    CHECK(read(R"([{"source":"x"}])") == "entry 1 has the key 'source': an entry has \"targets\" and \"labels\" alone");
    CHECK(read(std::string(100'000, '[')) == "behind entry 0 is a list: an entry is an object with \"targets\"");
}

TEST_CASE("what is no JSON is refused with its place, and a file that ends early is said to") {
    const std::string whole = R"([{"targets":["192.0.2.1:80"],"labels":{"weight":"3"}}])";
    REQUIRE(read(whole) == "192.0.2.1:80 w3");
    CHECK(read("") == "it is empty: a file without servers is []");
    for (std::size_t length = 1; length < whole.size(); ++length) {
        CAPTURE(length);
        CHECK(read(whole.substr(0, length)) ==
              "it ends early, in line 1: write it under another name and rename it, so that nobody reads half of it");
    }
    CHECK(read("[\n  {\"targets\": [],}\n]") == "it is not JSON from line 2, byte 20 on: let a JSON library write it");
    CHECK(read(whole + "x") == "it is not JSON from line 1, byte 55 on: let a JSON library write it");
    CHECK(read("[{\"targets\":[\"\xff\"]}]") == "it is not JSON from line 1, byte 15 on: let a JSON library write it");
}

TEST_CASE("a file has at most 8 MiB and 10000 servers") {
    const auto with = [](int count) {
        std::string targets;
        for (int i = 0; i < count; ++i)
            targets += fmt::format("{}\"10.{}.{}.1:80\"", i == 0 ? "" : ",", i / 250, i % 250);
        return entries(targets);
    };
    CHECK(read_server_file(with(10'000), {}).value().size() == 10'000);
    CHECK(read(with(10'001)).ends_with("which is server 10001: 10001 are too many for one file"));
    const std::string most = "[" + std::string((8U << 20U) - 2, ' ') + "]";
    CHECK(read(most).empty());
    CHECK(read(most + " ") == "it is larger than 8 MiB");
}

TEST_CASE("sources that differ have different keys, and a name with their labels") {
    const ServerFileSource plain{.path = "/x", .keep = {{"zone", {"a", "b"}}}};
    CHECK(key_of(plain) == "/x\n+zone\ta\tb");
    CHECK(key_of({.path = "/x", .port = 80, .family = Family::V6, .drop = {{"s", {"t"}}}}) == "/x\n:80\nipv6\n-s\tt");
    CHECK(name_of(plain) == "/x zone=a|b");
    CHECK(name_of({.path = "/x", .drop = {{"s", {"t"}}}}) == "/x not s=t");
    CHECK(name_of({.path = "/x", .port = 8080, .family = Family::V6}) == "/x 8080 (IPv6)");
}
