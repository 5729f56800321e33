#include "peer_channel.hpp"

#include <variant>

#include "mainstay/ipc/channel.hpp"

namespace mainstay::role {

namespace asio = boost::asio;

void LineEnd::open(UniqueFd line) {
    end_ = std::make_shared<asio::posix::stream_descriptor>(loop_);
    boost::system::error_code error;
    const int fd = line.release();
    end_->assign(fd, error);
    if (!error) return;
    UniqueFd{fd}.reset();
    end_.reset();
}

void LineEnd::wait(bool readable, std::function<void()> call) {
    using Descriptor = asio::posix::stream_descriptor;
    // Another line may be open by the time this is called, or none.
    end_->async_wait(readable ? Descriptor::wait_read : Descriptor::wait_write,
                     [weak = std::weak_ptr{end_}, call = std::move(call)](const boost::system::error_code& error) {
                         if (!error && !weak.expired()) call();
                     });
}

void StateTeller::connect(UniqueFd line, States all) {
    line_.open(std::move(line));
    waiting_ = false;
    unsent_ = std::move(all);
    flush();
}

void StateTeller::tell(const std::string& name, bool state) {
    if (!line_.is_open()) return;
    unsent_.insert_or_assign(name, state);
    flush();
}

void StateTeller::tell(States states) {
    if (!line_.is_open()) return;
    states.merge(unsent_);  // what is given now is the newer
    unsent_ = std::move(states);
    flush();
}

void StateTeller::flush() {
    if (waiting_ || !line_.is_open()) return;
    while (!unsent_.empty()) {
        States some;
        auto end = unsent_.begin();
        for (; end != unsent_.end() && some.size() < kStatesPerMessage; ++end) some.insert(*end);
        const auto sent = ipc::send_message(line_.fd(), wrap_(std::move(some)));
        if (sent) {
            unsent_.erase(unsent_.begin(), end);
            continue;
        }
        if (sent.error().code() != Errc::Limit) return line_.close();  // it is gone; a new one gets everything
        log_.warning("the {} process does not read what {} tells it; told again when it does", other_, what_);
        waiting_ = true;
        return line_.when_writable([this] {
            waiting_ = false;
            flush();
        });
    }
}

BfdTeller::BfdTeller(asio::io_context& loop, Log& log, std::string other)
    : StateTeller{loop, log, std::move(other), "BFD", [](const States& states) -> ipc::Message {
                      ipc::BfdStates message;
                      for (const auto& [name, up] : states) message.sessions.push_back({name, up});
                      return message;
                  }} {}

void LineListener::connect(UniqueFd line) {
    line_.open(std::move(line));
    if (line_.is_open()) listen();
}

void LineListener::listen() {
    line_.when_readable([this] {
        if (read())
            listen();
        else
            line_.close();
    });
}

// False when the line is broken.
bool LineListener::read() {
    for (;;) {
        auto got = ipc::receive_message(line_.fd());
        if (!got) {
            log_.error("from the {} process: {}", from_, got.error().text());
            if (got.error().code() == Errc::Invalid || got.error().code() == Errc::Unsupported) continue;
            return false;
        }
        if (!got->has_value()) return true;
        const auto* received = std::get_if<ipc::Received>(&**got);
        if (received == nullptr) return false;
        hear_(received->message);
    }
}

BfdListener::BfdListener(asio::io_context& loop, Log& log, std::function<void(const ipc::BfdState&)> hear)
    : LineListener{loop, log, "BFD", [hear = std::move(hear)](const ipc::Message& message) {
                       if (const auto* states = std::get_if<ipc::BfdStates>(&message))
                           for (const auto& session : states->sessions) hear(session);
                   }} {}

}  // namespace mainstay::role
