// The supervisor's own socket: what mainstayctl asks, and what it is answered. Only root may ask.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <new>

#include "../../needs.hpp"
#include "../../temporary_folder.hpp"
#include "mainstay/base/overloaded.hpp"
#include "mainstay/ipc/shared.hpp"
#include "role/supervisor/control_socket.hpp"
#include "supervisor_parts.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using Texts = std::vector<std::string>;
using mainstay::test::TemporaryFolder;

namespace {

constexpr int kReader = kNobody - 5;  // the process that answers

struct SocketBench {
    SocketBench() { REQUIRE(server->open(path())); }
    ~SocketBench() { server.reset(); }
    SocketBench(const SocketBench&) = delete;
    SocketBench& operator=(const SocketBench&) = delete;

    [[nodiscard]] std::string path() const { return folder + "/socket"; }
    // EAGAIN: the queue of the socket is full.
    [[nodiscard]] UniqueFd try_to_connect() const {
        UniqueFd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        std::memcpy(at.sun_path, path().data(), path().size());
        if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0) return fd;
        REQUIRE(errno == EAGAIN);
        return {};
    }
    [[nodiscard]] UniqueFd connected() const {
        UniqueFd fd = try_to_connect();
        REQUIRE(fd.get() >= 0);
        return fd;
    }
    UniqueFd ask(const ipc::Message& question) {
        auto client = connected();
        REQUIRE(ipc::send_message(client.get(), question));
        turn();
        return client;
    }
    void turn() {
        loop.restart();
        loop.poll();
    }
    // What the process sends as its answer, and that it has ended.
    bool reader_ends(const std::optional<ipc::Message>& answer, kernel::Ended how = {.pid = kReader}, int text = -1) {
        if (answer) REQUIRE(ipc::send_message(reader.get(), *answer, text));
        return server->ended(how);
    }
    [[nodiscard]] static bool is_closed(const UniqueFd& client) {
        const auto got = ipc::receive_message(client.get());
        return got && got->has_value() && std::holds_alternative<ipc::Closed>(**got);
    }

    TemporaryFolder home;
    const std::string folder = home.path;
    boost::asio::io_context loop;
    KeptLog log;
    UniqueFd reader;  // its end of the line
    Texts asked;
    bool broken = false, without_memory = false;
    std::vector<UniqueFd> clients;
    std::unique_ptr<ControlSocket> server = std::make_unique<ControlSocket>(
        loop, log,
        ControlSocket::Handlers{
            .start = [this](const ipc::Message& question, int, int control_of_child) -> Result<int> {
                asked.push_back(std::string{"start "} + row_of(question).name);
                if (without_memory) throw std::bad_alloc{};
                if (broken) return fail(Errc::State, "no process");
                reader.reset(::fcntl(control_of_child, F_DUPFD_CLOEXEC, 3));
                return kReader;
            },
            .upgrade =
                [this](const std::string& program, const std::string& version, UniqueFd client) {
                    if (without_memory) throw std::bad_alloc{};
                    asked.push_back("upgrade " + program + " " + version);
                    clients.push_back(std::move(client));
                },
            .reload =
                [this](const ipc::Reload& wanted, UniqueFd client) {
                    if (without_memory) throw std::bad_alloc{};
                    asked.emplace_back(wanted.force ? "reload by force" : "reload");
                    clients.push_back(std::move(client));
                },
            .operators =
                [this](const ipc::OperatorQuestion& question, UniqueFd client) {
                    const auto note = [this](const char* what, const std::string& which, const std::string& by) {
                        asked.push_back(what + which + " by " + by.substr(0, 3));
                    };
                    std::visit(
                        Overloaded{[&](const ipc::ServerQuestion& one) { note("servers ", one.which, one.by); },
                                   [&](const ipc::InstanceQuestion& one) { note("instances ", one.which, one.by); },
                                   [&](const ipc::LogLevelQuestion& one) { note("levels ", one.module, one.by); }},
                        question);
                    clients.push_back(std::move(client));
                },
            .upgrade_refused = [this](const std::string& problem) { asked.push_back("refused " + problem); }});
};

}  // namespace

