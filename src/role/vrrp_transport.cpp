#include "vrrp_transport.hpp"

#include <algorithm>
#include <cerrno>

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
    if (error.sys_errno() == ENODEV) return;  // the interface is going away, and the links will say so
    if (complained_.insert(key).second) log_.error("{}: {}", key, error.text());
}

void VrrpTransport::follow(const config::Config& config, const Links& links) {
    struct Wanted {
        std::uint32_t index = 0;
        std::set<IpAddress> groups;  // none: unicast alone
    };
    std::map<ReceiverKey, Wanted> wanted;
    for (const auto& instance : config.instances) {
        const auto* link = links.find(instance.interface);
        if (link == nullptr) continue;
        auto& receiver = wanted[{instance.family, instance.interface}];
        receiver.index = link->index;
        if (instance.unicast_peers.empty()) receiver.groups.insert(multicast_group(config, instance));
    }
    // An interface that was made anew under its old name has another index: its sockets are dead. A group that is not
    // wanted any more cannot be told from the others by the socket, so it is opened anew without it.
    std::erase_if(receivers_, [&](const auto& entry) {
        const auto found = wanted.find(entry.first);
        const bool keep = found != wanted.end() && found->second.index == entry.second->index &&
                          std::ranges::includes(found->second.groups, entry.second->groups) &&
                          entry.second->groups.empty() == found->second.groups.empty();
        if (!keep) entry.second->ready.release();
        return !keep;
    });
    std::erase_if(senders_, [&](const auto& entry) {
        const auto* link = links.find(std::get<std::string>(entry.first));
        return link == nullptr || link->index != entry.second.first;
    });
    for (const auto& [key, receiver] : wanted) listen_on(key, receiver.index, receiver.groups);
}

// One socket per family and interface, whatever the groups: two would hear every unicast packet twice.
void VrrpTransport::listen_on(const ReceiverKey& key, std::uint32_t index, const std::set<IpAddress>& groups) {
    const auto& [family, interface] = key;
    const std::string what = "receiving VRRP on " + interface;
    auto found = receivers_.find(key);
    if (found == receivers_.end()) {
        auto socket = kernel::VrrpReceiver::open(family, interface, index, groups.empty() ? IpAddress{} : *groups.begin());
        if (!socket) return complain(what, socket.error());
        complained_.erase(what);
        found = receivers_.emplace(key, std::make_shared<Receiver>(loop_, std::move(*socket), interface, index)).first;
        watch(found->second);
    }
    for (const auto& group : groups)
        if (const auto joined = found->second->socket.join(group); !joined) complain(what, joined.error());
    found->second->groups = groups;
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
                take({receiver->interface, packet.source, packet.destination, packet.ttl, packet.payload,
                      packet.waited});
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
