// What an error of the kernel says about the server that is checked: the one table for every kind of check, and for
// each call that reaches for the server (connect, send, receive, the error queue of a datagram socket). What fails
// before that (socket, bind, an option) is this host's own, whatever the number, and is not looked up here.
#pragma once

#include <string>
#include <string_view>

#include "mainstay/lvs/judge.hpp"

namespace mainstay::probe {

struct ErrorMeaning {
    lvs::Outcome outcome = lvs::Outcome::Failed;
    bool plain = false;          // the error's own text is reason enough: "connection refused"
    std::string_view hint = {};  // where on this host to look
};
[[nodiscard]] ErrorMeaning meaning_of(int sys_errno);

// `text`, which ends with the error's own words, and the hint: "connect: invalid argument (a blackhole route?)".
[[nodiscard]] std::string with_hint(std::string text, int sys_errno);

}  // namespace mainstay::probe
