#include "mainstay/bfd/sessions.hpp"

#include <fmt/format.h>

#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "session.hpp"

namespace mainstay::bfd {
namespace {

constexpr std::uint32_t kPorts = wire::kBfdSourcePortLast - wire::kBfdSourcePortFirst + 1;

bool same_session(const Settings& settings, const IpAddress& neighbor, const IpAddress& source, bool multihop) {
    return settings.neighbor == neighbor && settings.source == source && settings.multihop == multihop;
}

// The one of `old` that goes on with these settings; old.size() if none does. Without a source the kernel chooses one,
// as a rule the one that was given, and the session's socket keeps its address: no reason to go down. Nor is one that
// gives the address in use.
std::size_t predecessor_of(const Settings& s, const std::vector<Session>& old, const std::vector<bool>& kept) {
    const auto find = [&](bool same_address) {
        std::size_t at = 0;
        for (; at < old.size(); ++at) {
            const Settings& before = old[at].settings();
            const bool same = s.source.empty() || (before.source.empty() && old[at].local() == s.source);
            const IpAddress& source = same_address && same ? before.source : s.source;
            if (!kept[at] && same_session(before, s.neighbor, source, s.multihop)) break;
        }
        return at;
    };
    const std::size_t exact = find(false);
    return exact < old.size() ? exact : find(true);
}

}  // namespace

struct Sessions::Impl {
    enum class Phase : std::uint8_t { Waiting, Running, Finished } phase = Phase::Waiting;
    std::vector<Settings> waiting;  // until start()
    Random random;
    std::vector<Session> sessions;
    std::map<std::uint32_t, std::size_t> by_discriminator;
    std::map<std::pair<IpAddress, bool>, std::vector<std::size_t>> by_neighbor;  // and multihop
    Complaints complaints;                                                       // of packets that belong to no session
    std::uint64_t strangers = 0;

    [[nodiscard]] Session::Identity new_identity(std::set<std::uint32_t>& discriminators,
                                                 std::set<std::uint16_t>& ports) const;
    void index();
    [[nodiscard]] Session* by_address(const PacketHeard& heard);
    void discard(Step step, const PacketHeard& heard, Complaint kind, const std::string& why);

