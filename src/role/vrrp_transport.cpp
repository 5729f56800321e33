#include "vrrp_transport.hpp"

namespace mainstay::role {

namespace asio = boost::asio;

IpAddress multicast_group(const config::Config& config, const config::Instance& instance) {
    if (instance.multicast_group) return *instance.multicast_group;
    const bool v4 = instance.family == Family::V4;
    const auto& global = v4 ? config.global.vrrp_mcast_group4 : config.global.vrrp_mcast_group6;
    return global ? *global : *IpAddress::parse(v4 ? "224.0.0.18" : "ff02::12");
}

VrrpTransport::VrrpTransport(asio::io_context& loop, Log& log, std::function<void()> on_readable)
    : loop_{loop}, log_{log}, on_readable_{std::move(on_readable)}, frame_timer_{loop} {}

void VrrpTransport::complain(const std::string& key, const Error& error) {
    if (complained_.insert(key).second) log_.error("{}: {}", key, error.text());
}

void VrrpTransport::follow(const config::Config& config, const Links& links) {
    std::map<ReceiverKey, std::uint32_t> wanted;
    for (const auto& instance : config.instances) {
        const auto* link = links.find(instance.interface);
        if (link == nullptr) continue;
        const auto group = instance.unicast_peers.empty() ? multicast_group(config, instance) : IpAddress{};
        wanted.emplace(ReceiverKey{instance.family, instance.interface, group}, link->index);
    }
    // An interface that was made anew under its old name has another index: its sockets are dead.
    std::erase_if(receivers_, [&](const auto& entry) {
        const auto found = wanted.find(entry.first);
        const bool keep = found != wanted.end() && found->second == entry.second->index;
        if (!keep) entry.second->ready.release();
        return !keep;
    });
    std::erase_if(senders_, [&](const auto& entry) {
        const auto* link = links.find(std::get<std::string>(entry.first));
        return link == nullptr || link->index != entry.second.first;
    });
    for (const auto& [key, index] : wanted) {
        if (receivers_.contains(key)) continue;
        const auto& [family, interface, group] = key;
        auto socket = kernel::VrrpReceiver::open(family, interface, index, group);
        const std::string what = "receiving VRRP on " + interface;
        if (!socket) {
            complain(what, socket.error());
            continue;
        }
        complained_.erase(what);
        auto receiver = std::make_shared<Receiver>(loop_, std::move(*socket), interface, index);
        receivers_.emplace(key, receiver);
        watch(receiver);
    }
}

void VrrpTransport::watch(const std::shared_ptr<Receiver>& receiver) {
    receiver->ready.async_wait(asio::posix::stream_descriptor::wait_read,
                               [this, weak = std::weak_ptr{receiver}](const boost::system::error_code& error) {
                                   const auto alive = weak.lock();
                                   if (error || !alive || !alive->ready.is_open()) return;
                                   on_readable_();
                                   watch(alive);
                               });
}

bool VrrpTransport::drain(const std::function<void(const vrrp::PacketHeard&)>& take, std::size_t limit) {
    std::vector<kernel::ReceivedPacket> packets;
    std::size_t taken = 0;
    bool more_anywhere = false;
    // A packet may change the configuration of sockets (an instance falls): work on a copy of the list.
    std::vector<std::shared_ptr<Receiver>> list;
    for (const auto& [key, receiver] : receivers_) list.push_back(receiver);
    for (const auto& receiver : list) {
        bool more = true;
        while (more && taken < limit) {
            packets.clear();
            const auto got = receiver->socket.receive(packets);
            if (!got) {
                complain("receiving VRRP on " + receiver->interface, got.error());
                break;
            }
            more = *got;
            for (const auto& packet : packets)
                take({receiver->interface, packet.source, packet.destination, packet.ttl, packet.payload});
            taken += packets.size();
        }
        more_anywhere = more_anywhere || (more && taken >= limit);
    }
    return more_anywhere;
}

void VrrpTransport::send(const vrrp::SendAdvert& advert, const Links& links) {
    const auto* link = links.find(advert.interface);
    if (link == nullptr) return;  // gone: the fact is on its way to the router
    for (std::size_t i = 0; i < advert.destinations.size() && i < advert.payloads.size(); ++i) {
        const auto& destination = advert.destinations[i];
        const SenderKey key{destination.family(), advert.interface, destination.is_multicast()};
        auto sender = senders_.find(key);
        if (sender == senders_.end()) {
            auto opened = kernel::VrrpSender::open(destination.family(), advert.interface, link->index,
                                                   destination.is_multicast());
            if (!opened) {
                ++send_failures_;
                complain("sending VRRP on " + advert.interface, opened.error());
                continue;
            }
            sender = senders_.emplace(key, std::pair{link->index, std::move(*opened)}).first;
        }
        const auto sent = sender->second.second.send(advert.source, destination, advert.ttl, advert.payloads[i]);
        const std::string what = "sending VRRP on " + advert.interface + " to " + destination.to_string();
        if (sent) complained_.erase(what);
        else {
            ++send_failures_;
            complain(what, sent.error());
        }
    }
}

void VrrpTransport::send_frames(std::uint32_t interface_index, std::vector<std::vector<std::byte>> frames,
                                Micros spacing) {
    if (frames.empty()) return;
    if (!frames_) {
        auto opened = kernel::FrameSender::open();
        if (!opened) return complain("sending gratuitous ARP", opened.error());
        frames_.emplace(std::move(*opened));
    }
    if (spacing == Micros{0}) {
        if (const auto sent = frames_->send(interface_index, frames); !sent)
            complain("sending gratuitous ARP", sent.error());
        return;
    }
    const bool idle = waiting_.empty();
    for (auto& frame : frames) waiting_.push_back({interface_index, std::move(frame), spacing});
    while (waiting_.size() > kFramesWaitingMax) waiting_.pop_front();
    if (idle) next_frame();
}

void VrrpTransport::next_frame() {
    if (waiting_.empty()) return;
    const Waiting first = std::move(waiting_.front());
    waiting_.pop_front();
    const std::vector<std::vector<std::byte>> one{first.frame};
    if (const auto sent = frames_->send(first.interface_index, one); !sent)
        complain("sending gratuitous ARP", sent.error());
    frame_timer_.expires_after(first.spacing);
    frame_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) next_frame();
    });
}

void VrrpTransport::close() {
    frame_timer_.cancel();
    waiting_.clear();
    for (auto& [key, receiver] : receivers_) receiver->ready.release();
    receivers_.clear();
    senders_.clear();
    frames_.reset();
}

}  // namespace mainstay::role
