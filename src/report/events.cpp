#include "mainstay/report/events.hpp"

#include <nlohmann/json.hpp>

#include "mainstay/report/document.hpp"

namespace mainstay::report {

const char* to_string(Event::Kind kind) {
    switch (kind) {
        case Event::Kind::Instance:
            return "instance";
        case Event::Kind::Group:
            return "group";
        case Event::Kind::RealServer:
            return "server";
        case Event::Kind::VirtualServer:
            return "service";
    }
    return "unknown";
}

std::string event_json(const HistoryEntry& entry) {
    using json = nlohmann::ordered_json;
    const Event& event = entry.event;
    const json out{{"id", entry.id},
                   {"at", iso_time(event.at)},
                   {"at_unix_us", event.at.unix_us},
                   {"source", entry.source},
                   {"kind", to_string(event.kind)},
                   {"name", event.name},
                   {"parent", event.parent},
                   {"transition", mainstay::to_string(event.transition)},
                   {"priority", event.priority},
                   {"detail", plain_detail(event)},
                   {"reason", event.reason},
                   {"cause", to_string(event.cause)}};
    return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace mainstay::report
