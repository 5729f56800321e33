// Rows of the schema: real servers that a file lists, and when an answer of a file or of DNS counts.
#include "mainstay/config/server_file.hpp"
#include "setters.hpp"

namespace mainstay::config {
namespace {

constexpr std::int64_t kPercent = 100;
constexpr std::int64_t kDebounceMost = 60'000'000;      // us
constexpr std::int64_t kHoldMost = 31'536'000'000'000;  // us: a year
constexpr std::uint8_t kLabelWordsMost = 32;            // a name and its values

constexpr KeywordSpec kDiscoveryRows[]{
    row(Block::Service, "real_server_file", args::opens(Block::RealServer, 1, 2), "<path> [<port>] { block }",
        "port = that of each target; with DR and TUN that of the service",
        "Real servers for all targets of a JSON file in the form of Prometheus' file_sd, which is watched",
        {.set = begin_file_servers, .example = "real_server_file /etc/mainstay/web.json"}),
    row(Block::RealServer, keyword::labels_keep, args::words(2, kLabelWordsMost), "<label> <value> [<value> ...]",
        "all entries", "Only entries whose label has one of these values; several lines must all match",
        {.missing = Missing::Ignored,
         .repeat = Repeat::Accumulates,
         .example = "labels_keep zone a b",
         .home = kOfFiles}),
    row(Block::RealServer, keyword::labels_drop, args::words(2, kLabelWordsMost), "<label> <value> [<value> ...]",
        "no entry", "No entries whose label has one of these values",
        {.missing = Missing::Ignored,
         .repeat = Repeat::Accumulates,
         .example = "labels_drop stage test",
         .home = kOfFiles}),
    row(Block::RealServer, keyword::max_removal, args::integer(0, kPercent), "<percent 0..100>", "50",
        "An answer that removes more of the known servers is held", {.missing = Missing::Ignored, .home = kOfBoth}),
    row(Block::RealServer, keyword::min_servers, args::integer(0, static_cast<std::int64_t>(kServersPerFileMax)),
        "<int 0..10000>", "0", "An answer with fewer servers is held", {.missing = Missing::Ignored, .home = kOfBoth}),
    row(Block::RealServer, keyword::hold_time, args::seconds(0, kHoldMost), "<seconds 0..31536000, 0: for ever>", "600",
        "How long an answer is held that removes more than max_removal",
        {.missing = Missing::Ignored, .home = kOfBoth}),
    row(Block::RealServer, keyword::hold_empty, args::seconds(0, kHoldMost), "<seconds 0..31536000, 0: for ever>", "0",
        "How long an answer is held that is empty or below min_servers",
        {.missing = Missing::Ignored, .home = kOfBoth}),
    row(Block::RealServer, keyword::debounce, args::seconds(0, kDebounceMost), "<seconds 0..60>", "2",
        "Changes within this time of the first are applied together", {.missing = Missing::Ignored, .home = kOfBoth}),
};

}  // namespace

std::span<const KeywordSpec> discovery_rows() { return kDiscoveryRows; }

}  // namespace mainstay::config
