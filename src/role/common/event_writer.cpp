#include "event_writer.hpp"

#include <unistd.h>

#include <boost/asio/post.hpp>

#include <chrono>
#include <cstdint>

namespace mainstay::role {
namespace {

constexpr std::chrono::milliseconds kLookForRoom{20};

}  // namespace

Result<void> EventWriter::open() {
    auto ring = ipc::EventRing::map(ipc::inherited::kOwnRing, true);
    if (!ring) return error_of(ring);
    auto read = ipc::ReadMark::map(ipc::inherited::kReadMark, false);
    if (!read) return error_of(read);
    ring_.emplace(std::move(*ring));
    read_.emplace(std::move(*read));
    kick_.reset(ipc::inherited::kObserverKick);
    return {};
}

void EventWriter::write(const Event& event) {
    if (!ring_) return;
    ring_->append(event, read_->number());
    // One wake-up of the observer for all events of this turn of the loop.
    if (!std::exchange(kick_due_, true)) boost::asio::post(loop_, lifetime_.guard([this] { kick(); }));
    if (!std::exchange(waits_, true)) wait_for_room();
}

void EventWriter::kick() {
    if (!std::exchange(kick_due_, false)) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written =
        ::write(kick_.get(), &one, sizeof one);  // EAGAIN: the counter is full, the observer is awake already
}

void EventWriter::wait_for_room() {
    waits_ = !ring_->write_waiting(read_->number());
    if (!waits_) {
        if (when_written_) std::exchange(when_written_, {})();
        return;
    }
    room_.expires_after(kLookForRoom);
    room_.async_wait(lifetime_.when_due([this] {
        kick_due_ = true;
        wait_for_room();
        kick();
    }));
}

void EventWriter::when_written(std::function<void()> call) {
    if (!waits_) return call();
    when_written_ = std::move(call);
}

void EventWriter::write_all() {
    if (ring_) ring_->write_all_waiting();
    kick_due_ = kick_due_ || waits_;
    kick();
}

}  // namespace mainstay::role
