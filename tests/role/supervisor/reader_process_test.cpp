#include "role/supervisor/reader_process.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "mainstay/ipc/shared.hpp"
#include "supervisor_parts.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

// The test is the reader: it has the other end of the line.
struct Fixture {
    Roles roles;
    UniqueFd reader;
    int started = 0;
    std::vector<ReaderProcess::Reading> readings;
    ReaderProcess process{roles.loop, roles.log,
                          [this](int control) -> Result<int> {
                              reader.reset(::fcntl(control, F_DUPFD_CLOEXEC, 3));
                              return kNobody + started++;
                          },
                          [this](ReaderProcess::Reading reading) { readings.push_back(std::move(reading)); }};

    Fixture() { REQUIRE(process.read({}, -1, {}).has_value()); }
    void send(const ipc::Message& message, int descriptor = -1) {
        REQUIRE(ipc::send_message(reader.get(), message, descriptor).has_value());
    }
    static ipc::ReadingDone done(bool stays) {
        ipc::ReadingDone done;
        done.can_run = true;
        done.stays = stays;
        return done;
    }
    void until_over(std::size_t count = 1) {
        roles.until([&] { return readings.size() == count; });
    }
    bool is_killed() {
        for (const auto& text : roles.log.texts)
            if (text.ends_with(": killing it")) return true;
        return false;
    }
};

UniqueFd sealed() {
    auto memfd = ipc::make_sealed_memfd("test", {});
    REQUIRE(memfd.has_value());
    return std::move(*memfd);
}

}  // namespace

TEST_CASE("a reading ends with its snapshots and its result, and a reader that stays reads the next one") {
    Fixture f;
    const auto memory = sealed();
    f.send(ipc::Snapshot{ipc::Snapshot::For::Lvs, true}, memory.get());
    f.send(Fixture::done(true));
    f.until_over();
    CHECK(f.readings[0].done->can_run);
    REQUIRE(f.readings[0].parts.size() == 1);
    CHECK(f.readings[0].parts[0].snapshot.audience == ipc::Snapshot::For::Lvs);
    CHECK_FALSE(f.process.reads());
    REQUIRE(f.process.read({}, -1, {}).has_value());
    CHECK(f.started == 1);
    f.send(Fixture::done(false));
    f.until_over(2);
    CHECK(f.readings[1].parts.empty());
    REQUIRE(f.process.read({}, -1, {}).has_value());
    CHECK(f.started == 2);
}

TEST_CASE("a reader that ends while it waits for the next reading is replaced by another one") {
    Fixture f;
    f.send(Fixture::done(true));
    f.until_over();
    CHECK_FALSE(f.process.ended({.pid = kNobody, .signalled = false, .status = 0}));
    REQUIRE(f.process.read({}, -1, {}).has_value());
    CHECK(f.started == 2);
}

TEST_CASE("a reader that waits for the next reading can be ended") {
    Roles roles;
    UniqueFd reader;
    int child = -1, over = 0;
    ReaderProcess process{roles.loop, roles.log,
                          [&](int control) -> Result<int> {
                              reader.reset(::fcntl(control, F_DUPFD_CLOEXEC, 3));
                              child = ::fork();
                              if (child == 0) {
                                  ::pause();
                                  ::_exit(0);
                              }
                              return child;
                          },
                          [&over](const ReaderProcess::Reading&) { ++over; }};
    REQUIRE(process.read({}, -1, {}).has_value());
    REQUIRE(ipc::send_message(reader.get(), Fixture::done(true)).has_value());
    roles.until([&] { return over == 1; });
    process.kill_waiting();
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGKILL);
}

TEST_CASE("a reader that dies keeps the results it has sent") {
    Fixture f;
    f.send(Fixture::done(false));
    CHECK(f.process.ended({.pid = kNobody, .signalled = false, .status = 0}));
    REQUIRE(f.readings.size() == 1);
    CHECK(f.readings[0].done.has_value());
}

TEST_CASE("a reader that dies before its result has read nothing") {
    Fixture f;
    CHECK_FALSE(f.process.ended({.pid = 1, .signalled = false, .status = 0}));
    CHECK(f.process.ended({.pid = kNobody, .signalled = true, .status = 9}));
    REQUIRE(f.readings.size() == 1);
    CHECK_FALSE(f.readings[0].done.has_value());
    CHECK(f.readings[0].died == "the reader died (signal 9)");
}

TEST_CASE("nothing counts of a reader that sends what it may not") {
    Fixture f;
    f.send(ipc::Committed{1});
    f.send(Fixture::done(false));
    f.roles.until([&] { return f.is_killed(); });
    CHECK(f.process.ended({.pid = kNobody, .signalled = true, .status = 9}));
    REQUIRE(f.readings.size() == 1);
    CHECK_FALSE(f.readings[0].done.has_value());
}

TEST_CASE("a snapshot that is not sealed, and more messages than a configuration takes, are offences") {
    Fixture unsealed, many;
    unsealed.send(ipc::Snapshot{ipc::Snapshot::For::Lvs, true});
    unsealed.roles.until([&] { return unsealed.is_killed(); });
    for (int i = 0; i <= kReaderMessagesMax; ++i) many.send(ipc::DryRunDone{});
    many.roles.until([&] { return many.is_killed(); });
    Fixture enough;
    for (int i = 1; i < kReaderMessagesMax; ++i) enough.send(ipc::DryRunDone{});
    enough.send(Fixture::done(false));
    enough.until_over();
    CHECK_FALSE(enough.is_killed());
}
