#include "mainstay/kernel/log_sink.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <thread>

#include "mainstay/base/unique_fd.hpp"

using namespace mainstay;

namespace {

// A /dev/log of our own in a fresh folder.
struct LogSocket {
    LogSocket() {
        std::string pattern = "/tmp/mainstay-log.XXXXXX";
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        folder = pattern;
        path = folder + "/log";
        fd.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        bind();
    }
    ~LogSocket() { std::filesystem::remove_all(folder); }
    LogSocket(const LogSocket&) = delete;
    LogSocket& operator=(const LogSocket&) = delete;
    std::string next() const {
        std::array<char, 8192> buffer{};
        const auto got = ::recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        return got < 0 ? std::string{} : std::string{buffer.data(), static_cast<std::size_t>(got)};
    }
    // A syslogd that was started anew: same path, another socket.
    void replace() {
        std::filesystem::remove(path);
        fd.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        bind();
    }
    void bind() const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(path, address.sun_path);
        REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    std::string folder, path;
    UniqueFd fd;
};

// What is written to stderr, or to another stream, while it lives.
struct Stderr {
    explicit Stderr(int of = STDERR_FILENO) : stream{of}, before{::dup(of)}, file{::memfd_create("told", MFD_CLOEXEC)} {
        REQUIRE(::dup2(file.get(), stream) == stream);
    }
    ~Stderr() { ::dup2(before.get(), stream); }
    Stderr(const Stderr&) = delete;
    Stderr& operator=(const Stderr&) = delete;
    std::string text() const {
        std::string all(1 << 20, '\0');
        const auto got = ::pread(file.get(), all.data(), all.size(), 0);
        all.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
        return all;
    }
    int stream;
    UniqueFd before, file;
};

}  // namespace

TEST_CASE("a line becomes one RFC 3164 datagram with facility, severity, ident and pid") {
    ::setenv("TZ", "UTC", 1);

    const auto datagram = kernel::syslog_datagram({.ident = "Keepalived_vrrp", .facility = 16, .pid = 42},
                                                  LogLevel::Warning, 1795162500, "(VI_1) a\nb");

    CHECK(datagram == "<132>Nov 20 08:15:00 Keepalived_vrrp[42]: (VI_1) a b");
}

TEST_CASE("lines below the level are not written") {
    const LogSocket socket;
    kernel::DaemonLog log{{.ident = "t", .socket = socket.path, .level = LogLevel::Info}};

    log.debug("hidden {}", 1);
    log.info("shown {}", 2);

    CHECK(socket.next().ends_with("]: shown 2"));
    CHECK(socket.next().empty());
}

TEST_CASE("lines that a slow reader of the log socket does not take wait in order, and are tried again") {
    const LogSocket socket;
    kernel::DaemonLog log{{.ident = "t", .socket = socket.path}};
    int asked = 0;
    log.retry([&asked] { ++asked; });

    for (int i = 0; i < 20000; ++i) log.info("line {}", i);
    CHECK(log.lost() == 0);
    CHECK(asked >= 1);

    int seen = 0;
    for (std::string line = socket.next(); !line.empty() && seen < 20000; line = socket.next()) {
        REQUIRE(line.ends_with("]: line " + std::to_string(seen)));
        if (++seen % 5 == 0) log.flush();
    }
    CHECK(seen == 20000);
    log.info("after");
    CHECK(socket.next().ends_with("]: after"));
    CHECK(socket.next().empty());
    CHECK(log.lost() == 0);
}

TEST_CASE("a log socket that nobody reads costs lines beyond 4 MB, not time, and the loss is logged afterwards") {
    const LogSocket socket;
    kernel::DaemonLog log{{.ident = "t", .socket = socket.path}};
    const std::string padding(400, 'x');

    for (int i = 0; i < 20000; ++i) log.info("line {} {}", i, padding);
    const auto lost = log.lost();
    CHECK(lost > 8000);
    CHECK(lost < 12000);
    log.info("short");  // may fit, and stands behind those that wait then
    const auto all = log.lost();
    std::string line, last;
    for (bool some = true; some; log.flush())
        for (some = false; !(line = socket.next()).empty(); some = true) {
            if (line.find("lines were lost") != std::string::npos) last = line;
        }
    log.info("after");

    CHECK(last.ends_with(std::to_string(all) + " log lines were lost: the log socket was not read"));
    CHECK(socket.next().ends_with("]: after"));
    CHECK(log.lost() == all);
}

