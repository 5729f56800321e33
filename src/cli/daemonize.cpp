#include "daemonize.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/hand_over.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

// A configuration of thousands of services is read within a second or two, and a daemon that ends in the same folder is
// waited for for 5 s. startup_script is not waited for.
constexpr int kStartWithinMs = 30'000;
constexpr std::size_t kReportBytesMax = 2'000;  // one write to a pipe

void print_reason(const role::Identity& identity, std::string_view why) {
    print_error((identity.keepalived ? "keepalived: " : "mainstayd: ") + std::string{why} + "\n");
}

// The daemon writes one report: its exit code in a byte, then the reason.
[[noreturn]] void end_with(int report, const role::SupervisorOptions& options) {
    pollfd wait{report, POLLIN, 0};
    int ready = 0;
    do {
        ready = ::poll(&wait, 1, kStartWithinMs);
    } while (ready < 0 && errno == EINTR);
    if (ready == 0) {
        print_reason(options.identity, "it has not read its configuration yet; the log says what becomes of it");
        ::_exit(0);
    }
    std::array<char, kReportBytesMax> text{};
    const auto got = ::read(report, text.data(), text.size());
    if (got <= 0) {
        print_reason(options.identity, "the daemon ended before it ran its configuration");
        ::_exit(1);
    }
    const std::string_view why{text.data() + 1, static_cast<std::size_t>(got) - 1};
    if (!options.log_console && !why.empty()) print_reason(options.identity, why);
    ::_exit(static_cast<unsigned char>(text[0]));
}

}  // namespace

bool daemonize(role::SupervisorOptions& options, Parent parent) {
    std::array<int, 2> ends{-1, -1};
    if (parent == Parent::Waits && ::pipe2(ends.data(), O_CLOEXEC) != 0) {
        print_error(Error::system("pipe2", errno).text() + "\n");
        return false;
    }
    auto report = std::make_shared<UniqueFd>(ends[1]);
    for (int round = 0; round < 2; ++round) {  // the second fork: never again a controlling terminal
        const int pid = ::fork();
        if (pid < 0) {
            print_error(Error::system("fork", errno).text() + "\n");
            return false;
        }
        if (pid > 0) {
            report->reset();
            if (round == 0 && parent == Parent::Waits) end_with(ends[0], options);
            ::_exit(0);
        }
        if (round == 0) ::setsid();
    }
    if (parent == Parent::Waits) {
        ::close(ends[0]);
        options.report_start = [report](int exit_code, const std::string& why) {
            const std::string text = static_cast<char>(exit_code) + why.substr(0, kReportBytesMax - 1);
            (void)!::write(report->get(), text.data(), text.size());  // nobody may wait any more
            report->reset();
        };
    }
    if (::chdir("/") != 0) print_error(Error::system("chdir /", errno).text() + "\n");
    const int null = ::open("/dev/null", O_RDWR);
    if (null >= 0) {
        ::dup2(null, STDIN_FILENO);
        ::dup2(null, STDOUT_FILENO);
        if (!options.log_console) ::dup2(null, STDERR_FILENO);
        if (null > STDERR_FILENO) ::close(null);
    }
    return true;
}

std::optional<int> missing_file_status(const role::SupervisorOptions& options) {
    constexpr int kFileMissing = 6;
    if (options.config_path.find_first_of("*?[") != std::string::npos) return std::nullopt;  // the reader knows
    const UniqueFd file{::open(options.config_path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    struct stat facts{};
    if (file && (::fstat(file.get(), &facts) != 0 || !S_ISDIR(facts.st_mode))) return std::nullopt;
    const int error = file ? EISDIR : errno;
    print_reason(options.identity, Error::system(options.config_path, error).text());
    return kFileMissing;
}

void report_start_here(role::SupervisorOptions& options) {
    if (options.log_console) return;
    options.report_start = [identity = options.identity](int, const std::string& why) {
        if (!why.empty()) print_reason(identity, why);
    };
}

std::optional<int> take_hand_over(role::SupervisorOptions& options) {
    const char* number = std::getenv(ipc::kHandOverVariable);  // NOLINT(concurrency-mt-unsafe): nothing runs yet
    if (number == nullptr) return std::nullopt;
    const int fd = static_cast<int>(std::strtol(number, nullptr, 10));
    ::unsetenv(ipc::kHandOverVariable);  // NOLINT(concurrency-mt-unsafe): as above
    const auto state = ipc::read_hand_over(fd);
    if (!state) {
        if (fd >= 0) print_error("the state of the previous program cannot be read: " + state.error().text() + "\n");
        // Among them are the lines to the roles, which resign when these are closed.
        (void)::close_range(STDERR_FILENO + 1, ~0U, 0);
        return -1;
    }
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    options.config_path = state->config_path;
    return fd;
}

}  // namespace mainstay::cli
