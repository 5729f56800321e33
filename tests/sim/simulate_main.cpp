// simulate: replays one history of the simulated LAN and prints it, or tries history after history. A flight record may
// be the beginning of all of them.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lan.hpp"

namespace {

using namespace mainstay;
using namespace mainstay::sim;
using namespace std::chrono_literals;

constexpr const char* kUsage =
    "usage: simulate --seed S [--routers N] [--hours H] [--packets | --quiet]   replay one history, print its trace\n"
    "       simulate --total-hours T [--seed S] [--routers N]   histories of seed S, S+1 ... for T router-hours\n"
    "       simulate --for SECONDS ...                         the same, but for so long\n"
    "       --plant NAME    with a fault in every director\n"
    "       --record FILE   begin as this flight record ends, in place of --routers\n";
constexpr double kHoursMax = 1000;      // of one history; its clock counts nanoseconds
constexpr int kIntervalsAtLeast = 400;  // of one history, unless --hours says more

struct Options {
    std::uint64_t seed = 1, routers = 0;
    double hours = 0, total_hours = 0, seconds = 0;
    bool quiet = false, packets = false;
    Sabotage plant = Sabotage::None;  // to see what a violation looks like
    std::string record;               // its file; empty: none
};

template <class T>
bool number(std::string_view text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

bool flag(std::string_view word, Options& o) {
    if (word == "--quiet") return o.quiet = true;
    if (word == "--packets") return o.packets = true;
    return false;
}

bool setting(std::string_view word, std::string_view value, Options& o) {
    if (word == "--seed") return number(value, o.seed);
    if (word == "--routers") return number(value, o.routers) && o.routers >= 1 && o.routers <= kRoutersMax;
    if (word == "--hours") return number(value, o.hours) && o.hours > 0 && o.hours <= kHoursMax;
    if (word == "--total-hours") return number(value, o.total_hours) && o.total_hours > 0;
    if (word == "--for") return number(value, o.seconds) && o.seconds > 0;
    if (word == "--record") return !(o.record = value).empty();
    if (word != "--plant") return false;
    for (int s = 0; s < static_cast<int>(Sabotage::Count_); ++s)
        if (value == to_string(static_cast<Sabotage>(s))) return o.plant = static_cast<Sabotage>(s), true;
    return false;
}

std::optional<Options> parse(int argc, char** argv) {
    Options o;
    for (int i = 1; i < argc; ++i) {
        if (flag(argv[i], o)) continue;
        if (i + 1 == argc || !setting(argv[i], argv[i + 1], o)) return std::nullopt;
        ++i;
    }
    if (!o.record.empty() && o.routers != 0) return std::nullopt;
    return o;
}

double hours(Nanos time) { return std::chrono::duration<double, std::ratio<3600>>(time).count(); }

void add(Statistics& sum, const Statistics& more) {
    sum.steps += more.steps, sum.transitions += more.transitions, sum.checks += more.checks;
    sum.packets += more.packets, sum.faults += more.faults, sum.router_time += more.router_time;
}

std::string command(const Options& o, std::uint64_t seed) {
    std::string text = fmt::format("tools/simulate --seed {}", seed);
    if (!o.record.empty()) text += fmt::format(" --record {}", o.record);
    if (o.routers != 0) text += fmt::format(" --routers {}", o.routers);
    if (o.hours > 0) text += fmt::format(" --hours {}", o.hours);
    if (o.plant != Sabotage::None) text += fmt::format(" --plant {}", to_string(o.plant));
    return text;
}

// Names in a record may be any bytes: none of them commands the terminal.
void show_line(std::string text) {
    for (char& c : text)
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || static_cast<unsigned char>(c) > 0x7e) c = '?';
    fmt::print("{}", text);
}

Result<Beginning> read_beginning(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    const std::vector<char> bytes{std::istreambuf_iterator<char>{file}, {}};
    if (!file) return fail(Errc::Io, "it cannot be read");
    return beginning_of(std::as_bytes(std::span{bytes}));
}

// True when no invariant broke.
bool play(const Options& o, const std::optional<Beginning>& beginning, std::uint64_t seed, bool show, Statistics& sum) {
    Lan lan = beginning ? Lan{*beginning, seed, o.plant} : Lan{seed, {.routers = o.routers}, o.plant};
    if (show) {
        show_line(lan.describe());
        lan.trace([](const std::string& line) { show_line(line + "\n"); }, o.packets);
    }
    const Nanos asked{static_cast<std::int64_t>(o.hours * 3.6e12)};
    lan.run(std::max(asked, Nanos{lan.plan().interval} * kIntervalsAtLeast));
    add(sum, lan.statistics());
    if (!lan.violation()) return true;
    show_line(fmt::format("VIOLATION with seed {}: {}\nreplay: {}\n", seed, *lan.violation(), command(o, seed)));
    return false;
}

}  // namespace

int main(int argc, char** argv) {
    const auto options = parse(argc, argv);
    if (!options) return std::fputs(kUsage, stderr), 2;
    std::optional<Beginning> beginning;
    if (!options->record.empty()) {
        auto read = read_beginning(options->record);
        if (!read) return fmt::print(stderr, "simulate: {}: {}\n", options->record, read.error().text()), 2;
        beginning = std::move(*read);
        for (const auto& line : beginning->left_out) show_line(line + "\n");
    }
    const auto began = std::chrono::steady_clock::now();
    const auto elapsed = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    };
    const bool many = options->total_hours > 0 || options->seconds > 0;
    const auto enough = [&](const Statistics& sum) {
        if (!many) return true;
        return (options->total_hours > 0 && hours(sum.router_time) >= options->total_hours) ||
               (options->seconds > 0 && elapsed() >= options->seconds);
    };
    Statistics sum;
    std::uint64_t histories = 0;
    bool good = true;
    do {
        good = play(*options, beginning, options->seed + histories++, !many && !options->quiet, sum);
    } while (good && !enough(sum));
    const double cpu = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
    fmt::print(
        "{} histories from seed {}, {:.1f} router-hours, {} events, {} packets, {} faults, {} transitions, "
        "{} invariant checks, {}; {:.1f} s, {:.1f} router-hours per CPU second\n",
        histories, options->seed, hours(sum.router_time), sum.steps, sum.packets, sum.faults, sum.transitions,
        sum.checks, good ? "none broken" : "one broken", elapsed(), hours(sum.router_time) / cpu);
    return good ? 0 : 1;
}
