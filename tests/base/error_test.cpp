#include "mainstay/base/error.hpp"

#include <doctest/doctest.h>

#include <cerrno>

using namespace mainstay;

TEST_CASE("a system error says what was attempted and why it failed") {
    const Error error = Error::system("open /etc/x.conf", ENOENT);

    CHECK(error.text() == "open /etc/x.conf: No such file or directory");
    CHECK(error.code() == Errc::NotFound);
    CHECK(error.sys_errno() == ENOENT);
}

TEST_CASE("context is put in front, outermost first") {
    const Error error = Error{Errc::Io, "refused"}.with("tcp check").with("real server 10.0.0.1:80");

    CHECK(error.text() == "real server 10.0.0.1:80: tcp check: refused");
}
