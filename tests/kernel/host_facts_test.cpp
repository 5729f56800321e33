// What this host says of itself: accounts, scripts, settings, the small files of a daemon.
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "../needs.hpp"
#include "../temporary_folder.hpp"
#include "mainstay/kernel/environment.hpp"
#include "mainstay/kernel/kernel_release.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/scripts.hpp"
#include "mainstay/kernel/sysctl.hpp"
#include "own_network.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using mainstay::test::text_of;

namespace {

struct ProgramFolder : test::TemporaryFolder {
    [[nodiscard]] std::string file(const char* name, mode_t mode) const {
        const std::string full = path + "/" + name;
        std::ofstream{full} << "#!/bin/sh\n";
        REQUIRE(::chmod(full.c_str(), mode) == 0);
        return full;
    }
};

mode_t mode_of(const std::string& path) {
    struct stat facts{};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    return facts.st_mode & 07777;
}

config::Environment::ScriptFacts facts_of(const std::string& script, const char* user = "root") {
    return host_environment().script_facts({.argv = {script}, .user = user, .group = {}}, {});
}

// PATH as given while it lives.
struct SearchPath {
    std::string before;
    explicit SearchPath(const char* path) : before{::getenv("PATH") == nullptr ? "" : ::getenv("PATH")} {
        path == nullptr ? ::unsetenv("PATH") : ::setenv("PATH", path, 1);
    }
    SearchPath(const SearchPath&) = delete;
    SearchPath& operator=(const SearchPath&) = delete;
    ~SearchPath() { ::setenv("PATH", before.c_str(), 1); }
};

}  // namespace

TEST_CASE("an account is looked up by user and group, with or without a colon before the group") {
    CHECK(find_account("root")->uid == 0);
    CHECK(find_account("daemon")->uid == 1);
    CHECK(find_account("daemon")->gid == 1);
    CHECK(find_account("daemon", "root")->gid == 0);
    CHECK(find_account("daemon", "root")->uid == 1);
    CHECK(find_account("daemon", ":root")->gid == 0);
    CHECK(find_account("daemon", ":")->gid == 1);
    CHECK(find_account("no-such-user").error().text() == "there is no user no-such-user");
    CHECK(find_account("daemon", "no-such-group").error().text() == "there is no group no-such-group");
    CHECK(find_account("daemon", ":no-such-group").error().code() == Errc::NotFound);
}

