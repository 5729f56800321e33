// mainstayctl replay and record save: what they print.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "../lvs/builders.hpp"
#include "../record/bench.hpp"
#include "cli/ctl.hpp"
#include "mainstay/record/recorded.hpp"

using namespace mainstay;
using namespace mainstay::record::test;

namespace {

constexpr std::int64_t kBegin = 1'700'000'000'000'000;  // 2023-11-14 22:13:20 UTC

std::filesystem::path scratch(const char* name) {
    return std::filesystem::temp_directory_path() / (name + std::to_string(::getpid()));
}

// Memories of a router that takes over 3.6 s after its start, and of a judge that starts and stops.
struct Director {
    Director() {
        router.recorder = record::Recorder{std::as_writable_bytes(std::span{router.memory}), record::program_version(),
                                           [] { return WallTime{kBegin}; }};
        judge.record(&judge_recorder);
        router.start();
        config::Config config;
        config.virtual_servers.push_back(lvs::test::service({lvs::test::checked("10.1.0.1")}));
        (void)judge.start(config, {}, {Instant{1000s}, {kBegin}});
        router.pass(4s);
        (void)judge.stop(false, {Instant{1002s}, {kBegin + 2'000'000}});
    }
    [[nodiscard]] std::filesystem::path saved() const {
        const std::array memories{std::as_bytes(std::span{router.memory}), std::as_bytes(std::span{judge_memory})};
        const auto file = record::file_of_memories(memories, WallTime{kBegin + 60'000'000}).value();
        const auto path = scratch("replayed-");
        std::ofstream{path, std::ios::binary}.write(reinterpret_cast<const char*>(file.data()),
                                                    static_cast<std::streamsize>(file.size()));
        return path;
    }

    Bench router;
    std::vector<std::uint64_t> judge_memory = std::vector<std::uint64_t>(1U << 17);
    record::JudgeRecorder judge_recorder{std::as_writable_bytes(std::span{judge_memory}), record::program_version()};
    record::RecordedJudge judge{[](Micros) { return Micros{0}; }};
};

// What it prints, and its exit status.
std::pair<std::vector<std::string>, int> replay(const cli::ReplayOptions& options) {
    const auto output = scratch("output-");
    std::fflush(stdout);  // what doctest has printed is not the child's
    const pid_t child = ::fork();
    if (child == 0) {
        ::setenv("TZ", "UTC", 1);
        ::tzset();
        if (std::freopen(output.c_str(), "w", stdout) == nullptr) ::_exit(99);
        ::_exit(cli::ctl_replay(options));
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    std::ifstream file{output};
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    std::filesystem::remove(output);
    return {lines, WEXITSTATUS(status)};
}

std::vector<std::string> with_times(const std::vector<std::string>& lines) {
    std::vector<std::string> heads;
    for (const auto& line : lines)
        if (line.starts_with("2023")) heads.push_back(line);
    return heads;
}

}  // namespace

TEST_CASE("both parts of a record are one timeline, which names the part of each fact") {
    const auto path = Director{}.saved();
    const auto [lines, status] = replay({.file = path.string(), .at = {}, .instance = {}, .service = {}, .server = {}});
    CHECK(status == 0);
    CHECK(with_times(lines) == std::vector<std::string>{
                                   "2023-11-14 22:13:20.000000  VRRP: the record begins",
                                   "2023-11-14 22:13:20.000000  VRRP: start",
                                   "2023-11-14 22:13:20.000000  the record of virtual servers begins",
                                   "2023-11-14 22:13:20.000000  virtual servers: start, with 1 virtual server",
                                   "2023-11-14 22:13:22.000000  virtual servers: stop",
                                   "2023-11-14 22:13:23.609375  VRRP: a deadline",
                               });
    REQUIRE(lines.size() > 2);
    CHECK(lines[lines.size() - 2].starts_with("virtual servers: identical to the recording: 2 facts, "));
    CHECK(lines.back().starts_with("VRRP: identical to the recording: 3 facts, "));
    std::filesystem::remove(path);
}

TEST_CASE("the states at the time of --at come after what both parts did until then") {
    const auto path = Director{}.saved();
    const auto [lines, status] =
        replay({.file = path.string(), .at = "22:13:22", .instance = {}, .service = {}, .server = {}});
    CHECK(status == 0);
    CHECK(with_times(lines) == std::vector<std::string>{
                                   "2023-11-14 22:13:20.000000  VRRP: the record begins",
                                   "2023-11-14 22:13:20.000000  VRRP: start",
                                   "2023-11-14 22:13:20.000000  the record of virtual servers begins",
                                   "2023-11-14 22:13:20.000000  virtual servers: start, with 1 virtual server",
                                   "2023-11-14 22:13:22.000000  virtual servers: stop",
                                   "2023-11-14 22:13:22.999999  VRRP: the states:",
                               });
    REQUIRE(lines.size() > 2);
    CHECK(lines[lines.size() - 3] == "    (VI_1) BACKUP, priority 100");
    std::filesystem::remove(path);
}

TEST_CASE("of one part alone the lines name no part") {
    const auto path = Director{}.saved();
    const auto [lines, status] =
        replay({.file = path.string(), .at = {}, .instance = "VI_1", .service = {}, .server = {}});
    CHECK(status == 0);
    CHECK(with_times(lines) == std::vector<std::string>{
                                   "2023-11-14 22:13:20.000000  the record begins",
                                   "2023-11-14 22:13:20.000000  start",
                                   "2023-11-14 22:13:23.609375  a deadline",
                               });
    CHECK(lines.back().starts_with("identical to the recording: 3 facts, "));
    const auto servers =
        replay({.file = path.string(), .at = {}, .instance = {}, .service = "10.0.0.1", .server = {}}).first;
    REQUIRE_FALSE(servers.empty());
    CHECK(servers.front() == "2023-11-14 22:13:20.000000  the record of virtual servers begins");
    CHECK(servers.back().starts_with("virtual servers: identical to the recording: 2 facts, "));
    std::filesystem::remove(path);
}

TEST_CASE("record save says when a process records nothing because its memory is too small") {
    Bench small{64U << 10, director(200)};
    small.start();
    const auto line = cli::unrecorded("VRRP", std::as_bytes(std::span{small.memory}));
    REQUIRE(line);
    CHECK(*line ==
          fmt::format("the VRRP process records nothing: its state has {} bytes, more than half of its "
                      "memory of 1 MiB holds; fix: set [recorder] size of mainstay.toml to 1 and restart mainstayd",
                      small.recorder.statistics().key_frame_bytes));
    small.memory[sizeof(record::MemoryHeader) / sizeof(std::uint64_t) + 1] = 65U << 20;
    CHECK(cli::unrecorded("load balancing", std::as_bytes(std::span{small.memory})) ==
          "the load balancing process records nothing: its state has 68157440 bytes, more than half of its memory of 1 "
          "MiB "
          "holds; the largest [recorder] size of mainstay.toml, 256, is not enough");
    const Director working;
    CHECK_FALSE(cli::unrecorded("VRRP", std::as_bytes(std::span{working.router.memory})));
}
