// The answer of GET /status as tables for people. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::cli {

// ---- the parts of a status document that names select: instances, groups, scripts, BFD sessions, services, servers

// Which part of the status a command shows.
enum class StatusSection : std::uint8_t { All, Vrrp, Lvs };  // Vrrp: with the BFD sessions

// True if `pattern` (with * and ?) is a name of a service or a server called `name`, "[10.0.0.1]:tcp:80" or "FWM 5":
// also its address, "10.0.0.1", and its address with the port, "10.0.0.1:80"; "fwmark 5" for a mark.
[[nodiscard]] bool is_called(std::string_view name, std::string_view pattern);

// Removes from `status` what is shown in another section only: the other processes' parts, mails and webhooks.
void keep_section(nlohmann::json& status, StatusSection section);

// Removes from `status` what none of the names selects; without names nothing. A selected service keeps all of its
// servers; of another one, those that are selected. A name "SERVICES/SERVERS" selects servers of those services.
// Errc::NotFound: a name selects nothing; the text suggests the nearest name.
[[nodiscard]] Result<void> keep_only(nlohmann::json& status, const std::vector<std::string>& names);

// ---- the whole as tables

// Errc::Invalid when the text is not such an answer. Of the section, with `names` only what they name
// (keep_only()) is shown; Errc::NotFound: nothing is named like that.
[[nodiscard]] Result<std::string> status_tables(std::string_view answer, const std::vector<std::string>& names = {},
                                                StatusSection section = StatusSection::All);

// ---- the health of the director in one line, for Nagios and its kin

inline constexpr int kCheckOk = 0, kCheckWarning = 1, kCheckCritical = 2, kCheckUnknown = 3;

struct CheckResult {
    int exit_code = kCheckUnknown;
    std::string line;  // "MAINSTAY OK - DAEMON: ... | ...", with a newline
};

// CRITICAL or WARNING: by the daemon's list of problems (report/problems.hpp). `names` are as for status_tables();
// UNKNOWN: nothing is named like that, or the text is no status document with such a list.
// `daemon`: the name of the one that answered, if it has one.
[[nodiscard]] CheckResult check_status(std::string_view answer, const std::vector<std::string>& names,
                                       const std::string& daemon = {});
// The same line for a daemon that does not answer.
[[nodiscard]] CheckResult check_failed(const Error& error);

// ---- the busiest services and servers of a status document

// The `most` busiest services, then the `most` busiest servers, by bytes and then connections per second. Without
// traffic in the document: how it is turned on. Errc::Invalid: the text is not such a document.
[[nodiscard]] Result<std::string> busiest(std::string_view answer, std::size_t most);

}  // namespace mainstay::cli