TEST_CASE("the socket is root's alone, replaces one that was left, and goes at the end") {
    SocketBench bench;
    struct stat facts{};
    REQUIRE(::stat(bench.path().c_str(), &facts) == 0);
    CHECK(S_ISSOCK(facts.st_mode));
    CHECK((facts.st_mode & 07777) == 0600);
    const mode_t mask = ::umask(0);
    ::umask(mask);
    CHECK(mask != 0177);
    KeptLog log;
    ControlSocket second{bench.loop, log, {}};
    CHECK(second.open(bench.path()));
    second.close();
    CHECK_FALSE(std::filesystem::exists(bench.path()));
    second.close();
}

TEST_CASE("a path that is too long, or a folder that is missing, is an error") {
    const SocketBench bench;
    boost::asio::io_context loop;
    KeptLog log;
    ControlSocket server{loop, log, {}};
    const auto named = [&bench](std::size_t length) {
        return bench.folder + "/" + std::string(length - bench.folder.size() - 1, 'x');
    };
    CHECK(server.open(named(108)).error().text() == "the socket path is too long: " + named(108));
    CHECK(server.open("/nowhere/socket").error().text() == "bind /nowhere/socket: No such file or directory");
    CHECK(server.open(named(107)));
}

TEST_CASE("a dry run is answered with the report of its reader" * mainstay::test::kNeedsRoot) {
    SocketBench bench;
    const auto client = bench.ask(ipc::DryRun{});
    CHECK(bench.asked == Texts{"start DryRun"});
    CHECK(bench.log.texts == Texts{"dry run of a reload requested: nothing is changed"});
    CHECK_FALSE(bench.server->ended({.pid = kReader + 1}));
    const auto text = ipc::make_sealed_memfd("report", {});
    CHECK(bench.reader_ends(ipc::DryRunDone{1, {}}, {.pid = kReader}, text->get()));
    auto got = ipc::receive_message(client.get());
    REQUIRE((got && got->has_value() && std::holds_alternative<ipc::Received>(**got)));
    const auto& received = std::get<ipc::Received>(**got);
    CHECK(std::get<ipc::DryRunDone>(received.message).exit_code == 1);
    CHECK(received.descriptor);
    CHECK(SocketBench::is_closed(client));
    CHECK_FALSE(bench.server->ended({.pid = kReader}));
}

TEST_CASE("a reader that dies, is too slow or sends what it may not is a dry run without a report" *
          mainstay::test::kNeedsRoot) {
    const auto problem = [](const std::optional<ipc::Message>& answer, const kernel::Ended& how) {
        SocketBench bench;
        const auto client = bench.ask(ipc::DryRun{});
        CHECK(bench.reader_ends(answer, how));
        const auto done = next_message<ipc::DryRunDone>(client.get());
        REQUIRE(done);
        CHECK(done->exit_code == 2);
        return done->problem;
    };
    const kernel::Ended ended{.pid = kReader, .signalled = false, .status = 1};
    CHECK(problem({}, ended) == "the reader died; see the log");
    CHECK(problem({}, {.pid = kReader, .signalled = true, .status = SIGSEGV}) == "the reader died; see the log");
    CHECK(problem({}, {.pid = kReader, .signalled = true, .status = SIGKILL}) ==
          "reading the configuration took too long");
    CHECK(problem({}, {.pid = kReader, .signalled = false, .status = SIGKILL}) == "the reader died; see the log");
    CHECK(problem(ipc::Heartbeat{}, ended) == "the reader died; see the log");
    CHECK(problem(ipc::UpgradeChecked{{}, "9"}, ended) == "the reader died; see the log");
}

TEST_CASE("a process that cannot be started is a problem, and the next client is served" * mainstay::test::kNeedsRoot) {
    SocketBench bench;
    bench.broken = true;
    const auto client = bench.ask(ipc::DryRun{});
    CHECK(next_message<ipc::DryRunDone>(client.get())->problem == "no process");
    bench.broken = false;
    const auto next = bench.ask(ipc::DryRun{});
    CHECK(bench.asked == Texts{"start DryRun", "start DryRun"});
    CHECK(bench.reader_ends(ipc::DryRunDone{0, {}}));
    CHECK(next_message<ipc::DryRunDone>(next.get())->problem.empty());
}