TEST_CASE("lines that wait are delivered to a log socket that was made anew") {
    LogSocket socket;
    kernel::DaemonLog log{{.ident = "t", .socket = socket.path}};
    for (int i = 0; i < 20000; ++i) log.info("line {}", i);
    socket.replace();

    std::string last;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!last.ends_with("]: line 19999") && std::chrono::steady_clock::now() < end) {
        log.flush();
        for (std::string line = socket.next(); !line.empty(); line = socket.next()) last = line;
    }

    CHECK(last.ends_with("]: line 19999"));
    CHECK(log.lost() == 0);
}

TEST_CASE("a log that ends waits a moment for a slow reader of its socket") {
    const LogSocket socket;
    auto log = std::make_unique<kernel::DaemonLog>(kernel::LogOptions{.ident = "t", .socket = socket.path});
    for (int i = 0; i < 700; ++i) log->info("line {}", i);
    int read = 0;
    std::thread reader{[&socket, &read] {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
        while (read < 700 && std::chrono::steady_clock::now() < end)
            if (!socket.next().empty()) ++read;
    }};
    log.reset();
    reader.join();
    CHECK(read == 700);
}

TEST_CASE("without a log socket nothing fails and losses are counted") {
    kernel::DaemonLog log{{.ident = "t", .socket = "/nonexistent/log"}};

    log.info("x");

    CHECK(log.lost() == 1);
    CHECK(log.lost_by_reader() == 0);
}

TEST_CASE("a line shows its severity, whose it is and where it goes, and days below ten have a blank") {
    ::setenv("TZ", "UTC", 1);
    const auto datagram = [](int facility, LogLevel level, std::time_t when) {
        return kernel::syslog_datagram({.ident = "x", .facility = facility, .pid = 1}, level, when, "t");
    };
    CHECK(datagram(3, LogLevel::Error, 0) == "<27>Jan  1 00:00:00 x[1]: t");
    CHECK(datagram(23, LogLevel::Debug, 1782864000 + 3661) == "<191>Jul  1 01:01:01 x[1]: t");
    CHECK(datagram(3, LogLevel::Info, 1798761599) == "<30>Dec 31 23:59:59 x[1]: t");

    const LogSocket socket;
    kernel::DaemonLog log{{.ident = "t", .socket = socket.path, .facility = 16, .level = LogLevel::Debug}};
    log.error("a");
    log.line(LogLevel::Warning, "b");
    log.line(LogLevel::Notice, "c");
    log.info("d");
    log.debug("e");
    for (const char* severity : {"<131>", "<132>", "<133>", "<134>", "<135>"})
        CHECK(socket.next().starts_with(severity));
    log.set_ident("other");
    log.info("f");
    CHECK(socket.next().find(" other[" + std::to_string(::getpid()) + "]: f") != std::string::npos);
    CHECK(log.lost() == 0);
}

TEST_CASE("a line of more than 4096 bytes is cut, and control characters are blanks") {
    const auto datagram = kernel::syslog_datagram({.ident = "x", .pid = 1}, LogLevel::Info, 0, std::string(5000, 'y'));
    CHECK(std::ranges::count(datagram, 'y') == 4096);
    CHECK(kernel::syslog_datagram({.ident = "x", .pid = 1}, LogLevel::Info, 0, "a\x1f\tb\x20\x7f\xff")
              .ends_with("]: a  b \x7f\xff"));
}

TEST_CASE("journald gets a field for each thing that is known of an event, each on one line") {
    const kernel::LogSource source{.ident = "Keepalived_vrrp", .facility = 3, .pid = 42};
    CHECK(kernel::journal_datagram(source, LogLevel::Notice, "(VI_1) is MASTER: a\nb",
                                   {.event = "MASTER",
                                    .instance = "VI_1",
                                    .group = {},
                                    .service = {},
                                    .server = {},
                                    .reason = "a\nb",
                                    .priority = 150}) ==
          "MESSAGE=(VI_1) is MASTER: a "
          "b\nPRIORITY=5\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=Keepalived_vrrp\nSYSLOG_PID=42\n"
          "MAINSTAY_EVENT=MASTER\nMAINSTAY_INSTANCE=VI_1\nMAINSTAY_REASON=a b\nMAINSTAY_PRIORITY=150\n");
    CHECK(kernel::journal_datagram(source, LogLevel::Error, std::string(5000, 'y'), {}) ==
          "MESSAGE=" + std::string(4096, 'y') +
              "\nPRIORITY=3\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=Keepalived_vrrp\nSYSLOG_PID=42\n");
}

