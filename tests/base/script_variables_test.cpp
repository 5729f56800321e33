#include "mainstay/base/script_variables.hpp"

#include <doctest/doctest.h>

namespace mainstay {
namespace {

using Names = std::vector<std::string>;

std::string fault(std::string_view pattern) {
    const char* why = fault_of_passed_variable(pattern);
    return why == nullptr ? "" : why;
}

}  // namespace

TEST_CASE("a name or a pattern of one can be passed to scripts") {
    for (const char* good : {"HCLOUD_TOKEN", "AWS_*", "*", "L*", "_x1", "http_proxy", "*_TOKEN", "PATH_OF_X"}) {
        CAPTURE(good);
        CHECK(fault(good).empty());
    }
}

TEST_CASE("what decides what a script runs is refused with the reason") {
    for (const char* bad : {"LD_PRELOAD", "LD_*", "LD_", "IFS", "BASH_ENV", "ENV", "BASH_FUNC_x", "BASH_FUNC_*",
                            "SHELLOPTS", "PYTHONPATH", "PERL5OPT", "GLIBC_TUNABLES"}) {
        CAPTURE(bad);
        CHECK(fault(bad) == "it decides what a script runs or loads");
    }
    for (const char* own : {"PATH", "PATH*", "HOME", "LC_ALL", "LC_*", "TZ"}) {
        CAPTURE(own);
        CHECK(fault(own) == "scripts get it in any case");
    }
    CHECK(fault("NOTIFY_SOCKET") == "it is for the daemon alone");
    CHECK(fault("LISTEN_*") == "it is for the daemon alone");
    for (const char* no : {"", "A B", "A=b", "1A", "A-B", "A\n"}) {
        CAPTURE(no);
        CHECK(fault(no) == "it is no name of a variable, nor a pattern of one with *");
    }
    CHECK(fault(std::string(128, 'A')).empty());
    CHECK_FALSE(fault(std::string(129, 'A')).empty());
}

TEST_CASE("scripts get what a pattern names, and never what decides what they run") {
    const Names patterns{"HCLOUD_TOKEN", "AWS_*", "*_END", "A*B*C"};
    for (const char* yes :
         {"HCLOUD_TOKEN", "AWS_", "AWS_KEY", "X_END", "ABC", "AxBBxC", "PATH", "LC_TIME", "LANGUAGE"}) {
        CAPTURE(yes);
        CHECK(scripts_get(yes, patterns));
    }
    for (const char* no : {"HCLOUD_TOKEN2", "AWS", "AB", "ABCD", "aws_key", "LD_PRELOAD", "", "PATHS"}) {
        CAPTURE(no);
        CHECK_FALSE(scripts_get(no, patterns));
    }
    const Names all{"*"};
    CHECK(scripts_get("SECRET", all));
    for (const char* never :
         {"LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "IFS", "NOTIFY_SOCKET", "MAINSTAY_HAND_OVER"}) {
        CAPTURE(never);
        CHECK_FALSE(scripts_get(never, all));
    }
}

TEST_CASE("names that somebody set and that scripts do not get, without the usual ones and without values") {
    using namespace std::string_view_literals;
    const auto environ_file =
        "PATH=/bin\0HCLOUD_TOKEN=secret\0TERM=xterm\0INVOCATION_ID=1\0KUBERNETES_PORT=x\0AWS_KEY=a=b\0"
        "HOSTNAME=h\0LD_PRELOAD=x\0odd name=x\0*=x\0no value\0AWS_KEY=again\0"sv;
    CHECK(withheld_variables(environ_file, {}) == Names{"AWS_KEY", "HCLOUD_TOKEN"});
    CHECK(withheld_variables(environ_file, Names{"AWS_*"}) == Names{"HCLOUD_TOKEN"});
    CHECK(withheld_variables(environ_file, Names{"*"}).empty());
    CHECK(withheld_variables(std::string_view{}, {}).empty());
    CHECK(withheld_variables("A=b"sv, {}) == Names{"A"});
}

TEST_CASE("a list of names is short") {
    CHECK(listed_variables({}).empty());
    CHECK(listed_variables({"A", "B"}) == "A, B");
    CHECK(listed_variables({"A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L"}) ==
          "A, B, C, D, E, F, G, H, I, J and 2 more");
}

}  // namespace mainstay
