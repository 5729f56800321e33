// The test program under several names (stage.hpp): the tests, the supervisor, or a program that a test plays.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>

#include "../../skips.hpp"
#include "mainstay/ipc/hand_over.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/signals.hpp"
#include "mainstay/role/supervisor/supervisor.hpp"
#include "stage.hpp"

using namespace mainstay;
using namespace mainstay::role;

namespace {

constexpr std::size_t kLargeBytes = 1'000'000;
int allocations_to_fail = 0;   // the next ones
bool large_ones_fail = false;  // always

bool is_refused(std::size_t size) {
    if (large_ones_fail && size >= kLargeBytes) return true;
    if (allocations_to_fail == 0) return false;
    --allocations_to_fail;
    return true;
}

}  // namespace

// NOLINTBEGIN(misc-new-delete-overloads): those for arrays and with sizes call these
void* operator new(std::size_t size) {
    void* memory = is_refused(size) ? nullptr : std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) throw std::bad_alloc{};
    return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
// NOLINTEND(misc-new-delete-overloads)

namespace {

struct FileLog final : Log {
    explicit FileLog(const std::string& path)
        : file{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)} {}
    void line(LogLevel level, std::string_view text) override {
        if (level > most) return;
        const std::string whole = std::string{text} + "\n";
        (void)!::write(file.get(), whole.data(), whole.size());
        if (fail_after.empty() || !text.contains(fail_after)) return;
        fail_after.clear();
        allocations_to_fail = failures;
    }
    bool enabled(LogLevel) const override { return true; }
    using Log::line;
    UniqueFd file;
    LogLevel most = LogLevel::Debug;  // until an operator sets it
    std::string fail_after;           // a part of the line after which memory lacks
    int failures = 1;
};

// Whatever of the command line goes on to the processes.
void give_what_is_not_usual(SupervisorOptions& options) {
    options.config_id = "blue";
    options.log_socket = "/nowhere/log";
    options.log_facility = 17;
    options.log_console = options.log_journal = options.log_json = true;
    options.log_level = LogLevel::Debug;
    options.keep_addresses = options.keep_ipvs = true;
    options.strict = options.all_include_checks = options.snmp = true;
    options.snmp_socket = "udp:127.0.0.1:1705";
    options.run_bfd = options.run_lvs = false;
}

int supervise(const std::string& folder, const std::vector<std::string>& words) {
    FileLog log{folder + "/log"};
    SupervisorOptions options;
    options.arguments = words;
    options.config_path = folder + "/ha.conf";
    options.run_directory = folder + "/run";
    options.spool_directory = folder + "/spool";
    options.state_directory = folder + "/state";
    options.settings_path = folder + "/mainstay.toml";
    options.shared_account = "root";
    options.log_socket.clear();
    options.set_log_level = [&log](LogLevel level) { log.most = level; };
    options.report_start = [&folder](int exit_code, const std::string& why) {
        std::ofstream{folder + "/start", std::ios::app} << exit_code << " '" << why << "'\n";
    };
    options.set_log_ident = [&log](const std::string& ident) { log.info("the ident is {}", ident); };
    for (const auto& word : words) {
        if (word == "no-respawn") options.respawn = false;
        if (word == "no-lvs") options.run_lvs = false;
        if (word == "pid-file") options.pid_file(Kind::Supervisor) = folder + "/router.pid";
        if (word.starts_with("fail-after=")) log.fail_after = word.substr(word.find('=') + 1);
        if (word == "fail-often") log.failures = 20;
        if (word == "fail-large") large_ones_fail = true;
        if (word == "named") options.pid_file(Kind::Vrrp) = folder + "/own.pid";
        if (word == "named-nowhere") options.pid_file(Kind::Vrrp) = folder + "/no/own.pid";
        if (word == role::test::kAsKeepalived) options.identity.keepalived = true;
        if (word == "not-usual") give_what_is_not_usual(options);
        if (word == "umask") {
            options.umask_given = true;
            ::umask(0022);
        }
    }
    if (const char* number = std::getenv(ipc::kHandOverVariable)) {
        options.hand_over = std::atoi(number);
        ::unsetenv(ipc::kHandOverVariable);
        if (options.hand_over >= 0 && std::ranges::find(words, "fail-adopting") != words.end()) allocations_to_fail = 1;
    }
    return run_supervisor(options, log);
}

// Gives the line to the test, and ends with the status that the test sends; 0 when the test has ended.
int play(const std::string& folder, const std::string& name, const std::vector<std::string>& words) {
    kernel::set_signals(kernel::BornWith::Defaults);  // a signal that the test sends stands for a fault
    const UniqueFd hold{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    const std::string path = folder + role::test::kStageSocket;
    if (path.size() >= sizeof at.sun_path) return 99;
    std::memcpy(at.sun_path, path.data(), path.size());
    if (::connect(hold.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) return 98;
    std::string text = name + " " + std::to_string(::getpid()) + " ";
    for (std::size_t i = 1; i < words.size(); ++i) text += (i == 1 ? "" : " ") + words[i];
    iovec part{text.data(), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(c), &ipc::inherited::kControl, sizeof(int));
    if (::sendmsg(hold.get(), &header, 0) < 0) return 97;
    ::close(ipc::inherited::kControl);
    unsigned char status = 0;
    const auto got = ::recv(hold.get(), &status, 1, 0);
    return got == 1 ? status : 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words{argv, argv + argc};
    const std::string path = kernel::own_executable().value_or("");
    const auto slash = path.rfind('/');
    const std::string name = path.substr(slash + 1), folder = path.substr(0, slash);
    if (name == "mainstayd-trial") return run_upgrade_trial();
    const bool is_trial = words.size() > 1 && words[1] == "--role";
    if (name.starts_with("mainstayd") && (name == "mainstayd" || name == "mainstayd-next") && !is_trial)
        return supervise(folder, words);
    if (name.starts_with("mainstayd")) return play(folder, name, words);
    return doctest::Context{argc, argv}.run();
}
