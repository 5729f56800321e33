#include "session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace mainstay::bfd {
namespace {

// Whether the snapshot is valid; an invalid one is not resumed.
bool makes_sense(const SessionSnapshot& s) {
    if (s.state == State::AdminDown || s.state > State::Up || s.remote_state > State::Up ||
        s.applied_min_tx <= Micros{0})
        return false;
    const bool known = s.remote_discriminator != 0 && s.remote_multiplier != 0;
    return known || s.state == State::Down;
}

}  // namespace

Session::Session(Settings settings, Identity identity)
    : settings_{std::move(settings)},
      identity_{identity},
      desired_min_tx_{settings_.idle_tx},
      required_min_rx_{settings_.min_rx},
      applied_min_tx_{desired_min_tx_},
      applied_min_rx_{required_min_rx_} {}

void Session::start(Step step) {
    sent_ = step.now;
    if (transmit_interval() > Micros{0}) send_now(step);
}

void Session::adopt(Step step, const SessionSnapshot& previous) {
    if (!makes_sense(previous)) return start(step);
    counters_ = previous.counters;
    state_ = previous.state;
    counts_as_up_ = up() || previous.counts_as_up;
    diagnostic_ = previous.diagnostic;
    remote_ = {previous.remote_discriminator, previous.remote_state,  previous.remote_diagnostic,
               previous.remote_multiplier,    previous.remote_min_tx, previous.remote_min_rx,
               previous.remote_demand};
    desired_min_tx_ = previous.desired_min_tx;
    required_min_rx_ = previous.required_min_rx;
    applied_min_tx_ = previous.applied_min_tx;
    applied_min_rx_ = previous.applied_min_rx;
    polling_ = previous.polling;
    polls_again_ = previous.polls_again;

    sent_ = step.now;
    scheduled_ = transmit_interval();
    if (scheduled_ > Micros{0}) next_send_ = std::clamp<Instant>(previous.next_send, step.now, step.now + scheduled_);
    if (remote_.discriminator != 0) {
        // Packets that arrived while no process was running are lost, so the detection time starts again; but only
        // once, so that a role that keeps crashing does not keep a dead neighbour up.
        const Instant whole = step.now + detection();
        expires_ = previous.unheard ? std::min(previous.expires, whole) : whole;
        heard_ = *expires_ - detection();
        unheard_ = true;
    }
    if (previous.name != settings_.name) report_state(step);
    reconfigure(step, Settings{settings_});
}

// ---- receiving ---------------------------------------------------------------------------------------------------

// RFC 5881 section 5 (GTSM): with the default settings a packet that a router has forwarded is discarded.
bool Session::near_enough(std::uint8_t ttl) const {
    return settings_.max_hops < 0 || ttl + settings_.max_hops >= settings_.ttl;
}

void Session::discarded(Step step, Complaint kind, std::string_view why) {
    ++counters_.discarded;
    const auto text =
        fmt::format("({}) Discarding packet from {}: {}", settings_.name, settings_.neighbor.to_string(), why);
    if (auto line = complaints_.line(kind, text, step.now)) step.out.push_back(WriteLog{std::move(*line)});
}

// RFC 5880 6.8.6 from "Set bfd.RemoteDiscr to the value of My Discriminator".
void Session::hear(Step step, const PacketHeard& heard, const wire::BfdPacket& packet) {
    if (!near_enough(heard.ttl))
        return discarded(step, Complaint::Ttl,
                         fmt::format("its TTL is {}, expecting at least {}", heard.ttl,
                                     std::max(settings_.ttl - settings_.max_hops, 0)));
    ++counters_.received;
    heard_ = step.now;
    unheard_ = false;
    local_ = heard.destination;
    learn(packet);
    if (packet.final) confirm_intervals();

    const auto next = next_state(state_, packet.state);
    if (next) enter(step, *next, *next == State::Down ? Diagnostic::NeighborDown : Diagnostic::None);
    expires_ = heard_ + detection();
    schedule(step);
    // The answer to a poll contains the new state too, so no separate packet is needed.
    if (packet.poll)
        send(step, true);
    else if (next && transmit_interval() > Micros{0})
        send_now(step);
}

void Session::learn(const wire::BfdPacket& packet) {
    remote_.discriminator = packet.my_discriminator;
    remote_.state = packet.state;
    remote_.diagnostic = packet.diagnostic;
    remote_.multiplier = packet.detect_multiplier;
    remote_.min_tx = packet.desired_min_tx;
    remote_.min_rx = packet.required_min_rx;
    remote_.demand = packet.demand;
}

// ---- states ------------------------------------------------------------------------------------------------------

