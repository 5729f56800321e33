// mainstayctl --host: what ssh is executed with.
#include "cli/remote.hpp"

#include <doctest/doctest.h>

using mainstay::cli::remote_command;
using Words = std::vector<std::string>;

namespace {

Words ssh(const Words& arguments, bool terminal = false, bool no_color = false) {
    const auto command = remote_command(arguments, {.terminal = terminal, .no_color = no_color});
    REQUIRE((command.has_value() && command->has_value()));
    return **command;
}

}  // namespace

TEST_CASE("the command goes to ssh as one quoted word") {
    CHECK(ssh({"--host", "root@lb2", "status", "VI_1"}) == Words{"ssh", "--", "root@lb2", "mainstayctl status VI_1"});
    CHECK(ssh({"--host=lb2", "mail", "queue"}) == Words{"ssh", "--", "lb2", "mainstayctl mail queue"});
    CHECK(ssh({"--host", "lb2", "status"}, true) == Words{"ssh", "-t", "--", "lb2", "mainstayctl status"});
    CHECK(ssh({"--host", "lb2", "status"}, false, true) ==
          Words{"ssh", "--", "lb2", "env NO_COLOR=1 mainstayctl status"});
}

TEST_CASE("the other options before the command go with it") {
    CHECK(ssh({"--socket", "/run/x", "--host", "lb2", "status"}) ==
          Words{"ssh", "--", "lb2", "mainstayctl --socket /run/x status"});
    CHECK(ssh({"--host", "lb2", "--socket=/run/x", "status"}).back() == "mainstayctl '--socket=/run/x' status");
    CHECK(ssh({"--host", "lb2", "--instance", "blue", "--pid-file=/run/a.pid", "status"}).back() ==
          "mainstayctl --instance blue '--pid-file=/run/a.pid' status");
    CHECK(ssh({"--host", "lb2", "--version"}).back() == "mainstayctl --version");
    CHECK(ssh({"--host", "lb1", "--host", "lb2", "status"})[2] == "lb2");
}

TEST_CASE("no word of the command can mean anything to the shell there, or to ssh") {
    CHECK(ssh({"--host", "lb2", "server", "drain", "10.0.0.*; reboot", "--reason", "it's $HOME `id` \"x\"\n"}).back() ==
          "mainstayctl server drain '10.0.0.*; reboot' --reason 'it'\\''s $HOME `id` \"x\"\n'");
    CHECK(ssh({"--host", "lb2", "why", "--", "-oProxyCommand=x"}).back() == "mainstayctl why -- '-oProxyCommand=x'");
    CHECK(ssh({"--host", "lb2", "why", ""}).back() == "mainstayctl why ''");
}

TEST_CASE("hosts that ssh or a shell could take for something else are refused") {
    for (const char* host : {"", "-oProxyCommand=reboot", "root@-oProxyCommand=x", "@lb2", "root@", "lb2 -v", "lb2;id",
                             "$(id)", "`id`", "a'b", "a\nb", "a&b", "a|b", "-", "\xc3\xa4"}) {
        CAPTURE(host);
        CHECK_FALSE(remote_command({"--host", host, "status"}, {}).has_value());
    }
    CHECK_FALSE(remote_command({"--host"}, {}).has_value());
    CHECK_FALSE(remote_command({"--host", "lb2"}, {}).has_value());
    for (const char* host : {"lb2", "root@lb2.example.org", "192.0.2.1", "[2001:db8::1]", "fe80::1%eth0", "a_b+c@d-e",
                             "ssh://root@lb2:2222"})
        CHECK(remote_command({"--host", host, "status"}, {}).has_value());
}

TEST_CASE("without --host before the command nothing is executed elsewhere") {
    for (const Words& here : {Words{}, Words{"status"}, Words{"status", "--host", "lb2"}, Words{"--help"},
                              Words{"--socket", "--host", "status"}, Words{"--socket"}}) {
        const auto command = remote_command(here, {});
        REQUIRE(command.has_value());
        CHECK_FALSE(command->has_value());
    }
}
