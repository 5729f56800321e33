// Which words of a command only a shell understands, and how a command is given to one.
#include "config/validate/shell_words.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace mainstay::config;

using Words = std::vector<std::string>;

TEST_CASE("an operator or a redirection among the arguments is a word of the shell") {
    CHECK(shell_word({"killall", "-0", "haproxy", "||", "exit"}) == "||");
    CHECK(shell_word({"a", "|", "b"}) == "|");
    CHECK(shell_word({"a", "&&", "b"}) == "&&");
    CHECK(shell_word({"a", ";", "b"}) == ";");
    CHECK(shell_word({"a", ">/dev/null"}) == ">/dev/null");
    CHECK(shell_word({"a", "2>>/var/log/a"}) == "2>>/var/log/a");
    CHECK(shell_word({"a", "&>/dev/null"}) == "&>/dev/null");
    CHECK(shell_word({"a", "2>&1"}) == "2>&1");
}

TEST_CASE("what a program may take as an argument is none") {
    CHECK(shell_word({}).empty());
    CHECK(shell_word({"||"}).empty());
    CHECK(shell_word({"/bin/sh", "-c", "a || b >/dev/null"}).empty());
    CHECK(shell_word({"grep", "a|b", "a;b", "->10.0.0.1:80", ">", "<", ">5", "2", "2>", "&"}).empty());
    CHECK(shell_word({"/usr/bin/find", "/run", "-exec", "rm", "{}", ";"}).empty());
    CHECK(shell_word({"[", "a", "||", "b", "]"}).empty());
}

TEST_CASE("a command that only a shell knows needs one") {
    for (const char* word : {"exit", "if", "[[", "!", ".", "</run/up", "(a)", "$(a)", "`a`", "LANG=C"}) {
        CAPTURE(word);
        CHECK(needs_shell(word));
    }
    CHECK(shell_for("[[") == "/bin/bash");
    CHECK(shell_for("</dev/tcp/127.0.0.1/80") == "/bin/bash");
    CHECK(shell_for("exit") == "/bin/sh");
    for (const char* word : {"", "killall", "/bin/a=b", "./check.sh", "[", "true", "=a"}) {
        CAPTURE(word);
        CHECK_FALSE(needs_shell(word));
    }
}

TEST_CASE("bash alone connects to /dev/tcp and /dev/udp") {
    CHECK(connection_of_bash("</dev/tcp/127.0.0.1/80") == "/dev/tcp/127.0.0.1/80");
    CHECK(connection_of_bash("</dev/udp/::1/53") == "/dev/udp/::1/53");
    CHECK(connection_of_bash("</dev/null").empty());
    CHECK(connection_of_bash("/dev/tcp/127.0.0.1/80").empty());
}

TEST_CASE("a command for a shell is one argument of it, unless its own quotes were lost") {
    CHECK(with_shell("/bin/sh", Words{"a", "-b", "||", "c"}) == "\"/bin/sh -c 'a -b || c'\"");
    CHECK(with_shell("/bin/sh", Words{"/bin/bash", "-c", "a", "&&", "b"}) == "\"/bin/bash -c 'a && b'\"");
    CHECK(with_shell("/bin/sh", Words{"a", "it is", "||", "b"}) == "\"/bin/sh -c 'COMMAND'\"");
}