TEST_CASE("a request for which there is no memory is refused, and the next client is served" *
          mainstay::test::kNeedsRoot) {
    SocketBench bench;
    bench.without_memory = true;
    const auto dry = bench.ask(ipc::DryRun{});
    CHECK(next_message<ipc::DryRunDone>(dry.get())->problem == "the request caused an error: std::bad_alloc");
    CHECK(SocketBench::is_closed(dry));
    const auto upgrade = bench.ask(ipc::Upgrade{"/opt/new"});
    CHECK(next_message<ipc::UpgradeDone>(upgrade.get())->problem == "the request caused an error: std::bad_alloc");
    const auto reload = bench.ask(ipc::Reload{});
    CHECK(SocketBench::is_closed(reload));
    CHECK(bench.log.texts.back() == "a request of mainstayctl caused an error: std::bad_alloc");
    bench.without_memory = false;
    const auto tried = bench.ask(ipc::Upgrade{"/opt/new"});
    bench.without_memory = true;
    CHECK(bench.reader_ends(ipc::UpgradeChecked{{}, "2.0"}));  // and its execution is refused
    CHECK(SocketBench::is_closed(tried));
    bench.without_memory = false;
    const auto next = bench.ask(ipc::DryRun{});
    CHECK(bench.reader_ends(ipc::DryRunDone{0, {}}));
    CHECK(next_message<ipc::DryRunDone>(next.get())->problem.empty());
}

TEST_CASE("one client is served at a time, the next one after it" * mainstay::test::kNeedsRoot) {
    SocketBench bench;
    const auto first = bench.ask(ipc::DryRun{}), second = bench.ask(ipc::DryRun{});
    CHECK(bench.asked == Texts{"start DryRun"});
    CHECK(bench.reader_ends(ipc::DryRunDone{0, {}}));
    bench.turn();
    CHECK(bench.asked == Texts{"start DryRun", "start DryRun"});
}

TEST_CASE("a request whose client has given up while nobody read it is dropped, and the next client is served" *
          mainstay::test::kNeedsRoot) {
    SocketBench bench;
    {
        const auto given_up = bench.connected();
        REQUIRE(ipc::send_message(given_up.get(), ipc::Reload{}));
    }
    const auto next = bench.ask(ipc::Reload{.force = true});
    bench.turn();
    CHECK(bench.asked == Texts{"reload by force"});
    REQUIRE(bench.log.texts.size() == 2);
    CHECK(bench.log.texts[0].starts_with("a request of uid 0"));
    CHECK(bench.log.texts[0].ends_with("is dropped: nobody waits for its answer any more"));
}

TEST_CASE("a reload is handed on with its client, and the next client is served meanwhile" *
          mainstay::test::kNeedsRoot) {
    SocketBench bench;
    const auto first = bench.ask(ipc::Reload{}), second = bench.ask(ipc::Reload{.force = true});
    CHECK(bench.asked == Texts{"reload", "reload by force"});
    REQUIRE(bench.clients.size() == 2);
    REQUIRE(ipc::send_message(bench.clients[0].get(), ipc::ReloadDone{"line 7"}));
    CHECK(next_message<ipc::ReloadDone>(first.get())->problem == "line 7");
    REQUIRE(bench.log.texts.size() == 2);
    CHECK(bench.log.texts[0].starts_with("reload requested by uid 0"));
    CHECK(bench.log.texts[0].ends_with(", pid " + std::to_string(::getpid())));
    CHECK(bench.log.texts[1].starts_with("reload by force requested by uid 0"));
}

TEST_CASE("a program that can go on is executed; its client waits" * mainstay::test::kNeedsRoot) {
    SocketBench bench;
    const auto client = bench.ask(ipc::Upgrade{"/opt/new"});
    CHECK(bench.asked == Texts{"start Upgrade"});
    CHECK(bench.log.texts.empty());
    CHECK(bench.reader_ends(ipc::UpgradeChecked{{}, "2.0"}));
    CHECK(bench.asked == Texts{"start Upgrade", "upgrade /opt/new 2.0"});
    CHECK_FALSE(next_message<ipc::UpgradeDone>(client.get()));
    REQUIRE(ipc::send_message(bench.clients.at(0).get(), ipc::UpgradeDone{{}, "1.0", "2.0", 3}));
    CHECK(next_message<ipc::UpgradeDone>(client.get())->roles == 3);
    const auto next = bench.ask(ipc::Reload{});
    CHECK(bench.asked.back() == "reload");
}

