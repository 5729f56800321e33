#include "service.hpp"

#include <algorithm>
#include <bit>

namespace mainstay::role::http {

bool Service::add_stream(const std::shared_ptr<Connection>& stream) {
    std::erase_if(streams, [](const std::weak_ptr<Connection>& one) { return one.expired(); });
    if (streams.size() < kStreamsMax) {
        streams.push_back(stream);
        return true;
    }
    if (is_worth_a_line(++counters.streams_refused))
        log.warning("more than {} clients follow the events: one is refused ({} so far)", kStreamsMax,
                    counters.streams_refused);
    return false;
}

void Service::wake_streams() {
    for (const auto& stream : std::vector{streams})
        if (const auto held = stream.lock()) held->wake();
}

bool Service::is_worth_a_line(std::uint64_t count) { return std::has_single_bit(count); }

}  // namespace mainstay::role::http
