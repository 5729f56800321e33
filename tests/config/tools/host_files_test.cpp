#include "mainstay/config/tools/host_files.hpp"

#include <doctest/doctest.h>

using namespace mainstay::config;
using Words = std::vector<std::string>;

TEST_CASE("a unit's settings have their section, and a line that goes on counts from its beginning") {
    const auto settings = read_unit_file(
        "# a comment\n[Unit]\nAfter = a.service\n\n[Service]\nExecStart=/usr/sbin/keepalived \\\n  "
        "--dont-fork\nNice=-5\n"
        "; another\nno setting\n=x\n");

    CHECK(settings == std::vector<UnitSetting>{{3, "Unit", "After", "a.service"},
                                               {6, "Service", "ExecStart", "/usr/sbin/keepalived    --dont-fork"},
                                               {8, "Service", "Nice", "-5"}});
}

TEST_CASE("of a file of variables the last value counts, without the quotes around it") {
    const std::string_view text =
        "# DAEMON_ARGS=\"-x\"\nDAEMON_ARGS=\"-D\"\nexport OTHER='a b'\nDAEMON_ARGS = -D -x\nEMPTY=\n";

    CHECK(read_environment_value(text, "DAEMON_ARGS") == "-D -x");
    CHECK(read_environment_value(text, "OTHER") == "a b");
    CHECK(read_environment_value(text, "EMPTY") == "");
    CHECK(read_environment_value(text, "DAEMON") == std::nullopt);
}

TEST_CASE("quotes and backslashes group the words of a command") {
    CHECK(read_command_words(" a  'b c' \"d \\\" e\" f\\ g '' ") == Words{"a", "b c", "d \" e", "f g", ""});
    CHECK(read_command_words("").empty());
    CHECK(read_command_words("'open") == Words{"open"});
}