TEST_CASE("a program that cannot go on, or does not say so, is not executed" * mainstay::test::kNeedsRoot) {
    const auto refused = [](const std::optional<ipc::Message>& answer, const kernel::Ended& how) {
        SocketBench bench;
        const auto client = bench.ask(ipc::Upgrade{"/opt/new"});
        CHECK(bench.reader_ends(answer, how));
        const auto done = next_message<ipc::UpgradeDone>(client.get());
        REQUIRE(done);
        CHECK(bench.asked == Texts{"start Upgrade", "refused " + done->problem});
        CHECK(bench.log.texts == Texts{"upgrade refused (" + done->problem + "): the running program continues"});
        return done->problem;
    };
    const kernel::Ended ended{.pid = kReader, .signalled = false, .status = 3};
    CHECK(refused(ipc::UpgradeChecked{"format 2", "2.0"}, ended) == "format 2");
    CHECK(refused({}, ended) == "the new program did not confirm that it can continue (exit status 3)");
    CHECK(refused({}, {.pid = kReader, .signalled = true, .status = SIGKILL}) ==
          "the new program did not answer in time");
    CHECK(refused(ipc::DryRunDone{0, {}}, ended) ==
          "the new program did not confirm that it can continue (exit status 3)");
}

TEST_CASE("after an upgrade that was refused a dry run is one again" * mainstay::test::kNeedsRoot) {
    SocketBench bench;
    const auto upgrade = bench.ask(ipc::Upgrade{});
    CHECK(bench.reader_ends(ipc::UpgradeChecked{"no", "2"}));
    const auto dry = bench.ask(ipc::DryRun{});
    CHECK(bench.reader_ends(ipc::DryRunDone{1, {}}));
    CHECK(next_message<ipc::DryRunDone>(dry.get())->exit_code == 1);
}

TEST_CASE("an operator's question goes on with its client, who waits and keeps nobody else waiting" *
          mainstay::test::kNeedsRoot) {
    SocketBench bench;
    ipc::ServerQuestion servers;
    servers.which = "10.0.0.11:80", servers.by = "somebody";
    ipc::InstanceQuestion instances;
    instances.which = "VI_1";
    ipc::LogLevelQuestion levels;
    levels.module = "vrrp";
    const auto first = bench.ask(servers), second = bench.ask(instances), third = bench.ask(levels);
    CHECK(bench.asked == Texts{"servers 10.0.0.11:80 by uid", "instances VI_1 by uid", "levels vrrp by uid"});
    REQUIRE(bench.clients.size() == 3);
    REQUIRE(ipc::send_message(bench.clients[1].get(), ipc::OperatorAnswered{2, 1, {}}));
    CHECK(next_message<ipc::OperatorAnswered>(second.get())->exit_code == 1);
    CHECK_FALSE(SocketBench::is_closed(first));
}

TEST_CASE("what is no request is refused, and so is what cannot be read" * mainstay::test::kNeedsRoot) {
    SocketBench bench;
    const auto stop = bench.ask(ipc::Stop{});
    CHECK(next_message<ipc::DryRunDone>(stop.get())->problem == "the message is not a request");
    const auto rubbish = bench.connected();
    REQUIRE(::send(rubbish.get(), "\xff", 1, MSG_NOSIGNAL) == 1);
    bench.turn();
    CHECK(next_message<ipc::DryRunDone>(rubbish.get())->exit_code == 2);
    auto gone = bench.connected();
    gone.reset();
    bench.turn();
    const auto next = bench.ask(ipc::Reload{});
    CHECK(bench.asked == Texts{"reload"});
}

