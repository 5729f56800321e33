// The table of all commands that a configuration lets the supervisor run, under stable keys. The reader makes the
// table; only the supervisor runs commands; roles send keys.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "mainstay/base/event.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::alert {

// The process that may request a script.
enum class Requester : std::uint8_t { Nobody, Supervisor, Vrrp, Lvs };
[[nodiscard]] Requester requester_of_script(std::string_view key);

// What the supervisor does when accounts other than root have become able to modify a script that runs as root.
enum class ScriptSecurity : std::uint8_t {
    Unchecked,  // nothing: it is a system program, or it was so at the reading already, which was logged
    Warn,
    Refuse,  // enable_script_security
};

struct ScriptEntry {
    std::vector<std::string> argv;  // argv[0] as configured
    std::string path;               // absolute; resolved, but with use_symlink_paths
    std::uint32_t uid = 0, gid = 0;
    Micros timeout{0};                           // 0: none (notify scripts are waited for notify_wait only)
    std::vector<std::uint32_t> groups;           // supplementary ones
    Requester requested_by = Requester::Nobody;  // Nobody: the table is from an older program
    ScriptSecurity security = ScriptSecurity::Unchecked;
    bool operator==(const ScriptEntry&) const = default;
};
using ScriptTable = std::map<std::string, ScriptEntry>;

template <class A>
void fields(A& a, ScriptEntry& e) {
    a(e.argv, e.path, e.uid, e.gid, e.timeout, e.groups, e.requested_by, e.security);
}

// "vrrp_script/chk_haproxy"
[[nodiscard]] std::string track_script_key(const std::string& name);
// "misc_check/<RS> of <VS>/<index>", the index among the server's checkers
[[nodiscard]] std::string misc_check_key(const config::VirtualServer& service, const config::RealServer& server,
                                         std::size_t index);
inline constexpr const char* kStartupScript = "startup_script";
inline constexpr const char* kShutdownScript = "shutdown_script";
// "instance/VI_1/master", "group/G1/any", "real_server/<RS> of <VS>/up", "virtual_server/<VS>/up"
[[nodiscard]] std::string notify_key(const Event& event, bool generic);

struct NotifyCall {
    std::string key;
    std::string queue;               // per instance, group or service
    std::vector<std::string> extra;  // "INSTANCE", name, state, priority for the generic `notify`
};
// Which notify scripts are configured, indexed, because thousands of events may occur in one second.
class NotifyScripts {
public:
    NotifyScripts() = default;
    explicit NotifyScripts(const config::Config& config);
    void change(const config::ServiceChange& change);
    // The scripts that this event runs, in order: the state's own, then the generic one of an instance or a group.
    [[nodiscard]] std::vector<NotifyCall> calls(const Event& event) const;

private:
    template <class Configured>
    void add(const Configured& configured);
    [[nodiscard]] std::vector<NotifyCall> vrrp_calls(const Event& event) const;
    [[nodiscard]] std::vector<NotifyCall> server_calls(const Event& event) const;

    std::unordered_multiset<std::string> keys_;  // the IPv4 and IPv6 services of a mark have the same name
};

// All (key, command, timeout) of a configuration; the reader resolves paths and accounts.
struct Wanted {
    std::string key;
    config::Command command;
    Micros timeout{0};
};
[[nodiscard]] std::vector<Wanted> wanted_scripts(const config::Config& config);

}  // namespace mainstay::alert
