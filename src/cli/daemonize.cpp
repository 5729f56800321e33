#include "daemonize.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "mainstay/ipc/hand_over.hpp"
#include "output.hpp"

namespace mainstay::cli {

bool daemonize(bool keep_stderr) {
    for (int round = 0; round < 2; ++round) {  // the second fork: never again a controlling terminal
        const int pid = ::fork();
        if (pid < 0) {
            print_error(Error::system("fork", errno).text() + "\n");
            return false;
        }
        if (pid > 0) ::_exit(0);
        if (round == 0) ::setsid();
    }
    if (::chdir("/") != 0) print_error(Error::system("chdir /", errno).text() + "\n");
    const int null = ::open("/dev/null", O_RDWR);
    if (null >= 0) {
        ::dup2(null, STDIN_FILENO);
        ::dup2(null, STDOUT_FILENO);
        if (!keep_stderr) ::dup2(null, STDERR_FILENO);
        if (null > STDERR_FILENO) ::close(null);
    }
    return true;
}

int take_hand_over(role::SupervisorOptions& options) {
    const char* number = std::getenv(ipc::kHandOverVariable);  // NOLINT(concurrency-mt-unsafe): nothing runs yet
    if (number == nullptr) return -1;
    const int fd = static_cast<int>(std::strtol(number, nullptr, 10));
    ::unsetenv(ipc::kHandOverVariable);  // NOLINT(concurrency-mt-unsafe): as above
    const auto state = ipc::read_hand_over(fd);
    if (!state) {
        print_error("the state of the previous program cannot be read: " + state.error().text() + "\n");
        return -1;
    }
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    options.config_path = state->config_path;
    return fd;
}

}  // namespace mainstay::cli
