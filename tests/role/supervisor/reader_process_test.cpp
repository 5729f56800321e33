#include "role/supervisor/reader_process.hpp"

#include <fcntl.h>
#include <sys/stat.h>
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
struct PlayedReader {
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

    PlayedReader() { REQUIRE(process.read({}, -1, {}).has_value()); }
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

UniqueFd sealed_nothing() {
    auto memfd = ipc::make_sealed_memfd("test", {});
    REQUIRE(memfd.has_value());
    return std::move(*memfd);
}

}  // namespace

TEST_CASE("a reading ends with its snapshots and its result, and a reader that stays reads the next one") {
    PlayedReader f;
    const auto memory = sealed_nothing();
    f.send(ipc::Snapshot{ipc::Snapshot::For::Lvs, true}, memory.get());
    f.send(PlayedReader::done(true));
    f.until_over();
    CHECK(f.readings[0].done->can_run);
    REQUIRE(f.readings[0].parts.size() == 1);
    CHECK(f.readings[0].parts[0].snapshot.audience == ipc::Snapshot::For::Lvs);
    CHECK_FALSE(f.process.reads());
    REQUIRE(f.process.read({}, -1, {}).has_value());
    CHECK(f.started == 1);
    f.send(PlayedReader::done(false));
    f.until_over(2);
    CHECK(f.readings[1].parts.empty());
    REQUIRE(f.process.read({}, -1, {}).has_value());
    CHECK(f.started == 2);
}

TEST_CASE("a reader that ends while it waits for the next reading is replaced by another one") {
    PlayedReader f;
    f.send(PlayedReader::done(true));
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
                              return child = sleeper();
                          },
                          [&over](const ReaderProcess::Reading&) { ++over; }};
    REQUIRE(process.read({}, -1, {}).has_value());
    REQUIRE(ipc::send_message(reader.get(), PlayedReader::done(true)).has_value());
    roles.until([&] { return over == 1; });
    process.kill_waiting();
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGKILL);
}

TEST_CASE("a reader that dies keeps the results it has sent") {
    PlayedReader f;
    f.send(PlayedReader::done(false));
    CHECK(f.process.ended({.pid = kNobody, .signalled = false, .status = 0}));
    REQUIRE(f.readings.size() == 1);
    CHECK(f.readings[0].done.has_value());
}

TEST_CASE("a reader that dies before its result has read nothing") {
    PlayedReader f;
    CHECK_FALSE(f.process.ended({.pid = 1, .signalled = false, .status = 0}));
    CHECK(f.process.ended({.pid = kNobody, .signalled = true, .status = 9}));
    REQUIRE(f.readings.size() == 1);
    CHECK_FALSE(f.readings[0].done.has_value());
    CHECK(f.readings[0].died == "the reader died (signal 9)");
}

TEST_CASE("nothing counts of a reader that sends what it may not") {
    PlayedReader f;
    f.send(ipc::Committed{1});
    f.send(PlayedReader::done(false));
    f.roles.until([&] { return f.is_killed(); });
    CHECK(f.process.ended({.pid = kNobody, .signalled = true, .status = 9}));
    REQUIRE(f.readings.size() == 1);
    CHECK_FALSE(f.readings[0].done.has_value());
}

TEST_CASE("a snapshot that is not sealed, and more messages than a configuration takes, are offences") {
    PlayedReader unsealed, many;
    unsealed.send(ipc::Snapshot{ipc::Snapshot::For::Lvs, true});
    unsealed.roles.until([&] { return unsealed.is_killed(); });
    for (int i = 0; i <= kReaderMessagesMax; ++i) many.send(ipc::DryRunDone{});
    many.roles.until([&] { return many.is_killed(); });
    PlayedReader enough;
    for (int i = 1; i < kReaderMessagesMax; ++i) enough.send(ipc::DryRunDone{});
    enough.send(PlayedReader::done(false));
    enough.until_over();
    CHECK_FALSE(enough.is_killed());
}

