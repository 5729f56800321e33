#include "cli/options.hpp"

#include <doctest/doctest.h>

#include <csignal>

using namespace mainstay;
using cli::Options;

namespace {

Options parse(std::vector<std::string> words) {
    words.insert(words.begin(), "mainstayd");
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    return cli::parse_options(static_cast<int>(words.size()), argv.data());
}

}  // namespace

TEST_CASE("keepalived's options and their abbreviations are understood") {
    const auto options = parse(
        {"--use-f=/tmp/a.conf", "--check", "--all-c", "-D", "-n", "--log-con", "-p", "/run/x.pid", "--dont-resp"});

    CHECK(options.action == Options::Action::Run);
    CHECK(options.supervisor.config_path == "/tmp/a.conf");
    CHECK_FALSE(options.supervisor.run_vrrp);
    CHECK(options.supervisor.run_lvs);
    CHECK(options.supervisor.log_level == LogLevel::Debug);
    CHECK(options.dont_fork);
    CHECK(options.supervisor.log_console);
    CHECK(options.supervisor.pid_file(role::Kind::Supervisor) == "/run/x.pid");
    CHECK_FALSE(options.supervisor.respawn);
    CHECK(options.supervisor.all_include_checks);
    CHECK(options.remarks.empty());
}

TEST_CASE("each process gets the pid file of its own option") {
    const auto supervisor = parse({"-p", "/run/p", "-r", "/run/r", "-c", "/run/c", "-b", "/run/b"}).supervisor;
    CHECK(supervisor.pid_file(role::Kind::Supervisor) == "/run/p");
    CHECK(supervisor.pid_file(role::Kind::Vrrp) == "/run/r");
    CHECK(supervisor.pid_file(role::Kind::Lvs) == "/run/c");
    CHECK(supervisor.pid_file(role::Kind::Bfd) == "/run/b");
    CHECK(supervisor.pid_file(role::Kind::Observer).empty());
}

TEST_CASE("the configuration test takes its log file only when it is attached") {
    CHECK(parse({"-t", "-f", "/tmp/a"}).action == Options::Action::TestConfig);
    CHECK(parse({"-t", "-f", "/tmp/a"}).test_log.empty());
    CHECK(parse({"--config-test=/tmp/log", "-f", "/tmp/a"}).test_log == "/tmp/log");
    CHECK(parse({"-t/tmp/log"}).test_log == "/tmp/log");
}

TEST_CASE("syslog facilities are local0 to local7, user or daemon") {
    CHECK(parse({}).supervisor.log_facility == 3);
    CHECK(parse({"-S", "0"}).supervisor.log_facility == 16);
    CHECK(parse({"-S", "7"}).supervisor.log_facility == 23);
    CHECK(parse({"--log-facility=local3"}).supervisor.log_facility == 19);
    CHECK(parse({"-S", "user"}).supervisor.log_facility == 1);
    for (const char* bad : {"8", "-1", "mail", "", "local8", "01"}) {
        CAPTURE(bad);
        CHECK(parse({"-S", bad}).action == Options::Action::Refuse);
        CHECK(parse({"-S", bad}).test_exit_code == 1);
    }
}

TEST_CASE("a relative configuration path is made absolute, because the daemon changes to /") {
    CHECK(parse({"-f", "ha.conf"}).supervisor.config_path.front() == '/');
    CHECK(parse({"-f", "ha.conf"}).supervisor.config_path.ends_with("/ha.conf"));
}

TEST_CASE("stray arguments are reported and ignored, unknown options refused with 1") {
    CHECK(parse({"stray"}).remarks == std::vector<std::string>{"ignored argument: stray"});
    CHECK(parse({"--no-such-option"}).action == Options::Action::Refuse);
    CHECK(parse({"--no-such-option"}).test_exit_code == 1);
}

TEST_CASE("signal numbers are keepalived's") {
    CHECK(cli::signal_number("STOP") == SIGTERM);
    CHECK(cli::signal_number("RELOAD") == SIGHUP);
    CHECK(cli::signal_number("DATA") == SIGUSR1);
    CHECK(cli::signal_number("STATS") == SIGUSR2);
    CHECK(cli::signal_number("JSON") == SIGRTMIN + 2);
    CHECK(cli::signal_number("NONSENSE") == 0);
}

TEST_CASE("under the name keepalived the version begins as exporters expect it") {
    const auto text = cli::version_text(role::identity_of("/usr/sbin/keepalived"));

    CHECK(text.starts_with("Keepalived v2.4.3 (mainstay v"));
    CHECK(text.find("--enable-json") != std::string::npos);
    CHECK(cli::version_text(role::identity_of("/usr/sbin/mainstayd")).starts_with("mainstay v"));
}

TEST_CASE("the identity decides idents, process names and pid files") {
    const auto own = role::identity_of("./mainstayd");
    const auto compat = role::identity_of("keepalived");

    CHECK(own.log_ident(role::Kind::Vrrp) == "mainstayd-vrrp");
    CHECK(own.process_name(role::Kind::Lvs) == "mainstayd-lvs");
    CHECK(own.pid_file(role::Kind::Supervisor, "/run/mainstay") == "/run/mainstay/mainstayd.pid");
    CHECK(compat.log_ident(role::Kind::Supervisor) == "Keepalived");
    CHECK(compat.log_ident(role::Kind::Vrrp) == "Keepalived_vrrp");
    CHECK(compat.log_ident(role::Kind::Lvs) == "Keepalived_healthcheckers");
    CHECK(compat.process_name(role::Kind::Vrrp) == "keepalived");
    CHECK(compat.pid_file(role::Kind::Supervisor, "/run/mainstay") == "/run/keepalived.pid");
    CHECK(compat.pid_file(role::Kind::Lvs, "/run/mainstay") == "/run/checkers.pid");
}

TEST_CASE("what another program holds is taken over only when it is asked for") {
    CHECK(parse({"--takeover"}).supervisor.adopt);
    CHECK_FALSE(parse({"-n"}).supervisor.adopt);
}

TEST_CASE("warnings are refused only when it is asked for") {
    CHECK(parse({"--strict"}).supervisor.strict);
    CHECK(parse({"-n"}).supervisor.shared_account.empty());
    CHECK(parse({"-n", "--shared-account", "nobody"}).supervisor.shared_account == "nobody");
    CHECK(parse({"-t", "--strict"}).action == Options::Action::TestConfig);
    CHECK_FALSE(parse({"-t"}).supervisor.strict);
}
