// A problem of a configuration, described so that the operator can fix it without a manual.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mainstay::config {

enum class Severity : std::uint8_t {
    Note,     // worth knowing; no effect on the exit code
    Warning,  // keepalived ignores or changes it; so do we
    Error,    // the item is not used, the rest of the configuration is
    Fatal,    // the configuration cannot run
};

// The source of keepalived's `-t` exit code: the highest rank of all diagnostics decides.
enum class Rank : std::uint8_t {
    None,              // no effect on the exit code
    CannotRun,         // 4: file not found, bad interface, fatal
    Config,            // 5: any other error or warning
    VrrpSecurity,      // 6: scripts of VRRP without enable_script_security
    MissingInterface,  // 5: an interface of VRRP does not exist; keepalived stops before it checks VRRP's scripts
    Security,          // 6: scripts of checks without enable_script_security, or a failed checked include
    MissingWord,       // 2: a mandatory word is missing; keepalived stops at once
    Untested,          // 0: keepalived cannot enter net_namespace and silently ends its test
};

struct Place {
    std::uint32_t file = 0;    // index into Loaded::files
    std::uint32_t line = 0;    // from 1; 0: the file as a whole
    std::uint32_t column = 0;  // from 1, in characters (UTF-8 code points)
    std::uint32_t length = 1;  // characters under the caret
    bool operator==(const Place&) const = default;
};

struct Diagnostic {
    Severity severity = Severity::Error;
    Rank rank = Rank::Config;
    std::uint16_t code = 0;  // stable: printed as MS0123
    Place place;
    std::string message;   // what is wrong, with the value found
    std::string expected;  // the valid values, with the range; may be empty
    std::string effect;    // what mainstay does instead; may be empty
    std::string fix;       // nearest keyword or value, what to write instead; may be empty
    bool operator==(const Diagnostic&) const = default;
};

}  // namespace mainstay::config
