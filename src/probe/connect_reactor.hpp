// Waits for connections to be made, all of one loop by one epoll set of its own: a connection costs one system call
// here, and Asio's reactor three.
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
    // Called once, on the loop, when the connection is made or has failed; SO_ERROR holds the reason in the second
    // case.
    using Arrived = std::function<void(bool failed)>;

    explicit ConnectReactor(boost::asio::execution_context& context);

    // `fd` connects. 0: it cannot be watched, see errno. Otherwise the number to forget it by.
    [[nodiscard]] std::uint64_t watch(int fd, Arrived arrived);
    // Before the descriptor is closed. No effect when it has arrived.
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
