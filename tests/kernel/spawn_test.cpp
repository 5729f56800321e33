// Other programs: how they are started, with what, and how their end is told.
#include "mainstay/kernel/spawn.hpp"
#include "../needs.hpp"

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "../temporary_folder.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/scripts.hpp"
#include "own_network.hpp"

using namespace mainstay;
using namespace mainstay::kernel;

namespace {

struct ScriptFolder : test::TemporaryFolder {
    ScriptFolder() { REQUIRE(::chmod(path.c_str(), 0777) == 0); }
    [[nodiscard]] std::string script(const std::string& text) const {
        const std::string full = path + "/script";
        std::ofstream{full} << text;
        REQUIRE(::chmod(full.c_str(), 0755) == 0);
        return full;
    }
    [[nodiscard]] std::string output() const {
        std::ifstream file{path + "/told"};
        return {std::istreambuf_iterator<char>{file}, {}};
    }
};

int status_of(int pid) {
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

// Runs the script and gives its status; what it told is in the folder.
int run(const ScriptFolder& folder, const std::string& text, ScriptProcess process = {}) {
    process.path = folder.script(text);
    process.argv.insert(process.argv.begin(), "as-configured");
    if (process.account.uid == 0) process.account = {::getuid(), ::getgid()};
    const auto pid = spawn_script(process);
    REQUIRE(pid.has_value());
    return status_of(*pid);
}

thread_local int interrupted = 0;  // so many of this thread's next waits for a child

}  // namespace

// In place of the C library's, for all that is linked into the test program.
extern "C" pid_t waitpid(pid_t pid, int* status, int options) {
    static auto* const real = reinterpret_cast<pid_t (*)(pid_t, int*, int)>(::dlsym(RTLD_NEXT, "waitpid"));
    if (interrupted > 0) return --interrupted, errno = EINTR, -1;
    return real(pid, status, options);
}

TEST_CASE("a script has the mask of file modes that it is given, or ours") {
    const ScriptFolder folder;
    const std::string tell = "#!/bin/sh\numask > " + folder.path + "/told\n";
    const mode_t before = ::umask(0027);
    CHECK(run(folder, tell) == 0);
    CHECK(folder.output() == "0027\n");
    for (const auto& [mask, told] : {std::pair{0177, "0177\n"}, {0, "0000\n"}}) {
        CHECK(run(folder, tell, {.umask = mask}) == 0);
        CHECK(folder.output() == told);
    }
    ::umask(before);
}

TEST_CASE("a script gets its arguments and its status is reported") {
    const ScriptFolder folder;
    const std::string tell = "echo \"$# $1 $2\" > " + folder.path + "/told\nexit 7\n";
    CHECK(run(folder, "#!/bin/sh\n" + tell, {.argv = {"one", "two words"}}) == 7);
    CHECK(folder.output() == "2 one two words\n");
    CHECK(run(folder, tell, {.argv = {"first", "second"}}) == 7);  // without "#!" it is a shell's
    CHECK(folder.output() == "2 first second\n");
}

TEST_CASE("a script that cannot be started says why") {
    const ScriptFolder folder;
    CHECK(spawn_script({.path = "/nonexistent/x", .argv = {"x"}}).error().sys_errno() == ENOENT);
    CHECK(spawn_script({.path = "/nonexistent/x", .argv = {"x"}}).error().text().find("start /nonexistent/x") == 0);
    CHECK(spawn_script({.path = folder.path, .argv = {"x"}}).error().sys_errno() == EACCES);
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // the child is gone
    CHECK(errno == ECHILD);
}

TEST_CASE("a script has its own group, nothing on its streams, no other descriptor and no signals blocked") {
    const ScriptFolder folder;
    // Not close-on-exec, as a library may leave one; above those that a shell opens for itself.
    const UniqueFd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const int left_open = ::fcntl(null.get(), F_DUPFD, 50);
    sigset_t term, before;
    ::sigemptyset(&term);
    ::sigaddset(&term, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &term, &before);
    ::signal(SIGUSR1, SIG_IGN);
    const int status =
        run(folder, "#!/bin/sh\nls /proc/$$/fd > " + folder.path + "/fds\nexec 3> " + folder.path + R"sh(/told
streams=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2)
echo "$streams" >&3
grep -E '^Sig(Blk|Ign)' /proc/$$/status | tr -s '\t' ' ' >&3
[ "$(cut -d' ' -f5 /proc/$$/stat)" = $$ ] && echo own >&3
)sh");
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    ::signal(SIGUSR1, SIG_DFL);
    ::close(left_open);
    CHECK(status == 0);
    CHECK(folder.output() ==
          "/dev/null\n/dev/null\n/dev/null\nSigBlk: 0000000000000000\n"
          "SigIgn: 0000000000000000\nown\n");
    std::ifstream file{folder.path + "/fds"};
    const std::string descriptors{std::istreambuf_iterator<char>{file}, {}};
    CHECK(descriptors.find("\n" + std::to_string(left_open) + "\n") == std::string::npos);
    CHECK(descriptors.starts_with("0\n1\n"));
}

