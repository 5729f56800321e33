#include "transport.hpp"

#include <algorithm>
#include <cerrno>

#include "mainstay/vrrp/settings.hpp"

namespace mainstay::role {

namespace asio = boost::asio;

VrrpTransport::VrrpTransport(asio::io_context& loop, Log& log, std::function<void()> on_readable)
    : loop_{loop}, log_{log}, on_readable_{std::move(on_readable)} {}

void VrrpTransport::complain(const std::string& key, const Error& error) {
    if (error.sys_errno() == ENODEV) return;  // the interface is being removed; a link notification follows
    if (complained_.insert(key).second) log_.error("{}: {}", key, error.text());
}

namespace {

std::string receiving_on(const std::string& device) {
    return "receiving VRRP on " + (device.empty() ? std::string{"any interface"} : device);
}

}  // namespace

bool VrrpTransport::is_due(const std::set<std::string>* changed, const std::string& device) const {
    return changed == nullptr || device.empty() || changed->contains(device) ||
           complained_.contains(receiving_on(device));
}

VrrpTransport::AllWanted VrrpTransport::wanted_by(const config::Config& config, const Links& links,
                                                  const std::set<std::string>* changed) const {
    AllWanted wanted;
    for (const auto& instance : config.instances) {
        const std::string& device = vrrp::advert_device(instance);
        if (!is_due(changed, device)) continue;
        const auto fact = links.fact(device);
        if (!device.empty() && fact.index == 0) continue;
        const bool header = instance.auth_type == config::AuthType::Ah;
        auto& receiver = wanted[{instance.family, device, header ? kernel::kAuthenticationHeader : kernel::kVrrp}];
        receiver.link = links.identity(device);
        receiver.ready = fact.up && std::ranges::any_of(fact.addresses, [&](const IpAddress& address) {
                             return address.family() == instance.family;
                         });
        if (instance.unicast_peers.empty()) receiver.groups.insert(vrrp::settings_of(instance, config.global).group);
        if (const auto bytes = vrrp::receive_buffer(instance, config.global, fact.mtu))
            receiver.buffer = receiver.buffer.value_or(0) + *bytes;
    }
    return wanted;
}

void VrrpTransport::follow(const config::Config& config, const Links& links, const std::set<std::string>* changed) {
    const AllWanted wanted = wanted_by(config, links, changed);
    // An interface that was created again under its old name has another index: its sockets are dead. A socket cannot
    // ignore one of its groups, so it is reopened without a group that is no longer needed.
    std::erase_if(receivers_, [&](const auto& entry) {
        if (!is_due(changed, std::get<std::string>(entry.first))) return false;
        const auto found = wanted.find(entry.first);
        const bool keep = found != wanted.end() && found->second.link.index == entry.second->link.index &&
                          found->second.buffer == entry.second->buffer &&
                          std::ranges::includes(found->second.groups, entry.second->groups) &&
                          entry.second->groups.empty() == found->second.groups.empty();
        if (!keep) entry.second->ready_to_read.release();
        return !keep;
    });
    std::erase_if(senders_, [&](const auto& entry) {
        const std::string& device = entry.first.second;
        if (!is_due(changed, device)) return false;
        const auto* link = links.find(device);
        return !device.empty() && (link == nullptr || link->index != entry.second.first);
    });
    for (const auto& [key, receiver] : wanted) listen_on(key, receiver);
    open_ahead(wanted);
}

// One socket per family, device and protocol, whatever the groups: two would receive every unicast packet twice.
void VrrpTransport::listen_on(const ReceiverKey& key, const Wanted& wanted) {
    const auto& [family, device, protocol] = key;
    const std::string what = receiving_on(device);
    auto found = receivers_.find(key);
    if (found == receivers_.end()) {
        auto socket = kernel::VrrpReceiver::open(
            family, device, wanted.link.index, wanted.groups.empty() ? IpAddress{} : *wanted.groups.begin(), protocol);
        if (!socket) return complain(what, socket.error());
        complained_.erase(what);
        if (wanted.buffer) socket->set_buffer(*wanted.buffer);
        found =
            receivers_.emplace(key, std::make_shared<Receiver>(loop_, std::move(*socket), device, wanted.link)).first;
        found->second->buffer = wanted.buffer;
        found->second->ready = wanted.ready;
        watch(found->second);
    }
    Receiver& receiver = *found->second;
    // The kernel may have dropped the memberships of a link that was away, be it with the same index.
    const bool was_ready = std::exchange(receiver.ready, wanted.ready);
    const bool was_away = std::exchange(receiver.link, wanted.link) != wanted.link;
    const bool back = wanted.ready && (!was_ready || was_away);
    for (const auto& group : wanted.groups) {
        const auto joined = back ? receiver.socket.rejoin(group) : receiver.socket.join(group);
        if (!joined)
            complain(what, joined.error());
        else
            complained_.erase(what);
    }
    receiver.groups = wanted.groups;
}

void VrrpTransport::watch(const std::shared_ptr<Receiver>& receiver) {
    receiver->ready_to_read.async_wait(asio::posix::stream_descriptor::wait_read,
                                       [this, weak = std::weak_ptr{receiver}](const boost::system::error_code& error) {
                                           const auto alive = weak.lock();
                                           if (error || !alive || !alive->ready_to_read.is_open()) return;
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
    for (const std::size_t at : kernel::readable(receiving_sockets())) {
        const auto& receiver = list[at];
        bool more = true;
        while (more && taken < limit) {
            packets.clear();
            const auto got = receiver->socket.receive(packets, receive_room_);
            if (!got) {
                complain("receiving VRRP on " + receiver->interface, got.error());
                break;
            }
            more = *got;
            for (const auto& packet : packets)
                take({receiver->interface, packet.source, packet.destination, packet.ttl, packet.payload, packet.waited,
                      packet.protocol, packet.ip_header});
            taken += packets.size();
        }
        more_anywhere = more_anywhere || (more && taken >= limit);
    }
    return more_anywhere;
}

std::vector<int> VrrpTransport::receiving_sockets() const {
    std::vector<int> sockets;
    for (const auto& [key, receiver] : receivers_) sockets.push_back(receiver->socket.fd());
    return sockets;
}

bool VrrpTransport::waits() const { return !kernel::readable(receiving_sockets()).empty(); }

kernel::VrrpSender* VrrpTransport::sender_for(const SenderKey& key, std::uint32_t index) {
    if (const auto have = senders_.find(key); have != senders_.end()) return &have->second.second;
    const auto& [family, device] = key;
    auto opened = kernel::VrrpSender::open(family, device, index);
    if (opened) return &senders_.emplace(key, std::pair{index, std::move(*opened)}).first->second.second;
    ++send_failures_;
    complain("sending VRRP on " + device, opened.error());
    return nullptr;
}

kernel::FrameSender* VrrpTransport::frame_sender() {
    if (frames_) return &*frames_;
    auto opened = kernel::FrameSender::open();
    if (opened) return &frames_.emplace(std::move(*opened));
    complain("sending gratuitous ARP", opened.error());
    return nullptr;
}

// Opening a socket takes a tenth of a millisecond, which a backup that takes over does not have.
void VrrpTransport::open_ahead(const AllWanted& wanted) {
    for (const auto& [key, receiver] : wanted) {
        const auto& [family, device, protocol] = key;
        if (receiver.ready && !device.empty()) (void)sender_for({family, device}, receiver.link.index);
    }
    if (!wanted.empty()) (void)frame_sender();
}

void VrrpTransport::send(const vrrp::SendAdvert& advert, const Links& links) {
    for_each_packet(
        advert, links,
        [&](kernel::VrrpSender& sender, const IpAddress& destination, const auto& ttl,
            std::span<const std::byte> payload) {
            const auto sent = sender.send(advert.source, destination, ttl, payload, advert.protocol, advert.ip_id);
            if (sent && complained_.empty()) return;
            const std::string what = "sending VRRP on " + advert.interface + " to " + destination.to_string();
            if (sent)
                complained_.erase(what);
            else {
                ++send_failures_;
                complain(what, sent.error());
            }
        });
}

void VrrpTransport::warm_up(const vrrp::SendAdvert& advert, const Links& links) {
    for_each_packet(advert, links,
                    [&](kernel::VrrpSender& sender, const IpAddress& destination, const auto& ttl,
                        std::span<const std::byte> payload) {
                        sender.look_for_way(advert.source, destination, ttl, payload, advert.protocol);
                    });
}

void VrrpTransport::for_each_packet(const vrrp::SendAdvert& advert, const Links& links, const ForPacket& call) {
    const auto* link = links.find(advert.interface);
    if (link == nullptr && !advert.interface.empty()) return;  // removed; a link notification follows
    const std::optional<std::uint8_t> ttl = advert.system_hop_limit ? std::nullopt : std::optional{advert.ttl};
    for (std::size_t i = 0; i < advert.destinations.size() && i < advert.payloads.size(); ++i) {
        const auto& destination = advert.destinations[i];
        auto* sender = sender_for({destination.family(), advert.interface}, link == nullptr ? 0 : link->index);
        if (sender != nullptr) call(*sender, destination, ttl, advert.payloads[i]);
    }
}

void VrrpTransport::send_frames(std::uint32_t interface_index, const std::vector<std::vector<std::byte>>& frames) {
    if (frames.empty()) return;
    auto* sender = frame_sender();
    if (sender == nullptr) return;
    if (const auto sent = sender->send(interface_index, frames); !sent)
        complain("sending gratuitous ARP", sent.error());
}

void VrrpTransport::close() {
    for (auto& [key, receiver] : receivers_) receiver->ready_to_read.release();
    receivers_.clear();
    senders_.clear();
    frames_.reset();
}

}  // namespace mainstay::role
