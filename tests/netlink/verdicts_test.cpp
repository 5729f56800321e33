#include "mainstay/netlink/verdicts.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <utility>

using namespace mainstay::netlink;

namespace {

constexpr std::array kRequests{Request::AddAddress,     Request::RemoveAddress,     Request::AddService,
                               Request::SetService,     Request::DeleteService,     Request::AddDestination,
                               Request::SetDestination, Request::DeleteDestination, Request::Flush,
                               Request::Dump,           Request::AddRouting,        Request::RemoveRouting};

bool is_forgiven(Request request, int code) {
    switch (request) {
        case Request::AddAddress:
        case Request::AddService:
        case Request::AddDestination:
        case Request::AddRouting:
            return code == EEXIST;
        case Request::RemoveAddress:
            return code == EADDRNOTAVAIL || code == ENODEV;
        case Request::RemoveRouting:
            return code == ESRCH || code == ENOENT || code == ENODEV;
        case Request::DeleteService:
            return code == ESRCH;
        case Request::DeleteDestination:
            return code == ENOENT || code == ESRCH;
        default:
            return false;
    }
}

}  // namespace

TEST_CASE("zero is success for every request") {
    for (const Request request : kRequests) CHECK(judge(request, 0) == Verdict::Done);
}

TEST_CASE("every other errno is a failure but where what was wanted is so already") {
    for (const Request request : kRequests) {
        for (int code = 1; code < 200; ++code) {
            CAPTURE(static_cast<int>(request));
            CAPTURE(code);
            CHECK(judge(request, code) == (is_forgiven(request, code) ? Verdict::Forgiven : Verdict::Failed));
        }
    }
}

TEST_CASE("an unknown scheduler is never mistaken for an absent object") {
    CHECK(judge(Request::AddService, ENOENT) == Verdict::Failed);
    CHECK(judge(Request::SetService, ENOENT) == Verdict::Failed);
    CHECK(judge(Request::SetDestination, ENOENT) == Verdict::Failed);
    CHECK(judge(Request::SetService, ESRCH) == Verdict::Failed);
}
