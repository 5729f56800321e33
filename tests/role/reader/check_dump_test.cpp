// The checkers' data, which a reader of their own writes.
#include <doctest/doctest.h>
#include <fcntl.h>

#include "../../needs.hpp"
#include "mainstay/ipc/status.hpp"
#include "reader_bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using Step = ipc::DumpFile::Step;
using DumpKind = ipc::DumpText::What;

namespace {

// A reader that is to dump what another has read, with this state of the lvs role; null: it has published none.
struct DumpBench {
    explicit DumpBench(const std::string& text, const report::LvsStatus* status)
        : running{first.read(text)},
          block{ipc::make_shared_memfd("block", ipc::kStateBlockBytes).value()},
          reader{{{ipc::inherited::kRunningLvs, running.snapshots.at(For::Lvs).get()},
                  {ipc::inherited::kRunningObserver, running.snapshots.at(For::Observer).get()},
                  {ipc::inherited::kLvsBlock, block.get()}}} {
        if (status != nullptr) {
            auto mapped = ipc::StateBlock::map(block.get(), true);
            REQUIRE(mapped.has_value());
            REQUIRE(mapped->publish(encode(*status)).has_value());
        }
        reader.startup.check_dump = true;
        reader.process.send(reader.startup);
    }

    // What the reader says on its line.
    [[nodiscard]] ipc::DumpFile hear() {
        const auto got = reader.process.hear();
        REQUIRE(got.has_value());
        return std::get<ipc::DumpFile>(got->message);
    }

    Bench first;
    Read running;
    UniqueFd block;
    Bench reader;
};

}  // namespace

TEST_CASE("a reader that is to dump writes whole services with their states into the file that it is given" *
          mainstay::test::kNeedsRoot) {
    report::LvsStatus status;
    status.services = {{.name = "[10.9.9.8]:tcp:80", .key = {.protocol = 6}, .quorum_up = true}};
    status.services[0].servers = {{.endpoint = {*IpAddress::parse("10.1.1.1"), 80}, .weight = 3, .in_table = true}};
    DumpBench b{"global_defs {\nsmtp_server 10.0.0.25\nscript_user root\n}\nSSL {\npassword hidden\n}\n" + kService,
                &status};
    const auto path = b.first.folder / "dump";
    const UniqueFd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
    b.reader.process.send(ipc::DumpFile{DumpKind::DataCheck, Step::Opened}, file.get());
    b.reader.process.send(ipc::DumpFile{{}, Step::Over});
    const auto written = b.hear();
    CHECK(written.what == DumpKind::DataCheck);
    CHECK(written.step == Step::Written);
    CHECK(b.hear().step == Step::Over);
    CHECK(b.reader.process.status() == 0);
    const auto text = contents(path);
    CHECK(text.starts_with("------< Global definitions >------\n"));
    CHECK(text.contains(" Smtp server = 10.0.0.25\n"));
    CHECK(text.contains("   quorum_state_up = 1\n"));
    CHECK(text.contains("   RIP = 10.1.1.1, RPORT = 80, WEIGHT = 3 EFF WEIGHT = 3\n"));
    CHECK(text.contains("   Keepalive method = TCP_CHECK\n"));
    CHECK_FALSE(text.contains("hidden"));
}

TEST_CASE(
    "it dumps the configuration when the lvs role has published no state, and ends when its file cannot be opened" *
    mainstay::test::kNeedsRoot) {
    DumpBench b{kService, nullptr};
    b.reader.process.send(ipc::DumpFile{DumpKind::DataCheck, Step::Refused});
    b.reader.process.send(ipc::DumpFile{{}, Step::Over});
    CHECK(b.hear().step == Step::Over);
    CHECK(b.reader.process.status() == 0);
}

TEST_CASE("snapshots that cannot be read are said, and no file is wanted" * mainstay::test::kNeedsRoot) {
    Bench first;
    const auto nonsense = ipc::make_sealed_memfd("part", std::as_bytes(std::span{"nonsense", 8}));
    REQUIRE(nonsense.has_value());
    Bench b{{{ipc::inherited::kRunningLvs, nonsense->get()}, {ipc::inherited::kRunningObserver, nonsense->get()}}};
    b.startup.check_dump = true;
    b.process.send(b.startup);
    b.process.send(ipc::DumpFile{{}, Step::Over});
    const auto got = b.process.hear();
    REQUIRE(got.has_value());
    CHECK(std::get<ipc::DumpFile>(got->message).step == Step::Over);
    CHECK(b.process.status() == 1);
    CHECK(has(b.log.read(), "dump file: the running configuration: "));
}
