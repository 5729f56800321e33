// What the imports of other programs' files share: a service with its servers as they become blocks of keepalived.conf,
// and the text while it is made.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "config/language/expand.hpp"
#include "mainstay/config/tools/import.hpp"

namespace mainstay::config {

inline constexpr std::uint32_t kPersistenceMax = 2'678'400, kWeightMax = 2'147'483'647, kPortMax = 65'535;

// Lines inside a block. A line that ends in { indents those after it.
using BlockLines = std::vector<std::string>;

struct ServerToImport {
    Endpoint endpoint;
    Forwarding forwarding = Forwarding::DirectRoute;
    Tunnel tunnel{};
    std::uint32_t weight = 1, upper_threshold = 0, lower_threshold = 0;
    BlockLines comments, lines;  // `lines`: its checks
};

struct ServiceToImport {
    std::uint32_t line = 0;
    std::string source;  // as it stands in the input, for a comment
    Endpoint endpoint;   // empty address: `fwmark`
    std::uint32_t fwmark = 0;
    Family family = Family::V4;
    Protocol protocol = Protocol::Tcp;
    std::string scheduler;
    std::vector<std::string> scheduler_flags;  // keywords of the block
    std::optional<std::uint32_t> persistence_timeout;
    std::string persistence_granularity, persistence_engine;
    bool one_packet = false;
    BlockLines comments, lines;  // `lines`: what only some inputs have, before the servers
    std::vector<ServerToImport> servers;
    std::set<Endpoint> known;  // of `servers`
};

// What makes a service for the kernel: no two have the same.
using ServiceKey = std::tuple<Protocol, Endpoint, std::uint32_t, Family>;
[[nodiscard]] ServiceKey key_of(const ServiceToImport& service);

class ImportText {
public:
    void lines(const BlockLines& lines, std::size_t depth);
    void comments(const BlockLines& comments, std::size_t depth);
    void blank();
    // With all its servers; as a comment if keepalived.conf has no such service.
    void service(ServiceToImport& service);
    // Adds to `lost` and returns the comment for it.
    [[nodiscard]] std::string lose(std::uint32_t line, std::string_view source, std::string_view reason);
    [[nodiscard]] std::size_t lost() const { return made_.lost.size(); }
    [[nodiscard]] Imported take();

private:
    void servers(const ServiceToImport& service, std::size_t depth);

    Imported made_;
};

[[nodiscard]] std::string_view protocol_word(Protocol protocol);                      // "TCP"
[[nodiscard]] std::string method_words(Forwarding forwarding, const Tunnel& tunnel);  // "TUN type gue port 6080 csum"
// Only printable ASCII, and not longer than a line of a comment; the rest is '?' and "...".
[[nodiscard]] std::string shown(std::string_view text);
// Whether the text is a word that needs no quotes: letters, digits and . : _ - @ + [ ] / only.
[[nodiscard]] bool is_plain_word(std::string_view text);
// The argument of `regex`, in quotes, that stands for this pattern. None: it is too long or has a NUL.
[[nodiscard]] std::optional<std::string> quoted_pattern(std::string_view pattern);
// The argument of `path`, in quotes; characters that no request has are percent-encoded. None: it is too long.
[[nodiscard]] std::optional<std::string> quoted_path(std::string_view path);
// A command with its arguments, in quotes. None: it has characters that would mean something else.
[[nodiscard]] std::optional<std::string> quoted_command(std::string_view command);
[[nodiscard]] std::optional<std::uint32_t> digits_between(std::string_view text, std::uint32_t least,
                                                          std::uint32_t most);
[[nodiscard]] bool is_netmask(std::string_view text);  // "255.255.255.0"
// Why keepalived.conf has no such service, or no such server of this service; empty: it has.
[[nodiscard]] std::string why_not(const ServiceToImport& service);
[[nodiscard]] std::string why_not(const ServiceToImport& service, const ServerToImport& server);
[[nodiscard]] bool is_scheduler(std::string_view name);

}  // namespace mainstay::config
