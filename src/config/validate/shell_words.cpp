#include "shell_words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "mainstay/base/text.hpp"

namespace mainstay::config {
namespace {

bool is_one_of(const auto& words, std::string_view word) { return std::ranges::find(words, word) != words.end(); }

// ">/dev/null", "2>&1", ">>log"; not "->10.0.0.1", and no lone ">", which some programs compare with.
bool is_redirection(std::string_view word) {
    if (word.starts_with('&') || (!word.empty() && is_digit(word.front()))) word.remove_prefix(1);
    if (!word.starts_with('>')) return false;
    word.remove_prefix(word.starts_with(">>") ? 2 : 1);
    return word.starts_with('/') || (word.size() == 2 && word.front() == '&' && is_digit(word.back()));
}

// Programs to which such a word means something.
bool takes_operators(std::string_view program) {
    static constexpr std::array<std::string_view, 6> kPrograms{"test", "[", "expr", "find", "xargs", "ssh"};
    return is_one_of(kPrograms, program.substr(program.rfind('/') + 1));
}

}  // namespace

std::string_view shell_word(const std::vector<std::string>& argv) {
    static constexpr std::array<std::string_view, 4> kOperators{"|", "||", "&&", ";"};
    if (argv.empty() || takes_operators(argv.front())) return {};
    for (std::size_t i = 1; i < argv.size(); ++i)
        if (is_one_of(kOperators, argv[i]) || is_redirection(argv[i])) return argv[i];
    return {};
}

bool needs_shell(std::string_view command) {
    static constexpr std::array<std::string_view, 14> kWords{"exit", "if",     "while", "for", "[[", "((",  "!",
                                                             "cd",   "source", ".",     "{",   ":",  "set", "export"};
    if (command.empty()) return false;
    const std::size_t slash = command.find('/'), equals = command.find('=');
    return is_one_of(kWords, command) || std::string_view{"<>($`"}.contains(command.front()) ||
           (equals != std::string_view::npos && equals > 0 && equals < slash);
}

std::string_view shell_for(std::string_view command) {
    static constexpr std::array<std::string_view, 3> kOnlyBash{"[[", "((", "source"};
    return is_one_of(kOnlyBash, command) || !connection_of_bash(command).empty() ? "/bin/bash" : "/bin/sh";
}

std::string_view connection_of_bash(std::string_view command) {
    if (!command.starts_with('<')) return {};
    command.remove_prefix(1);
    return command.starts_with("/dev/tcp/") || command.starts_with("/dev/udp/") ? command : std::string_view{};
}

std::string with_shell(std::string_view shell, std::span<const std::string> argv) {
    static constexpr std::array<std::string_view, 3> kShells{"sh", "bash", "dash"};
    const std::string_view program = argv.front();
    if (argv.size() > 2 && argv[1] == "-c" && is_one_of(kShells, program.substr(program.rfind('/') + 1)))
        shell = program, argv = argv.subspan(2);
    // What had quotes of its own cannot be put together again.
    const bool quoted = std::ranges::any_of(
        argv, [](const std::string& word) { return word.find_first_of(" \t'\"\\") != std::string::npos; });
    return quoted ? fmt::format("\"{} -c 'COMMAND'\"", shell)
                  : fmt::format("\"{} -c '{}'\"", shell, fmt::join(argv, " "));
}

}  // namespace mainstay::config
