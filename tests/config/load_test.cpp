#include "mainstay/config/load.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "folder.hpp"
#include "samples.hpp"

using namespace mainstay::config;
using namespace mainstay::config::testing;

TEST_CASE("a file that cannot be read is one fatal message and exit code 4") {
    const Folder folder;
    const std::string missing = folder / "none.conf";
    const Loaded nothing = load_file(missing, host());
    REQUIRE(nothing.diagnostics.size() == 1);
    CHECK(nothing.diagnostics[0].message == "open " + missing + ": No such file or directory");
    CHECK(nothing.exit_code() == 4);
    CHECK_FALSE(nothing.can_run());

    const std::string executable = folder.put("x.conf", kVrrp);
    fs::permissions(executable, fs::perms::owner_all);
    CHECK(load_file(executable, host()).exit_code() == 4);

    CHECK(load_file(folder / ".", host()).diagnostics.at(0).message.ends_with("is a directory, not a file"));
    CHECK(load_file("/dev/null", host()).diagnostics.at(0).message == "/dev/null is not a regular file");
}

TEST_CASE("binary garbage is one message") {
    const Folder folder;
    std::string garbage;
    for (int i = 0; i < 4096; ++i) garbage += static_cast<char>(i * 37 % 256);
    const Loaded loaded = load_file(folder.put("x.conf", garbage), host());

    REQUIRE(loaded.diagnostics.size() == 1);
    CHECK(loaded.diagnostics[0].message == "this is not a text file");
    CHECK(loaded.exit_code() == 4);
}

TEST_CASE("included files are read in place, and diagnostics name them") {
    const Folder folder;
    folder.put("conf.d/a.conf", vrrp(5, "    priority 300"));
    folder.put("conf.d/b.conf", kLvs);
    const std::string top = folder.put("top.conf", "global_defs {\n}\ninclude conf.d/*.conf\nfoo\n");
    const Loaded loaded = load_file(top, host());

    CHECK(loaded.config.instances.size() == 1);
    CHECK(loaded.config.virtual_servers.size() == 1);
    REQUIRE(loaded.diagnostics.size() == 2);
    CHECK(render_line(loaded.diagnostics[0], loaded).starts_with(top + ":4:1: error MS0105"));
    CHECK(render_line(loaded.diagnostics[1], loaded)
              .starts_with((folder / "conf.d/a.conf").string() + ":5:14: error MS0201"));
}

TEST_CASE("an include that matches nothing is reported, and changes no exit code") {
    const Folder folder;
    const Loaded loaded = load_file(folder.put("x.conf", "include nosuch/*.conf\n" + std::string{kVrrp}), host());

    REQUIRE(loaded.diagnostics.size() == 1);
    CHECK(loaded.diagnostics[0].message == "include: nothing matches nosuch/*.conf");
    CHECK(loaded.exit_code() == 0);
}

TEST_CASE("the host is asked once for each interface, however often the file names it") {
    std::string text;
    for (int n = 1; n <= 3; ++n)
        text += with_line(
            with_line(vrrp(1, fmt::format("vrrp_instance VI_{} {{", n)), 4, fmt::format("virtual_router_id {}", n)), 12,
            fmt::format("10.9.9.{}", n));
    Environment environment = host();
    std::vector<std::string> asked;
    environment.interface_called = [&asked](std::string_view name) { return asked.emplace_back(name); };
    environment.subnets = [] { return std::vector<Environment::Subnet>{}; };

    const Loaded loaded = load_text("ha.conf", text, environment);

    CHECK(loaded.config.instances.size() == 3);
    CHECK(asked == std::vector<std::string>{"eth0"});
}

