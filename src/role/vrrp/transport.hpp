// The vrrp role's sockets: one receiver per family and interface, senders, and the frames of gratuitous ARP.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <utility>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "links.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/kernel/vrrp_sockets.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::role {

class VrrpTransport {
public:
    // `on_readable` is called when packets wait: the role then drains everything.
    VrrpTransport(boost::asio::io_context& loop, Log& log, std::function<void()> on_readable);

    // Opens what the configuration needs on the interfaces that exist, closes the rest.
    // With `changed`, only those interfaces have changed since the last time.
    void follow(const config::Config& config, const Links& links, const std::set<std::string>* changed = nullptr);
    // Calls `take` for each waiting packet, all sockets until they are empty (at most `limit` packets).
    // True when there may be more.
    bool drain(const std::function<void(const vrrp::PacketHeard&)>& take, std::size_t limit);

    [[nodiscard]] bool waits() const;  // a packet does

    void send(const vrrp::SendAdvert& advert, const Links& links);
    // Runs the code of send() up to the system call, so that the caches are warm for a send() soon after.
    void warm_up(const vrrp::SendAdvert& advert, const Links& links);
    void send_frames(std::uint32_t interface_index, const std::vector<std::vector<std::byte>>& frames);
    void close();
    [[nodiscard]] std::uint64_t send_failures() const { return send_failures_; }

private:
    struct Receiver {
        Receiver(boost::asio::io_context& loop, kernel::VrrpReceiver&& s, std::string name, Links::Identity i)
            : socket{std::move(s)}, interface{std::move(name)}, link{i}, ready_to_read{loop, socket.fd()} {}
        ~Receiver() { ready_to_read.release(); }  // the descriptor is the socket's own
        Receiver(const Receiver&) = delete;
        Receiver& operator=(const Receiver&) = delete;
        kernel::VrrpReceiver socket;
        std::string interface;
        Links::Identity link;
        boost::asio::posix::stream_descriptor ready_to_read;
        std::set<IpAddress> groups;
        bool ready = false;  // the link is up and has an address, so group memberships work
        std::optional<std::size_t> buffer;
    };
    using ReceiverKey = std::tuple<Family, std::string, std::uint8_t>;  // the device, empty: any; the protocol
    using SenderKey = std::pair<Family, std::string>;
    struct Wanted {
        Links::Identity link;
        std::set<IpAddress> groups;  // none: unicast only
        bool ready = false;
        std::optional<std::size_t> buffer;  // receive buffer in bytes; none: the socket's default
    };
    using AllWanted = std::map<ReceiverKey, Wanted>;
    [[nodiscard]] std::vector<int> receiving_sockets() const;  // in the order of receivers_
    [[nodiscard]] AllWanted wanted_by(const config::Config& config, const Links& links,
                                      const std::set<std::string>* changed) const;
    // Whether it has changed, or is still to be listened on.
    [[nodiscard]] bool is_due(const std::set<std::string>* changed, const std::string& device) const;
    void listen_on(const ReceiverKey& key, const Wanted& wanted);
    [[nodiscard]] kernel::VrrpSender* sender_for(const SenderKey& key, std::uint32_t index);
    [[nodiscard]] kernel::FrameSender* frame_sender();
    using ForPacket = std::function<void(kernel::VrrpSender&, const IpAddress& destination,
                                         std::optional<std::uint8_t> ttl, std::span<const std::byte> payload)>;
    void for_each_packet(const vrrp::SendAdvert& advert, const Links& links, const ForPacket& call);
    void open_ahead(const AllWanted& wanted);
    void watch(const std::shared_ptr<Receiver>& receiver);
    void complain(const std::string& key, const Error& error);

    boost::asio::io_context& loop_;
    Log& log_;
    std::function<void()> on_readable_;
    std::map<ReceiverKey, std::shared_ptr<Receiver>> receivers_;
    std::vector<std::byte> receive_room_;  // of one receiver after the other
    std::map<SenderKey, std::pair<std::uint32_t, kernel::VrrpSender>> senders_;
    std::optional<kernel::FrameSender> frames_;
    std::set<std::string> complained_;
    std::uint64_t send_failures_ = 0;
};

}  // namespace mainstay::role