TEST_CASE("the supplementary groups of a user have its own among them, an unknown number has none") {
    CHECK(supplementary_groups({1, 1}) == std::vector<std::uint32_t>{1});
    CHECK(supplementary_groups({1, 2}) == std::vector<std::uint32_t>{2});
    CHECK(supplementary_groups({3'999'999'999U, 1}).empty());
}

TEST_CASE("a script runs as its own user, else as the configured one, else as root") {
    config::Global global;
    const auto user = [&](const char* own, const char* group = "") {
        return script_account({.argv = {"/x"}, .user = own, .group = group}, global);
    };
    CHECK(user("daemon")->uid == 1);
    CHECK(user("daemon", "root")->gid == 0);
    if (!find_account("keepalived_script")) CHECK(user("")->uid == 0);
    global.script_user = "bin";
    CHECK(user("")->uid == 2);
    CHECK(user("")->gid == 2);
    global.script_group = "daemon";
    CHECK(user("")->gid == 1);
    CHECK(user("daemon")->uid == 1);
    global.script_user = "no-such-user";
    CHECK_FALSE(user("").has_value());
}

TEST_CASE("a script is found by its path or in PATH, folders and what is missing are not") {
    const ProgramFolder folder;
    const std::string script = folder.file("run", 0755);
    REQUIRE(::mkdir((folder.path + "/sub").c_str(), 0755) == 0);
    REQUIRE(::mkdir((folder.path + "/sub/run").c_str(), 0755) == 0);
    CHECK(facts_of(script).found);
    CHECK(facts_of(script).resolved == script);
    CHECK_FALSE(facts_of(folder.path + "/sub/run").found);
    CHECK_FALSE(facts_of(folder.path + "/no").found);
    std::filesystem::create_symlink(script, folder.path + "/link");
    CHECK(facts_of(folder.path + "/link").resolved == script);
    {
        const SearchPath path{("/nonexistent:" + folder.path + "/sub:" + folder.path).c_str()};
        CHECK(facts_of("run").resolved == script);
        CHECK_FALSE(facts_of("missing").found);
    }
    const SearchPath none{nullptr};
    CHECK_FALSE(facts_of("run").found);
    CHECK(facts_of("sh").found);
}

TEST_CASE("what has a script's path and is no regular file is told from what is not there") {
    CHECK(facts_of("/dev/null").other_kind);
    CHECK(facts_of("/tmp").other_kind);
    CHECK_FALSE(facts_of("/tmp").found);
    CHECK_FALSE(facts_of("/no/such/script").other_kind);
    CHECK_FALSE(facts_of("no-such-script").other_kind);
}

TEST_CASE("the mode bits for its user decide whether a script may be run" * mainstay::test::kNeedsRoot) {
    const ProgramFolder folder;
    const auto runs = [&](mode_t mode, const char* user) {
        return facts_of(folder.file("run", mode), user).executable;
    };
    CHECK(runs(0100, "root"));
    CHECK(runs(0010, "root"));
    CHECK(runs(0001, "root"));
    CHECK_FALSE(runs(0666, "root"));
    CHECK(runs(0001, "daemon"));
    CHECK_FALSE(runs(0770, "daemon"));
    CHECK_FALSE(facts_of(folder.file("run", 0777), "no-such-user").executable);
    const auto owned = [&](mode_t mode, uid_t uid, gid_t gid) {
        const std::string path = folder.file("own", mode);
        REQUIRE(::chown(path.c_str(), uid, gid) == 0);
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        return facts_of(path, "daemon").executable;
    };
    CHECK(owned(0100, 1, 0));
    CHECK_FALSE(owned(0011, 1, 1));
    CHECK(owned(0010, 0, 1));
    CHECK_FALSE(owned(0101, 0, 1));
}

TEST_CASE("a script that root runs is insecure when others may change it or a folder above it" *
          mainstay::test::kNeedsRoot) {
    const ProgramFolder folder;
    CHECK_FALSE(facts_of(folder.file("run", 0755)).insecure);
    CHECK_FALSE(facts_of(folder.file("run", 0775)).insecure);  // the group is root's
    CHECK(facts_of(folder.file("run", 0757)).insecure);
    const std::string path = folder.file("run", 0775);
    REQUIRE(::chown(path.c_str(), 0, 1) == 0);
    CHECK(facts_of(path).insecure);
    CHECK_FALSE(facts_of(path, "daemon").insecure);
    REQUIRE(::chown(path.c_str(), 1, 0) == 0);
    CHECK(facts_of(path).insecure);
    REQUIRE(::chown(path.c_str(), 0, 0) == 0);
    REQUIRE(::chmod(folder.path.c_str(), 0757) == 0);
    CHECK(facts_of(path).insecure);
    REQUIRE(::chmod(folder.path.c_str(), 01757) == 0);
    CHECK_FALSE(facts_of(path).insecure);
    REQUIRE(::chown(folder.path.c_str(), 1, 0) == 0);
    CHECK(facts_of(path).insecure);
}

TEST_CASE("a script that becomes root is looked at as one that root runs" * mainstay::test::kNeedsRoot) {
    const ProgramFolder folder;
    CHECK_FALSE(facts_of(folder.file("run", 0757), "daemon").insecure);
    CHECK(facts_of(folder.file("run", 04757), "daemon").insecure);
    CHECK(facts_of(folder.file("run", 02757), "daemon").insecure);
    const std::string path = folder.file("run", 0757);
    REQUIRE(::chown(path.c_str(), 1, 1) == 0);
    REQUIRE(::chmod(path.c_str(), 06757) == 0);
    CHECK_FALSE(facts_of(path, "daemon").insecure);
    const auto with_root_group =
        host_environment().script_facts({.argv = {path}, .user = "daemon", .group = "root"}, {});
    CHECK(with_root_group.insecure);
}

TEST_CASE("the host's interfaces, accounts, variables, name and namespaces are found") {
    const auto host = host_environment();
    CHECK(host.interface_exists("lo"));
    CHECK_FALSE(host.interface_exists("no-such-link"));
    CHECK(host.account_exists("root", ""));
    CHECK(host.account_exists("daemon", "root"));
    CHECK_FALSE(host.account_exists("daemon", "no-such-group"));
    ::setenv("MAINSTAY_TEST_WORD", "said", 1);
    CHECK(host.variable("MAINSTAY_TEST_WORD") == "said");
    ::unsetenv("MAINSTAY_TEST_WORD");
    CHECK(host.variable("MAINSTAY_TEST_WORD").empty());
    char name[256] = {};
    REQUIRE(::gethostname(name, sizeof name - 1) == 0);
    CHECK(host.host_name == name);
    CHECK_FALSE(host.network_namespace_exists("no-such-namespace"));
    const auto first = host.random(), second = host.random();
    CHECK(first != second);
    CHECK(((first | second) >> 32) != 0);
    for (const auto& subnet : host.subnets()) CHECK(subnet.prefix.address.to_string() != "127.0.0.1");
    CHECK(host_resolves("127.0.0.1"));
    CHECK_FALSE(host_resolves("no host has blanks"));
}

TEST_CASE("a directory is made with its parents, for its owner and with its mode, again and again") {
    const ProgramFolder folder;
    const Account self{::getuid(), ::getgid()};
    const std::string path = folder.path + "/a/b/c";
    REQUIRE(make_directory(path, self, 0700).has_value());
    CHECK(mode_of(path) == 0700);
    CHECK(mode_of(folder.path + "/a") == 0755);
    REQUIRE(make_directory(path, self, 0750).has_value());
    if (::getuid() == 0) {
        CHECK(mode_of(path) == 0750);
        REQUIRE(make_directory(path, {1, 2}, 0700).has_value());
        struct stat facts{};
        REQUIRE(::stat(path.c_str(), &facts) == 0);
        CHECK(facts.st_uid == 1);
        CHECK(facts.st_gid == 2);
    }
    const std::string file = folder.file("plain", 0644);
    CHECK(make_directory(file, self, 0700).error().text().find("open directory " + file) == 0);
    CHECK(make_directory(file + "/x/y", self, 0700).error().text().find("mkdir " + file + "/x") == 0);
    std::filesystem::create_directory_symlink(path, folder.path + "/link");
    CHECK_FALSE(make_directory(folder.path + "/link", self, 0700).has_value());
}

TEST_CASE("a file is written whole, with its mode, in place of what was there, and leaves nothing beside it") {
    const ProgramFolder folder;
    const std::string path = folder.path + "/f";
    REQUIRE(write_file_safely(path, "one", 0644).has_value());
    CHECK(text_of(path) == "one");
    CHECK(mode_of(path) == 0644);
    REQUIRE(write_file_safely(path, "", 0600).has_value());
    CHECK(text_of(path).empty());
    CHECK(mode_of(path) == 0600);
    CHECK(write_file_safely(folder.path + "/no/f", "x", 0600).error().text().find("create a file beside ") == 0);
    REQUIRE(::mkdir((folder.path + "/d").c_str(), 0700) == 0);
    CHECK(write_file_safely(folder.path + "/d", "x", 0600).error().text().find("rename to its place ") == 0);
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator{folder.path}) files += entry.path().empty() ? 0 : 1;
    CHECK(files == 2);
}

TEST_CASE("this process is alive, one that has ended and numbers that are none are not") {
    CHECK(process_alive(::getpid()));
    CHECK(process_alive(1));
    CHECK_FALSE(process_alive(0));
    CHECK_FALSE(process_alive(-1));
    const int child = ::fork();
    if (child == 0) ::_exit(0);
    siginfo_t ended{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) == 0);
    CHECK_FALSE(process_alive(child));  // a zombie
    ::waitpid(child, nullptr, 0);
    CHECK_FALSE(process_alive(child));
    CHECK(own_executable()->ends_with("kernel_test"));
}

TEST_CASE("a process is named by at most fifteen bytes") {
    const std::string before = text_of("/proc/self/comm");
    set_process_name("abcdefghijklmnopq");
    CHECK(text_of("/proc/self/comm") == "abcdefghijklmno\n");
    set_process_name("ab");
    CHECK(text_of("/proc/self/comm") == "ab\n");
    set_process_name(before.substr(0, before.size() - 1));
}

TEST_CASE("settings of the kernel are read as text and as numbers, and nothing else is") {
    CHECK(read_sysctl("kernel/ostype").value() == "Linux");
    CHECK(read_sysctl_number("kernel/pid_max").value() > 300);
    CHECK(read_sysctl_number("kernel/ostype").error().text() == "sysctl kernel/ostype is 'Linux', not a number");
    CHECK(read_sysctl_number("kernel/printk").error().code() == Errc::Invalid);
    CHECK(read_sysctl("kernel/no_such").error().sys_errno() == ENOENT);
    CHECK(read_sysctl_number("kernel/no_such").error().sys_errno() == ENOENT);
    CHECK(write_sysctl("kernel/no_such", "1").error().sys_errno() == ENOENT);
    CHECK_FALSE(write_sysctl("kernel/ostype", "x").has_value());
    for (const char* none : {"", "/etc/passwd", "kernel/../../etc/passwd", ".."}) {
        CAPTURE(none);
        CHECK(read_sysctl(none).error().text() == "sysctl '" + std::string{none} + "' is no name");
        CHECK(write_sysctl(none, "x").error().code() == Errc::Invalid);
    }
}

TEST_CASE("the networks of this host's interfaces are reported with their lengths, those of the loopback are not" *
          mainstay::test::kNeedsRoot) {
    test::in_own_network([] {
        test::join_two_interfaces();
        REQUIRE(test::ip("addr add 10.0.0.1/23 dev eth0"));
        REQUIRE(test::ip("addr add fd00:1::1/72 dev eth1 nodad"));
        REQUIRE(test::ip("addr add 10.99.0.1/24 dev lo"));
        std::vector<std::string> networks;
        for (const auto& [interface, prefix] : host_environment().subnets())
            if (!prefix.address.is_link_local_v6()) networks.push_back(interface + " " + prefix.to_string());
        CHECK(networks == std::vector<std::string>{"eth0 10.0.0.1/23", "eth1 fd00:1::1/72"});
        CHECK(host_environment().interface_exists("eth1"));
        CHECK(host_environment().interface_called("eth1") == "eth1");
        REQUIRE(test::ip("link set eth0 multicast off"));
        CHECK_FALSE(host_environment().multicasts("eth0"));
        CHECK(host_environment().multicasts("eth1"));
        CHECK(host_environment().multicasts("no-such-link"));
        REQUIRE(test::ip("link property add dev eth1 altname uplink0"));
        CHECK_FALSE(host_environment().interface_exists("uplink0"));
        CHECK(host_environment().interface_called("uplink0") == "eth1");
        CHECK(host_environment().interface_called("no-such-link").empty());
    });
}

TEST_CASE("a named network namespace is one when its file is there") {
    std::error_code ignored;
    const std::string name = "mainstay-facts-" + std::to_string(::getpid());
    std::filesystem::create_directories("/run/netns", ignored);
    std::ofstream{"/run/netns/" + name} << "";
    if (!std::filesystem::exists("/run/netns/" + name)) return;
    CHECK(host_environment().network_namespace_exists(name));
    std::filesystem::remove("/run/netns/" + name);
    CHECK_FALSE(host_environment().network_namespace_exists(name));
}

TEST_CASE("a process that drops its privileges keeps those that are named, and can never have others" *
          mainstay::test::kNeedsRoot) {
    const auto status_lines = [] {
        std::string found;
        std::ifstream file{"/proc/self/status"};
        for (std::string line; std::getline(file, line);)
            for (const char* name :
                 {"Uid:", "Gid:", "Groups:", "CapPrm:", "CapEff:", "CapInh:", "CapBnd:", "NoNewPrivs:"})
                if (line.starts_with(name)) found += line + "\n";
        return found;
    };
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const int child = ::fork();
    if (child == 0) {
        constexpr std::array<unsigned, 2> kKept{12, 13};  // CAP_NET_ADMIN, CAP_NET_RAW
        const auto dropped = drop_privileges({1, 2}, kKept);
        const std::string text =
            dropped ? status_lines() + std::to_string(::prctl(PR_GET_DUMPABLE)) : dropped.error().text();
        (void)!::write(ends[1], text.data(), text.size());
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string text(2000, '\0');
    text.resize(static_cast<std::size_t>(::read(ends[0], text.data(), text.size())));
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    CHECK(text ==
          "Uid:\t1\t1\t1\t1\nGid:\t2\t2\t2\t2\nGroups:\t \nCapInh:\t0000000000000000\n"
          "CapPrm:\t0000000000003000\nCapEff:\t0000000000003000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\n1");
}

TEST_CASE("a capability that nobody has cannot be kept" * mainstay::test::kNeedsRoot) {
    const int child = ::fork();
    if (child == 0) {
        constexpr std::array<unsigned, 1> kNone{4711};
        const auto dropped = drop_privileges({1, 2}, kNone);
        ::_exit(!dropped && dropped.error().text() == "capability 4711 cannot be kept" && ::getuid() == 0 ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
}

TEST_CASE("the real-time class has the priority that is asked for and is not passed on, or the refusal says so") {
    const int child = ::fork();
    if (child == 0) {
        const auto set = set_realtime(7);
        if (!set) ::_exit(set.error().text().starts_with("sched_setscheduler SCHED_RR 7") ? 0 : 1);
        sched_param now{};
        ::sched_getparam(0, &now);
        if (::sched_getscheduler(0) != (SCHED_RR | SCHED_RESET_ON_FORK) || now.sched_priority != 7) ::_exit(2);
        ::_exit(set_realtime(100) ? 3 : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
}

TEST_CASE("the release of the kernel is compared as numbers, not as text") {
    utsname names{};
    REQUIRE(::uname(&names) == 0);
    unsigned major = 0, minor = 0;
    REQUIRE(std::sscanf(names.release, "%u.%u", &major, &minor) == 2);  // NOLINT: two numbers and a dot
    CHECK(release_at_least(major, minor));
    CHECK_FALSE(release_at_least(major, minor + 1));
    CHECK_FALSE(release_at_least(major + 1, 0));
    CHECK(release_at_least(major - 1, 1000));
    if (minor > 0) CHECK(release_at_least(major, minor - 1));
}

TEST_CASE("a setting of an interface is written where /proc/sys is read-only, and another one is not" *
          mainstay::test::kNeedsRoot) {
    test::in_own_network([] {
        REQUIRE(test::ip("link add e.0 type veth peer name e1"));
        test::make_proc_sys_read_only();
        for (const std::string setting :
             {"accept_local", "arp_announce", "arp_filter", "arp_ignore", "promote_secondaries", "rp_filter"}) {
            CAPTURE(setting);
            const std::string name = "net/ipv4/conf/e.0/" + setting;
            for (const char* value : {"1", "0", "1"}) {
                CHECK(write_sysctl(name, value).has_value());
                CHECK(read_sysctl(name) == value);
            }
            CHECK(read_sysctl("net/ipv4/conf/e1/" + setting) == "0");
        }
        for (const std::string name : {"net/ipv4/conf/all/arp_ignore", "net/ipv4/conf/default/arp_ignore",
                                       "net/ipv4/conf/e.0/forwarding", "net/ipv6/conf/e.0/forwarding"})
            CHECK(write_sysctl(name, "1").error().text() == "write /proc/sys/" + name + ": Read-only file system");
        const std::string all = "net/ipv4/conf/all/arp_ignore";
        CHECK(keep_sysctl(all, "9").error().sys_errno() == EROFS);
        CHECK(keep_sysctl(all, read_sysctl(all).value()).has_value());
        CHECK(write_sysctl("net/ipv4/conf/e2/arp_ignore", "1").error().code() == Errc::NotFound);
        CHECK(write_sysctl("net/ipv4/conf/e1/arp_ignore", "odd").error().sys_errno() == EROFS);
    });
}

TEST_CASE("a setting of the network is written, and an odd value refused with what was tried" *
          mainstay::test::kNeedsRoot) {
    test::in_own_network([] {
        REQUIRE(write_sysctl("net/ipv4/ip_forward", "1").has_value());
        CHECK(read_sysctl("net/ipv4/ip_forward").value() == "1");
        CHECK(read_sysctl_number("net/ipv4/ip_forward").value() == 1);
        REQUIRE(write_sysctl("net/ipv4/ip_forward", "0").has_value());
        CHECK(read_sysctl_number("net/ipv4/ip_forward").value() == 0);
        CHECK(write_sysctl("net/ipv4/ip_forward", "").has_value());  // nothing to write is no refusal
        const auto odd = write_sysctl("net/ipv4/ip_forward", "odd");
        REQUIRE_FALSE(odd.has_value());
        CHECK(odd.error().text().starts_with("write 'odd' to /proc/sys/net/ipv4/ip_forward"));
    });
}
