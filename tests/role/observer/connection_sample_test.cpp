#include "role/observer/connection_sample.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace mainstay::role {
namespace {

// As the kernel pads them.
std::string lines(std::size_t count, std::string line) {
    line.resize(127, ' ');
    std::string all;
    for (std::size_t n = 0; n < count; ++n) all += line + "\n";
    return all;
}

const char *const kWaiting = "TCP 0A090101 D431 0A000001 0050 0A00000B 0050 SYN_RECV         40",
                  *const kOpen = "TCP 0A090101 D431 0A000001 0050 0A00000B 0050 ESTABLISHED     899";

struct File {
    std::string path = std::filesystem::temp_directory_path() / ("mainstay-connections-" + std::to_string(::getpid()));
    ~File() { std::filesystem::remove(path); }
    void holds(const std::string& text) const { std::ofstream{path} << text; }
};

}  // namespace

TEST_CASE("the kernel's connections are read when somebody asks, and not again within ten seconds") {
    const File file;
    ConnectionSample sample{file.path, std::chrono::hours{1}};
    Instant now{std::chrono::seconds{100}};
    CHECK(sample.unanswered(now).empty());  // no file: IPVS is not there
    file.holds(lines(3, kWaiting));
    CHECK(sample.unanswered(now + kSampleKept - std::chrono::milliseconds{1}).empty());
    REQUIRE(sample.unanswered(now + kSampleKept).size() == 1);
    CHECK(sample.unanswered(now + kSampleKept).front().waiting == 3);
}

TEST_CASE("of many connections the first thousand are read") {
    const File file;
    file.holds(lines(1025, kWaiting) + lines(1, kOpen));
    ConnectionSample sample{file.path, std::chrono::hours{1}};
    const auto& found = sample.unanswered(Instant{std::chrono::seconds{100}});
    REQUIRE(found.size() == 1);
    CHECK(found.front().all == 1024);
    CHECK(found.front().waiting == 1024);
}

TEST_CASE("the first of them are read, however long it takes") {
    const File file;
    file.holds(lines(3, kWaiting));
    ConnectionSample sample{file.path, Instant::duration{0}};
    CHECK(sample.unanswered(Instant{std::chrono::seconds{100}}).size() == 1);
}

}  // namespace mainstay::role
