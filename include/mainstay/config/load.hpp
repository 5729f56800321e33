// From files to a checked model: read, resolve to one snapshot text, lex, apply the schema, check across blocks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/config/diagnostics/diagnostic.hpp"
#include "model.hpp"

namespace mainstay::config {

// The facts about the host that the checks need. Passed in, so that the module makes no system calls other than reading
// files, and tests can simulate any host. A null function means "unknown": its check is skipped.
struct Environment {
    // The own name of the interface that has this name, as its own or as an alternative one; empty: none has.
    std::function<std::string(std::string_view name)> interface_called;
    [[nodiscard]] bool interface_exists(std::string_view name) const {  // under its own name
        return !interface_called || (!name.empty() && interface_called(name) == name);
    }
    std::function<bool(std::string_view interface)> multicasts;  // also true of one that is not there
    std::function<std::optional<std::uint32_t>(std::string_view interface)> mtu_of;  // in bytes; none: not known
    // Account names; the group may be empty. False: no such user or group.
    std::function<bool(std::string_view user, std::string_view group)> account_exists;
    struct ScriptFacts {
        bool found = false;       // resolved through PATH where the name is relative
        bool executable = false;  // by the account that will run it
        bool insecure = false;    // it would run as root, and an account other than root may modify it
        std::string resolved;     // absolute path
        bool other_kind = false;  // not found: what has this path is no regular file
    };
    std::function<ScriptFacts(const Command& command, const Global& global)> script_facts;
    std::string host_name;
    std::int64_t cpus = 0;  // of this host; 0: not known
    // Whether the name service knows the host. May block: handed in by the configuration test only.
    std::function<bool(std::string_view host)> host_resolves;
    std::string config_id;  // what @id lines are compared with; empty: host_name up to its first dot
    // The value of an environment variable; empty when it is not set.
    std::function<std::string(std::string_view name)> variable;
    std::function<std::uint64_t()> random;  // evenly spread over all values
    // Whether the named network namespace can be entered.
    std::function<bool(std::string_view name)> network_namespace_exists;
    // The addresses of this host's interfaces with their subnets, without those of the loopback.
    struct Subnet {
        std::string interface;
        Prefix prefix;
    };
    std::function<std::vector<Subnet>()> subnets;
    // The error of a URL's regex; empty: it is valid.
    std::function<std::string(const HttpUrl& url)> pattern_problem;
    bool all_include_checks = false;  // treat every include as includea
    std::string root;                 // the folder that is / to the absolute paths of includes; empty: / itself
};

struct SourceFile {
    std::string path;  // as given or as included
    std::string text;
    static constexpr std::uint32_t kTop = UINT32_MAX;
    std::uint32_t included_by = kTop;  // index of the including file; kTop: given by the operator
    std::uint32_t included_at = 0;     // its line
    bool by_pattern = false;           // whatever matched was read, as this file did
};

// An object in the file that does not run, because braces are missing or too many, or because it is in an unknown
// block.
struct Lost {
    enum class Kind : std::uint8_t { Service, Server, Instance, Address } kind = Kind::Service;
    std::string name;  // "10.0.0.1:80", "FWM 5", "group WEB"; "10.0.0.11:80"; "VI_1"; "10.0.0.9/24"
    bool operator==(const Lost&) const = default;
};
[[nodiscard]] std::string describe(const Lost& lost);  // "virtual_server 10.0.0.1:80"

struct Snapshot;  // mainstay/config/language/resolver.hpp

struct Loaded {
    Config config;                        // usable when can_run()
    std::vector<Diagnostic> diagnostics;  // sorted by place
    std::vector<SourceFile> files;        // [0] is the (first) top file
    std::vector<Lost> lost;               // in the order of the file
    // The text that was read and the places that it is from, without `files`; null when there is none.
    std::shared_ptr<const Snapshot> resolved;
    [[nodiscard]] bool can_run() const;   // no Fatal diagnostic, no MissingWord
    [[nodiscard]] int exit_code() const;  // keepalived's: 0, 2, 4, 5, 6
};

// Reads `path` (regular file, at most kMaxFileBytes) and everything it includes. A pattern with * ? [ or braces names
// several files, read as one in the order of the pattern. An unreadable or missing top file is
// a Fatal diagnostic in the result, not a failure of the call.
[[nodiscard]] Loaded load_file(const std::string& path, const Environment& environment);
// The same from text, for tests and for roles that parse their snapshot; `name` is shown in diagnostics.
[[nodiscard]] Loaded load_text(std::string name, std::string text, const Environment& environment);

// A diagnostic for people:
//   ha.conf:7:14: error MS0012: priority must be 1 to 255, got 300
//      7 |     priority 300
//        |              ^~~
//   mainstay keeps the default 100.
[[nodiscard]] std::string render(const Diagnostic& diagnostic, const Loaded& loaded, bool colour);
// One line, for syslog.
[[nodiscard]] std::string render_line(const Diagnostic& diagnostic, const Loaded& loaded);

// The recipient of a snapshot. Each role gets only its own blocks: passwords only vrrp, mail settings only the
// observer. The observer gets the first virtual server, to know whether there are any; the SNMP agent gets all.
enum class Audience : std::uint8_t { Vrrp, Lvs, Observer, Bfd, Snmp };

// The part of the model that this role may see; everything else is left at its default.
[[nodiscard]] Config slice(const Config& config, Audience audience);

// --strict: a configuration with any warning is refused.

// True for a warning or a more severe diagnostic; notes do not count.
[[nodiscard]] inline bool has_warnings(const Loaded& loaded) {
    return std::ranges::any_of(loaded.diagnostics,
                               [](const Diagnostic& found) { return found.severity >= Severity::Warning; });
}

// A configuration with all its includes as one text.

// The text that load_file() parses, with includes, definitions and conditions resolved, and with its secrets. Empty if
// nothing can be read.
[[nodiscard]] std::string consolidated(const std::string& path, const Environment& environment);

// Finds the director's configuration if no file is given.

struct Places {
    std::vector<std::string> files{"/etc/mainstay/mainstay.conf", "/etc/keepalived/keepalived.conf"};
    std::string own = "/etc/mainstay/mainstay.toml";  // only if it has tables about the director
};
struct ConfigSource {
    std::string used;                      // empty: none exists
    std::vector<std::string> passed_over;  // further existing files, which are not read
};
// Only the first existing file is used. A mainstay.toml that is not valid TOML is used if no other file exists, so that
// its errors are reported.
[[nodiscard]] ConfigSource find_source(const Places& places = {});

}  // namespace mainstay::config
