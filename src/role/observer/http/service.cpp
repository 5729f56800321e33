#include "service.hpp"

#include <algorithm>
#include <bit>

namespace mainstay::role::http {

bool Service::add_stream(const std::shared_ptr<Connection>& stream, bool has_own_places) {
    std::erase_if(streams, [](const Stream& one) { return one.connection.expired(); });
    const auto beside = std::ranges::count(streams, has_own_places, &Stream::has_own_places);
    if (static_cast<std::size_t>(beside) < kStreamsMax) {
        streams.push_back({stream, has_own_places});
        return true;
    }
    if (is_worth_a_line(++counters.streams_refused))
        log.warning("more than {} clients follow the events: one is refused ({} so far)", kStreamsMax,
                    counters.streams_refused);
    return false;
}

void Service::wake_streams() {
    for (const auto& stream : std::vector{streams})
        if (const auto held = stream.connection.lock()) held->wake();
}

bool Service::is_worth_a_line(std::uint64_t count) { return std::has_single_bit(count); }

}  // namespace mainstay::role::http
