#include "cli/systemd.hpp"

#include <doctest/doctest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "../needs.hpp"

using namespace mainstay;
using Lines = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

// A systemctl that tells of one state after the other, the last one for ever, and notes what it is asked.
constexpr const char* kSystemctl = R"(#!/bin/sh
cd /run/test
echo "$*" >>asked
case "$*" in
    *Restart*) echo no ;;
    *MainPID*) cat main ;;
    *ActiveState*) head -n 1 states; [ $(wc -l <states) = 1 ] || sed -i 1d states ;;
esac
)";

Lines lines_of(const fs::path& file) {
    std::ifstream in{file};
    Lines lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

struct Seen {
    Lines asked;           // from the end on
    bool drop_in = false;  // whether it is still there at the end
};

// What NotStartedAgain asks at its end, in a mount namespace of its own. `main`: the unit's main process.
Seen asked_at_the_end(const std::string& states, pid_t main) {
    Seen seen;
    std::thread{[&] {
        REQUIRE(::unshare(CLONE_FS | CLONE_NEWNS) == 0);
        REQUIRE(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
        REQUIRE(::mount("tmpfs", "/run", "tmpfs", 0, nullptr) == 0);
        fs::create_directories("/run/test");
        std::ofstream{"/run/test/systemctl"} << kSystemctl;
        fs::permissions("/run/test/systemctl", fs::perms::owner_all);
        std::ofstream{"/run/test/states"} << states;
        std::ofstream{"/run/test/main"} << main << "\n";
        {
            const auto held = cli::NotStartedAgain::of("one.service");
            REQUIRE(held);
            CHECK(fs::exists("/run/systemd/system/one.service.d/~~mainstay-takeover.conf"));
            fs::remove("/run/test/asked");
        }
        seen = {lines_of("/run/test/asked"), fs::exists("/run/systemd/system/one.service.d/~~mainstay-takeover.conf")};
    }}.join();
    return seen;
}

const std::string kState = "show --property ActiveState --value one.service";
const std::string kMain = "show --property MainPID --value one.service";

struct SystemctlFirst {  // in the path
    SystemctlFirst() { ::setenv("PATH", ("/run/test:" + before).c_str(), 1); }
    ~SystemctlFirst() { ::setenv("PATH", before.c_str(), 1); }
    std::string before = std::getenv("PATH");
};

}  // namespace

TEST_CASE("systemd forgets that a unit shall not start again only when it has seen the unit's end" * test::kNeedsRoot) {
    const SystemctlFirst path;
    const pid_t dead = ::fork();
    if (dead == 0) ::_exit(0);
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(dead), &info, WEXITED | WNOWAIT) ==
            0);  // dead, and nobody has asked for it

    const auto late = asked_at_the_end("active\nactive\ndeactivating\nfailed\n", dead);
    CHECK(late.asked ==
          Lines{kState, kMain, kState, kMain, kState, kState, "daemon-reload", "reset-failed one.service"});
    CHECK_FALSE(late.drop_in);

    const auto goes_on = asked_at_the_end("active\n", ::getpid());
    CHECK(goes_on.asked == Lines{kState, kMain, "daemon-reload"});
    CHECK_FALSE(goes_on.drop_in);
    ::waitpid(dead, nullptr, 0);
}
