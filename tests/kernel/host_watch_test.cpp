// Files, processes, links and FIFOs of the host, as the adapters see them.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "mainstay/kernel/link_poll.hpp"
#include "mainstay/kernel/notify_fifo.hpp"
#include "mainstay/kernel/process_watch.hpp"
#include "mainstay/kernel/tracked_file.hpp"

using namespace mainstay;
using namespace mainstay::kernel;

namespace {

struct Folder {
    std::string path;
    Folder() {
        char name[] = "/tmp/mainstay-watch.XXXXXX";
        path = ::mkdtemp(name);
    }
    ~Folder() { std::filesystem::remove_all(path); }
    [[nodiscard]] std::string file(const char* name, const char* text = nullptr) const {
        const std::string full = path + "/" + name;
        if (text != nullptr) std::ofstream{full} << text;
        return full;
    }
};

std::vector<FolderWatch::Event> next_events(FolderWatch& watch) {
    pollfd wait{watch.fd(), POLLIN, 0};
    if (::poll(&wait, 1, 5000) != 1) return {};
    return watch.read();
}

}  // namespace

TEST_CASE("the beginning of a regular file is read, and nothing of anything else") {
    const Folder folder;
    CHECK(read_tracked_file(folder.file("a", "12\nmore\n")).value() == "12\nmore\n");
    CHECK(read_tracked_file(folder.file("long", std::string(1000, '1').c_str())).value().size() == 128);
    CHECK(read_tracked_file(folder.file("missing")).error().code() == Errc::NotFound);
    const std::string fifo = folder.file("fifo");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    CHECK(read_tracked_file(fifo).error().code() == Errc::Unsupported);  // and does not wait for a writer
    CHECK(read_tracked_file(folder.path).error().code() == Errc::Unsupported);
    CHECK(read_tracked_file("/proc/uptime").error().text() ==
          "/proc/uptime is not tracked: changes on a filesystem of type proc are not reported");
    CHECK(read_tracked_file("/sys/kernel/mm").error().code() == Errc::Unsupported);
}

TEST_CASE("a file is made when it is missing, and written over only if that is asked for") {
    const Folder folder;
    const std::string path = folder.file("made");
    REQUIRE(make_tracked_file(path, -3, false));
    CHECK(read_tracked_file(path).value() == "-3\n");
    REQUIRE(make_tracked_file(path, 5, false));
    CHECK(read_tracked_file(path).value() == "-3\n");
    REQUIRE(make_tracked_file(path, 5, true));
    CHECK(read_tracked_file(path).value() == "5\n");
    const std::string elsewhere = folder.file("elsewhere", "kept");
    std::filesystem::create_symlink(elsewhere, folder.file("link"));
    REQUIRE(make_tracked_file(folder.file("link"), 9, true));
    CHECK(read_tracked_file(elsewhere).value() == "kept");
}

TEST_CASE("a watched folder reports files that are written, moved and deleted, and its own removal") {
    Folder folder;
    auto watch = FolderWatch::open().value();
    const int number = watch.add(folder.path).value();
    CHECK(watch.add(folder.path).value() == number);
    const auto told = [&](const char* name) {
        const auto events = next_events(watch);
        return std::ranges::any_of(events, [&](const auto& e) { return e.folder == number && e.name == name; });
    };
    const std::string path = folder.file("a", "1");
    CHECK(told("a"));
    std::filesystem::rename(path, folder.file("b"));
    CHECK(told("b"));
    std::filesystem::remove(folder.file("b"));
    CHECK(told("b"));
    std::filesystem::remove_all(folder.path);
    CHECK(std::ranges::any_of(next_events(watch), [](const auto& e) { return e.gone; }));
    CHECK_FALSE(watch.add(folder.path).has_value());
}

TEST_CASE("a process is seen with its command line, a zombie is not") {
    const auto self = look_at_process(::getpid(), true);
    REQUIRE(self.has_value());
    CHECK(self->comm == "kernel_test");
    CHECK(self->command.at(0).ends_with("kernel_test"));
    CHECK(look_at_process(::getpid(), false)->command.empty());
    CHECK(all_processes(false).contains(::getpid()));
    const int child = ::fork();
    if (child == 0) ::_exit(0);
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
    CHECK_FALSE(look_at_process(child, true).has_value());
    ::waitpid(child, nullptr, 0);
    CHECK_FALSE(look_at_process(child, true).has_value());
}

TEST_CASE("where the kernel reports processes, it reports a fork and the exit of the child") {
    // effect: vrrp_track_process: process
    auto connector = ProcessConnector::open();
    if (!connector) {
        MESSAGE("no process connector here: ", connector.error().text());
        return;
    }
    std::vector<netlink::ProcessEvent> seen;
    using Kind = netlink::ProcessEvent::Kind;
    const auto wait_for = [&](auto&& which, int limit_ms) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{limit_ms};
        while (std::chrono::steady_clock::now() < end) {
            if (std::ranges::any_of(seen, which)) return true;
            pollfd wait{connector->fd(), POLLIN, 0};
            if (::poll(&wait, 1, 100) != 1) continue;
            if (const auto events = connector->read()) seen.insert(seen.end(), events->begin(), events->end());
        }
        return false;
    };
    if (!wait_for([](const auto& e) { return e.kind == Kind::Listening; }, 2000)) {
        MESSAGE("the process connector does not serve this namespace");
        return;
    }
    const int child = ::fork();
    if (child == 0) ::_exit(0);
    ::waitpid(child, nullptr, 0);
    CHECK(wait_for([&](const auto& e) { return e.kind == Kind::Fork && e.pid == ::getpid() && e.child == child; },
                   10'000));
    CHECK(wait_for([&](const auto& e) { return e.kind == Kind::Exit && e.pid == child; }, 10'000));
}

TEST_CASE("a link is asked in one of three ways") {
    // effect: linkbeat_interfaces: <entry>
    using Method = vrrp::PolledLink::Method;
    const auto poller = LinkPoller::open().value();
    const auto flags = poller.ask({Method::Ioctl, "lo"});
    REQUIRE(flags.has_value());
    CHECK(flags->method == Method::Ioctl);
    CHECK(poller.ask({Method::Mii, "lo"}).error().code() == Errc::Unsupported);
    CHECK(poller.ask({Method::Any, "lo"})->method == Method::Ethtool);
    CHECK(poller.ask({Method::Any, "no-such-link"}).error().code() == Errc::NotFound);
}

TEST_CASE("a FIFO is made for its owner, or taken as it is when it is root's or the owner's") {
    const Folder folder;
    const std::string path = folder.file("fifo");
    const Account self{::getuid(), ::getgid()};
    const auto made = open_notify_fifo(path, self, 0600);
    REQUIRE(made.has_value());
    CHECK(made->created);
    CHECK_FALSE(open_notify_fifo(path, self, 0600)->created);
    CHECK(open_notify_fifo(folder.file("plain", "x"), self, 0600).error().text() ==
          folder.file("plain") + " is not a FIFO");
    std::filesystem::create_symlink(path, folder.file("link"));
    CHECK_FALSE(open_notify_fifo(folder.file("link"), self, 0600).has_value());
    if (::getuid() == 0) {
        REQUIRE(::chown(path.c_str(), 1000, 1000) == 0);
        CHECK(open_notify_fifo(path, self, 0600).error().code() == Errc::Permission);
        CHECK(open_notify_fifo(path, {1000, 1000}, 0600).has_value());
    }
}
