#include "peer_channel.hpp"

#include <bit>
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
        if (read())
            listen();
        else
            channel_.close();
    });
}

// False when the channel is closed.
bool PeerReceiver::read() {
    for (int taken = 0; taken < kPeerMessagesPerTurn; ++taken) {
        auto got = ipc::receive_message(channel_.fd());
        if (got && !got->has_value()) return true;
        if (!budget_.take(std::chrono::steady_clock::now())) {
            log_.error("the {} process exceeded its message rate: closing the connection", from_);
            return false;
        }
        if (!got) {
            const bool other_version = got.error().code() == Errc::Unsupported;  // possible during an upgrade
            if (!other_version || std::has_single_bit(++unknown_))
                log_.error("from the {} process: {}", from_, got.error().text());
            if (other_version) continue;
            return false;
        }
        const auto* received = std::get_if<ipc::Received>(&**got);
        if (received == nullptr) return false;
        on_message_(received->message);
    }
    return true;  // the rest is read in the next turn, so that timers are not delayed
}

BfdStateReceiver::BfdStateReceiver(asio::io_context& loop, Log& log, std::function<void(const ipc::BfdState&)> on_state)
    : PeerReceiver{loop, log, "BFD", [on_state = std::move(on_state)](const ipc::Message& message) {
                       if (const auto* states = std::get_if<ipc::BfdStates>(&message))
                           for (const auto& session : states->sessions) on_state(session);
                   }} {}

}  // namespace mainstay::role
