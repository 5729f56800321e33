// What a reader wrote, and what the roles of a stage do with it.
#pragma once

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "mainstay/ipc/shared.hpp"
#include "stage.hpp"

namespace mainstay::role::test {

inline Written both() { return {.needed = {Kind::Vrrp, Kind::Lvs}}; }
inline Written with_api(const std::set<Kind>& needed = {Kind::Vrrp, Kind::Lvs}) {
    Written written{.needed = needed};
    written.done.api.operate = true;
    return written;
}

inline alert::ScriptEntry script(const std::string& text, alert::Requester by) {
    return {.argv = {"sh", "-c", text, "sh"},
            .path = "/bin/sh",
            .uid = 0,
            .gid = 0,
            .timeout = Micros{0},
            .groups = {},
            .requested_by = by};
}

inline std::string text_of(const UniqueFd& memory) {
    REQUIRE(memory);
    const auto bytes = ipc::read_memfd(memory.get());
    REQUIRE(bytes.has_value());
    return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

inline ipc::InstanceQuestion maintenance(ipc::InstanceQuestion::Verb verb, std::int64_t seconds = 0,
                                         const std::string& reason = {}) {
    ipc::InstanceQuestion question;
    question.verb = verb;
    question.seconds = seconds;
    question.reason = reason;
    question.account = "ana";
    return question;
}

// What the supervisor says of a role that it kills for `offence`.
inline void is_killed(Stage& stage, Played& role, const std::string& label, const std::string& offence) {
    role.until_gone();
    stage.until_logged(label + " process(" + std::to_string(role.pid) + ") " + offence);
}
inline void is_killed_at_first(Stage& stage, Played& role, const std::string& label, const std::string& offence) {
    is_killed(stage, role, label, offence + ": killing it (offence 1 of this role)");
}

}  // namespace mainstay::role::test