void Session::enter(Step step, State next, Diagnostic diagnostic) {
    const bool was_up = up();
    state_ = next;
    diagnostic_ = diagnostic;
    if (up()) {
        ++counters_.became_up;
        announce_intervals();
    } else {
        slow_down();
    }
    if (was_up) ++counters_.went_down;
    if (was_up != up()) complaints_.clear();
    // RFC 5882 3.2: a session that the neighbour has taken out of service says nothing about the path.
    const bool counted = counts_as_up_;
    if (up()) counts_as_up_ = true;
    if (state_ == State::Down && remote_.state != State::AdminDown) counts_as_up_ = false;
    if (counted != counts_as_up_) report_state(step);
    const LogLevel level = state_ == State::Init ? LogLevel::Debug : LogLevel::Info;
    if (state_ == State::Down)
        log(step, level,
            fmt::format("Entering {} state (Local diagnostic - {}, Remote diagnostic - {})", to_string(state_),
                        to_string(diagnostic_), to_string(remote_.diagnostic)));
    else
        log(step, level, fmt::format("Entering {} state", to_string(state_)));
    if (was_up && counts_as_up_) log(step, LogLevel::Notice, "Counts as up: its neighbour is administratively down");
}

void Session::expire(Step step) {
    const Nanos overdue = step.now - *expires_;
    const bool was_alive = state_ == State::Init || state_ == State::Up;
    if (was_alive) {
        ++counters_.expired;
        log(step, LogLevel::Info,
            fmt::format("Expired after {} ms ({} usec overdue)", detection() / Micros{1000},
                        std::chrono::duration_cast<Micros>(overdue).count()));
    }
    const Diagnostic diagnostic = remote_.diagnostic;
    remote_ = {.diagnostic = diagnostic};  // also resumes sending to a neighbour that had requested no packets
    expires_.reset();
    if (was_alive) {
        enter(step, State::Down, Diagnostic::DetectionTimeExpired);
        if (transmit_interval() > Micros{0}) send_now(step);
    }
    schedule(step);
}

// Not AdminDown, which keepalived does not take for a failure either: its trackers would hold us up for good (2.2.7).
void Session::stop(Step step) {
    const bool spoke = !settings_.passive || remote_.discriminator != 0;
    state_ = State::Down;
    diagnostic_ = Diagnostic::AdministrativelyDown;
    slow_down();
    if (spoke) send(step, false);
}

// ---- intervals ---------------------------------------------------------------------------------------------------

// RFC 5880 6.8.3. A new interval is used only after the neighbour has confirmed it, if earlier use could expire the
// session: sending more slowly than the neighbour expects, or expecting packets faster than it sends them.
void Session::announce_intervals() {
    if (desired_min_tx_ == settings_.min_tx && required_min_rx_ == settings_.min_rx) return;
    desired_min_tx_ = settings_.min_tx;
    required_min_rx_ = settings_.min_rx;
    applied_min_tx_ = std::min(applied_min_tx_, desired_min_tx_);
    applied_min_rx_ = std::max(applied_min_rx_, required_min_rx_);
    polls_again_ = polling_;  // an answer in flight may be to the former announcement
    polling_ = true;
}

// While it is not up, a session may not send more often than once a second, and there is nothing to confirm.
void Session::slow_down() {
    desired_min_tx_ = applied_min_tx_ = settings_.idle_tx;
    required_min_rx_ = applied_min_rx_ = settings_.min_rx;
    polling_ = polls_again_ = false;
}

// A Final bit without a poll confirms nothing new.
void Session::confirm_intervals() {
    polling_ = std::exchange(polls_again_, false);
    if (polling_) return;
    applied_min_tx_ = desired_min_tx_;
    applied_min_rx_ = required_min_rx_;
}

void Session::reconfigure(Step step, Settings settings) {
    const bool other_multiplier = settings.multiplier != settings_.multiplier;
    const bool other_name = settings.name != settings_.name;
    settings_ = std::move(settings);
    if (other_name) report_state(step);
    const bool was_polling = polling_;
    if (up()) {
        announce_intervals();
    } else {
        slow_down();
    }
    if (expires_) expires_ = heard_ + detection();
    schedule(step);
    const bool news = other_multiplier || (polling_ && !was_polling);
    if (news && transmit_interval() > Micros{0}) send_now(step);
}

Micros Session::detection() const { return detection_time(remote_.multiplier, applied_min_rx_, remote_.min_tx); }

// RFC 5880 6.8.7.
Micros Session::transmit_interval() const {
    const bool waits = settings_.passive && remote_.discriminator == 0;
    const bool demanded = remote_.demand && up() && remote_.state == State::Up && !polling_;
    if (waits || demanded || remote_.min_rx <= Micros{0}) return Micros{0};
    return std::max(applied_min_tx_, remote_.min_rx);
}