TEST_CASE("a JSON line has what is known of an event, and is JSON whatever a name is made of") {
    const kernel::LogSource source{.ident = "p", .facility = 3, .pid = 42};
    CHECK(kernel::json_line(source, LogLevel::Warning, WallTime{1795162500'000042}, "a \"b\"\n\xff",
                            {.event = "DOWN",
                             .instance = {},
                             .group = {},
                             .service = "[10.0.0.1]:tcp:80",
                             .server = "[10.0.0.11]:tcp:80",
                             .reason = "connection refused",
                             .priority = {}}) ==
          "{\"time\":\"2026-11-20T08:15:00.000042Z\",\"level\":\"warning\",\"program\":\"p\",\"pid\":42,"
          "\"message\":\"a \\\"b\\\"\\n\xef\xbf\xbd\",\"event\":\"DOWN\",\"service\":\"[10.0.0.1]:tcp:80\","
          "\"server\":\"[10.0.0.11]:tcp:80\",\"reason\":\"connection refused\"}\n");
    CHECK(kernel::json_line(source, LogLevel::Info, WallTime{0}, "x",
                            {.event = "MASTER",
                             .instance = "VI_1",
                             .group = "G",
                             .service = {},
                             .server = {},
                             .reason = {},
                             .priority = 150}) ==
          "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"info\",\"program\":\"p\",\"pid\":42,\"message\":\"x\","
          "\"event\":\"MASTER\",\"instance\":\"VI_1\",\"group\":\"G\",\"priority\":150}\n");
    CHECK(kernel::json_line(source, LogLevel::Info, WallTime{0}, "x", {}) ==
          "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"info\",\"program\":\"p\",\"pid\":42,\"message\":\"x\"}"
          "\n");
}

TEST_CASE("fields go where they can be kept, and what is only fields goes nowhere else") {
    const kernel::LogFields fields{
        .event = "UP", .instance = {}, .group = {}, .service = {}, .server = "s", .reason = {}, .priority = {}};
    const LogSocket syslog, journal;
    kernel::DaemonLog plain{{.ident = "t", .socket = syslog.path}};
    kernel::DaemonLog rich{{.ident = "t", .socket = journal.path, .journal = true}};
    for (kernel::DaemonLog* log : {&plain, &rich}) {
        log->line(LogLevel::Notice, "both", fields);
        log->fields_only(LogLevel::Notice, "one", fields);
        log->fields_only(LogLevel::Debug, "none", fields);
    }
    CHECK(syslog.next().ends_with(": both"));
    CHECK(syslog.next().empty());
    CHECK(journal.next().starts_with("MESSAGE=both\nPRIORITY=5\n"));
    const std::string one = journal.next();
    CHECK(one.starts_with("MESSAGE=one\nPRIORITY=5\n"));
    CHECK(one.ends_with("MAINSTAY_EVENT=UP\nMAINSTAY_SERVER=s\n"));
    CHECK(journal.next().empty());
}

TEST_CASE("each level is enabled with those above it and not with those below") {
    const kernel::DaemonLog log{{.ident = "t", .socket = "", .level = LogLevel::Notice}};
    CHECK(log.enabled(LogLevel::Error));
    CHECK(log.enabled(LogLevel::Notice));
    CHECK_FALSE(log.enabled(LogLevel::Info));
    CHECK(log.lost() == 0);
}

TEST_CASE("a log socket that was made anew is found again within seconds, and the loss is reported") {
    LogSocket socket;
    kernel::DaemonLog log{{.ident = "t", .socket = socket.path}};
    const auto begin = std::chrono::steady_clock::now();
    log.info("before");
    CHECK(socket.next().ends_with("]: before"));
    socket.replace();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    std::uint64_t tries = 0;
    pollfd look{socket.fd.get(), POLLIN, 0};
    do {
        log.info("again");
        ++tries;
    } while (::poll(&look, 1, 20) != 1 && std::chrono::steady_clock::now() < end);
    CHECK(tries > 1);
    CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::seconds{1});  // it is not tried with each line
    CHECK(log.lost() == tries - 1);
    CHECK(log.lost_by_reader() == tries - 1);
    CHECK(socket.next().ends_with(": " + std::to_string(tries - 1) +
                                  " log lines were lost: the log socket was not read"));
    CHECK(socket.next().ends_with("]: again"));
    log.info("after");
    CHECK(socket.next().ends_with("]: after"));
    CHECK(socket.next().empty());
}

