#include "role/observer/dump_writer.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <chrono>

#include "../../kept_log.hpp"
#include "mainstay/ipc/channel.hpp"

using namespace mainstay;
using namespace mainstay::role;
using DumpKind = ipc::DumpText::What;
using Step = ipc::DumpFile::Step;
using Texts = std::vector<std::string>;
using mainstay::test::KeptLog;

namespace {

// The test is at the other end of the line, where the files are handed out.
struct DumpsBench {
    void begin(std::vector<Dump> dumps) {
        auto line = ipc::make_channel();
        REQUIRE(line.has_value());
        files = std::move(line->first);
        writer.write(std::move(line->second), std::move(dumps));
    }
    [[nodiscard]] ipc::DumpFile hear() const {
        pollfd wait{files.get(), POLLIN, 0};
        REQUIRE(::poll(&wait, 1, 20'000) == 1);
        const auto got = ipc::receive_message(files.get());
        REQUIRE((got && *got && std::holds_alternative<ipc::Received>(**got)));
        return std::get<ipc::DumpFile>(std::get<ipc::Received>(**got).message);
    }
    [[nodiscard]] bool hears(DumpKind what, Step step) const {
        const auto reported = hear();
        return reported.what == what && reported.step == step;
    }
    void send(DumpKind what, Step step, int descriptor = -1) const {
        REQUIRE(ipc::send_message(files.get(), ipc::DumpFile{what, step}, descriptor).has_value());
    }
    const Texts& reported() {
        loop.restart();
        loop.run();
        return log.texts;
    }

    boost::asio::io_context loop;
    KeptLog log;
    DumpWriter writer{loop, log};
    UniqueFd files;
};

std::string text_of(int fd) {
    std::array<char, 64> text{};
    const auto got = ::pread(fd, text.data(), text.size(), 0);
    return {text.data(), static_cast<std::size_t>(got)};
}

}  // namespace

TEST_CASE("each text goes into the file that is handed out for it, which then is said to be whole") {
    DumpsBench bench;
    const UniqueFd data{::memfd_create("data", MFD_CLOEXEC)}, stats{::memfd_create("stats", MFD_CLOEXEC)};
    bench.begin({{DumpKind::Data, "one"}, {DumpKind::Stats, "two"}});
    bench.send(DumpKind::Stats, Step::Opened, stats.get());  // in whatever order
    bench.send(DumpKind::Data, Step::Opened, data.get());
    bench.send({}, Step::Over);
    CHECK(bench.hears(DumpKind::Data, Step::Written));
    CHECK(text_of(data.get()) == "one");
    CHECK(bench.hears(DumpKind::Stats, Step::Written));
    CHECK(text_of(stats.get()) == "two");
    CHECK(bench.hear().step == Step::Over);
    CHECK(bench.reported().empty());
}

TEST_CASE("a file that could not be opened, or is not handed out, is left out") {
    DumpsBench bench;
    bench.begin({{DumpKind::Data, "one"}, {DumpKind::DataBfd, "two"}});
    bench.send(DumpKind::Data, Step::Refused);
    bench.send({}, Step::Over);
    CHECK(bench.hear().step == Step::Over);
    CHECK(bench.reported().empty());
}

TEST_CASE("a file that cannot be written is reported, and never said to be whole") {
    DumpsBench bench;
    bench.begin({{DumpKind::Data, "one"}});
    const UniqueFd unwritable{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
    bench.send(DumpKind::Data, Step::Opened, unwritable.get());
    bench.send({}, Step::Over);
    CHECK(bench.hear().step == Step::Over);
    {  // The writing thread tells of it after its last word to the other end.
        const auto expects_it = boost::asio::make_work_guard(bench.loop);
        CHECK(bench.loop.run_one_for(std::chrono::seconds{20}) == 1);
    }
    CHECK(bench.reported() == Texts{"dump file: write: No space left on device"});
}

TEST_CASE("while one dump is being written there is no other, and its line is closed") {
    DumpsBench bench;
    bench.begin({{DumpKind::Data, "one"}});
    auto second = ipc::make_channel();
    REQUIRE(second.has_value());
    bench.writer.write(std::move(second->second), {{DumpKind::Stats, "two"}});
    CHECK(bench.log.texts == Texts{"no dump is made: the disk has not taken the former one yet"});
    const auto got = ipc::receive_message(second->first.get());
    CHECK((got && *got && std::holds_alternative<ipc::Closed>(**got)));
    bench.send(DumpKind::Data, Step::Refused);
    bench.send({}, Step::Over);
    CHECK(bench.hear().step == Step::Over);
}

TEST_CASE("a supervisor that hands out no files gets no dump") {
    DumpsBench bench;
    bench.writer.write(UniqueFd{}, {{DumpKind::Data, "one"}});
    CHECK(bench.log.texts.size() == 1);
}
