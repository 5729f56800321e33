#include "bfd_line.hpp"

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

void BfdTeller::connect(UniqueFd line, std::map<std::string, bool> all) {
    line_.open(std::move(line));
    waiting_ = false;
    unsent_ = std::move(all);
    flush();
}

void BfdTeller::tell(const std::string& session, bool up) {
    if (!line_.is_open()) return;
    unsent_.insert_or_assign(session, up);
    flush();
}

void BfdTeller::tell(std::map<std::string, bool> sessions) {
    if (!line_.is_open()) return;
    sessions.merge(unsent_);  // what is given now is the newer
    unsent_ = std::move(sessions);
    flush();
}

void BfdTeller::flush() {
    if (waiting_ || !line_.is_open()) return;
    while (!unsent_.empty()) {
        ipc::BfdStates message;
        auto end = unsent_.begin();
        for (; end != unsent_.end() && message.sessions.size() < kBfdStatesPerMessage; ++end)
            message.sessions.push_back({end->first, end->second});
        const auto sent = ipc::send_message(line_.fd(), message);
        if (sent) {
            unsent_.erase(unsent_.begin(), end);
            continue;
        }
        if (sent.error().code() != Errc::Limit) return line_.close();  // it is gone; a new one gets everything
        log_.warning("the {} process does not read what BFD tells it; told again when it does", other_);
        waiting_ = true;
        return line_.when_writable([this] {
            waiting_ = false;
            flush();
        });
    }
}

void BfdListener::connect(UniqueFd line) {
    line_.open(std::move(line));
    if (line_.is_open()) listen();
}

void BfdListener::listen() {
    line_.when_readable([this] {
        if (read())
            listen();
        else
            line_.close();
    });
}

// False when the line is broken.
bool BfdListener::read() {
    for (;;) {
        auto got = ipc::receive_message(line_.fd());
        if (!got) {
            log_.error("from the BFD process: {}", got.error().text());
            if (got.error().code() == Errc::Invalid || got.error().code() == Errc::Unsupported) continue;
            return false;
        }
        if (!got->has_value()) return true;
        const auto* received = std::get_if<ipc::Received>(&**got);
        if (received == nullptr) return false;
        if (const auto* states = std::get_if<ipc::BfdStates>(&received->message))
            for (const auto& session : states->sessions) hear_(session);
    }
}

}  // namespace mainstay::role
