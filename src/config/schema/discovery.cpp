// Rows of the schema: real servers that a file lists, and when an answer of a file or of DNS counts.
#include "mainstay/config/server_file.hpp"
#include "setters.hpp"
#include "setters_named.hpp"

namespace mainstay::config {
namespace {

constexpr std::int64_t kPercent = 100;
constexpr std::int64_t kDebounceMost = 60'000'000;      // us
constexpr std::int64_t kHoldMost = 31'536'000'000'000;  // us: a year
constexpr std::uint8_t kLabelWordsMost = 32;            // a name and its values

constexpr KeywordSpec kDiscoveryRows[]{
    {.blocks = Block::Service,
     .name = "real_server_file",
     .args = args::opens(Block::RealServer, 1, 2),
     .form = "<path> [<port>] { block }",
     .default_text = "port = that of each target; with DR and TUN that of the service",
     .help = "Real servers for all targets of a JSON file in the form of Prometheus' file_sd, which is watched",
     .set = begin_file_servers,
     .example = "real_server_file /etc/mainstay/web.json"},
    {.blocks = Block::RealServer,
     .name = "labels_keep",
     .args = args::words(2, kLabelWordsMost),
     .form = "<label> <value> [<value> ...]",
     .default_text = "all entries",
     .help = "In real_server_file: only entries whose label has one of these values; several lines must all match",
     .from_store = true,
     .repeat = Repeat::Accumulates,
     .example = "labels_keep zone a b"},
    {.blocks = Block::RealServer,
     .name = "labels_drop",
     .args = args::words(2, kLabelWordsMost),
     .form = "<label> <value> [<value> ...]",
     .default_text = "no entry",
     .help = "In real_server_file: no entries whose label has one of these values",
     .from_store = true,
     .repeat = Repeat::Accumulates,
     .example = "labels_drop stage test"},
    {.blocks = Block::RealServer,
     .name = "max_removal",
     .args = args::integer(0, kPercent),
     .form = "<percent 0..100>",
     .default_text = "50",
     .help = "In real_server_file and real_server_dns: an answer that removes more of the known servers is held",
     .from_store = true},
    {.blocks = Block::RealServer,
     .name = "min_servers",
     .args = args::integer(0, static_cast<std::int64_t>(kServersPerFileMax)),
     .form = "<int 0..10000>",
     .default_text = "0",
     .help = "In real_server_file and real_server_dns: an answer with fewer servers is held",
     .from_store = true},
    {.blocks = Block::RealServer,
     .name = "hold_time",
     .args = args::seconds(0, kHoldMost),
     .form = "<seconds 0..31536000, 0: for ever>",
     .default_text = "600",
     .help = "In real_server_file and real_server_dns: how long an answer is held that removes more than max_removal",
     .from_store = true},
    {.blocks = Block::RealServer,
     .name = "hold_empty",
     .args = args::seconds(0, kHoldMost),
     .form = "<seconds 0..31536000, 0: for ever>",
     .default_text = "0",
     .help = "In real_server_file and real_server_dns: how long an answer is held that is empty or below min_servers",
     .from_store = true},
    {.blocks = Block::RealServer,
     .name = "debounce",
     .args = args::seconds(0, kDebounceMost),
     .form = "<seconds 0..60>",
     .default_text = "2",
     .help = "In real_server_file and real_server_dns: changes within this time of the first are applied together",
     .from_store = true},
};

}  // namespace

std::span<const KeywordSpec> discovery_rows() { return kDiscoveryRows; }

}  // namespace mainstay::config
