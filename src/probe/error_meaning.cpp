#include "error_meaning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace mainstay::probe {

namespace {

using lvs::Outcome;

struct Row {
    int sys_errno;
    ErrorMeaning meaning;
};

// A number that has no row has failed: who cannot reach a server cannot serve it either, whatever stands in the way.
constexpr std::array kRows{
    Row{ETIMEDOUT, {.outcome = Outcome::TimedOut, .plain = true}},
    Row{ECONNREFUSED, {.plain = true}},
    Row{ECONNRESET, {.plain = true}},
    Row{EPIPE, {.plain = true}},
    Row{EHOSTUNREACH, {.plain = true}},
    Row{EHOSTDOWN, {.plain = true}},
    Row{ENETUNREACH, {.plain = true}},
    Row{ENETDOWN, {.plain = true}},
    // The host itself refuses to send there. From far away comes only EACCES, as ICMPv6 "administratively prohibited".
    Row{EINVAL, {.hint = "a blackhole route?"}},
    Row{EACCES, {.hint = "prohibited by a route or a firewall?"}},
    Row{EPERM, {.hint = "this host's firewall?"}},
    Row{EADDRNOTAVAIL, {.hint = "no address of this host reaches it?"}},
    // A shortage of this host, or a call that was given up: nothing was learnt of the server.
    Row{EMFILE, {.outcome = Outcome::NotRun}},
    Row{ENFILE, {.outcome = Outcome::NotRun}},
    Row{ENOMEM, {.outcome = Outcome::NotRun}},
    Row{ENOBUFS, {.outcome = Outcome::NotRun}},
    Row{EAGAIN, {.outcome = Outcome::NotRun}},  // of a datagram socket: no local port is left
    Row{EINTR, {.outcome = Outcome::NotRun}},
    Row{ECANCELED, {.outcome = Outcome::NotRun}},
};

}  // namespace

ErrorMeaning meaning_of(int sys_errno) {
    const auto* const row = std::ranges::find(kRows, sys_errno, &Row::sys_errno);
    return row == kRows.end() ? ErrorMeaning{} : row->meaning;
}

std::string with_hint(std::string text, int sys_errno) {
    const std::string_view hint = meaning_of(sys_errno).hint;
    if (!hint.empty()) text += fmt::format(" ({})", hint);
    return text;
}

}  // namespace mainstay::probe
