// A role that was taken over. For tests only: it stands in for the program of one role and does what its plan says,
// with the rights that the role has.
//
// The plan, /run/hostile.plan, names the program in its first line ("role mainstayd-bfd"); each further line is what
// one incarnation does when it is to begin to act ("early" in front: when it has its configuration), and the last line
// stays for those that follow. What the system answered goes to /run/hostile.log.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/process.hpp"
#include "role/common/message_table.hpp"
#include "role/common/reach.hpp"

using namespace mainstay;

namespace {

constexpr const char* kPlan = "/run/hostile.plan";
constexpr const char* kCount = "/run/hostile.count";
constexpr const char* kLog = "/run/hostile.log";

int log_file = -1;
std::vector<UniqueFd> peer_lines;  // to other roles

void note(const std::string& text) {
    const std::string line = text + "\n";
    [[maybe_unused]] const auto written = ::write(log_file, line.data(), line.size());
}

void note_result(const std::string& what, bool worked) {
    note(what + ": " + (worked ? "it worked" : std::strerror(errno)));  // NOLINT(concurrency-mt-unsafe)
}

using Words = std::vector<std::string>;

// Words apart by spaces; \s, \n and \0 stand for a space, a newline and a NUL, '-' alone for an empty word.
Words words_of(const std::string& line) {
    Words words;
    std::istringstream in{line};
    for (std::string word; in >> word;) {
        std::string text;
        for (std::size_t i = 0; i < word.size(); ++i) {
            if (word[i] != '\\' || i + 1 == word.size())
                text += word[i];
            else if (const char c = word[++i]; c == 's')
                text += ' ';
            else if (c == 'n')
                text += '\n';
            else if (c == '0')
                text += '\0';
            else
                text += c;
        }
        words.push_back(word == "-" ? std::string{} : text);
    }
    return words;
}

void send(const ipc::Message& message, int descriptor = -1) {
    static_cast<void>(ipc::send_message(ipc::inherited::kControl, message, descriptor));
}

void send_raw(const std::string& bytes) {
    static_cast<void>(::send(ipc::inherited::kControl, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
}

template <std::size_t... Index>
ipc::Message message_of(std::size_t kind, std::index_sequence<Index...>) {
    ipc::Message message;
    ((kind == Index ? void(message.emplace<Index>()) : void()), ...);
    return message;
}

// Fills the line as fast as it is emptied.
void flood(const ipc::Message& message, int line = ipc::inherited::kControl) {
    const auto bytes = ipc::encode_message(message);
    for (;;)
        if (::send(line, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) {
            if (errno != EAGAIN) return;
            pollfd wait{line, POLLOUT, 0};
            ::poll(&wait, 1, 1000);
        }
}

// Its own block and ring: another size, and contents that are lies.
void forge_blocks() {
    for (const int fd : {ipc::inherited::kOwnBlock, ipc::inherited::kOwnRing}) {
        const std::string name = fd == ipc::inherited::kOwnBlock ? "block" : "ring";
        struct stat info{};
        ::fstat(fd, &info);
        note_result(name + " shrink", ::ftruncate(fd, 4096) == 0);
        note_result(name + " grow", ::ftruncate(fd, info.st_size + 4096) == 0);
        note_result(name + " seal", ::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
        auto* memory = static_cast<unsigned char*>(
            ::mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
        note_result(name + " map", memory != MAP_FAILED);  // NOLINT
        if (memory == MAP_FAILED) continue;                // NOLINT
        std::memset(memory, 0xff, 1U << 20);
        std::memset(memory + info.st_size / 2, 0xff, 1U << 20);
    }
}

// The blocks of other roles, which it only reads.
void forge_others() {
    for (int fd = ipc::inherited::kVrrpBlock; fd <= ipc::inherited::kBfdBlock; ++fd) {
        const std::string name = "other " + std::to_string(fd);
        struct stat info{};
        if (::fstat(fd, &info) != 0) continue;
        void* memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        note_result(name + " map writable", memory != MAP_FAILED);  // NOLINT
        note_result(name + " write", ::pwrite(fd, "x", 1, 0) == 1);
        const std::string path = "/proc/self/fd/" + std::to_string(fd);
        note_result(name + " reopen", ::open(path.c_str(), O_RDWR | O_CLOEXEC) >= 0);
    }
}

// Every other process of the daemon, and root's secrets.
void reach_others() {
    for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
        const std::string pid_text = entry.path().filename();
        if (pid_text.find_first_not_of("0123456789") != std::string::npos) continue;
        const int pid = std::stoi(pid_text);
        std::string name;
        std::getline(std::ifstream{entry.path() / "comm"}, name);
        if (!name.starts_with("mainstayd") || pid == ::getpid()) continue;
        note_result(name + " signal", ::kill(pid, SIGSTOP) == 0);
        note_result(name + " trace", ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0);
        note_result(name + " memory", ::open((entry.path() / "mem").c_str(), O_RDWR | O_CLOEXEC) >= 0);
        note_result(name + " descriptors", ::open((entry.path() / "fd" / "3").c_str(), O_RDWR | O_CLOEXEC) >= 0);
    }
    note_result("/etc/shadow", ::open("/etc/shadow", O_RDONLY | O_CLOEXEC) >= 0);
    note_result("root", ::setresuid(0, 0, 0) == 0);
}

// More descriptors and memory than a role needs, and the right to more.
void exhaust() {
    std::size_t opened = 0;
    while (::eventfd(0, EFD_CLOEXEC) >= 0) ++opened;
    note("descriptors: " + std::to_string(opened) + ", then " + std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
    std::size_t gigabytes = 0;
    while (::mmap(nullptr, 1U << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) !=
           MAP_FAILED)  // NOLINT
        if (++gigabytes == 1000) break;
    note("gigabytes: " + std::to_string(gigabytes) + ", then " +
         std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
    constexpr rlimit kAll{RLIM_INFINITY, RLIM_INFINITY}, kMany{1U << 20, 1U << 20};
    note_result("raise memory", ::setrlimit(RLIMIT_AS, &kAll) == 0);
    note_result("raise descriptors", ::setrlimit(RLIMIT_NOFILE, &kMany) == 0);
}

// Everything that the paths of its role do not name.
void reach_paths() {
    const auto opens = [](const char* path, int flags) { return ::open(path, flags | O_CLOEXEC, 0600) >= 0; };
    note_result("read /run", opens("/run", O_RDONLY | O_DIRECTORY));
    note_result("read /proc", opens("/proc", O_RDONLY | O_DIRECTORY));
    note_result("read a public file", opens("/run/public", O_RDONLY));
    note_result("make a file", opens("/tmp/made", O_WRONLY | O_CREAT));
    note_result("write a public file", opens("/run/public", O_WRONLY));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    note_result("TCP", ::bind(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), reinterpret_cast<const sockaddr*>(&at),
                              sizeof at) == 0);
}

void act(const Words& words) {
    const std::string& what = words.at(0);  // "behave": nothing
    const auto number = [&](std::size_t at) { return at < words.size() ? std::stoul(words[at]) : 0UL; };
    const auto kind = [&](std::size_t at) {
        return message_of(number(at), std::make_index_sequence<std::variant_size_v<ipc::Message>>{});
    };
    if (what == "kind")
        send(kind(1));
    else if (what == "unknown")
        for (int i = 0; i < 100; ++i) send_raw("\xff");
    else if (what == "garbage")
        send_raw(std::string{"\x09\xff\xff\xff\x7f", 5});
    else if (what == "empty")
        send_raw("");
    else if (what == "script")
        send(ipc::RunScript{0, words.at(1), words.at(2), {words.begin() + 3, words.end()}});
    else if (what == "fifo")
        send(ipc::FifoLine{words.at(1)});
    else if (what == "flood")
        flood(kind(1));
    else if (what == "flood-script")
        flood(ipc::RunScript{0, words.at(1), {}, {}});
    else if (what == "ask")
        send(ipc::ControlRequest{static_cast<ipc::ControlRequest::What>(number(1)), words.at(2), 0, words.at(3)});
    else if (what == "dump") {
        auto vast = ipc::make_memfd("hostile", 1ULL << 40);
        if (vast) ::fcntl(vast->get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
        send(ipc::DumpText{}, vast ? vast->get() : -1);
    } else if (what == "flood-lines")
        for (const auto& line : peer_lines) flood(ipc::BfdStates{{{"nobody", true}}}, line.get());
    else if (what == "forge")
        forge_blocks();
    else if (what == "reach")
        reach_others();
    else if (what == "exhaust")
        exhaust();
    else if (what == "reach-paths")
        reach_paths();
    else if (what == "forge-others")
        forge_others();
}

// What can be done to a file of a dump, which is root's, with the descriptor that the observer gets.
void abuse_dump(int line) {
    pollfd wait{line, POLLIN, 0};
    ::poll(&wait, 1, 10'000);
    auto got = ipc::receive_message(line);
    if (!got || !*got || !std::holds_alternative<ipc::Received>(**got)) return note("no file");
    const UniqueFd file = std::move(std::get<ipc::Received>(**got).descriptor);
    const std::string link = "/proc/self/fd/" + std::to_string(file.get());
    std::error_code ignored;
    const auto name = std::filesystem::read_symlink(link, ignored);
    char byte = 'x';
    note_result("write it", ::write(file.get(), &byte, 1) == 1);
    note_result("write without end", ::pwrite(file.get(), &byte, 1, 2LL << 30) == 1);
    note_result("read it", ::pread(file.get(), &byte, 1, 0) == 1);
    note_result("open it anew", ::open(link.c_str(), O_RDWR | O_CLOEXEC) >= 0);
    note_result("change its mode", ::fchmod(file.get(), 04755) == 0);
    note_result("change its owner", ::fchown(file.get(), ::getuid(), ::getgid()) == 0);
    note_result("remove it", ::unlink(name.c_str()) == 0);
    note_result("link it", ::link(name.c_str(), "/tmp/linked") == 0);
    // Nobody asked for that one. What is unread when the line is closed would reset it, and this word were lost: the
    // last word of the other end comes a moment after the file.
    ::poll(&wait, 1, 10'000);
    static_cast<void>(ipc::receive_message(line));
    static_cast<void>(ipc::send_message(line, ipc::DumpFile{ipc::DumpText::What::Json, ipc::DumpFile::Step::Written}));
}

Words plan_for(const std::string& name) {
    std::ifstream file{kPlan};
    std::string line;
    Words lines;
    if (!std::getline(file, line) || line != "role " + name) return {};
    while (std::getline(file, line)) lines.push_back(line);
    return lines;
}

std::size_t next_incarnation() {
    std::ifstream in{kCount};
    std::size_t count = 0;
    in >> count;
    in.close();
    std::ofstream{kCount} << count + 1;
    return count;
}

// The capabilities that the role has.
std::vector<unsigned> rights_of(const std::string& name) {
    if (name == "mainstayd-vrrp") return {CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_NICE};
    if (name == "mainstayd-bfd") return {CAP_NET_ADMIN, CAP_SYS_NICE};
    if (name == "mainstayd-lvs") return {CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE};
    if (name == "mainstayd-read") return {CAP_DAC_READ_SEARCH};
    return {};
}

// What its account may open is more than what its role opens.
kernel::Reach reach_of(const std::string& name, const ipc::RoleStartup& startup) {
    if (name == "mainstayd-track") return role::watcher_reach();
    const auto kind =
        std::ranges::find(role::kRoleKinds, name, [](role::Kind each) { return role::traits_of(each).program; });
    return role::reach_of(*kind, startup);
}

int live(const std::string& name, const std::string& line) {
    const auto words = words_of(line);
    bool acted = words.empty();
    const auto kept = std::chrono::milliseconds{300};
    for (;;) {
        pollfd wait{ipc::inherited::kControl, POLLIN, 0};
        ::poll(&wait, 1, static_cast<int>(kept.count()));
        for (;;) {
            auto got = ipc::receive_message(ipc::inherited::kControl);
            if (!got || !got->has_value()) break;
            if (std::holds_alternative<ipc::Closed>(**got)) return 0;
            const auto& message = std::get<ipc::Received>(**got).message;
            if (const auto* startup = std::get_if<ipc::RoleStartup>(&message);
                startup != nullptr && words.back() == "reach-paths")
                note_result("Landlock", kernel::restrict_reach(reach_of(name, *startup)).has_value());
            // A reader has nothing but its RoleStartup.
            if ((words[0] == "early" && std::holds_alternative<ipc::Prepare>(message)) ||
                (words[0] == "read" && std::holds_alternative<ipc::RoleStartup>(message))) {
                note("does " + line);
                act({words.begin() + 1, words.end()});
            }
            if (const auto* prepare = std::get_if<ipc::Prepare>(&message)) {
                const bool refuses = words[0] == "refuse";
                if (refuses) note("does " + line);
                send(ipc::Prepared{prepare->generation, refuses ? "no" : ""});
            }
            if (std::holds_alternative<ipc::DumpRequested>(message)) {
                if (words[0] == "dump-when-asked") act({"dump"});
                if (words[0] == "abuse-dump") abuse_dump(std::get<ipc::Received>(**got).descriptor.get());
            }
            if (std::holds_alternative<ipc::PeerChannel>(message))
                peer_lines.push_back(std::get<ipc::Received>(std::move(**got)).descriptor);
            if (std::holds_alternative<ipc::Stop>(message)) return send(ipc::Stopped{}), 0;
            if (std::holds_alternative<ipc::Retire>(message)) return 0;
            const auto* commit = std::get_if<ipc::Commit>(&message);
            if (commit == nullptr) continue;
            send(ipc::Committed{commit->generation});
            if (acted) continue;
            acted = true;
            note("does " + line);
            act(words);
        }
        if (name != "mainstayd-read") send(ipc::Heartbeat{});  // an honest reader sends none
    }
}

// The kinds of messages that the bfd role may not send, each as its number on the wire and its name.
int print_forbidden() {
    constexpr std::size_t kKinds = std::variant_size_v<ipc::Message>;
    for (std::size_t kind = 0; kind < kKinds; ++kind)
        if (const auto& row = role::row_of(message_of(kind, std::make_index_sequence<kKinds>{}));
            !row.is_sent_by(role::Sender::Bfd))
            std::printf("%zu %s\n", kind, row.name);
    return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::string_view{argv[1]} == "--forbidden") return print_forbidden();
    // Its file has the name of the program that it stands in for.
    std::array<char, 4096> self{};
    if (::readlink("/proc/self/exe", self.data(), self.size() - 1) <= 0) return 1;
    const std::string path = self.data(), name = path.substr(path.rfind('/') + 1);
    const auto lines = plan_for(name);
    if (lines.empty()) return 1;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_IGN);
    log_file = ::open(kLog, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    const auto number = next_incarnation();
    kernel::set_process_name(name);
    const auto account = kernel::find_account("mainstay" + name.substr(name.find('-')));  // mainstayd-bfd: mainstay-bfd
    if (!account || !kernel::drop_privileges(*account, rights_of(name))) return 1;
    return live(name, lines[std::min(number, lines.size() - 1)]);
}
