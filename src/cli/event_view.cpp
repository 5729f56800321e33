#include "event_view.hpp"

#include <fmt/format.h>

#include "json_view.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/base/wildcards.hpp"
#include "mainstay/lvs/overrides.hpp"
#include "moments.hpp"
#include "status_filter.hpp"

namespace mainstay::cli {

using nlohmann::json;

bool is_shown(const json& event, const EventFilter& filter) {
    if (number(event, "at_unix_us") < filter.since_us) return false;
    if (filter.instance.empty() && filter.service.empty()) return true;
    const auto kind = text(event, "kind"), name = text(event, "name");
    if (!filter.instance.empty() && (kind == "instance" || kind == "group") && is_like(name, filter.instance))
        return true;
    if (filter.service.empty()) return false;
    if (kind == "service") return is_called(name, filter.service);
    return kind == "server" && is_called(text(event, "parent"), filter.service);
}

std::string event_line(const json& event, int utc_offset_s) {
    const auto parent = text(event, "parent"), why = text(event, text(event, "reason").empty() ? "detail" : "reason");
    const auto word = text(event, "transition");
    const auto known = transition_from(word);  // not of a later version
    const std::string transition = known ? plain_word(*known) : word;
    std::string out =
        fmt::format("{}  {} {}{}  {}", local_text({number(event, "at_unix_us")}, utc_offset_s), text(event, "kind"),
                    text(event, "name"), parent.empty() ? "" : " of " + parent, transition);
    if (const auto priority = number(event, "priority"); priority > 0) out += fmt::format("  priority {}", priority);
    if (!why.empty()) out += "  " + why;
    return out + "\n";
}

}  // namespace mainstay::cli
