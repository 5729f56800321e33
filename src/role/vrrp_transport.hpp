// The vrrp role's sockets: one receiver per family and interface, senders, and the frames of gratuitous ARP.
#pragma once

#include <utility>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "mainstay/base/log.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/kernel/vrrp_sockets.hpp"
#include "mainstay/vrrp/facts.hpp"
#include "vrrp_links.hpp"

namespace mainstay::role {

inline constexpr std::size_t kFramesWaitingMax = 65'536;  // with vrrp_garp_interval; the oldest go first

class VrrpTransport {
public:
    // `on_readable` is called when packets wait: the role then drains everything.
    VrrpTransport(boost::asio::io_context& loop, Log& log, std::function<void()> on_readable);

    // Opens what the configuration needs on the interfaces that exist, closes the rest.
    void follow(const config::Config& config, const Links& links);
    // Calls `take` for each waiting packet, all sockets until they are empty (at most `limit` packets).
    // True when there may be more.
    bool drain(const std::function<void(const vrrp::PacketHeard&)>& take, std::size_t limit);

    void send(const vrrp::SendAdvert& advert, const Links& links);
    void send_frames(std::uint32_t interface_index, std::vector<std::vector<std::byte>> frames, Micros spacing);
    void close();
    [[nodiscard]] std::uint64_t send_failures() const { return send_failures_; }

private:
    struct Receiver {
        Receiver(boost::asio::io_context& loop, kernel::VrrpReceiver&& s, std::string name, std::uint32_t i)
            : socket{std::move(s)}, interface{std::move(name)}, index{i}, ready{loop, socket.fd()} {}
        ~Receiver() { ready.release(); }  // the descriptor is the socket's own
        Receiver(const Receiver&) = delete;
        Receiver& operator=(const Receiver&) = delete;
        kernel::VrrpReceiver socket;
        std::string interface;
        std::uint32_t index;
        boost::asio::posix::stream_descriptor ready;
        std::set<IpAddress> groups;
    };
    using ReceiverKey = std::pair<Family, std::string>;
    using SenderKey = std::tuple<Family, std::string, bool>;
    void listen_on(const ReceiverKey& key, std::uint32_t index, const std::set<IpAddress>& groups);
    void watch(const std::shared_ptr<Receiver>& receiver);
    void complain(const std::string& key, const Error& error);
    void next_frame();

    boost::asio::io_context& loop_;
    Log& log_;
    std::function<void()> on_readable_;
    std::map<ReceiverKey, std::shared_ptr<Receiver>> receivers_;
    std::map<SenderKey, std::pair<std::uint32_t, kernel::VrrpSender>> senders_;
    std::optional<kernel::FrameSender> frames_;
    struct Waiting {
        std::uint32_t interface_index;
        std::vector<std::byte> frame;
        Micros spacing;
    };
    std::deque<Waiting> waiting_;
    boost::asio::steady_timer frame_timer_;
    std::set<std::string> complained_;
    std::uint64_t send_failures_ = 0;
};

// 224.0.0.18 or ff02::12, unless configured otherwise (RFC 9568 5.1.1.2, 5.1.2.2).
[[nodiscard]] IpAddress multicast_group(const config::Config& config, const config::Instance& instance);

}  // namespace mainstay::role
