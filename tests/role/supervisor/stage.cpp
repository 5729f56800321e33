#include "stage.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "mainstay/config/members.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/clock.hpp"
#include "role/supervisor/authorization.hpp"

namespace mainstay::role::test {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::milliseconds kPatience{30'000}, kMoment{150};

// One copy of this program for all stages, removed at the end of the program.
struct Program {
    Program() {
        std::string pattern = "/tmp/mainstay-stage.XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) return;
        folder = pattern;
        fs::copy_file("/proc/self/exe", folder + "/program");
        fs::permissions(folder + "/program", fs::perms{0755});
        fs::permissions(folder, fs::perms{0755});
    }
    ~Program() { fs::remove_all(folder); }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    std::string folder;
};

const Program& program() {
    static const Program only;
    return only;
}

int milliseconds(std::chrono::milliseconds limit) { return static_cast<int>(limit.count()); }

UniqueFd socket_at(const std::string& path, bool listens) {
    UniqueFd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof at.sun_path);
    std::memcpy(at.sun_path, path.data(), path.size());
    const auto* where = reinterpret_cast<const sockaddr*>(&at);
    if (listens) {
        REQUIRE(::bind(fd.get(), where, sizeof at) == 0);
        REQUIRE(::listen(fd.get(), 64) == 0);
    } else {
        REQUIRE(::connect(fd.get(), where, sizeof at) == 0);
    }
    return fd;
}

// "NAME PID ARGUMENTS" with the line.
std::optional<Played> introduced(UniqueFd hold) {
    std::array<char, 4096> text;
    iovec part{text.data(), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    pollfd wait{hold.get(), POLLIN, 0};
    if (::poll(&wait, 1, milliseconds(kPatience)) != 1) return std::nullopt;
    const auto got = ::recvmsg(hold.get(), &header, MSG_CMSG_CLOEXEC);
    const cmsghdr* c = CMSG_FIRSTHDR(&header);
    if (got <= 0 || c == nullptr) return std::nullopt;
    int line = -1;
    std::memcpy(&line, CMSG_DATA(c), sizeof line);
    const std::string words{text.data(), static_cast<std::size_t>(got)};
    const auto first = words.find(' '), second = words.find(' ', first + 1);
    return Played{words.substr(0, first), std::stoi(words.substr(first + 1, second - first)), words.substr(second + 1),
                  UniqueFd{line}, std::move(hold)};
}

}  // namespace

bool take_own_run_folder() {
    return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("none", "/run", "tmpfs", 0, nullptr) == 0;
}

std::optional<ipc::Received> next_received(int fd, std::chrono::milliseconds limit) {
    pollfd wait{fd, POLLIN, 0};
    if (::poll(&wait, 1, milliseconds(limit)) != 1) return std::nullopt;
    auto got = ipc::receive_message(fd);
    REQUIRE(got.has_value());
    if (!got->has_value() || !std::holds_alternative<ipc::Received>(**got)) return std::nullopt;
    return std::get<ipc::Received>(std::move(**got));
}

std::optional<ipc::Received> Played::receive_within(std::size_t kind, std::chrono::milliseconds limit) {
    for (;;) {
        auto got = next_received(line_.get(), limit);
        if (!got) return std::nullopt;
        if (got->message.index() == kind) return got;
        passed.emplace_back(row_of(got->message).name);
    }
}

ipc::Received Played::receive(std::size_t kind) {
    auto got = receive_within(kind, kPatience);
    CAPTURE(name);
    CAPTURE(kind);
    std::string before;
    for (const auto& one : passed) before += one + " ";
    CAPTURE(before);
    REQUIRE(got.has_value());
    return std::move(*got);
}

void Played::send(const ipc::Message& message, int descriptor) const {
    for (;;) {
        const auto sent = ipc::send_message(line_.get(), message, descriptor);
        if (sent) return;
        REQUIRE(sent.error().code() == Errc::Limit);  // the supervisor has not read the others yet
        pollfd room{line_.get(), POLLOUT, 0};
        REQUIRE(::poll(&room, 1, milliseconds(kPatience)) == 1);
    }
}

bool Played::try_say(const ipc::Message& message) const { return ipc::send_message(line_.get(), message).has_value(); }

void Played::send_bytes(std::string_view bytes) const {
    REQUIRE(::send(line_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

void Played::exit(int status) {
    const auto byte = static_cast<char>(status);
    REQUIRE(::send(hold_.get(), &byte, 1, MSG_NOSIGNAL) == 1);
    until_gone();
}

bool Played::is_gone() const {
    pollfd look{hold_.get(), POLLIN, 0};
    return ::poll(&look, 1, 0) == 1;
}

void Played::until_gone() const {
    pollfd look{hold_.get(), POLLIN, 0};
    CAPTURE(name);
    REQUIRE(::poll(&look, 1, milliseconds(kPatience)) == 1);
}

Stage::Stage(const std::vector<std::string>& options) {
    std::string pattern = program().folder + "/XXXXXX";
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    fs::permissions(folder_, fs::perms{0755});
    for (const char* name :
         {"mainstayd", "mainstayd-next", "mainstayd-trial", "mainstayd-read", "mainstayd-track", "mainstayd-vrrp",
          "mainstayd-lvs", "mainstayd-obs", "mainstayd-bfd", "mainstayd-snmp", "mainstayd-yield"})
        fs::create_hard_link(program().folder + "/program", at(name));
    listener_ = socket_at(folder_ + kStageSocket, true);
    std::vector<std::string> words{"mainstayd"};
    words.insert(words.end(), options.begin(), options.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const std::string path = at("mainstayd");
    ::setenv("TMPDIR", folder_.c_str(), 1);
    supervisor_ = ::fork();
    if (supervisor_ == 0) {
        // keepalived's pid files are in /run. Before the program starts: /proc/self/exe has no name among mounts that
        // came after it, where the tests run in a changed root.
        if (std::ranges::find(options, kAsKeepalived) != options.end() && !take_own_run_folder()) ::_exit(96);
        ::execv(path.c_str(), argv.data());
        ::_exit(127);
    }
    ::unsetenv("TMPDIR");
}

Stage::~Stage() {
    if (supervisor_ != 0) {
        ::kill(supervisor_, SIGKILL);
        ::waitpid(supervisor_, nullptr, 0);
    }
    waiting_.clear();
    played_.clear();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

void Stage::accept_within(std::chrono::milliseconds limit) {
    pollfd wait{listener_.get(), POLLIN, 0};
    if (::poll(&wait, 1, milliseconds(limit)) != 1) return;
    UniqueFd hold{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!hold) return;
    if (auto one = introduced(std::move(hold))) waiting_.push_back(std::move(*one));
}

Played& Stage::started(const std::string& name) {
    const auto end = kernel::monotonic_now() + kPatience;
    for (;;) {
        const auto found = std::ranges::find(waiting_, name, &Played::name);
        if (found != waiting_.end()) {
            played_.splice(played_.end(), waiting_, found);
            return played_.back();
        }
        CAPTURE(name);
        INFO(log());
        REQUIRE(kernel::monotonic_now() < end);
        accept_within(100ms);
    }
}

bool Stage::starts_none(const std::string& name) {
    accept_within(kMoment);
    return std::ranges::find(waiting_, name, &Played::name) == waiting_.end();
}

void Stage::signal(int number) const { REQUIRE(::kill(supervisor_, number) == 0); }

std::string Stage::text(const std::string& name) const {
    std::ifstream file{at(name)};
    return {std::istreambuf_iterator<char>{file}, {}};
}

std::string Stage::log() const { return text("log"); }

std::size_t Stage::logged(const std::string& part) const {
    const std::string all = log();
    std::size_t count = 0;
    for (auto found = all.find(part); found != std::string::npos; found = all.find(part, found + 1)) ++count;
    return count;
}

void Stage::until(const std::function<bool()>& condition, const char* what) const {
    const auto end = kernel::monotonic_now() + kPatience;
    while (!condition()) {
        CAPTURE(what);
        INFO(log());
        REQUIRE(kernel::monotonic_now() < end);
        std::this_thread::sleep_for(5ms);
    }
}

void Stage::until_logged(const std::string& part, std::size_t times) const {
    until([&] { return logged(part) >= times; }, part.c_str());
}

int Stage::exit_code() {
    int status = -1;
    until([&] { return ::waitpid(supervisor_, &status, WNOHANG) == supervisor_; }, "the end of the supervisor");
    supervisor_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

UniqueFd Stage::ask(const ipc::Message& question) const {
    auto client = socket_at(at("run/supervisor.sock"), false);
    REQUIRE(ipc::send_message(client.get(), question).has_value());
    return client;
}

void Stage::send(const Played& reader, const Written& written) const {
    using For = ipc::Snapshot::For;
    const auto sealed = [](const auto& value) {
        auto memory = ipc::encode_sealed("test", value);
        REQUIRE(memory.has_value());
        return std::move(*memory);
    };
    const auto empty = sealed(config::Config{});
    for (const auto& [audience, kind] : {std::pair{For::Vrrp, Kind::Vrrp},
                                         {For::Lvs, Kind::Lvs},
                                         {For::Bfd, Kind::Bfd},
                                         {For::Observer, Kind::Observer},
                                         {For::Snmp, Kind::Snmp}})
        reader.send(ipc::Snapshot{audience, written.needed.contains(kind)},
                    written.parts.contains(kind) ? sealed(written.parts.at(kind)).get() : empty.get());
    reader.send(ipc::Snapshot{For::Scripts, true}, sealed(written.scripts).get());
    reader.send(ipc::Snapshot{For::Host, true}, sealed(written.host).get());
    if (!written.text.empty()) {
        auto text = ipc::make_sealed_memfd("text", std::as_bytes(std::span{written.text}));
        REQUIRE(text.has_value());
        reader.send(ipc::Snapshot{For::Copy, true}, text->get());
    }
    reader.send(written.done);
}

void Stage::take_configuration(Played& role, std::uint64_t generation) {
    CHECK(role.hear<ipc::Prepare>().generation == generation);
    role.send(ipc::Prepared{generation, {}});
    CHECK(role.hear<ipc::Commit>().generation == generation);
    role.send(ipc::Committed{generation});
}

Stage::Running Stage::run(const Written& written) {
    Running running;
    running.reader = &started("mainstayd-read");
    running.reader->hear<ipc::RoleStartup>();
    send(*running.reader, written);
    for (const Kind kind : {Kind::Bfd, Kind::Vrrp, Kind::Lvs}) {
        if (!written.needed.contains(kind)) continue;
        auto& role = started(traits_of(kind).program);
        running.roles.emplace(kind, &role);
        role.hear<ipc::RoleStartup>();
        take_configuration(role, 1);
    }
    running.observer = &started("mainstayd-obs");
    running.observer->hear<ipc::RoleStartup>();
    take_configuration(*running.observer, 1);
    until_logged("Startup complete");
    return running;
}

void Stage::reload(Running& running, const Written& written) {
    signal(SIGHUP);
    running.reader->hear<ipc::RoleStartup>();
    send(*running.reader, written);
}

int Stage::stop(Running& running) {
    signal(SIGTERM);
    for (auto& [kind, role] : running.roles) {
        role->hear<ipc::Stop>();
        role->exit(0);
    }
    running.observer->hear<ipc::Stop>();
    running.observer->exit(0);
    return exit_code();
}

}  // namespace mainstay::role::test
