#include "send_queue.hpp"

#include <fcntl.h>

#include <cerrno>

#include "mainstay/ipc/channel.hpp"

namespace mainstay::role {

Result<void> SendQueue::send(const ipc::Message& message, int descriptor) {
    auto bytes = ipc::encode_message(message);
    if (bytes.size() > ipc::kMessageBytesMax) return fail(Errc::Limit, "a message between processes is too large");
    if (waiting_.empty()) {
        auto sent = ipc::send_encoded(channel_.native_handle(), bytes, descriptor);
        if (sent || sent.error().code() != Errc::Limit) return sent;
    }
    if (waiting_.size() >= most_) return fail(Errc::Limit, "the other process does not read");
    UniqueFd kept;
    if (descriptor >= 0) {
        kept.reset(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
        if (!kept) return fail_system("keep a descriptor for another process", errno);
    }
    waiting_.push_back({std::move(bytes), std::move(kept)});
    if (waiting_.size() == 1) wait();
    return {};
}

void SendQueue::when_empty(std::function<void()> call) {
    if (waiting_.empty()) return call();
    when_empty_ = std::move(call);
}

void SendQueue::clear() {
    waiting_.clear();
    lifetime_.begin_anew();
    if (when_empty_) std::exchange(when_empty_, {})();
}

void SendQueue::take_over(SendQueue& other) {
    waiting_ = std::exchange(other.waiting_, {});
    other.clear();
    flush();
}

void SendQueue::wait() {
    channel_.async_wait(boost::asio::posix::stream_descriptor::wait_write,
                        lifetime_.guard([this](const boost::system::error_code& error) {
                            if (!error) flush();
                        }));
}

void SendQueue::flush() {
    while (!waiting_.empty()) {
        const auto& [bytes, descriptor] = waiting_.front();
        const auto sent = ipc::send_encoded(channel_.native_handle(), bytes, descriptor.get());
        if (!sent && sent.error().code() == Errc::Limit) return wait();
        if (!sent) break;  // the other process is gone
        waiting_.pop_front();
    }
    clear();
}

}  // namespace mainstay::role
