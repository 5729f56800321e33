// Makes a host of the tests and of tools/demo (tests/support/hosts.py) and is its first process, in network, mount,
// PID, UTS and IPC namespaces of its own. It gives the host folders of its own, says "ready", and then only reaps what
// the host's processes leave behind. One program: in the lab each that starts takes 40 ms, a script of these steps 700.
//
// usage: host_init NAME CHECKOUT [private-dev]
//   private-dev   the host has a /dev of its own

#include <err.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <initializer_list>

namespace {

const char* host = "";

void must(bool done, const char* what, const char* which = "") {
    if (!done) err(1, "host %s: cannot %s%s", host, what, which);
}

struct Path {
    char text[PATH_MAX] = "";
};

Path below(const char* folder, const char* name) {
    Path path;
    (void)snprintf(path.text, sizeof path.text, "%s/%s", folder, name);
    return path;
}

void make_folder(const char* path, mode_t mode = 0755) {
    must(mkdir(path, mode) == 0 || errno == EEXIST, "make ", path);
}

// mkdir -p
void make_folders(const char* path) {
    Path part;
    for (size_t at = 1; path[at] != 0; ++at) {
        part.text[at - 1] = path[at - 1];
        if (path[at] == '/') make_folder(part.text);
    }
    make_folder(path);
}

void mount_fresh(const char* path, const char* options) {
    must(mount("host", path, "tmpfs", 0, options) == 0, "mount a fresh ", path);
}

void show_at(const char* what, const char* path) {
    must(mount(what, path, nullptr, MS_BIND, nullptr) == 0, "mount ", path);
}

void make_file(const char* path) {
    const int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
    must(file >= 0, "make ", path);
    (void)close(file);
}

void own_folders(const char* checkout) {
    const int checkout_before = open(checkout, O_PATH | O_CLOEXEC);
    must(checkout_before >= 0, "open ", checkout);
    for (const char* path : {"/run", "/var/spool", "/var/log", "/var/lib/mainstay", "/etc/mainstay"}) {
        make_folder(path);
        mount_fresh(path, "mode=755");
    }
    mount_fresh("/tmp", "mode=1777");
    must(mount("host", "/sys", "sysfs", 0, nullptr) == 0, "mount ", "/sys");
    // It lies below one of these folders: it is shown again.
    if (access(below(checkout, "meson.build").text, F_OK) != 0) {
        make_folders(checkout);
        must(fchdir(checkout_before) == 0, "go to ", checkout);
        show_at(".", checkout);
    }
    (void)close(checkout_before);
    must(chdir("/") == 0, "go to /");  // where programs on this host begin
    for (const char* path : {"/run/lock", "/run/netns", "/run/host"}) make_folder(path);
}

void own_devices() {
    make_folder("/run/host/dev");
    mount_fresh("/run/host/dev", "mode=755");
    for (const char* name : {"null", "zero", "full", "random", "urandom", "tty"}) {
        const Path inside = below("/run/host/dev", name);
        make_file(inside.text);
        show_at(below("/dev", name).text, inside.text);
    }
    make_folder("/run/host/dev/pts");
    make_folder("/run/host/dev/shm");
    must(symlink("/proc/self/fd", "/run/host/dev/fd") == 0, "make ", "/dev/fd");
    must(mount("/run/host/dev", "/dev", nullptr, MS_MOVE, nullptr) == 0, "replace ", "/dev");
}

void set_loopback_up() {
    const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    must(any >= 0, "open a socket");
    ifreq loopback{};
    (void)strcpy(loopback.ifr_name, "lo");
    loopback.ifr_flags = IFF_UP;
    must(ioctl(any, SIOCSIFFLAGS, &loopback) == 0, "set lo up");
    (void)close(any);
}

[[noreturn]] void be_first_process(char** arguments) {
    must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "end with the program that started it");
    must(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0, "mount ", "/proc");
    must(sethostname(host, strlen(host)) == 0, "set the host name");
    own_folders(arguments[2]);
    if (arguments[3] != nullptr) own_devices();
    set_loopback_up();
    must(puts("ready") >= 0 && fclose(stdout) == 0, "say ready");
    while (true) {
        sigset_t child;
        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        int ended = 0;
        sigwait(&child, &ended);
        while (waitpid(-1, nullptr, WNOHANG) > 0) continue;
    }
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3 && !(count == 4 && strcmp(arguments[3], "private-dev") == 0)) {
        (void)fputs("usage: host_init NAME CHECKOUT [private-dev]\n", stderr);
        return 2;
    }
    host = arguments[1];
    must(unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC) == 0,
         "have namespaces of its own");
    must(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "keep its mounts for itself");
    sigset_t all;  // of a terminal, or of the host's programs: only SIGKILL ends a host
    sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, nullptr);
    const pid_t first = fork();
    must(first >= 0, "start its first process");
    if (first == 0) be_first_process(arguments);
    int status = 0;
    waitpid(first, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
