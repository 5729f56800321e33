#include "mainstay/role/bfd/role.hpp"

#include <fmt/format.h>
#include <linux/capability.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <tuple>

#include "mainstay/bfd/configured.hpp"
#include "mainstay/bfd/sessions.hpp"
#include "mainstay/ipc/status.hpp"
#include "mainstay/kernel/bfd_sockets.hpp"
#include "role/common/blocks.hpp"
#include "role/common/peer_channel.hpp"

namespace mainstay::role {

namespace asio = boost::asio;

namespace {

// One round over the sockets reads at most this many packets before other handlers run.
constexpr std::size_t kPacketsPerRound = 4096;
constexpr std::chrono::milliseconds kPublishEvery{200};  // counters and deadlines; transitions are published at once

std::mt19937_64 seeded_generator() {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device(), device(), device(), device(), device()};
    return std::mt19937_64{seed};
}

class BfdRole final : public Role {
public:
    explicit BfdRole(Runtime& runtime)
        : runtime_{runtime},
          vrrp_{runtime.loop(), runtime.log(), "VRRP"},
          checkers_{runtime.loop(), runtime.log(), "checker"},
          timer_{runtime.loop()},
          pacer_{runtime.loop(), {.urgent = 0}, [this] { publish(); }},
          random_{seeded_generator()} {}

    Result<void> start(config::Config config, bool restarted) override;
    Result<void> prepare(config::Config next) override;
    void commit() override;
    void abort() override { next_.reset(); }
    void on(const ipc::Message& message, UniqueFd line) override {
        if (const auto* channel = std::get_if<ipc::PeerChannel>(&message)) connect(channel->to, std::move(line));
    }
    void stop(std::function<void()> done) override;
    void save_state() override { pacer_.now(); }

private:
    void connect(ipc::PeerChannel::To other, UniqueFd line);
    using Port = std::pair<Family, std::uint16_t>;
    struct Receiver {
        Receiver(asio::io_context& loop, kernel::BfdReceiver from)
            : socket{std::move(from)}, ready{loop, socket.fd()} {}
        Receiver(const Receiver&) = delete;
        Receiver& operator=(const Receiver&) = delete;
        ~Receiver() { ready.release(); }  // the descriptor is the socket's

        kernel::BfdReceiver socket;
        asio::posix::stream_descriptor ready;
    };
    using Receivers = std::map<Port, std::shared_ptr<Receiver>>;
    struct Next {
        std::vector<bfd::Settings> settings;
        Receivers receivers;
    };

    [[nodiscard]] Result<Receivers> receivers_for(const std::vector<bfd::Settings>& settings);
    void use(Receivers receivers);
    void watch(const std::shared_ptr<Receiver>& receiver);
    void on_packets_readable();
    void step(const bfd::Fact& fact) { perform(sessions_->step(fact, runtime_.now())); }
    void perform(const bfd::Intents& intents);
    [[nodiscard]] bool is_neighbor(const IpAddress& address) const {
        return std::ranges::find(settings_, address, &bfd::Settings::neighbor) != settings_.end();
    }
    void send(const bfd::SendPacket& packet);
    void report(const bfd::ReportState& change);
    [[nodiscard]] Result<std::uint32_t> scope_of(const bfd::SendPacket& packet) const;
    [[nodiscard]] std::map<std::string, bool> all_for(ipc::PeerChannel::To other) const;
    void close_unused_senders();
    void arm();
    void deadline();
    void publish();

