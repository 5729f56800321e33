// What somebody asks of /metrics, and names that hold any bytes: a request never does more than choose options, and no
// name begins a line or ends its quotation.
//
// The input: a target, a line feed, an Accept header, a line feed, a name. tools/fuzz builds it with clang's
// -fsanitize=fuzzer. Elsewhere replay.hpp brings a main.
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "mainstay/report/metrics.hpp"
#include "replay.hpp"
#include "require.hpp"

using namespace mainstay;

namespace {

std::string_view take_line(std::string_view& rest) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    return line;
}

// A sample's labels end at the only `"} ` that no backslash precedes.
bool is_sample(std::string_view line) {
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (quoted && line[i] == '\\')
            ++i;
        else if (line[i] == '"')
            quoted = !quoted;
    }
    return !quoted && line.starts_with("mainstay_");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest{reinterpret_cast<const char*>(data), size};
    const auto target = take_line(rest);
    const auto accept = take_line(rest);
    const auto options = report::metrics_options(target, accept);
    if (!options) fuzz::require(!options.error().text().empty());

    report::DaemonStatus status;
    status.vrrp.emplace();
    status.vrrp->router.scripts.resize(1);
    status.vrrp->router.scripts[0].name = rest;
    auto text = report::metrics(status, {});
    status.vrrp->router.scripts[0].name = "plain";
    const auto plain = report::metrics(status, {});
    std::size_t lines = 0;
    for (std::string_view left = text; !left.empty(); ++lines) {
        const auto line = take_line(left);
        fuzz::require(line.starts_with("# ") || is_sample(line));
    }
    fuzz::require(lines == static_cast<std::size_t>(std::ranges::count(plain, '\n')));
    return 0;
}

#ifdef MAINSTAY_FUZZ_REPLAY
int main(int argc, char** argv) {
    constexpr int kRounds = 2'000;
    return fuzz::replay(argc, argv, kRounds, [](std::mt19937& random) {
        static constexpr std::string_view kPieces[] = {"/metrics?", "scope=",  "servers",
                                                       "&",         "compat=", "mehdy",
                                                       ",",         "format=", "text/plain",
                                                       ";q=0.5",    "\n",      "\"",
                                                       "\\",        "\xff",    "application/openmetrics-text"};
        std::string input;
        for (auto pieces = random() % 12; pieces > 0; --pieces) input += kPieces[random() % std::size(kPieces)];
        return input;
    });
}
#endif
