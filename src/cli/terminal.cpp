#include "terminal.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <thread>

#include "mainstay/base/text.hpp"
#include "output.hpp"

namespace mainstay::cli {
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

int utc_offset_s() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    return ::localtime_r(&now, &local) != nullptr ? static_cast<int>(local.tm_gmtoff) : 0;
}

}  // namespace mainstay::cli
