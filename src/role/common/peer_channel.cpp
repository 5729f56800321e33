#include "peer_channel.hpp"

#include <bit>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <variant>

#include "mainstay/ipc/channel.hpp"

namespace mainstay::role {

namespace asio = boost::asio;

void PeerEnd::open(UniqueFd channel) {
    end_ = std::make_shared<asio::posix::stream_descriptor>(loop_);
    boost::system::error_code error;
    const int fd = channel.release();
    end_->assign(fd, error);
    if (!error) return;
    UniqueFd{fd}.reset();
    end_.reset();
}

void PeerEnd::wait(bool readable, std::function<void()> call) {
    using Descriptor = asio::posix::stream_descriptor;
    // By the time this handler runs, the channel may be closed or replaced by a new one.
    end_->async_wait(readable ? Descriptor::wait_read : Descriptor::wait_write,
                     [weak = std::weak_ptr{end_}, call = std::move(call)](const boost::system::error_code& error) {
                         if (!error && !weak.expired()) call();
                     });
}

// As in wait(): nothing is called for a channel that was closed or replaced in the meantime.
void PeerEnd::after(std::chrono::milliseconds pause, std::function<void()> call) {
    auto timer = std::make_shared<asio::steady_timer>(loop_, pause);
    timer->async_wait([timer, weak = std::weak_ptr{end_}, call = std::move(call)](const boost::system::error_code&) {
        if (!weak.expired()) call();
    });
}

void StateSender::connect(UniqueFd channel, States all) {
    channel_.open(std::move(channel));
    waiting_ = false;
    unsent_ = std::move(all);
    flush();
}

void StateSender::send(const std::string& name, bool state) {
    if (!channel_.is_open()) return;
    unsent_.insert_or_assign(name, state);
    flush();
}

void StateSender::send(States states) {
    if (!channel_.is_open()) return;
    states.merge(unsent_);  // merge keeps existing keys: the new states win over unsent ones
    unsent_ = std::move(states);
    flush();
}

void StateSender::flush() {
    if (waiting_ || !channel_.is_open()) return;
    while (!unsent_.empty()) {
        States some;
        auto end = unsent_.begin();
        for (; end != unsent_.end() && some.size() < kStatesPerMessage; ++end) some.insert(*end);
        const auto sent = ipc::send_message(channel_.fd(), wrap_(std::move(some)));
        if (sent) {
            unsent_.erase(unsent_.begin(), end);
            continue;
        }
        if (sent.error().code() != Errc::Limit)
            return channel_.close();  // the peer died; the next connect() sends all states
        log_.warning("the {} process does not read the states of {}; the latest ones are sent when it does", other_,
                     what_);
        waiting_ = true;
        return channel_.when_writable([this] {
            waiting_ = false;
            flush();
        });
    }
}

BfdStateSender::BfdStateSender(asio::io_context& loop, Log& log, std::string other)
    : StateSender{loop, log, std::move(other), "BFD", [](const States& states) -> ipc::Message {
                      ipc::BfdStates message;
                      for (const auto& [name, up] : states) message.sessions.push_back({name, up});
                      return message;
                  }} {}

void PeerReceiver::connect(UniqueFd channel) {
    channel_.open(std::move(channel));
    budget_ = TokenBucket{kPeerRate};
    unknown_ = 0;
    if (channel_.is_open()) listen();
}

void PeerReceiver::listen() {
    channel_.when_readable([this] {
        switch (read()) {
            case Then::Listen:
                return listen();
            case Then::Pause:
                return channel_.after(kPeerPause, [this] { listen(); });
            case Then::Close:
                return channel_.close();
        }
    });
}

PeerReceiver::Then PeerReceiver::read() {
    for (int taken = 0; taken < kPeerMessagesPerTurn; ++taken) {
        auto got = ipc::receive_message(channel_.fd());
        if (got && !got->has_value()) return Then::Listen;
        const Instant now = std::chrono::steady_clock::now();
        const bool too_many = !budget_.take(now);
        if (!got) {
            const bool other_version = got.error().code() == Errc::Unsupported;  // possible during an upgrade
            if (!other_version || std::has_single_bit(++unknown_))
                log_.error("from the {} process: {}", from_, got.error().text());
            if (!other_version) return Then::Close;
        } else {
            const auto* received = std::get_if<ipc::Received>(&**got);
            if (received == nullptr) return Then::Close;
            on_message_(received->message);
        }
        if (!too_many) continue;
        log_pause(now);
        return Then::Pause;
    }
    return Then::Listen;  // the rest is read in the next turn, so that timers are not delayed
}

void PeerReceiver::log_pause(Instant now) {
    if (pause_logged_ && now - *pause_logged_ < kPeerRateLoggedEvery) return;
    pause_logged_ = now;
    log_.warning(
        "the {} process sends more than {} messages a second: they are read at that rate, and of the states "
        "that wait the latest ones are used",
        from_, kPeerRate.per_second);
}

BfdStateReceiver::BfdStateReceiver(asio::io_context& loop, Log& log, std::function<void(const ipc::BfdState&)> on_state)
    : PeerReceiver{loop, log, "BFD", [on_state = std::move(on_state)](const ipc::Message& message) {
                       if (const auto* states = std::get_if<ipc::BfdStates>(&message))
                           for (const auto& session : states->sessions) on_state(session);
                   }} {}

}  // namespace mainstay::role
