// System calls that the test answers in the kernel's place: shortages, interruptions, and ICMP without its privilege.
#pragma once

#include <deque>
#include <optional>

#include "mainstay/base/ip.hpp"

namespace mainstay::probe::test {

// For the calls of the thread that made it, while it lives.
struct KernelCalls {
    KernelCalls();
    ~KernelCalls();
    KernelCalls(const KernelCalls&) = delete;
    KernelCalls& operator=(const KernelCalls&) = delete;

    std::deque<int> send_errors,
        recv_errors;  // errno of the next calls, one each; 0 and after them: the kernel answers
    // A socket for ICMP is one for UDP, connected to this server instead: it receives the bare message.
    std::optional<Endpoint> icmp;
    bool only_raw = false;          // an ICMP datagram socket is refused, as to a group outside of ping_group_range
    int icmp_error = 0;             // errno of every ICMP socket that is opened
    std::optional<int> epolls;      // how many sets of epoll may still be made; none: any number
    int watch_error = 0;            // errno when a socket is added to a set of epoll
    int raw_error = 0;              // errno of every raw one
    bool was_raw = false;           // the last ICMP socket
    bool was_v6 = false;            // it too
    std::size_t received = 0;       // calls of recv() that the kernel answered with a datagram or bytes
    int connect_error = 0;          // errno of every connect()
    int stream_connect_error = 0;   // errno of every connect() of a stream
    std::deque<int> stream_errors;  // errno of the next calls that read or write a stream, as recv_errors
    std::deque<int> icmp_fds;       // those that are UDP sockets
};

}  // namespace mainstay::probe::test
