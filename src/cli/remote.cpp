#include "remote.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "mainstay/base/text.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

constexpr int kUnreachable = 2;
constexpr std::string_view kHost = "--host";
constexpr std::array<std::string_view, 3> kPassedOn{"--socket", "--instance", "--pid-file"};  // which daemon

// No word can begin with '-', which ssh would take for an option, and nothing has a meaning for a shell.
bool is_host(std::string_view text) {
    static constexpr std::string_view kMarks = "._-:@[]%/+";
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               kMarks.find(c) != std::string_view::npos;
    };
    if (text.empty() || !std::ranges::all_of(text, is_plain)) return false;
    const auto host = text.substr(text.rfind('@') + 1);
    return text.front() != '-' && !host.empty() && host.front() != '-' && text.front() != '@';
}

}  // namespace

Result<std::optional<std::vector<std::string>>> remote_command(const std::vector<std::string>& arguments,
                                                               const RemoteEnvironment& here) {
    std::optional<std::string> host;
    std::vector<std::string> rest;
    std::size_t i = 0;
    for (; i < arguments.size(); ++i) {
        const std::string& word = arguments[i];
        if (word.starts_with(std::string{kHost} + "=")) {
            host = word.substr(kHost.size() + 1);
        } else if (word == kHost) {
            host = ++i < arguments.size() ? arguments[i] : std::string{};
        } else if (std::ranges::find(kPassedOn, word) != kPassedOn.end() && i + 1 < arguments.size()) {
            rest.insert(rest.end(), {word, arguments[i + 1]});
            ++i;
        } else if (std::ranges::find(kPassedOn, word.substr(0, word.find('='))) != kPassedOn.end()) {
            rest.push_back(word);
        } else {
            break;  // the command, or an option that prints something about this program
        }
    }
    if (!host) return std::nullopt;
    if (!is_host(*host)) return fail(Errc::Invalid, "--host takes USER@HOST or HOST, not \"" + *host + "\"");
    if (i >= arguments.size()) return fail(Errc::Invalid, "--host needs a command: mainstayctl --host HOST status");
    rest.insert(rest.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
    std::string command = here.no_color ? "env NO_COLOR=1 mainstayctl" : "mainstayctl";
    for (const auto& word : rest) command += " " + shell_quoted(word);
    std::vector<std::string> ssh{"ssh"};
    if (here.terminal) ssh.emplace_back("-t");
    ssh.insert(ssh.end(), {"--", std::move(*host), std::move(command)});
    return ssh;
}

std::optional<int> run_remotely(const std::vector<std::string>& arguments) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    const char* no_color = std::getenv("NO_COLOR");
    const auto command =
        remote_command(arguments, {.terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1,
                                   .no_color = no_color != nullptr && *no_color != '\0'});
    if (command && !*command) return std::nullopt;
    if (!command) {
        print_error("mainstayctl: " + command.error().text() + "\n");
        return kUnreachable;
    }
    std::vector<std::string> words = **command;
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execvp(argv.front(), argv.data());
    print_error("mainstayctl: " + Error::system("execute ssh", errno).text() + "\n");
    return kUnreachable;
}

}  // namespace mainstay::cli