TEST_CASE("a client that asks nothing is let go after five seconds, so that the next one is served" *
          mainstay::test::kNeedsRoot) {
    SocketBench bench;
    const auto silent = bench.connected();
    const auto next = bench.ask(ipc::Reload{});
    CHECK(bench.asked.empty());
    const auto limit = kernel::monotonic_now() + std::chrono::seconds{20};
    while (bench.asked.empty() && kernel::monotonic_now() < limit) {
        bench.loop.restart();
        bench.loop.run_one_for(std::chrono::milliseconds{50});
    }
    CHECK(bench.asked == Texts{"reload"});
    CHECK(next_message<ipc::DryRunDone>(silent.get())->problem == "no request was received in time");
}

TEST_CASE("a server that is closed kills its reader, and answers nobody any more" * mainstay::test::kNeedsRoot) {
    const int process = sleeper();
    SocketBench bench;
    ControlSocket::Handlers handlers;
    handlers.start = [process](const ipc::Message&, int, int) -> Result<int> { return process; };
    bench.server = std::make_unique<ControlSocket>(bench.loop, bench.log, std::move(handlers));
    REQUIRE(bench.server->open(bench.path()));
    const auto client = bench.ask(ipc::DryRun{});
    bench.server->close();
    int status = 0;
    REQUIRE(::waitpid(process, &status, 0) == process);
    CHECK(WIFSIGNALED(status));
    CHECK(bench.server->ended({.pid = process, .signalled = true, .status = SIGKILL}));
    CHECK(SocketBench::is_closed(client));
}

TEST_CASE("root is served at once after hundreds of connections of others" * mainstay::test::kNeedsRoot) {
    SocketBench bench;
    ::chmod(bench.folder.c_str(), 0755);
    ::chmod(bench.path().c_str(), 0666);
    const int others = ::fork();
    if (others == 0) {
        if (::setuid(65534) != 0) ::_exit(2);
        int connected = 0;
        for (int i = 0; i < 300; ++i)
            if (kernel::connect_unix(bench.path(), SOCK_SEQPACKET)) ++connected;
        ::_exit(connected == 300 ? 0 : 1);
    }
    int status = -1;
    const auto limit = kernel::monotonic_now() + std::chrono::seconds{20};
    while (::waitpid(others, &status, WNOHANG) == 0 && kernel::monotonic_now() < limit) {
        bench.loop.restart();
        bench.loop.run_one_for(std::chrono::milliseconds{20});
    }
    const bool ended = WIFEXITED(status);
    if (!ended && ::kill(others, SIGKILL) == 0) ::waitpid(others, nullptr, 0);
    CHECK(ended);
    CHECK(WEXITSTATUS(status) == 0);
    // The last of them may still be in the queue.
    UniqueFd root = bench.try_to_connect();
    for (; !root && kernel::monotonic_now() < limit; root = bench.try_to_connect()) bench.turn();
    REQUIRE(ipc::send_message(root.get(), ipc::Reload{}));
    while (bench.asked.empty() && kernel::monotonic_now() < limit) {
        bench.loop.restart();
        bench.loop.run_one_for(std::chrono::milliseconds{20});
    }
    CHECK(bench.asked.size() == 1);
}

TEST_CASE("who is not root is not served" * mainstay::test::kNeedsRoot) {
    SocketBench bench;
    ::chmod(bench.folder.c_str(), 0755);
    ::chmod(bench.path().c_str(), 0666);
    const int other = ::fork();
    if (other == 0) {
        if (::setuid(65534) != 0) ::_exit(2);
        const auto client = bench.connected();
        (void)ipc::send_message(client.get(), ipc::Reload{});
        pollfd closed{client.get(), POLLIN, 0};
        ::_exit(::poll(&closed, 1, 20'000) == 1 && SocketBench::is_closed(client) ? 0 : 1);
    }
    int status = -1;
    const auto limit = kernel::monotonic_now() + std::chrono::seconds{30};
    while (::waitpid(other, &status, WNOHANG) == 0 && kernel::monotonic_now() < limit) {
        bench.loop.restart();
        bench.loop.run_one_for(std::chrono::milliseconds{20});
    }
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(bench.asked.empty());
    const auto next = bench.connected();  // the next one is
    REQUIRE(ipc::send_message(next.get(), ipc::Reload{}));
    while (bench.asked.empty() && kernel::monotonic_now() < limit) {
        bench.loop.restart();
        bench.loop.run_one_for(std::chrono::milliseconds{20});
    }
    CHECK(bench.asked == Texts{"reload"});
}