TEST_CASE("addresses beyond what an advert over the interface carries are told, and set without being advertised") {
    Environment environment = host();
    environment.interface_called = [](std::string_view name) { return std::string{name}; };
    std::vector<std::string> asked;
    const auto load = [&](std::uint32_t mtu, int addresses, const std::string& more) {
        environment.mtu_of = [&asked, mtu](std::string_view name) {
            asked.emplace_back(name);
            return std::optional{mtu};
        };
        std::string text = "vrrp_instance V {\ninterface eth7\nvirtual_router_id 5\n" + more + "virtual_ipaddress {\n";
        for (int n = 1; n <= addresses; ++n) text += fmt::format("10.9.9.{}\n", n);
        return load_text("ha.conf", text + "}\n}\n", environment);
    };
    const auto fits = load(100, 14, "version 3\n");
    CHECK(fits.diagnostics.empty());
    CHECK(asked == std::vector<std::string>{"eth7"});
    const auto excess = load(100, 15, "version 3\n");
    REQUIRE(excess.diagnostics.size() == 1);
    CHECK(excess.diagnostics[0].message ==
          "(V) 15 virtual addresses; an advert on eth7, whose MTU is 100, carries at most 14");
    CHECK(excess.diagnostics[0].effect == "the excess is set with the others, but not advertised");
    CHECK(excess.exit_code() == 5);
    CHECK(excess.config.instances[0].addresses.size() == 14);
    REQUIRE(excess.config.instances[0].excluded_addresses.size() == 1);
    CHECK(excess.config.instances[0].excluded_addresses[0].prefix.to_string() == "10.9.9.15/32");
    // The password of version 2, an authentication header, a trailer take room.
    CHECK(load(100, 13, "version 2\n").config.instances[0].addresses.size() == 12);
    CHECK(load(100, 13, "version 2\nauthentication {\nauth_type AH\nauth_pass x\n}\n")
              .config.instances[0]
              .addresses.size() == 6);
    CHECK(load(100, 13, "version 3\nauth_hmac {\nkey 1 \"a secret of thirty-two bytes, 01\"\nactive_key 1\n}\n")
              .config.instances[0]
              .addresses.size() == 7);
}

TEST_CASE("a processor that this host does not have clears the set, and is named") {
    Environment environment = host();
    environment.cpus = 2;
    const Loaded loaded =
        load_text("ha.conf", "global_defs {\nvrrp_cpu_affinity 0 7\nchecker_cpu_affinity 1\n}\n", environment);
    REQUIRE(loaded.diagnostics.size() == 1);
    CHECK(loaded.diagnostics[0].message == "vrrp_cpu_affinity: this host has no CPU 7");
    CHECK(loaded.diagnostics[0].expected == "0 to 1 each");
    CHECK(loaded.diagnostics[0].effect == "the process may use all of them");
    CHECK(loaded.exit_code() == 5);
    const auto& values = loaded.config.global.more->values;
    CHECK(find_value(values, KeywordName{"vrrp_cpu_affinity"}) == nullptr);
    CHECK(find_value(values, KeywordName{"checker_cpu_affinity"}) != nullptr);
}

TEST_CASE("the host is asked once for the mail server's name, though a file with a mistake is read twice") {
    Environment counting = host();
    int asked = 0;
    counting.host_resolves = [&asked](std::string_view) { return ++asked == 0; };
    const Loaded loaded = load_text("x.conf", "global_defs {\n smtp_server mail.example.org\n foo\n}\n", counting);

    CHECK(lines_of(loaded).size() == 2);
    CHECK(asked == 1);
}

TEST_CASE("each role gets its own part, passwords and mail settings only where they are used") {
    Loaded loaded = load_sample(
        "global_defs {\nnotification_email {\na@example.com\n}\nnotification_email_from b@example.com\n"
        "smtp_server 192.0.2.25\nsmtp_helo_name lb1.example.com\n}\n" +
        std::string{kVrrp} + std::string{kLvs});
    REQUIRE(loaded.diagnostics.empty());

    const Config vrrp_part = slice(loaded.config, Audience::Vrrp);
    CHECK(vrrp_part.instances.at(0).auth_pass == "1111");
    CHECK(vrrp_part.virtual_servers.empty());
    CHECK(vrrp_part.global.smtp_server.empty());
    const Config lvs_part = slice(loaded.config, Audience::Lvs);
    CHECK(lvs_part.instances.empty());
    CHECK(lvs_part.virtual_servers.size() == 1);
    CHECK(lvs_part.global.notification_email.empty());
    const Config observer_part = slice(loaded.config, Audience::Observer);
    CHECK(observer_part.instances.at(0).auth_pass.empty());
    CHECK(observer_part.global.smtp_server == "192.0.2.25");
    CHECK(observer_part.global.notification_email == std::vector<MailAddress>{{.address = "a@example.com"}});
    CHECK(observer_part.global.notification_email_from.address == "b@example.com");
    CHECK(observer_part.global.smtp_helo_name == "lb1.example.com");
    for (const Audience other : {Audience::Vrrp, Audience::Lvs, Audience::Bfd}) {
        const Config part = slice(loaded.config, other);
        CHECK(part.global.notification_email_from.address.empty());
        CHECK(part.global.smtp_helo_name.empty());
        CHECK(part.global.smtp_server.empty());
    }
    CHECK(slice(loaded.config, Audience::Snmp).instances.at(0).auth_pass.empty());
}

