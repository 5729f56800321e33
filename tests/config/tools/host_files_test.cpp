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

TEST_CASE("a section without a name ends the one before") {
    CHECK(read_unit_file("[S]\n[]\nB=2") == std::vector<UnitSetting>{{3, "", "B", "2"}});
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

TEST_CASE("a unit's section stands in brackets, and lines that are nothing are passed over") {
    CHECK(read_unit_file("A=1\r\n[]\nB=2\n[\nC=3\n[x\nD=4\nx]\n[S]\n E = \n=F\nG=a=b") ==
          std::vector<UnitSetting>{{1, "", "A", "1"},
                                   {3, "", "B", "2"},
                                   {5, "", "C", "3"},
                                   {7, "", "D", "4"},
                                   {10, "S", "E", ""},
                                   {12, "S", "G", "a=b"}});
    CHECK(read_unit_file("A=a\\\r\nb\nB=\\\n") == std::vector<UnitSetting>{{1, "", "A", "a b"}, {3, "", "B", ""}});
    CHECK(read_unit_file("#A=1\\\nB=2\n;C=3\n").empty());
}

TEST_CASE("quotes around a variable's value are a pair, and its name is the whole name") {
    struct Row {
        std::string_view line, value;
    };
    const Row rows[] = {
        {"A=\"x\"", "x"}, {"A='x'", "x"},   {"A=\"x'", "\"x'"},       {"A=\"", "\""},   {"A=\"\"", ""},   {"A='", "'"},
        {"A=x\"", "x\""}, {"A=\"x", "\"x"}, {" export  A = x ", "x"}, {"A=x=y", "x=y"}, {"A=xax", "xax"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.line);
        CHECK(read_environment_value(row.line, "A") == row.value);
    }
    for (const std::string_view none : {"", "A", "AA=1", "#A=1", ";A=1", "exportA=1", "B=A=1"}) {
        CAPTURE(none);
        CHECK(read_environment_value(none, "A") == std::nullopt);
    }
}

TEST_CASE("the unit of mainstay in keepalived's place excludes mainstay.service") {
    CHECK(is_unit_of_mainstay("[Unit]\nConflicts=mainstay.service\n"));
    CHECK(is_unit_of_mainstay("[Unit]\nConflicts=other.service\nConflicts=a.service mainstay.service\n"));
    for (const std::string_view other :
         {"", "[Unit]\nConflicts=mainstay@blue.service\n", "[Service]\nConflicts=mainstay.service\n",
          "[Unit]\nAfter=mainstay.service\n", "Conflicts=mainstay.service\n"})
        CHECK_FALSE(is_unit_of_mainstay(other));
}

TEST_CASE("a file of a host is read up to one MiB") {
    std::string text = "A=1\n";
    text.resize(kHostFileBytesMax, '\n');
    CHECK(read_unit_file(text).size() == 1);
    CHECK(read_environment_value(text, "A") == "1");
    text += '\n';
    CHECK(read_unit_file(text).empty());
    CHECK(read_environment_value(text, "A") == std::nullopt);
}

TEST_CASE("blanks of three kinds part words, and a quote keeps the other kind") {
    CHECK(read_command_words("a\tb\nc  d") == Words{"a", "b", "c", "d"});
    CHECK(read_command_words("'a\"b' \"c'd\" x'y z'w") == Words{"a\"b", "c'd", "xy zw"});
    CHECK(read_command_words("'a\\b' \\' a\\") == Words{"a\\b", "'", "a\\"});
    CHECK(read_command_words("\\ ") == Words{" "});
}
