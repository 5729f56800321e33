// Files, processes, links and FIFOs of the host, as the adapters see them.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "../needs.hpp"
#include "../temporary_folder.hpp"
#include "mainstay/kernel/link_poll.hpp"
#include "mainstay/kernel/netlink_socket.hpp"
#include "mainstay/kernel/notify_fifo.hpp"
#include "mainstay/kernel/process_watch.hpp"
#include "mainstay/kernel/tracked_file.hpp"
#include "own_network.hpp"

using namespace mainstay;
using namespace mainstay::kernel;

namespace {

struct WatchedFolder : test::TemporaryFolder {
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
    const WatchedFolder folder;
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
    const WatchedFolder folder;
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
    WatchedFolder folder;
    auto watch = FolderWatch::open().value();
    const int number = watch.add(folder.path).value();
    CHECK(watch.add(folder.path).value() == number);
    const auto reported = [&](const char* name) {
        const auto events = next_events(watch);
        return std::ranges::any_of(events, [&](const auto& e) { return e.folder == number && e.name == name; });
    };
    const std::string path = folder.file("a", "1");
    CHECK(reported("a"));
    std::filesystem::rename(path, folder.file("b"));
    CHECK(reported("b"));
    std::filesystem::remove(folder.file("b"));
    CHECK(reported("b"));
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
        sockaddr_nl any{};
        any.nl_family = AF_NETLINK;
        any.nl_groups = CN_IDX_PROC;
        const UniqueFd own{::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR)};
        CHECK_FALSE((own && ::bind(own.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0));
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
            const auto events = connector->read();
            CHECK((events || events.error().sys_errno() == ENOBUFS));
            if (events) seen.insert(seen.end(), events->begin(), events->end());
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

TEST_CASE("events of processes that do not fit are reported as lost") {
    auto connector = ProcessConnector::open();
    if (!connector) return;
    (void)connector->read();
    (void)size_receive_buffer(connector->fd(), 1);
    for (int i = 0; i < 50; ++i) {
        const int child = ::fork();
        if (child == 0) ::_exit(0);
        ::waitpid(child, nullptr, 0);
    }
    pollfd wait{connector->fd(), POLLIN, 0};
    if (::poll(&wait, 1, 0) != 1) return;  // it does not serve this namespace
    const auto lost = connector->read();
    REQUIRE_FALSE(lost.has_value());
    CHECK(lost.error().code() == Errc::Limit);
    CHECK(lost.error().text().starts_with("process events were lost"));
}

TEST_CASE("a link is asked in one of three ways" * mainstay::test::kNeedsRoot) {
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
    const WatchedFolder folder;
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
        const std::string given = folder.file("given");
        REQUIRE(open_notify_fifo(given, {1000, 1001}, 0640).has_value());
        struct stat facts{};
        REQUIRE(::stat(given.c_str(), &facts) == 0);
        CHECK(facts.st_uid == 1000);
        CHECK(facts.st_gid == 1001);
        CHECK((facts.st_mode & 07777) == 0640);
        REQUIRE(::chmod(folder.path.c_str(), 0777) == 0);
        const int child = ::fork();
        if (child == 0) {  // an account that may not give a file to a group that it is not in
            const std::string own = folder.file("own");
            if (::setgroups(0, nullptr) != 0 || ::setgid(1000) != 0 || ::setuid(1000) != 0) ::_exit(1);
            const auto refused = open_notify_fifo(own, {1000, 0}, 0600);
            ::_exit(!refused && refused.error().text().starts_with("give the FIFO " + own + " to its user") ? 0 : 2);
        }
        int status = -1;
        CHECK(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
    }
}

TEST_CASE("each change of a folder is reported with what it was about, a move away as gone") {
    WatchedFolder folder;
    auto watch = FolderWatch::open().value();
    CHECK(watch.read().empty());
    const int number = watch.add(folder.path).value();
    const std::string long_name(200, 'n');
    {
        const std::string path = folder.file(long_name.c_str(), "1");
    }
    {
        const std::string path = folder.file("b", "1");
    }
    const auto events = next_events(watch);
    REQUIRE(events.size() == 2);
    CHECK(events[0].name == long_name);
    CHECK(events[1].name == "b");
    for (const auto& event : events) {
        CHECK(event.folder == number);
        CHECK_FALSE(event.gone);
        CHECK_FALSE(event.lost);
    }
    const std::string elsewhere = folder.path + ".moved";
    std::filesystem::rename(folder.path, elsewhere);
    const auto moved = next_events(watch);
    REQUIRE_FALSE(moved.empty());
    CHECK(moved[0].gone);
    CHECK(moved[0].name.empty());
    folder.path = elsewhere;
    CHECK(watch.add(folder.file("b")).error().text().starts_with("watch the folder "));  // no folder
}

TEST_CASE("changes that do not fit are reported as lost") {
    const WatchedFolder folder;
    auto watch = FolderWatch::open().value();
    REQUIRE(watch.add(folder.path).has_value());
    int most = 0;
    std::ifstream{"/proc/sys/fs/inotify/max_queued_events"} >> most;
    if (most <= 0 || most > 100'000) return;
    for (int i = 0; i <= most; ++i) {  // alternately, since equal events in a row become one
        const UniqueFd fd{::open(folder.file(i % 2 == 0 ? "a" : "b").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
        REQUIRE(fd);
    }
    bool lost = false;
    for (auto events = next_events(watch); !events.empty() && !lost; events = watch.read())
        lost = std::ranges::any_of(events, [](const auto& event) { return event.lost && event.name.empty(); });
    CHECK(lost);
}

TEST_CASE("what a file lies on is reported by the last mount above it, whatever its name" *
          mainstay::test::kNeedsRoot) {
    const WatchedFolder folder;
    const auto mounted = [&](const std::string& name, const char* type, unsigned long flags = 0) {
        const std::string path = folder.path + "/" + name;
        ::mkdir(path.c_str(), 0755);
        return ::mount("none", path.c_str(), type, flags, nullptr) == 0;
    };
    const auto text_of = [&](const std::string& name) {
        const auto read = read_tracked_file(folder.path + "/" + name);
        return read ? *read : read.error().text().substr(read.error().text().find(" is not tracked: ") + 17);
    };
    const std::string refused = "changes on a filesystem of type proc are not reported";
    // In a child, with mounts of its own; its exit status is the number of the first that is not so.
    const int child = ::fork();
    if (child == 0) {
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) ::_exit(0);
        if (!mounted("a b\\c", "proc") || !mounted("ro", "tmpfs")) ::_exit(0);
        if (text_of("a b\\c/uptime") != refused) ::_exit(1);
        if (text_of("a b\\c/none") != refused) ::_exit(2);  // nothing of the path is looked at
        ::mkdir((folder.path + "/a b\\cd").c_str(), 0755);
        std::ofstream{folder.path + "/a b\\cd/file"} << "7";
        if (text_of("a b\\cd/file") != "7") ::_exit(3);  // beside the mount, not below it
        if (!mounted("a b\\c", "tmpfs")) ::_exit(4);
        std::ofstream{folder.path + "/a b\\c/file"} << "8";
        if (text_of("a b\\c/file") != "8") ::_exit(5);  // of two mounts at one place the later one counts
        std::ofstream{folder.path + "/ro/file"} << "9";
        if (text_of("ro/file") != "9") ::_exit(6);
        if (::mount("none", (folder.path + "/ro").c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) ::_exit(7);
        if (text_of("ro/file") != "its filesystem is read-only") ::_exit(8);
        if (::mkdir((folder.path + "/a b\\c/in").c_str(), 0755) != 0 || !mounted("a b\\c/in", "proc")) ::_exit(9);
        if (text_of("a b\\c/in/uptime") != refused) ::_exit(10);  // the innermost mount
        if (text_of("a b\\c/file") != "8") ::_exit(11);
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

TEST_CASE("a tracked file is made readable for all, and an error names it") {
    const WatchedFolder folder;
    const std::string path = folder.file("made");
    REQUIRE(make_tracked_file(path, 0, true));
    struct stat facts{};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 07777) == 0644);
    CHECK(read_tracked_file(path).value() == "0\n");
    CHECK_FALSE(make_tracked_file(folder.path + "/no/file", 0, false).has_value());
    CHECK(read_tracked_file(folder.path).error().text() == folder.path + " is not tracked: it is no regular file");
    CHECK(read_tracked_file(folder.file("missing")).error().text().starts_with("read " + folder.path));
    CHECK(read_tracked_file(folder.file("empty", "")).value().empty());
}

TEST_CASE("the name of a process may hold anything, its arguments too") {
    const WatchedFolder folder;
    const int child = ::fork();
    if (child == 0) {
        ::execl("/bin/sh", "sh", "-c", "printf ') Z (' >/proc/self/comm; : >\"$1\"; while :; do sleep 1; done", "",
                folder.file("up").c_str(), "", "last", nullptr);
        ::_exit(1);
    }
    for (int i = 0; i < 500 && !std::filesystem::exists(folder.file("up")); ++i) ::poll(nullptr, 0, 10);
    const auto seen = look_at_process(child, true);
    const auto all = all_processes(true);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    REQUIRE(seen.has_value());
    CHECK(seen->comm == ") Z (");
    CHECK(seen->command.size() == 7);
    CHECK(seen->command.at(3).empty());
    CHECK(seen->command.at(5).empty());
    CHECK(seen->command.at(6) == "last");
    REQUIRE(all.contains(child));
    CHECK(all.at(child).command == seen->command);
    CHECK(all_processes(true).contains(::getpid()));
    CHECK_FALSE(all_processes(true).contains(0));
    CHECK_FALSE(look_at_process(0, false).has_value());
}

TEST_CASE("a link's state is the same by each way that answers" * mainstay::test::kNeedsRoot) {
    using Method = vrrp::PolledLink::Method;
    test::in_own_network([] {
        test::join_two_interfaces();
        const auto poller = LinkPoller::open().value();
        const auto becomes = [&](Method method, bool up) {  // the kernel looks at a link's carrier once a second
            for (int i = 0; i < 500 && poller.ask({method, "eth0"})->up != up; ++i) ::poll(nullptr, 0, 20);
            return poller.ask({method, "eth0"})->up == up;
        };
        CHECK(becomes(Method::Ioctl, true));
        CHECK(becomes(Method::Ethtool, true));
        CHECK(poller.ask({Method::Ethtool, "eth0"})->method == Method::Ethtool);
        CHECK(poller.ask({Method::Any, "eth0"})->up);
        REQUIRE(test::ip("link set eth1 down"));
        CHECK(becomes(Method::Ioctl, false));
        CHECK(becomes(Method::Ethtool, false));
        CHECK(poller.ask({Method::Mii, "eth0"}).error().text().starts_with("MII of eth0"));
        for (const auto method : {Method::Mii, Method::Ethtool, Method::Ioctl}) {
            const auto missing = poller.ask({method, "no-such-link"});
            REQUIRE_FALSE(missing.has_value());
            CHECK(missing.error().text().starts_with("there is no interface no-such-link"));
            CHECK(missing.error().sys_errno() == ENODEV);
        }
        CHECK_FALSE(poller.ask({Method::Ioctl, "a-name-that-is-longer-than-any"}).has_value());
    });
    CHECK(std::string{to_string(Method::Mii)} == "MII");
    CHECK(std::string{to_string(Method::Ethtool)} == "ETHTOOL");
    CHECK(std::string{to_string(Method::Ioctl)} == "IOCTL");
    CHECK(std::string{to_string(Method::Any)} == "any");
}

TEST_CASE("the mount options of /proc say whether processes of other accounts are hidden, and from whom not") {
    const auto proc = [](const std::string& options) {
        return "23 29 0:22 / /proc rw,nosuid,relatime shared:13 - proc proc " + options + "\n";
    };
    for (const char* hiding :
         {"rw,hidepid=1", "rw,hidepid=2", "rw,gid=70,hidepid=invisible", "rw,hidepid=ptraceable,gid=8"}) {
        CAPTURE(hiding);
        CHECK(processes_are_hidden("21 1 8:1 / / rw - ext4 /dev/vda rw\n" + proc(hiding), 7));
    }
    for (const char* open : {"rw", "rw,hidepid=0", "rw,hidepid=off", "rw,gid=7,hidepid=invisible", "hidepid=2,gid=7"}) {
        CAPTURE(open);
        CHECK_FALSE(processes_are_hidden(proc(open), 7));
    }
    CHECK_FALSE(processes_are_hidden(proc("rw,hidepid=2") + proc("rw"), 7));  // the last mount is the one that is seen
    CHECK_FALSE(processes_are_hidden("24 23 0:22 /sys /proc/sys rw - proc proc rw,hidepid=2\n", 7));
    CHECK_FALSE(processes_are_hidden("\nnonsense - proc\n", 7));
}
