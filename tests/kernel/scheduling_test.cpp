// How the kernel treats this process: class, nice value, CPUs, limits; each tried in a child that nobody else depends
// on.
#include "mainstay/kernel/scheduling.hpp"
#include "../needs.hpp"

#include <doctest/doctest.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <functional>

#include "in_child.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/local_address.hpp"
#include "mainstay/kernel/service_manager.hpp"
#include "own_network.hpp"
#include "time_slice.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using mainstay::test::in_child;
using mainstay::test::time_slice;

namespace {

int cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}
int first_cpu() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return -1;
    int cpu = 0;
    while (cpu < CPU_SETSIZE && !CPU_ISSET(static_cast<std::size_t>(cpu), &set)) ++cpu;
    return cpu;
}

}  // namespace

TEST_CASE("a process keeps to the CPUs that are named, and to all of them when none is") {
    const int all = cpus(), first = first_cpu();
    CHECK(in_child([&] {
        return set_cpus({first}).has_value() && cpus() == 1 && first_cpu() == first && set_cpus({}).has_value() &&
               cpus() >= all;
    }));
    CHECK(in_child([&] { return set_cpus({-1, first, CPU_SETSIZE}).has_value() && cpus() == 1; }));
    CHECK(in_child([] { return set_cpus({-1, CPU_SETSIZE}).error().sys_errno() == EINVAL; }));
}

TEST_CASE("a nice value is set, and stays in the normal class with either slices") {
    for (const Slices slices : {Slices::Usual, Slices::Short})
        CHECK(in_child([slices] {  // 19: everybody may, also below `nice`
            const sched_param batch{};
            if (::sched_setscheduler(0, SCHED_BATCH, &batch) != 0) return false;
            return set_nice(19).has_value() && set_normal_scheduling(slices).has_value() &&
                   ::getpriority(PRIO_PROCESS, 0) == 19 && ::sched_getscheduler(0) == SCHED_OTHER;
        }));
}

