#include "mainstay/cli/daemonize.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

namespace mainstay::cli {

bool daemonize(bool keep_stderr) {
    for (int round = 0; round < 2; ++round) {  // the second fork: never again a controlling terminal
        const int pid = ::fork();
        if (pid < 0) {
            std::perror("fork");
            return false;
        }
        if (pid > 0) ::_exit(0);
        if (round == 0) ::setsid();
    }
    if (::chdir("/") != 0) std::perror("chdir /");
    const int null = ::open("/dev/null", O_RDWR);
    if (null >= 0) {
        ::dup2(null, STDIN_FILENO);
        ::dup2(null, STDOUT_FILENO);
        if (!keep_stderr) ::dup2(null, STDERR_FILENO);
        if (null > STDERR_FILENO) ::close(null);
    }
    return true;
}

}  // namespace mainstay::cli
