// The names under which the daemon appears: its own, or keepalived's when it is run under that name (the compat
// package). Idents, process names and pid files follow from it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mainstay::role {

enum class Kind : std::uint8_t { Supervisor, Vrrp, Lvs, Observer };

struct Identity {
    bool keepalived = false;

    [[nodiscard]] std::string program() const { return keepalived ? "Keepalived" : "mainstay"; }
    [[nodiscard]] std::string log_ident(Kind kind) const;
    [[nodiscard]] std::string process_name(Kind kind) const;  // at most 15 bytes
    [[nodiscard]] std::string pid_file(Kind kind, const std::string& run_directory) const;
};

// From argv[0]: "keepalived", whatever the folder, is keepalived's identity.
[[nodiscard]] Identity identity_of(std::string_view argv0);

}  // namespace mainstay::role