// ---- sending -----------------------------------------------------------------------------------------------------

// Counted from the last packet sent, so that a neighbour that requests a shorter interval does not wait for the old
// one.
void Session::schedule(Step step) {
    const Micros interval = transmit_interval();
    if (interval == scheduled_) return;
    scheduled_ = interval;
    next_send_.reset();
    if (interval > Micros{0})
        next_send_ = std::max(step.now, sent_ + jittered(interval, settings_.multiplier, step.random()));
}

// The next packet is due one interval after the last one was due, not after it was sent; missed ones are skipped.
void Session::periodic_due(Step step) {
    const Instant due = *next_send_;
    if (step.now - due > Nanos{scheduled_} / 10) ++counters_.deadlines_late;
    send(step, false);
    const Nanos wait = jittered(scheduled_, settings_.multiplier, step.random());
    next_send_ = due + wait > step.now ? due + wait : step.now + wait;
}

void Session::send_now(Step step) {
    send(step, false);
    scheduled_ = transmit_interval();
    next_send_ = step.now + jittered(scheduled_, settings_.multiplier, step.random());
}

void Session::send(Step step, bool final) {
    const wire::BfdPacket packet{.diagnostic = diagnostic_,
                                 .state = state_,
                                 .poll = polling_ && !final,
                                 .final = final,
                                 .detect_multiplier = settings_.multiplier,
                                 .my_discriminator = identity_.discriminator,
                                 .your_discriminator = remote_.discriminator,
                                 .desired_min_tx = desired_min_tx_,
                                 .required_min_rx = required_min_rx_};
    step.out.push_back(SendPacket{.source = settings_.source,
                                  .destination = settings_.neighbor,
                                  .source_port = identity_.source_port,
                                  .destination_port = settings_.multihop ? wire::kBfdMultihopPort : wire::kBfdPort,
                                  .ttl = settings_.ttl,
                                  .payload = wire::encode_bfd(packet)});
    ++counters_.sent;
    if (!final) sent_ = step.now;
}

void Session::report_state(Step step) const {
    step.out.push_back(ReportState{settings_.name, counts_as_up_, settings_.reports_to_checkers});
}

void Session::log(Step step, LogLevel level, std::string_view text) const {
    step.out.push_back(WriteLog{{level, fmt::format("({}) {}", settings_.name, text)}});
}

// ---- time --------------------------------------------------------------------------------------------------------

void Session::tick(Step step) {
    if (expires_ && *expires_ <= step.now) expire(step);
    if (next_send_ && *next_send_ <= step.now) periodic_due(step);
}

std::optional<Instant> Session::deadline() const {
    if (!expires_ || !next_send_) return expires_ ? expires_ : next_send_;
    return std::min(*expires_, *next_send_);
}

SessionSnapshot Session::snapshot() const {
    SessionSnapshot s;
    s.name = settings_.name;
    s.neighbor = settings_.neighbor;
    s.source = settings_.source;
    s.multihop = settings_.multihop;
    s.state = state_;
    s.remote_state = remote_.state;
    s.diagnostic = diagnostic_;
    s.remote_diagnostic = remote_.diagnostic;
    s.discriminator = identity_.discriminator;
    s.remote_discriminator = remote_.discriminator;
    s.source_port = identity_.source_port;
    s.multiplier = settings_.multiplier;
    s.remote_multiplier = remote_.multiplier;
    s.desired_min_tx = desired_min_tx_;
    s.required_min_rx = required_min_rx_;
    s.applied_min_tx = applied_min_tx_;
    s.applied_min_rx = applied_min_rx_;
    s.remote_min_tx = remote_.min_tx;
    s.remote_min_rx = remote_.min_rx;
    s.remote_demand = remote_.demand;
    s.polling = polling_;
    s.polls_again = polls_again_;
    s.unheard = unheard_;
    s.counts_as_up = counts_as_up_;
    s.transmit_interval = transmit_interval();
    s.detection_time = expires_ ? detection() : Micros{0};
    s.next_send = next_send_.value_or(Instant{});
    s.expires = expires_.value_or(Instant{});
    s.counters = counters_;
    return s;
}

std::optional<LogLine> Complaints::line(Complaint kind, std::string_view text, Instant now) {
    Kind& k = kinds_[static_cast<std::size_t>(kind)];
    if (k.last && now < *k.last + kEvery) {
        ++k.silent;
        return std::nullopt;
    }
    std::string line{text};
    if (k.silent > 0) line += fmt::format(" (and {} more since the last such message)", k.silent);
    k = {.last = now, .silent = 0};
    return LogLine{LogLevel::Warning, std::move(line)};
}

}  // namespace mainstay::bfd
