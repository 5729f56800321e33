// Direct one-way channels between roles, each a socket pair made by the supervisor: bfd sends vrrp and lvs the states
// of its sessions; vrrp sends lvs whether the instance that lvs_sync_daemon follows is master.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <utility>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/message.hpp"
#include "message_table.hpp"

namespace mainstay::role {

inline constexpr std::size_t kStatesPerMessage =
    512;  // names have at most 31 characters, so this is far below the size limit of a message

// One end of a channel and the handlers that wait on it. Handlers still queued when its owner is destroyed do nothing.
class PeerEnd {
public:
    explicit PeerEnd(boost::asio::io_context& loop) : loop_{loop} {}
    void open(UniqueFd channel);
    void close() { end_.reset(); }
    [[nodiscard]] bool is_open() const { return end_ != nullptr; }
    [[nodiscard]] int fd() const { return end_->native_handle(); }
    void when_readable(std::function<void()> call) { wait(true, std::move(call)); }
    void when_writable(std::function<void()> call) { wait(false, std::move(call)); }
    void after(std::chrono::milliseconds pause, std::function<void()> call);

private:
    void wait(bool readable, std::function<void()> call);
    boost::asio::io_context& loop_;
    std::shared_ptr<boost::asio::posix::stream_descriptor> end_;
};

// The sending end. States that the peer does not read in time are kept, the latest one of each name, and sent when it
// reads again.
class StateSender {
public:
    using States = std::map<std::string, bool>;
    using Wrap = std::function<ipc::Message(States)>;  // at most kStatesPerMessage of them
    // `what` is the sender and `other` the receiver, as the log names them: "BFD", "VRRP".
    StateSender(boost::asio::io_context& loop, Log& log, std::string other, std::string what, Wrap wrap)
        : channel_{loop}, log_{log}, other_{std::move(other)}, what_{std::move(what)}, wrap_{std::move(wrap)} {}

    // Uses a new channel and sends it all states.
    void connect(UniqueFd channel, States all);
    void send(const std::string& name, bool state);
    void send(States states);
    void close() { channel_.close(); }

private:
    void flush();

    PeerEnd channel_;
    Log& log_;
    std::string other_, what_;
    Wrap wrap_;
    States unsent_;
    bool waiting_ = false;
};

class BfdStateSender : public StateSender {
public:
    BfdStateSender(boost::asio::io_context& loop, Log& log, std::string other);
};

// Limits for the receiving end, because the sender may be compromised and must not delay the receiver's timers. A
// channel that exceeds the rate is read more slowly and never closed for it: a neighbour whose session flaps makes an
// honest sender exceed it, and a new channel comes only when a role starts again. What waits meanwhile is bounded: the
// socket holds some hundred messages, and the sender keeps the latest state of each name.
inline constexpr int kPeerMessagesPerTurn = 16;
inline constexpr Rate kPeerRate{2'000, 500};
inline constexpr std::chrono::milliseconds kPeerPause{50};
inline constexpr std::chrono::seconds kPeerRateLoggedEvery{60};

// The receiving end. When the channel closes because the sender died, the received states stay valid: the sender's next
// incarnation resumes from its own state and sends all states on a new channel.
class PeerReceiver {
public:
    using OnMessage = std::function<void(const ipc::Message&)>;
    // `from`: the sender's name, for the log.
    PeerReceiver(boost::asio::io_context& loop, Log& log, std::string from, OnMessage on_message)
        : channel_{loop}, log_{log}, from_{std::move(from)}, on_message_{std::move(on_message)} {}

    void connect(UniqueFd channel);
    void close() { channel_.close(); }

private:
    enum class Then : std::uint8_t { Listen, Pause, Close };
    void listen();
    [[nodiscard]] Then read();
    void log_pause(Instant now);

    PeerEnd channel_;
    Log& log_;
    std::string from_;
    OnMessage on_message_;
    TokenBucket budget_{kPeerRate};
    std::optional<Instant> pause_logged_;
    std::uint64_t unknown_ = 0;
};

class BfdStateReceiver : public PeerReceiver {
public:
    BfdStateReceiver(boost::asio::io_context& loop, Log& log, std::function<void(const ipc::BfdState&)> on_state);
};

}  // namespace mainstay::role