TEST_CASE("a helper that has closed all descriptors logs at once, and no file of it is closed for that") {
    LogSocket socket;
    kernel::DaemonLog log{{.ident = "t", .socket = socket.path}};
    log.info("before");
    CHECK(socket.next().ends_with("]: before"));
    for (const bool reused : {false, true}) {
        CAPTURE(reused);
        const int helper = ::fork();
        if (helper == 0) {
            ::close_range(STDERR_FILENO + 1, ~0U, 0);
            const int file = reused ? ::open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
            for (int next = file; reused && next < 100; next = ::dup(file)) {  // one of them has the log's number
            }
            log.info("from the helper");
            for (int number = file; reused && number < 100; ++number)
                if (::fcntl(number, F_GETFD) < 0) ::_exit(1);
            ::_exit(0);
        }
        int status = 0;
        REQUIRE(::waitpid(helper, &status, 0) == helper);
        CHECK(status == 0);
        CHECK(socket.next().ends_with("]: from the helper"));
        CHECK(socket.next().empty());
    }
    log.info("after");
    CHECK(socket.next().ends_with("]: after"));
}

TEST_CASE("a path too long for a socket is as none") {
    kernel::DaemonLog log{{.ident = "t", .socket = "/" + std::string(200, 'x')}};
    log.info("x");
    CHECK(log.lost() == 1);
}

TEST_CASE("console lines have the time in front, and one is written when it comes") {
    ::setenv("TZ", "UTC", 1);
    const Stderr console;
    kernel::DaemonLog log{{.ident = "t", .socket = "", .console = true}};
    log.info("first");
    const std::string first = console.text();
    log.info("second {}", std::string(5000, 'z'));
    const std::string both = console.text();

    CHECK(first.ends_with(": first\n"));
    CHECK(first.size() == std::string{"Fri Nov 20 08:15:00 2026: first\n"}.size());
    CHECK(first.substr(19, 3) == " 20");
    CHECK(both.substr(first.size() + 24, 10) == ": second z");
    CHECK(both.size() == first.size() + 26 + 4096 + 1);
}

TEST_CASE("gathered console lines are written together: when that is asked for, when they are many, at the end") {
    const Stderr console;
    int called = 0;
    {
        kernel::DaemonLog log{{.ident = "t", .socket = "", .console = true}};
        log.gather([&] { ++called; });
        log.info("one");
        log.info("two");
        CHECK(called == 1);
        CHECK(console.text().empty());
        log.flush();
        const auto both = console.text();
        CHECK(both.find(": one\n") != std::string::npos);
        CHECK(both.find(": two\n") != std::string::npos);
        log.flush();
        CHECK(console.text() == both);
        log.info("three");
        CHECK(called == 2);
        CHECK(console.text() == both);
        log.flush();
        const auto before = console.text();
        const std::string line(4096 - 27, 'z');  // with what stands before and behind it, 4096 bytes
        for (int i = 0; i < 7; ++i) log.info("{}", line);
        CHECK(console.text() == before);  // not quite 32 KiB
        log.info("{}", line);
        CHECK(console.text().size() == before.size() + 32'768);
        log.info("last");
        CHECK(console.text().find(": last") == std::string::npos);
    }
    CHECK(console.text().ends_with(": last\n"));
}

TEST_CASE("gathered JSON lines are written together as well") {
    std::string none, both;
    int called = 0;
    {
        const Stderr out{STDOUT_FILENO};
        kernel::DaemonLog log{{.ident = "t", .socket = "", .json = true}};
        log.gather([&] { ++called; });
        log.info("one");
        log.info("two");
        none = out.text();
        log.flush();
        both = out.text();
    }
    CHECK(called == 1);
    CHECK(none.empty());
    CHECK(std::ranges::count(both, '\n') == 2);
    CHECK(both.find("\"message\":\"one\"") < both.find("\"message\":\"two\""));
}

TEST_CASE("a level that is set counts at once, and a module's own level does not change the process's") {
    const LogSocket socket;
    kernel::DaemonLog log{{.ident = "t", .socket = socket.path}};
    kernel::ModuleLog mail{log, LogLevel::Debug};
    log.debug("not seen");
    mail.debug("seen");
    CHECK(socket.next().ends_with("]: seen"));
    log.set_level(LogLevel::Error);
    mail.set_level(LogLevel::Warning);
    log.warning("not seen");
    mail.notice("not seen");
    mail.warning("a warning");
    CHECK(socket.next().ends_with("]: a warning"));
    CHECK(socket.next().empty());
    CHECK_FALSE(mail.enabled(LogLevel::Info));
}
