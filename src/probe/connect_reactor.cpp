#include "connect_reactor.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

namespace mainstay::probe {

namespace asio = boost::asio;

asio::execution_context::id ConnectReactor::id;  // NOLINT(cert-err58-cpp): does nothing

ConnectReactor::ConnectReactor(asio::execution_context& context)
    : asio::execution_context::service{context}, set_{static_cast<asio::io_context&>(context)} {
    boost::system::error_code refused;  // without a descriptor the set stays closed, which watch() reports
    set_.assign(::epoll_create1(EPOLL_CLOEXEC), refused);
}

void ConnectReactor::shutdown() {
    waiting_.clear();
    boost::system::error_code ignored;
    set_.close(ignored);
}

std::uint64_t ConnectReactor::watch(int fd, Arrived arrived) {
    epoll_event event{};
    event.events = EPOLLOUT | EPOLLONESHOT;
    event.data.u64 = ++last_;
    if (!set_.is_open()) {
        errno = EMFILE;
        return 0;
    }
    if (::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, fd, &event) != 0) return 0;
    waiting_.emplace(last_, std::move(arrived));
    arm();
    return last_;
}

void ConnectReactor::forget(std::uint64_t number) {
    waiting_.erase(number);
    // Without connections nothing waits on the epoll set, so that a loop without other work ends.
    boost::system::error_code ignored;
    if (waiting_.empty()) set_.cancel(ignored);
}

void ConnectReactor::arm() {
    if (armed_ || waiting_.empty()) return;
    armed_ = true;
    set_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code&) {
        armed_ = false;
        look();
        arm();
    });
}

// What one call does not hold is there at the next wait.
void ConnectReactor::look() {
    std::array<epoll_event, 128> events{};
    const int count = ::epoll_wait(set_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
    for (const epoll_event& event : std::span{events}.first(static_cast<std::size_t>(std::max(count, 0)))) {
        const auto found = waiting_.find(event.data.u64);
        if (found == waiting_.end()) continue;  // forgotten by one that came before it
        const Arrived arrived = std::move(found->second);
        waiting_.erase(found);
        arrived((event.events & (EPOLLERR | EPOLLHUP)) != 0);
    }
}

}  // namespace mainstay::probe