    Runtime& runtime_;
    std::vector<bfd::Settings> settings_;
    std::optional<bfd::Sessions> sessions_;
    BfdStateSender vrrp_, checkers_;
    std::optional<Next> next_;
    Receivers receivers_;
    struct Sender {
        kernel::BfdSender socket;
        IpAddress source;
    };
    std::map<std::uint16_t, Sender> senders_;    // by source port
    std::map<IpAddress, std::uint32_t> scopes_;  // of link-local neighbours, from received packets
    std::set<std::string> complained_;
    asio::steady_timer timer_;
    PublishPacer pacer_;
    bool stopping_ = false;
    std::mt19937_64 random_;
    std::map<std::string, std::pair<bfd::State, WallTime>> since_;
};

Result<void> BfdRole::start(config::Config config, bool restarted) {
    auto settings = bfd::configured_sessions(config);
    auto receivers = receivers_for(settings);
    if (!receivers) return error_of(receivers);
    use(std::move(*receivers));

    std::optional<report::BfdStatus> previous;
    if (restarted)
        if (const auto bytes = runtime_.previous_state(); bytes)
            if (auto state = decode<report::BfdStatus>(*bytes); state) previous = std::move(*state);
    if (previous)
        for (const auto& session : previous->sessions.sessions) since_[session.name] = {session.state, session.since};
    settings_ = settings;
    sessions_.emplace(std::move(settings), [this] { return static_cast<std::uint32_t>(random_() >> 32); });
    perform(sessions_->start(runtime_.now(), previous ? &previous->sessions : nullptr));
    vrrp_.send(all_for(ipc::PeerChannel::To::Vrrp));  // on channels that were connected before the start
    checkers_.send(all_for(ipc::PeerChannel::To::Lvs));
    if (previous) runtime_.log().notice("state of the previous process resumed");
    pacer_.now();
    return {};
}

Result<void> BfdRole::prepare(config::Config next) {
    auto settings = bfd::configured_sessions(next);
    auto receivers = receivers_for(settings);
    if (!receivers) return error_of(receivers);
    next_.emplace(Next{std::move(settings), std::move(*receivers)});
    return {};
}

void BfdRole::commit() {
    if (!next_) return;
    Next next = std::move(*next_);
    next_.reset();
    use(std::move(next.receivers));
    settings_ = next.settings;
    perform(sessions_->reload(std::move(next.settings), runtime_.now()));
    // Which roles track a session, and its name, may have changed too.
    vrrp_.send(all_for(ipc::PeerChannel::To::Vrrp));
    checkers_.send(all_for(ipc::PeerChannel::To::Lvs));
    close_unused_senders();
    pacer_.now();
}

void BfdRole::stop(std::function<void()> done) {
    if (sessions_) step(bfd::Shutdown{});
    stopping_ = true;
    pacer_.now();
    pacer_.stop();
    timer_.cancel();
    receivers_.clear();
    vrrp_.close();
    checkers_.close();
    asio::post(runtime_.loop(), std::move(done));
}

// Receivers that are open already are reused.
Result<BfdRole::Receivers> BfdRole::receivers_for(const std::vector<bfd::Settings>& settings) {
    Receivers wanted;
    for (const auto& s : settings) {
        const Port port{s.neighbor.family(), s.multihop ? wire::kBfdMultihopPort : wire::kBfdPort};
        if (wanted.contains(port)) continue;
        if (const auto open = receivers_.find(port); open != receivers_.end()) {
            wanted.insert(*open);
            continue;
        }
        auto socket = kernel::BfdReceiver::open(port.first, port.second);
        if (!socket) return error_of(socket);
        wanted.emplace(port, std::make_shared<Receiver>(runtime_.loop(), std::move(*socket)));
    }
    return wanted;
}

void BfdRole::use(Receivers receivers) {
    const Receivers before = std::exchange(receivers_, std::move(receivers));
    for (const auto& [port, receiver] : receivers_)
        if (!before.contains(port)) watch(receiver);
}

void BfdRole::watch(const std::shared_ptr<Receiver>& receiver) {
    receiver->ready.async_wait(asio::posix::stream_descriptor::wait_read,
                               [this, weak = std::weak_ptr{receiver}](const boost::system::error_code& error) {
                                   if (error || stopping_) return;
                                   on_packets_readable();
                                   if (const auto alive = weak.lock()) watch(alive);
                               });
}

void BfdRole::on_packets_readable() {
    if (!sessions_ || stopping_) return;
    for (const auto& [port, receiver] : receivers_) {
        std::vector<kernel::ReceivedDatagram> datagrams;
        while (datagrams.size() < kPacketsPerRound) {
            const auto more = receiver->socket.receive(datagrams);
            if (!more && complained_.insert(more.error().text()).second)
                runtime_.log().error("{}", more.error().text());
            if (!more || !*more) break;
        }
        for (const auto& d : datagrams) {
            if (d.source.is_link_local_v6() && is_neighbor(d.source)) scopes_[d.source] = d.interface;
            step(bfd::PacketHeard{d.source, d.destination, d.ttl, port.second == wire::kBfdMultihopPort, d.payload});
        }
    }
}

void BfdRole::perform(const bfd::Intents& intents) {
    for (const auto& intent : intents) {
        if (const auto* packet = std::get_if<bfd::SendPacket>(&intent)) send(*packet);
        if (const auto* change = std::get_if<bfd::ReportState>(&intent)) report(*change);
        if (const auto* written = std::get_if<bfd::WriteLog>(&intent)) runtime_.log().line(written->line);
    }
    const bool transition = std::ranges::any_of(
        intents, [](const bfd::Intent& intent) { return !std::holds_alternative<bfd::SendPacket>(intent); });
    transition ? pacer_.at_once() : pacer_.within(kPublishEvery);
    arm();
}

void BfdRole::report(const bfd::ReportState& change) {
    vrrp_.send(change.session, change.up);
    if (change.checkers) checkers_.send(change.session, change.up);
}

// The states of the sessions for one role. The vrrp role shows those of others too, in the status and by SNMP; what an
// instance tracks is its configuration's business, as it is a check's which session it follows.
std::map<std::string, bool> BfdRole::all_for(ipc::PeerChannel::To other) const {
    std::map<std::string, bool> all;
    const auto snapshot = sessions_->snapshot();
    for (std::size_t i = 0; i < snapshot.sessions.size() && i < settings_.size(); ++i)
        if (other == ipc::PeerChannel::To::Vrrp || settings_[i].reports_to_checkers)
            all.emplace(settings_[i].name, snapshot.sessions[i].counts_as_up);
    return all;
}

void BfdRole::connect(ipc::PeerChannel::To other, UniqueFd line) {
    auto& sender = other == ipc::PeerChannel::To::Vrrp ? vrrp_ : checkers_;
    sender.connect(std::move(line), sessions_ ? all_for(other) : std::map<std::string, bool>{});
}

void BfdRole::send(const bfd::SendPacket& packet) {
    const auto complain = [this, &packet](const Error& error) {
        const auto key = packet.destination.to_string();
        if (complained_.insert(key).second) runtime_.log().error("{}", error.text());
    };
    auto sender = senders_.find(packet.source_port);
    if (sender == senders_.end()) {
        const auto scope = scope_of(packet);
        if (!scope) return complain(scope.error());
        auto opened = kernel::BfdSender::open(packet.destination.family(), packet.source, packet.source_port, *scope);
        if (!opened) {
            if (opened.error().sys_errno() == EADDRINUSE)
                (void)sessions_->step(bfd::PortTaken{packet.source_port}, runtime_.now());  // it has no intents
            return complain(opened.error());
        }
        sender = senders_.emplace(packet.source_port, Sender{std::move(*opened), packet.source}).first;
    }
    const auto sent =
        sender->second.socket.send(packet.destination, packet.destination_port, packet.ttl, packet.payload);
    if (sent) {
        complained_.erase(packet.destination.to_string());
        return;
    }
    complain(sent.error());
    // The interface may have been replaced: look up interface and socket again.
    senders_.erase(sender);
    scopes_.erase(packet.destination);
}

// The interface of a link-local neighbour: the one on which a packet from it arrived, else the one with the session's
// source address, else the only one with a link-local address.
Result<std::uint32_t> BfdRole::scope_of(const bfd::SendPacket& packet) const {
    if (!packet.destination.is_link_local_v6()) return 0U;
    if (const auto heard = scopes_.find(packet.destination); heard != scopes_.end()) return heard->second;
    std::set<std::uint32_t> candidates;
    for (const auto& [address, index] : kernel::link_local_addresses())
        if (!packet.source.is_link_local_v6() || packet.source == address) candidates.insert(index);
    if (candidates.size() == 1) return *candidates.begin();
    return fail(Errc::NotFound, fmt::format("the neighbour {} is a link-local address and {}: give its session the "
                                            "link-local address of its interface as source_ip",
                                            packet.destination.to_string(),
                                            candidates.empty() ? "no interface has the source address"
                                                               : "more than one interface could lead to it"));
}

void BfdRole::close_unused_senders() {
    std::map<std::uint16_t, IpAddress> used;
    for (const auto& session : sessions_->snapshot().sessions) used.emplace(session.source_port, session.source);
    std::erase_if(senders_, [&](const auto& entry) {
        const auto session = used.find(entry.first);
        if (session == used.end()) return true;
        // A source that is given from now on binds the next packet's socket.
        return !session->second.empty() && session->second != entry.second.source;
    });
}

void BfdRole::arm() {
    const auto due = sessions_->deadline();
    if (!due || stopping_) {
        timer_.cancel();
        return;
    }
    timer_.expires_at(std::chrono::time_point_cast<std::chrono::steady_clock::duration>(*due));
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) deadline();
    });
}

// All queues are drained before a deadline fires, so that a process that was paused receives its neighbours' packets
// before it declares a session down.
void BfdRole::deadline() {
    if (stopping_) return;
    on_packets_readable();
    step(bfd::DeadlineReached{});
}

void BfdRole::publish() {
    if (!sessions_) return;
    report::BfdStatus status;
    status.generation = runtime_.generation();
    status.sessions = sessions_->snapshot();
    for (auto& session : status.sessions.sessions) {
        auto& since = since_[session.name];
        if (since.second.unix_us == 0 || since.first != session.state) since = {session.state, runtime_.wall()};
        session.since = since.second;
    }
    runtime_.publish_state([&](std::span<std::byte> room) { return encode_into(room, status); });
}

}  // namespace

// CAP_NET_ADMIN permits a receive buffer beyond net.core.rmem_max.
RoleTraits bfd_traits() {
    return {.capabilities = {CAP_NET_ADMIN, CAP_SYS_NICE},
            .calls = {kernel::CallSet::Schedule},
            .kind = Kind::Bfd,
            .has_ring = false};
}

std::unique_ptr<Role> make_bfd_role(Runtime& runtime) { return std::make_unique<BfdRole>(runtime); }

}  // namespace mainstay::role