TEST_CASE("of the daemon's environment a script gets the path, the home, the time zone and the locale") {
    const char* const daemon[] = {"SECRET=x",
                                  "PATH=/opt/bin:/bin",
                                  "LD_PRELOAD=/x",
                                  "LC_ALL=C",
                                  "HOME=/root",
                                  "NOTIFY_SOCKET=/run/n",
                                  "TZ=UTC",
                                  "LANG=de_DE.UTF-8",
                                  "LANGUAGE=de",
                                  "IFS=z",
                                  "BASH_ENV=/x",
                                  "LC_TIME=C",
                                  "PATHOLOGICAL=no",
                                  "PATH",
                                  nullptr};
    CHECK(script_environment(daemon) == std::vector<std::string>{"PATH=/opt/bin:/bin", "LC_ALL=C", "HOME=/root",
                                                                 "TZ=UTC", "LANG=de_DE.UTF-8", "LANGUAGE=de",
                                                                 "LC_TIME=C"});
    const std::vector<std::string> patterns{"SECRET*", "NOTIFY_SOCKET", "LD_PRELOAD"};
    const char* const more[] = {"SECRET_1=x", "PATH=/b", "NOTIFY_SOCKET=/run/n", "LD_PRELOAD=/x", nullptr};
    CHECK(script_environment(more, patterns) == std::vector<std::string>{"SECRET_1=x", "PATH=/b"});
    const char* const nothing[] = {"SECRET=x", nullptr};
    CHECK(script_environment(nothing) ==
          std::vector<std::string>{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"});
}

TEST_CASE("a script sees nothing else of the environment") {
    const ScriptFolder folder;
    ::setenv("MAINSTAY_SECRET", "x", 1);
    const int status = run(folder, "#!/bin/sh\nenv > " + folder.path + "/told\n");
    ::unsetenv("MAINSTAY_SECRET");
    CHECK(status == 0);
    CHECK(folder.output().find("PATH=") != std::string::npos);
    CHECK(folder.output().find("MAINSTAY_SECRET") == std::string::npos);
}

TEST_CASE("a script runs as its account, with its groups and no others" * mainstay::test::kNeedsRoot) {
    const ScriptFolder folder;
    const int status = run(folder, "#!/bin/sh\n{ id -u; id -g; id -G; } > " + folder.path + "/told\n",
                           {.account = {1, 2}, .groups = {3, 4}});
    CHECK(status == 0);
    CHECK(folder.output() == "1\n2\n2 3 4\n");
}

TEST_CASE("a role is started with its descriptors under their numbers, whatever stood there") {
    const ScriptFolder folder;
    std::ofstream{folder.path + "/a"} << "A";
    std::ofstream{folder.path + "/b"} << "B";
    const UniqueFd a{::open((folder.path + "/a").c_str(), O_RDONLY | O_CLOEXEC)};
    const UniqueFd b{::open((folder.path + "/b").c_str(), O_RDONLY | O_CLOEXEC)};
    const std::string first = std::to_string(a.get()), second = std::to_string(b.get());
    const auto pid = spawn_role({.executable = "/bin/sh",
                                 .argv = {"sh", "-c",
                                          "cat <&" + first + " > " + folder.path + "/told; cat <&" + second + " >> " +
                                              folder.path + "/told; exit 3"},
                                 .descriptors = {{a.get(), b.get()}, {b.get(), a.get()}}});
    REQUIRE(pid.has_value());
    CHECK(status_of(*pid) == 3);
    CHECK(folder.output() == "BA");
    const auto missing = spawn_role({.executable = "/nonexistent/role", .argv = {"role"}});
    CHECK(missing.error().sys_errno() == ENOENT);
    CHECK(missing.error().text().find("start /nonexistent/role") == 0);
    const auto closed = spawn_role({.executable = "/bin/true", .argv = {"true"}, .descriptors = {{-1, 5}}});
    CHECK(closed.error().sys_errno() == EBADF);
}

TEST_CASE("a role that cannot be started leaves no process behind, though signals come") {
    interrupted = 2;
    const auto missing = spawn_role({.executable = "/nonexistent/role", .argv = {"role"}});
    CHECK(missing.error().sys_errno() == ENOENT);
    CHECK(interrupted == 0);
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
}

TEST_CASE("a role gets no descriptor but those that it is to have") {
    const ScriptFolder folder;
    const int left_open = ::open("/dev/null", O_RDONLY);
    const UniqueFd meant{::open("/dev/zero", O_RDONLY | O_CLOEXEC)};
    const auto run = [&](int number) {
        const auto pid = spawn_role({.executable = "/usr/bin/test",
                                     .argv = {"test", "-e", "/proc/self/fd/" + std::to_string(number)},
                                     .descriptors = {{meant.get(), 40}}});
        REQUIRE(pid.has_value());
        return status_of(*pid);
    };
    CHECK(run(40) == 0);
    CHECK(run(left_open) == 1);
    CHECK(run(meant.get()) == 1);
    ::close(left_open);
}

TEST_CASE("a role is born ignoring every signal but KILL, STOP and CHLD, and a script none") {
    const ScriptFolder folder;
    const std::string tell = "sed -n '/^Sig[BI]/p' /proc/self/status > " + folder.path + "/told";
    ::signal(SIGUSR1, SIG_IGN);
    const auto role = spawn_role({.executable = "/bin/sh", .argv = {"sh", "-c", tell}});
    REQUIRE(role.has_value());
    CHECK(status_of(*role) == 0);
    CHECK(folder.output() == "SigBlk:\t0000000000000000\nSigIgn:\tfffffffffffafeff\n");
    CHECK(run(folder, "#!/bin/sh\n" + tell + "\n") == 0);
    CHECK(folder.output() == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    ::signal(SIGUSR1, SIG_DFL);
}

TEST_CASE("an end is reaped with its status or its signal, and nothing else is") {
    CHECK_FALSE(reap().has_value());
    const auto wait_for = [](int pid) {
        siginfo_t info{};
        REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
        return reap();
    };
    const ScriptFolder folder;
    const auto left = spawn_script({.path = folder.script("#!/bin/sh\nexit 5\n"), .argv = {"x"}});
    auto ended = wait_for(left.value());
    REQUIRE(ended.has_value());
    CHECK(ended->pid == *left);
    CHECK_FALSE(ended->signalled);
    CHECK(ended->status == 5);
    for (const bool by_force : {false, true}) {
        const auto stays = spawn_script({.path = "/bin/sleep", .argv = {"sleep", "1000"}});
        CHECK_FALSE(reap().has_value());
        terminate_group(stays.value(), by_force);
        ended = wait_for(*stays);
        REQUIRE(ended.has_value());
        CHECK(ended->signalled);
        CHECK(ended->status == (by_force ? SIGKILL : SIGTERM));
    }
}

TEST_CASE("a descriptor is closed on exec or not, and none is no matter") {
    const UniqueFd fd{::open("/dev/null", O_RDONLY)};
    close_on_exec(fd.get(), true);
    CHECK(::fcntl(fd.get(), F_GETFD) == FD_CLOEXEC);
    close_on_exec(fd.get(), false);
    CHECK(::fcntl(fd.get(), F_GETFD) == 0);
    close_on_exec(-1, true);
}

TEST_CASE("a program becomes another with its descriptors, or stays as it was and says why") {
    const ScriptFolder folder;
    const UniqueFd fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const Error error = exec_again("/nonexistent/again", {"again"}, "X=1", {fd.get()});
    CHECK(error.sys_errno() == ENOENT);
    CHECK(::fcntl(fd.get(), F_GETFD) == FD_CLOEXEC);
    sigset_t now;
    ::sigprocmask(SIG_SETMASK, nullptr, &now);
    CHECK(::sigismember(&now, SIGTERM) == 0);
    const int child = ::fork();
    if (child == 0) {
        static_cast<void>(exec_again("/bin/sh",
                                     {"sh", "-c", "echo $MAINSTAY_ADDED $(readlink /proc/$$/fd/$0) > $1",
                                      std::to_string(fd.get()), folder.path + "/told"},
                                     "MAINSTAY_ADDED=yes", {fd.get()}));
        ::_exit(1);
    }
    CHECK(status_of(child) == 0);
    CHECK(folder.output() == "yes /dev/null\n");
}

TEST_CASE("a script and a role run in the network namespace that is given, or say that they cannot" *
          mainstay::test::kNeedsRoot) {
    const ScriptFolder folder;
    test::in_own_network([&] {
        std::error_code none;
        const std::string here = std::filesystem::read_symlink("/proc/thread-self/ns/net", none).string();
        const UniqueFd given{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
        REQUIRE(given);
        const auto with_namespace = [&](int number) {
            const std::string text = "#!/bin/sh\nreadlink /proc/self/ns/net > " + folder.path + "/told\n";
            return ScriptProcess{.path = folder.script(text), .argv = {"x"}, .network_namespace = number};
        };
        // Back to the namespace of the process, so that the child has to go somewhere.
        const UniqueFd before{
            ::open(("/proc/" + std::to_string(::getpid()) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC)};
        REQUIRE(::setns(before.get(), CLONE_NEWNET) == 0);
        CHECK(status_of(spawn_script(with_namespace(given.get())).value()) == 0);
        CHECK(folder.output() == here + "\n");
        CHECK(spawn_script(with_namespace(::open("/dev/null", O_RDONLY | O_CLOEXEC))).error().sys_errno() == EINVAL);
        const auto role = [&](int number) {
            return spawn_role({.executable = "/bin/sh",
                               .argv = {"sh", "-c", "readlink /proc/self/ns/net > " + folder.path + "/role"},
                               .network_namespace = number});
        };
        CHECK(status_of(role(given.get()).value()) == 0);
        std::ifstream file{folder.path + "/role"};
        std::string line;
        std::getline(file, line);
        CHECK(line == here);
        CHECK(role(::open("/dev/null", O_RDONLY | O_CLOEXEC)).error().sys_errno() == EINVAL);
    });
}
