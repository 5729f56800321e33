// A network namespace for one test, so that it may make interfaces, addresses and routes without touching the host's.
#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <future>
#include <string>
#include <thread>

namespace mainstay::test {

// Runs `body` in a network namespace that has lo alone, which is down. Namespaces belong to a thread, so this one ends
// with the thread that it was made for. The test needs root (needs.hpp).
template <class Body>
void in_own_network(const Body& body) {
    std::exception_ptr problem;
    bool made = false;
    std::thread thread{[&] {
        made = ::unshare(CLONE_NEWNET) == 0;
        try {
            if (made) body();
        } catch (...) {
            problem = std::current_exception();
        }
    }};
    thread.join();
    if (problem) std::rethrow_exception(problem);
    REQUIRE(made);
}

// As in a container, for the calling thread alone: one of in_own_network().
inline void make_proc_sys_read_only() {
    REQUIRE(::unshare(CLONE_NEWNS) == 0);
    REQUIRE(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    REQUIRE(::mount("/proc/sys", "/proc/sys", nullptr, MS_BIND, nullptr) == 0);
    REQUIRE(::mount("none", "/proc/sys", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0);
}

// iproute2's word for it: whether `ip ARGUMENTS` succeeds, in the namespace of the calling thread.
inline bool ip(const std::string& arguments) {
    return std::system(("ip " + arguments + " >/dev/null 2>&1").c_str()) == 0;  // NOLINT: a shell for its redirections
}

// The kernel looks at a carrier a little later.
inline void wait_until_up(const std::string& name) {
    int tries = 500;
    while (!ip("link show dev " + name + " | grep -q 'state UP'") && --tries > 0) ::poll(nullptr, 0, 20);
    REQUIRE(tries > 0);
}

// Two interfaces, eth0 and eth1, with a cable between them, both up.
inline void join_two_interfaces() {
    REQUIRE(ip("link set lo up"));
    REQUIRE(ip("link add dev eth0 address 02:00:00:00:00:0a type veth peer name eth1 address 02:00:00:00:00:0b"));
    REQUIRE(ip("link set eth0 up"));
    REQUIRE(ip("link set eth1 up"));
    for (const std::string name : {"eth0", "eth1"}) wait_until_up(name);
}

// The interface goes to another network namespace and comes back with its index, down and without its addresses.
inline void move_away_and_back(const std::string& name) {
    const auto home = std::to_string(::gettid());
    std::promise<std::string> there;
    std::promise<void> moved;
    bool came_back = false;
    std::thread other{[&] {
        const bool made = ::unshare(CLONE_NEWNET) == 0;
        there.set_value(made ? std::to_string(::gettid()) : std::string{});
        moved.get_future().wait();
        came_back = ip("link set " + name + " netns " + home);
    }};
    const bool went = ip("link set " + name + " netns " + there.get_future().get());
    moved.set_value();
    other.join();
    REQUIRE(went);
    REQUIRE(came_back);
}

}  // namespace mainstay::test
