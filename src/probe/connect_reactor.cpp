#include "connect_reactor.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>

namespace mainstay::probe {

namespace asio = boost::asio;

asio::execution_context::id ConnectReactor::id;  // NOLINT(cert-err58-cpp): does nothing

ConnectReactor::ConnectReactor(asio::execution_context& context)
    : asio::execution_context::service{context}, set_{static_cast<asio::io_context&>(context)} {
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    boost::system::error_code error;
    if (fd >= 0) set_.assign(fd, error);
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
    if (waiting_.empty() && armed_) set_.cancel(ignored);
}

void ConnectReactor::arm() {
    if (armed_ || waiting_.empty() || !set_.is_open()) return;
    armed_ = true;
    set_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
        armed_ = false;
        if (!set_.is_open()) return;
        if (!error) look();
        arm();
    });
}

void ConnectReactor::look() {
    std::array<epoll_event, 128> events{};
    int count = 0;
    do {
        count = ::epoll_wait(set_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
        for (int i = 0; i < count; ++i) {
            const auto& event = events[static_cast<std::size_t>(i)];
            const auto found = waiting_.find(event.data.u64);
            if (found == waiting_.end()) continue;  // forgotten by one that came before it
            const Arrived arrived = std::move(found->second);
            waiting_.erase(found);
            arrived((event.events & (EPOLLERR | EPOLLHUP)) != 0);
        }
    } while (count == static_cast<int>(events.size()));
}

}  // namespace mainstay::probe
