// Words of a command that a shell would have to read: commands are run without one.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mainstay::config {

// The first argument that only a shell understands, as `||` or `>/dev/null`; empty: none.
[[nodiscard]] std::string_view shell_word(const std::vector<std::string>& argv);
// Whether a shell knows the word as a command of its own, or as the beginning of something else: `exit`, `A=1`,
// `<file`.
[[nodiscard]] bool needs_shell(std::string_view command);
[[nodiscard]] std::string_view shell_for(std::string_view command);  // the shell that knows it
// "</dev/tcp/10.0.0.1/80" is a connection to bash, and a file to everything else. Empty: it is not of that kind.
[[nodiscard]] std::string_view connection_of_bash(std::string_view command);
// How the command is written so that a shell reads it: "/bin/sh -c 'COMMAND'", in double quotes.
[[nodiscard]] std::string with_shell(std::string_view shell, std::span<const std::string> argv);

}  // namespace mainstay::config
