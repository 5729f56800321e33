#include <doctest/doctest.h>

#include "mainstay/base/text.hpp"

using namespace mainstay;

TEST_CASE("a word is quoted for a shell when something in it has a meaning there") {
    CHECK(shell_quoted("VI_1") == "VI_1");
    CHECK(shell_quoted("10.0.0.12:80") == "10.0.0.12:80");
    CHECK(shell_quoted("/etc/keepalived/my.conf") == "/etc/keepalived/my.conf");
    CHECK(shell_quoted("") == "''");
    CHECK(shell_quoted("VI 1") == "'VI 1'");
    CHECK(shell_quoted("[2001:db8::1]:80") == "'[2001:db8::1]:80'");
    CHECK(shell_quoted("it's $HOME") == "'it'\\''s $HOME'");
    CHECK(shell_quoted("~x") == "'~x'");
}
