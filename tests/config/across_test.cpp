// Remarks on what does not fit together. None of them changes the exit code: keepalived says nothing of these.
#include <doctest/doctest.h>

#include "samples.hpp"

using namespace mainstay::config;
using namespace mainstay::config::testing;

using Lines = std::vector<std::string>;

TEST_CASE("a real server that is its own virtual server is remarked on") {
    const Loaded loaded = load_sample(lvs(6, "    real_server 10.9.9.9 80 {"));

    CHECK(lines_of(loaded) ==
          Lines{"6:17 warning MS0517 real server 10.9.9.9 is the address of its own virtual server"});
    CHECK(loaded.exit_code() == 0);
}

TEST_CASE("a real server that is another virtual address is remarked on") {
    const Loaded loaded = load_sample(
        std::string{kVrrp} + with_line(lvs(1, "virtual_server 10.9.9.8 80 {"), 6, "    real_server 10.9.9.9 80 {"));

    CHECK(lines_of(loaded) == Lines{"20:17 note MS0517 real server 10.9.9.9 is a virtual address of VI_1"});
    CHECK(loaded.exit_code() == 0);
}

TEST_CASE("a virtual address without a prefix that lies in no interface's subnet is remarked on") {
    Environment environment = host();
    environment.subnets = [] {
        return std::vector{mainstay::Prefix::parse("10.9.9.1/24").value(),
                           mainstay::Prefix::parse("2001:db8::1/64").value()};
    };
    const auto said = [&](const char* address) {
        const Loaded loaded = load_text("ha.conf", vrrp(12, address), environment);
        CHECK(loaded.exit_code() == 0);
        return lines_of(loaded);
    };
    CHECK(said("10.9.9.9") == Lines{});
    CHECK(said("10.9.8.9/24") == Lines{});
    CHECK(said("10.9.8.9") == Lines{"12:1 note MS0424 (VI_1) 10.9.8.9 lies in the subnet of no interface"});
    CHECK(said("10.9.8.9/32") == Lines{"12:1 note MS0424 (VI_1) 10.9.8.9 lies in the subnet of no interface"});
    // Not known without the host.
    CHECK(lines_of(load_sample(vrrp(12, "10.9.8.9"))) == Lines{});
}

TEST_CASE("groups of virtual servers that are not there, or not used, are remarked on") {
    const Loaded loaded =
        load_sample("virtual_server_group WEB {\n10.9.9.9 80\n}\n" + lvs(1, "virtual_server group WEBB {"));

    Lines said;
    for (const std::string& line : lines_of(loaded))
        if (line.find("MS0209") == std::string::npos) said.push_back(line);
    CHECK(said == Lines{"1:22 note MS0518 no virtual server uses the group WEB",
                        "4:16 warning MS0511 there is no virtual_server_group WEBB"});
    CHECK(loaded.exit_code() == 0);
}
