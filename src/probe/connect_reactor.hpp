// Waits until connections are established, with a separate epoll set per loop: a connection costs one system call here,
// but three in Asio's reactor.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstdint>
#include <functional>
#include <unordered_map>

namespace mainstay::probe {

// One per io_context: boost::asio::use_service<ConnectReactor>(context).
class ConnectReactor final : public boost::asio::execution_context::service {
public:
    using key_type = ConnectReactor;
    static boost::asio::execution_context::id id;
    // Called once, on the loop, when the connection is established or has failed; SO_ERROR then has the reason.
    using Arrived = std::function<void(bool failed)>;

    explicit ConnectReactor(boost::asio::execution_context& context);

    // Waits for `fd`, which is connecting. Returns a number for forget(); 0: an error, see errno.
    [[nodiscard]] std::uint64_t watch(int fd, Arrived arrived);
    // Call it before closing the descriptor. No effect after the callback.
    void forget(std::uint64_t number);

private:
    void shutdown() override;
    void arm();
    void look();

    boost::asio::posix::stream_descriptor set_;
    std::unordered_map<std::uint64_t, Arrived> waiting_;
    std::uint64_t last_ = 0;
    bool armed_ = false;
};

}  // namespace mainstay::probe