    void start(Step step, const SessionsSnapshot* previous);
    void reload(Step step, std::vector<Settings> settings);
    void on(Step step, const PacketHeard& fact);
    void on(Step step, const PortTaken& fact);
    void on(Step step, const DeadlineReached& fact);
    void on(Step step, const Shutdown& fact);
};

// RFC 5880 6.8.1 and RFC 5881 section 4: both unique here, and hard to guess.
Session::Identity Sessions::Impl::new_identity(std::set<std::uint32_t>& discriminators,
                                               std::set<std::uint16_t>& ports) const {
    Session::Identity identity;
    identity.discriminator = random();
    while (identity.discriminator == 0 || discriminators.contains(identity.discriminator)) ++identity.discriminator;
    std::uint32_t offset = random() % kPorts;
    for (std::uint32_t tries = 0; tries < kPorts; ++tries, offset = (offset + 1) % kPorts) {
        identity.source_port = static_cast<std::uint16_t>(wire::kBfdSourcePortFirst + offset);
        if (!ports.contains(identity.source_port)) break;  // else more sessions than ports: they have to share
    }
    discriminators.insert(identity.discriminator);
    ports.insert(identity.source_port);
    return identity;
}

void Sessions::Impl::index() {
    by_discriminator.clear();
    by_neighbor.clear();
    for (std::size_t i = 0; i < sessions.size(); ++i) {
        by_discriminator.emplace(sessions[i].identity().discriminator, i);
        by_neighbor[{sessions[i].settings().neighbor, sessions[i].settings().multihop}].push_back(i);
    }
}

void Sessions::Impl::start(Step step, const SessionsSnapshot* previous) {
    phase = Phase::Running;
    std::set<std::uint32_t> discriminators;
    std::set<std::uint16_t> ports;
    std::vector<const SessionSnapshot*> earlier(waiting.size(), nullptr);
    if (previous != nullptr) {
        strangers = previous->strangers;
        for (std::size_t i = 0; i < waiting.size(); ++i)
            for (const auto& s : previous->sessions) {
                if (!same_session(waiting[i], s.neighbor, s.source, s.multihop)) continue;
                if (s.discriminator == 0 || !discriminators.insert(s.discriminator).second) continue;
                ports.insert(s.source_port);
                earlier[i] = &s;
                break;
            }
    }
    for (std::size_t i = 0; i < waiting.size(); ++i)
        sessions.emplace_back(std::move(waiting[i]),
                              earlier[i] != nullptr
                                  ? Session::Identity{earlier[i]->discriminator, earlier[i]->source_port}
                                  : new_identity(discriminators, ports));
    waiting.clear();
    index();
    for (std::size_t i = 0; i < sessions.size(); ++i) {
        if (earlier[i] != nullptr)
            sessions[i].adopt(step, *earlier[i]);
        else
            sessions[i].start(step);
    }
}

void Sessions::Impl::reload(Step step, std::vector<Settings> settings) {
    std::vector<Session> old = std::exchange(sessions, {});
    std::vector<bool> kept(old.size(), false), is_new;
    std::set<std::uint32_t> discriminators;
    std::set<std::uint16_t> ports;
    for (const Session& session : old) {
        discriminators.insert(session.identity().discriminator);
        ports.insert(session.identity().source_port);
    }
    for (Settings& s : settings) {
        const std::size_t at = predecessor_of(s, old, kept);
        is_new.push_back(at == old.size());
        if (at == old.size()) {
            sessions.emplace_back(std::move(s), new_identity(discriminators, ports));
            continue;
        }
        kept[at] = true;
        old[at].reconfigure(step, std::move(s));
        sessions.push_back(std::move(old[at]));
    }
    for (std::size_t at = 0; at < old.size(); ++at)
        if (!kept[at]) old[at].stop(step);
    index();
    for (std::size_t i = 0; i < sessions.size(); ++i)
        if (is_new[i]) sessions[i].start(step);
}

// Finds the session by addresses, for a packet without Your Discriminator.
Session* Sessions::Impl::by_address(const PacketHeard& heard) {
    const auto found = by_neighbor.find({heard.source, heard.multihop});
    if (found == by_neighbor.end()) return nullptr;
    Session* any = nullptr;
    for (const std::size_t i : found->second) {
        const IpAddress& source = sessions[i].settings().source;
        if (source == heard.destination) return &sessions[i];
        if (source.empty() && any == nullptr) any = &sessions[i];
    }
    return any;
}

void Sessions::Impl::discard(Step step, const PacketHeard& heard, Complaint kind, const std::string& why) {
    if (Session* session = by_address(heard)) return session->discarded(step, kind, why);
    ++strangers;
    const auto text = fmt::format("Discarding packet from {}: {}", heard.source.to_string(), why);
    if (auto line = complaints.line(kind, text, step.now)) step.out.push_back(WriteLog{std::move(*line)});
}

// RFC 5880 6.8.6. A packet with a session's discriminator must also come from that session's neighbour (as in
// keepalived): a discriminator is only a number that every router on the path has seen.
void Sessions::Impl::on(Step step, const PacketHeard& heard) {
    const auto packet = wire::decode_bfd(heard.payload);
    if (!packet) return discard(step, heard, Complaint::Damaged, std::string{to_string(packet.error())});
    if (packet->your_discriminator == 0) {
        if (Session* session = by_address(heard)) return session->hear(step, heard, *packet);
        return discard(step, heard, Complaint::Stranger, "its sender is not a neighbour of any session");
    }
    const auto found = by_discriminator.find(packet->your_discriminator);
    if (found == by_discriminator.end())
        return discard(
            step, heard, Complaint::Unknown,
            fmt::format("session is not found - your discriminator field is 0x{:08x}", packet->your_discriminator));
    Session& session = sessions[found->second];
    const Settings& s = session.settings();
    const bool to_us = s.source.empty() || s.source == heard.destination;
    if (s.neighbor != heard.source || !to_us || s.multihop != heard.multihop)
        return discard(
            step, heard, Complaint::OtherAddress,
            fmt::format("it names the session with {}, but has another address or port", s.neighbor.to_string()));
    session.hear(step, heard, *packet);
}

void Sessions::Impl::on(Step, const PortTaken& fact) {
    std::set<std::uint32_t> discriminators;
    std::set<std::uint16_t> ports;
    for (const Session& session : sessions) ports.insert(session.identity().source_port);
    for (Session& session : sessions)
        if (session.identity().source_port == fact.source_port)
            session.use_port(new_identity(discriminators, ports).source_port);
}

void Sessions::Impl::on(Step step, const DeadlineReached&) {
    for (Session& session : sessions) session.tick(step);
}

void Sessions::Impl::on(Step step, const Shutdown&) {
    phase = Phase::Finished;
    for (Session& session : sessions) session.stop(step);
}

Sessions::Sessions(std::vector<Settings> settings, Random random) : impl_{std::make_unique<Impl>()} {
    impl_->waiting = std::move(settings);
    impl_->random = std::move(random);
}
Sessions::Sessions(Sessions&&) noexcept = default;
Sessions& Sessions::operator=(Sessions&&) noexcept = default;
Sessions::~Sessions() = default;

Intents Sessions::start(Instant now, const SessionsSnapshot* previous) {
    Intents out;
    if (impl_->phase == Impl::Phase::Waiting) impl_->start({now, impl_->random, out}, previous);
    return out;
}

Intents Sessions::step(const Fact& fact, Instant now) {
    Intents out;
    if (impl_->phase == Impl::Phase::Running)
        std::visit([&](const auto& f) { impl_->on({now, impl_->random, out}, f); }, fact);
    return out;
}

Intents Sessions::reload(std::vector<Settings> settings, Instant now) {
    Intents out;
    if (impl_->phase == Impl::Phase::Running) impl_->reload({now, impl_->random, out}, std::move(settings));
    return out;
}

std::optional<Instant> Sessions::deadline() const {
    if (impl_->phase != Impl::Phase::Running) return std::nullopt;
    std::optional<Instant> earliest;
    for (const Session& session : impl_->sessions) {
        const auto due = session.deadline();
        if (due && (!earliest || *due < *earliest)) earliest = due;
    }
    return earliest;
}

SessionsSnapshot Sessions::snapshot() const {
    SessionsSnapshot all;
    all.strangers = impl_->strangers;
    for (const Session& session : impl_->sessions) all.sessions.push_back(session.snapshot());
    return all;
}

bool Sessions::finished() const { return impl_->phase == Impl::Phase::Finished; }

}  // namespace mainstay::bfd
