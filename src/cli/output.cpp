#include "output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <system_error>
#include <thread>

#include "mainstay/base/text.hpp"
#include "mainstay/kernel/host_facts.hpp"

namespace mainstay::cli {
namespace {

// The reason of the first failure: the stream itself remembers only that there was one.
int& first_errno() {
    static int number = 0;
    return number;
}

}  // namespace

void print(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() && first_errno() == 0) first_errno() = errno;
}

// With a format, because the C library checks that (_FORTIFY_SOURCE): by a call like this tools/check-hardening knows
// how a program was built, and the smallest one has no other.
void print_error(std::string_view text) {
    (void)std::fprintf(stderr, "%.*s", static_cast<int>(text.size()), text.data());
}

int finish_output(std::string_view program, int exit_code, int when_lost) {
    if (std::fflush(stdout) != 0 && first_errno() == 0) first_errno() = errno;
    if (std::ferror(stdout) == 0 && first_errno() == 0) return exit_code;
    // What others wrote to the stream, as help is, failed without a reason that could be asked for now.
    const auto reason = first_errno() == 0 ? "" : ": " + std::generic_category().message(first_errno());
    print_error(fmt::format("{}: cannot write to the standard output{}\n", program, reason));
    return when_lost;
}

namespace {

constexpr std::chrono::seconds kWatchEvery{2};
constexpr int kOutputLost = 2;
constexpr std::string_view kEnd = "\033[0m", kClear = "\033[H\033[2J";

struct Coloured {
    std::string_view word, colour;
};
constexpr std::string_view kGreen = "\033[32m", kRed = "\033[31m", kYellow = "\033[33m", kBlue = "\033[34m";
constexpr std::array<Coloured, 10> kWords{{{"MASTER", kGreen},
                                           {"UP", kGreen},
                                           {"BACKUP", kBlue},
                                           {"FAULT", kRed},
                                           {"DOWN", kRed},
                                           {"CRITICAL", kRed},
                                           {"INIT", kYellow},
                                           {"STOP", kYellow},
                                           {"DRAINED", kYellow},
                                           {"DISABLED", kYellow}}};

bool has_value(const char* name) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
}

bool is_dumb() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    const char* terminal = std::getenv("TERM");
    return terminal == nullptr || std::string_view{terminal} == "dumb";
}

// Of a table: its words are no states.
bool is_heading(std::string_view line) {
    return (" " + std::string{line} + " ").contains(" STATE ") &&
           std::ranges::none_of(line, [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c); });
}

}  // namespace

bool colours_wanted() { return ::isatty(STDOUT_FILENO) == 1 && !has_value("NO_COLOR") && !is_dumb(); }

std::string with_colours(std::string_view text) {
    constexpr std::string_view kBounds = " \n\t:,;()";
    std::string out;
    bool begins = true;  // a line
    while (!text.empty()) {
        if (begins && is_heading(text.substr(0, text.find('\n')))) {
            const auto line = std::min(text.find('\n'), text.size());
            out += text.substr(0, line);
            text.remove_prefix(line);
            begins = false;
            continue;
        }
        const auto end = std::min(text.find_first_of(kBounds), text.size());
        const auto word = text.substr(0, end);
        const auto found = std::ranges::find(kWords, word, &Coloured::word);
        if (found == kWords.end())
            out += word;
        else
            out.append(found->colour).append(word).append(kEnd);
        begins = text.substr(end, 1) == "\n";
        out += text.substr(end, 1);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

void print_coloured(std::string_view text) {
    if (colours_wanted())
        print(with_colours(text));
    else
        print(text);
}

void watch(const std::function<std::string()>& make) {
    const bool terminal = ::isatty(STDOUT_FILENO) == 1;
    for (;;) {
        const std::string shown = make();
        if (terminal) print(kClear);
        print_coloured(shown);
        if (!terminal) print("\n");
        // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
        if (const int lost = finish_output("mainstayctl", 0, kOutputLost); lost != 0) std::exit(lost);
        std::this_thread::sleep_for(kWatchEvery);
    }
}

int utc_offset_s() { return kernel::utc_offset_s({std::int64_t{std::time(nullptr)} * 1'000'000}); }

}  // namespace mainstay::cli
