// What the end of a MISC_CHECK's script says about its server; and how many checks may run at a time.
#include "role/lvs/event_driven_checks.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "../../kept_log.hpp"
#include "mainstay/probe/runner.hpp"
#include "role/lvs/adoption.hpp"

using namespace mainstay;
using namespace mainstay::role;
using How = ipc::ScriptResult::How;
using lvs::Outcome;

namespace {

ScriptVerdict verdict(How how, std::int32_t status, bool dynamic = false) {
    return verdict_of({1, how, status}, dynamic);
}

bool in_child(const std::function<bool()>& what) {
    const int child = ::fork();
    if (child == 0) ::_exit(what() ? 0 : 1);
    int status = 0;
    return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::size_t checks_with(rlim_t soft, rlim_t hard, rlim_t& after) {
    const rlimit limit{soft, hard};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    mainstay::test::KeptLog log;
    const auto checks = raise_descriptor_limit(log);
    rlimit now{};
    ::getrlimit(RLIMIT_NOFILE, &now);
    after = now.rlim_cur;
    // Fewer than usual are told of.
    const auto words =
        fmt::format("At most {} health checks run at a time: {} open descriptors are allowed", checks, now.rlim_cur);
    return log.count(words) == (checks < probe::kConcurrentChecksMax ? 1U : 0U) ? checks : 0;
}

}  // namespace

TEST_CASE("status 0 passes, any other fails, and each says its status") {
    CHECK(verdict(How::Exited, 0).outcome == Outcome::Passed);
    CHECK(verdict(How::Exited, 0).reason == "exited with status 0");
    CHECK(verdict(How::Exited, 0, true).weight == std::nullopt);
    CHECK(verdict(How::Exited, 1).outcome == Outcome::Failed);
    CHECK(verdict(How::Exited, 2).outcome == Outcome::Failed);
    CHECK(verdict(How::Exited, 2).reason == "exited with status 2");
}

TEST_CASE("of a dynamic check 2 to 255 are weights from 0 to 253") {
    CHECK(verdict(How::Exited, 1, true).outcome == Outcome::Failed);
    CHECK(verdict(How::Exited, 2, true).outcome == Outcome::Passed);
    CHECK(verdict(How::Exited, 2, true).weight == 0);
    CHECK(verdict(How::Exited, 255, true).weight == 253);
    CHECK(verdict(How::Exited, 256, true).outcome == Outcome::Failed);
    CHECK(verdict(How::Exited, 256, true).weight == std::nullopt);
}

TEST_CASE("a script that is ended by a signal, takes too long or cannot run fails, a shortage decides nothing") {
    CHECK(verdict(How::Signalled, 9).outcome == Outcome::Failed);
    CHECK(verdict(How::Signalled, 9).reason == "ended by signal 9");
    CHECK(verdict(How::Signalled, 9).words == "due to signal 9");
    CHECK(verdict(How::TimedOut, 0).outcome == Outcome::TimedOut);
    CHECK(verdict(How::TimedOut, 0).reason == "timed out");
    for (const int shortage : {EAGAIN, ENOMEM, EMFILE, ENFILE}) {
        CHECK(verdict(How::NotRun, shortage).outcome == Outcome::NotRun);
        CHECK(verdict(How::NotRun, shortage).reason == "too many scripts are running");
    }
    for (const int other : {0, ENOENT, EPERM, EACCES}) {
        CHECK(verdict(How::NotRun, other).outcome == Outcome::Failed);
        CHECK(verdict(How::NotRun, other).reason == "could not be executed");
    }
}

TEST_CASE("as many checks run as descriptors allow beyond those for everything else, at most 4096") {
    CHECK(kDescriptorsForOthers == 64);
    CHECK(probe::kConcurrentChecksMax == 4096);
    rlimit own{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &own) == 0);
    CHECK(in_child([] {
        rlim_t after = 0;
        return checks_with(100, 300, after) == 236 && after == 300;  // as far as permitted
    }));
    CHECK(in_child([] {
        rlim_t after = 0;
        return checks_with(200, 200, after) == 136 && after == 200;
    }));
    CHECK(in_child([] {
        rlim_t after = 0;
        return checks_with(50, 64, after) == 1 && after == 64;
    }));
    if (own.rlim_max < 8192) return;
    CHECK(in_child([] {
        rlim_t after = 0;
        return checks_with(100, 8192, after) == 4096 && after == 4160;  // as far as needed
    }));
    CHECK(in_child([] {
        rlim_t after = 0;
        return checks_with(8000, 8192, after) == 4096 && after == 8000;  // never lowered
    }));
}