TEST_CASE("short slices are the shortest that Linux grants, where it shows them" * mainstay::test::kNeedsTimeSlices) {
    CHECK(in_child([&] { return set_normal_scheduling(Slices::Short).has_value() && time_slice() == 100'000; }));
    CHECK(in_child([&] { return set_normal_scheduling(Slices::Usual).has_value() && time_slice() != 100'000; }));
}

TEST_CASE("a process that computes for too long leaves the real-time class, and says so once") {
    CHECK(in_child([] {
        rlimit bounds{};
        if (!limit_real_time(Micros{250'000}) || ::getrlimit(RLIMIT_RTTIME, &bounds) != 0) return false;
        if (bounds.rlim_cur != 250'000 || real_time_used_up() != 0) return false;
        const sched_param batch{};
        if (::sched_setscheduler(0, SCHED_BATCH, &batch) != 0) return false;
        errno = ENOENT;
        ::raise(SIGXCPU);
        return errno == ENOENT && ::sched_getscheduler(0) == SCHED_OTHER && real_time_used_up() == 1 &&
               real_time_used_up() == 0;
    }));
    CHECK(in_child([] {
        const rlimit least{1000, 2000};
        rlimit bounds{};
        return ::setrlimit(RLIMIT_RTTIME, &least) == 0 && limit_real_time(Micros{2001}).has_value() &&
               ::getrlimit(RLIMIT_RTTIME, &bounds) == 0 && bounds.rlim_cur == 2000 && bounds.rlim_max == 2000;
    }));
}

TEST_CASE("roles may use the real-time class, every nice value and locked memory") {
    CHECK(in_child([] {
        const rlimit none{0, 0}, more{1, 1};
        ::setrlimit(RLIMIT_CORE, &none);
        if (::setrlimit(RLIMIT_CORE, &more) != 0) return true;  // this process may raise no limit
        allow_roles_scheduling();
        rlimit real_time{}, nice{}, memory{};
        ::getrlimit(RLIMIT_RTPRIO, &real_time);
        ::getrlimit(RLIMIT_NICE, &nice);
        ::getrlimit(RLIMIT_MEMLOCK, &memory);
        return real_time.rlim_cur == 99 && real_time.rlim_max == 99 && nice.rlim_cur == 40 && nice.rlim_max == 40 &&
               memory.rlim_cur == RLIM_INFINITY && memory.rlim_max == RLIM_INFINITY;
    }));
}

TEST_CASE("a socket's buffer has the requested size, which the kernel doubles" * mainstay::test::kNeedsRoot) {
    const UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    int bytes = 0;
    socklen_t size = sizeof bytes;
    REQUIRE(size_buffer(fd.get(), 16384, false).has_value());
    REQUIRE(::getsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &bytes, &size) == 0);
    CHECK(bytes == 32768);
    CHECK(size_buffer(-1, 16384, false).error().text().find("setsockopt SO_RCVBUF:") == 0);
    CHECK(size_buffer(-1, 16384, true).error().text().find("setsockopt SO_RCVBUFFORCE:") == 0);
    REQUIRE(size_buffer(fd.get(), 64 << 20, true).has_value());
    REQUIRE(::getsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &bytes, &size) == 0);
    CHECK(bytes == 128 << 20);
}

TEST_CASE("the namespace of this process can be opened, one that is not there is named") {
    const auto own = open_network_namespace({});
    REQUIRE(own.has_value());
    CHECK(open_network_namespace("no-such").error().text().find("open the network namespace /run/netns/no-such") == 0);
    CHECK(enter_network_namespace(-1).error().sys_errno() == EBADF);
    if (::getuid() == 0) CHECK(generic_netlink_in(own->get()).has_value());
    CHECK_FALSE(generic_netlink_in(-1).has_value());
}

TEST_CASE("packets leave from this host's addresses, and not from another's") {
    const auto can = [](const char* address, const char* interface = "") {
        return can_send_from(IpAddress::parse(address).value(), interface);
    };
    CHECK(can("127.0.0.1"));
    CHECK(can("127.0.0.1", "lo"));
    CHECK(can("127.0.0.1", "no-such-link"));
    CHECK_FALSE(can("192.0.2.77"));
    const UniqueFd v6{::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!v6) return;
    CHECK_FALSE(can("2001:db8::77"));
    CHECK_FALSE(can("fe80::dead:beef", "lo"));
    CHECK(can("fe80::dead:beef"));  // without an interface the kernel does not speak of the address
}

TEST_CASE("packets leave from a link-local address of the interface that is named" * mainstay::test::kNeedsRoot) {
    test::in_own_network([] {
        test::join_two_interfaces();
        REQUIRE(test::ip("address add fe80::1:2/64 dev eth0 nodad"));
        const IpAddress own = IpAddress::parse("fe80::1:2").value();
        CHECK(can_send_from(own, "eth0"));
        CHECK_FALSE(can_send_from(own, "eth1"));
        errno = EADDRNOTAVAIL;  // of another call
        CHECK(can_send_from(own, "eth0"));
        if (!test::ip("link add vrf0 type vrf table 10")) return;  // a kernel without VRF
        REQUIRE(test::ip("link set vrf0 up"));
        REQUIRE(test::ip("link set eth1 master vrf0"));
        REQUIRE(test::ip("address add 10.7.0.1/24 dev eth1"));
        CHECK(can_send_from(IpAddress::parse("10.7.0.1").value(), "vrf0"));
        CHECK_FALSE(can_send_from(IpAddress::parse("10.7.0.1").value(), "eth0"));
    });
}

TEST_CASE("the clocks advance, and the wall clock counts microseconds since 1970") {
    const auto before = monotonic_now();
    CHECK(monotonic_now() >= before);
    const std::int64_t first = ::time(nullptr), seconds = wall_now().unix_us / 1'000'000, last = ::time(nullptr) + 1;
    CHECK(seconds >= first);
    CHECK(seconds <= last);
}

TEST_CASE("the longest name of a service manager's socket is 107 bytes") {
    CHECK(notify_socket("/" + std::string(106, 'x'), "READY=1").error().sys_errno() == ENOENT);
    CHECK(notify_socket("/" + std::string(107, 'x'), "READY=1").error().code() == Errc::Invalid);
}
