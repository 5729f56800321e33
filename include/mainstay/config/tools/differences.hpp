// What differs between two states of one object of the model, keyword by keyword, with both values: "priority 100 ->
// 150", "HTTP_GET url path /health -> /other", "unicast_peer 10.0.0.3 removed". Of a secret only that it changed, which
// the schema says of its row. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/config/schema/schema.hpp"

namespace mainstay::config {

struct Difference {
    std::string keyword;  // with the blocks that it is in, from its object on: "HTTP_GET url path"
    std::string text;     // the whole
    std::string now;      // the new value
    bool worse = false;   // a check, a peer, something tracked or a password that goes
    bool operator==(const Difference&) const = default;
};
using Differences = std::vector<Difference>;  // what is worse comes first

[[nodiscard]] Differences differences(const Global& before, const Global& after);
// Without name, addresses, routes and sync group, which are more than a setting.
[[nodiscard]] Differences differences(const Instance& before, const Instance& after);
// The options of one address.
[[nodiscard]] Differences differences(const VirtualAddress& before, const VirtualAddress& after);
[[nodiscard]] Differences differences(const SyncGroup& before, const SyncGroup& after);
[[nodiscard]] Differences differences(const TrackScript& before, const TrackScript& after);
// Without its servers.
[[nodiscard]] Differences differences(const VirtualServer& before, const VirtualServer& after);
// Without its checks. `forwarding` is the keyword that gave the forwarding method: the service's or the server's own.
[[nodiscard]] Differences differences(const RealServer& before, const RealServer& after, std::string_view forwarding);
// Of its checks: a check is the same one if it has the same type and target, or is the only one left of its type.
[[nodiscard]] Differences check_differences(const RealServer& before, const RealServer& after);
// Of keywords and blocks that have no member in the model.
[[nodiscard]] Differences differences(Block block, const ExtraSettings& before, const ExtraSettings& after);

}  // namespace mainstay::config