TEST_CASE("the observer learns that there are virtual servers, the SNMP agent which") {
    const std::string two = std::string{kLvs} + "virtual_server 10.9.9.9 90 {\nreal_server 10.9.9.10 90 {\n}\n}\n";
    const Loaded loaded = load_sample(two);
    REQUIRE(loaded.config.virtual_servers.size() == 2);
    CHECK(slice(loaded.config, Audience::Snmp).virtual_servers == loaded.config.virtual_servers);
    CHECK(slice(loaded.config, Audience::Observer).virtual_servers.size() == 1);
    CHECK(slice(load_sample(std::string{kVrrp}).config, Audience::Observer).virtual_servers.empty());
}

TEST_CASE("scripts belong to those that run or show them") {
    const Loaded loaded = load_sample("vrrp_script a {\nscript \"/bin/true\"\n}\n" + vrrp(6, "track_script {\na\n}"));
    REQUIRE(loaded.config.scripts.size() == 1);

    for (const Audience with : {Audience::Vrrp, Audience::Observer, Audience::Snmp})
        CHECK(slice(loaded.config, with).scripts == loaded.config.scripts);
    for (const Audience without : {Audience::Lvs, Audience::Bfd}) CHECK(slice(loaded.config, without).scripts.empty());
}

TEST_CASE("keys and passphrases without a member of their own go to the role that uses them, and to no observer") {
    Loaded loaded = load_sample(
        "SSL {\npassword opensesame\nca /etc/ssl/ca.pem\n}\n"
        "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 1\nversion 3\nvirtual_ipaddress {\n192.0.2.1\n}\n"
        "auth_hmac {\nkey 7 0123456789abcdef0123456789abcdef\nactive_key 7\n}\n}\n");

    const Config lvs_part = slice(loaded.config, Audience::Lvs);
    const Section* ssl = find_section(lvs_part.more->sections, KeywordName{"SSL"});
    REQUIRE(ssl != nullptr);
    CHECK(value_of<WordList>(ssl->values, KeywordName{"password"}) == WordList{"opensesame"});
    const Config vrrp_part = slice(loaded.config, Audience::Vrrp);
    CHECK(find_section(vrrp_part.more->sections, KeywordName{"SSL"}) == nullptr);
    const Section* hmac = find_section(vrrp_part.instances.at(0).more->sections, KeywordName{"auth_hmac"});
    REQUIRE(hmac != nullptr);
    REQUIRE(hmac->sections.size() == 1);
    CHECK(value_of<std::int64_t>(hmac->sections[0].values, KeywordName{"id"}) == 7);
    const Config observer_part = slice(loaded.config, Audience::Observer);
    const Section* ssl_seen = find_section(observer_part.more->sections, KeywordName{"SSL"});
    REQUIRE(ssl_seen != nullptr);
    CHECK(find_value(ssl_seen->values, KeywordName{"password"}) == nullptr);
    CHECK(find_value(ssl_seen->values, KeywordName{"ca"}) != nullptr);
    const Section* hmac_seen = find_section(observer_part.instances.at(0).more->sections, KeywordName{"auth_hmac"});
    REQUIRE(hmac_seen != nullptr);
    CHECK(hmac_seen->sections.empty());
    CHECK(value_of<std::int64_t>(hmac_seen->values, KeywordName{"active_key"}) == 7);
}

TEST_CASE("64 control characters at the beginning of a file are still a text, one more are not") {
    const Folder folder;
    const auto is_text = [&](const std::string& text) {
        const Loaded loaded = load_file(folder.put("x.conf", text), {});
        return loaded.diagnostics.empty() || loaded.diagnostics[0].message != "this is not a text file";
    };
    CHECK(is_text("# " + std::string(64, '\x01') + "\n"));
    CHECK_FALSE(is_text("# " + std::string(65, '\x01') + "\n"));
    CHECK(is_text(std::string(4096, '\n') + "# " + std::string(65, '\x01') + "\n"));  // not looked at
    CHECK(is_text("# " + std::string(1000, '\t') + "\f\v\r\n"));
}

TEST_CASE("what is wrong with a file as a whole is shown with its path alone") {
    const Loaded loaded = load_file("/nowhere/ha.conf", host());

    REQUIRE(loaded.diagnostics.size() == 1);
    CHECK(render(loaded.diagnostics[0], loaded, false).starts_with("/nowhere/ha.conf: "));
    CHECK(render_line(loaded.diagnostics[0], loaded).starts_with("/nowhere/ha.conf: "));
}
