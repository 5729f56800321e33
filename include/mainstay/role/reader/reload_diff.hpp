// The effects of a reload: which virtual router keeps its state, which one resigns, what changes in the IPVS table. It
// uses the same functions as the roles: vrrp::same_instance, lvs::desired and lvs::plan. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "mainstay/config/load.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/config/tools/keyword_places.hpp"

namespace mainstay::role {

struct ReloadDetail {
    ReloadDetail(const char* what) : text{what} {}  // NOLINT(google-explicit-constructor): most have no place
    ReloadDetail(std::string what, std::string where = {})
        : text{std::move(what)}, place{std::move(where)} {}  // NOLINT
    std::string text;   // "priority 100 -> 150", "worse: HTTP_GET removed"; never a password
    std::string place;  // of the keyword in the new file, "ha.conf:14"; empty: not known
    bool operator==(const ReloadDetail&) const = default;
};

struct ReloadChange {
    enum class Action : std::uint8_t { Keep, Change, Add, Remove } action = Action::Change;
    std::string kind;  // instance, address, route, script, sync group, service, server, checks, settings
    std::string name;  // "VI_1", "TCP 10.0.0.1:80 -> 10.0.0.11:80"
    std::vector<ReloadDetail> details;
    // A director is worse off with it: something that serves goes, or something that watches.
    [[nodiscard]] bool worse() const;
    bool operator==(const ReloadChange&) const = default;
};

struct ReloadDiff {
    std::vector<ReloadChange> changes;  // what is worse comes first
    std::size_t instances_kept = 0;     // unchanged ones; they are not in `changes`
    std::size_t services_kept = 0;      // likewise
    std::size_t ipvs_operations = 0;    // with all servers up
    [[nodiscard]] bool empty() const { return changes.empty(); }
};

// What the kernel does with packets to a server that is no longer in the table: it drops them until their connection
// expires, unless net.ipv4.vs.expire_nodest_conn is 1.
enum class Orphans : std::uint8_t { Expire, Dropped };
// `places`: of the file that `next` was read from, for the details' places.
[[nodiscard]] ReloadDiff diff_reload(const config::Config& running, const config::Config& next,
                                     Orphans orphans = Orphans::Expire, config::KeywordPlaces* places = nullptr);
// The objects that the diff removes because of broken blocks in the new file, as "service TCP 10.0.0.1:80". Objects
// that the operator has deleted are not among them.
[[nodiscard]] std::vector<std::string> lost_by_fault(const ReloadDiff& diff, const config::Config& running,
                                                     const std::vector<config::Lost>& lost);
// The instances and services that the diff removes, in the same words.
[[nodiscard]] std::vector<std::string> removed_by(const ReloadDiff& diff);
// For the log: a line about each of these objects, at most `most`, and one about how many there are more.
[[nodiscard]] std::vector<std::string> lines_of_losses(const std::vector<std::string>& losses, std::size_t most);
[[nodiscard]] std::string as_text(const ReloadDiff& diff);
[[nodiscard]] nlohmann::ordered_json as_json(const ReloadDiff& diff);
// A line for the log about each change, "change instance VI_1: priority 100 -> 150", without its newline and of at most
// kReloadLineBytesMax; at most `most` of them. None: nothing changes.
inline constexpr std::size_t kReloadLineBytesMax = 400;
[[nodiscard]] std::vector<std::string> as_log_lines(const ReloadDiff& diff, std::size_t most);

}  // namespace mainstay::role