TEST_CASE("a reader has the running configurations first, then its orders with the log of the check") {
    Roles roles;
    UniqueFd reader;
    ReaderProcess process{roles.loop, roles.log,
                          [&](int control) -> Result<int> {
                              reader.reset(::fcntl(control, F_DUPFD_CLOEXEC, 3));
                              return kNobody;
                          },
                          [](const ReaderProcess::Reading&) {}};
    const auto vrrp = sealed_nothing(), lvs = sealed_nothing(), check_log = sealed_nothing();
    ipc::RoleStartup orders;
    orders.config_path = "/etc/ha.conf";
    using For = ipc::Snapshot::For;
    REQUIRE(process
                .read(orders, check_log.get(),
                      {{{For::Vrrp, true}, vrrp.get()}, {{For::Lvs, false}, lvs.get()}, {{For::Observer, true}, -1}})
                .has_value());
    CHECK(process.reads());
    const auto next = [&] {
        auto got = ipc::receive_message(reader.get());
        REQUIRE(got.has_value());
        REQUIRE(got->has_value());
        return std::get<ipc::Received>(std::move(**got));
    };
    const auto file_of = [](int descriptor) {
        struct stat facts{};
        REQUIRE(::fstat(descriptor, &facts) == 0);
        return facts.st_ino;
    };
    for (const auto& [audience, needed, memory] :
         {std::tuple{For::Vrrp, true, vrrp.get()}, {For::Lvs, false, lvs.get()}}) {
        const auto got = next();
        CHECK(std::get<ipc::Snapshot>(got.message).audience == audience);
        CHECK(std::get<ipc::Snapshot>(got.message).needed == needed);
        CHECK(file_of(got.descriptor.get()) == file_of(memory));
    }
    const auto third = next();
    CHECK(std::get<ipc::Snapshot>(third.message).audience == For::Observer);
    CHECK_FALSE(third.descriptor);
    const auto last = next();
    CHECK(std::get<ipc::RoleStartup>(last.message).config_path == "/etc/ha.conf");
    CHECK(file_of(last.descriptor.get()) == file_of(check_log.get()));
}

TEST_CASE("a report of a reader counts with its text, without one too, but not with one that is not sealed") {
    PlayedReader with, without, unsealed;
    const auto text = sealed_nothing();
    with.send(ipc::DryRunDone{.exit_code = 3, .problem = "p", .lines = {"a", "b"}, .lines_left_out = 4}, text.get());
    with.send(PlayedReader::done(false));
    with.until_over();
    CHECK(with.readings[0].report);
    CHECK(with.readings[0].changes.exit_code == 3);
    CHECK(with.readings[0].changes.problem == "p");
    CHECK(with.readings[0].changes.lines == std::vector<std::string>{"a", "b"});
    CHECK(with.readings[0].changes.lines_left_out == 4);
    without.send(ipc::DryRunDone{.exit_code = 1, .problem = {}});
    without.send(PlayedReader::done(false));
    without.until_over();
    CHECK_FALSE(without.readings[0].report);
    CHECK(without.readings[0].changes.exit_code == 1);
    int pipe[2];
    REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
    const UniqueFd in{pipe[0]}, out{pipe[1]};
    unsealed.send(ipc::DryRunDone{}, in.get());
    unsealed.roles.until([&] { return unsealed.is_killed(); });
    CHECK(unsealed.roles.log.texts.back().starts_with("the reader sent a report that cannot be read: "));
}

TEST_CASE("each reading counts its messages anew, and what one offence ended the next one may send") {
    PlayedReader f;
    for (int reading = 1; reading <= 3; ++reading) {
        for (int i = 1; i < kReaderMessagesMax; ++i) f.send(ipc::DryRunDone{});
        f.send(PlayedReader::done(true));
        f.until_over(static_cast<std::size_t>(reading));
        REQUIRE(f.process.read({}, -1, {}).has_value());
    }
    CHECK_FALSE(f.is_killed());
    CHECK(f.started == 1);
    f.send(ipc::Committed{1});
    f.roles.until([&] { return f.is_killed(); });
    CHECK(f.process.ended({.pid = kNobody, .signalled = true, .status = 9}));
    CHECK(f.readings.back().died == "the reader died (signal 9)");
    REQUIRE(f.process.read({}, -1, {}).has_value());
    CHECK(f.started == 2);
    f.send(PlayedReader::done(false));
    f.until_over(5);
    CHECK(f.readings.back().done->can_run);
    CHECK(f.readings.back().died.empty());
}

TEST_CASE("what a reader sent before it was killed for an offence does not count, nor what is left in its line") {
    PlayedReader f;
    f.send(ipc::Snapshot{ipc::Snapshot::For::Lvs, true}, sealed_nothing().get());
    f.send(ipc::Committed{1});
    f.send(PlayedReader::done(true));
    CHECK(f.process.ended({.pid = kNobody, .signalled = false, .status = 0}));
    REQUIRE(f.readings.size() == 1);
    CHECK_FALSE(f.readings[0].done.has_value());
    CHECK(f.readings[0].died == "the reader died (exit status 0)");
    CHECK_FALSE(f.process.reads());
}

TEST_CASE("a reader that cannot be started is an error, and the next attempt is one") {
    Roles roles;
    int tried = 0;
    ReaderProcess process{roles.loop, roles.log,
                          [&](int) -> Result<int> {
                              ++tried;
                              return fail(Errc::Io, "no memory");
                          },
                          [](const ReaderProcess::Reading&) {}};
    for (int times = 1; times <= 2; ++times) {
        const auto read = process.read({}, -1, {});
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().text() == "no memory");
        CHECK(tried == times);
        CHECK_FALSE(process.reads());
    }
}
