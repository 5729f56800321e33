#include "mainstay/config/validate/resolved.hpp"

#include <algorithm>
#include <utility>

#include "mainstay/config/keywords.hpp"

namespace mainstay::config {
namespace {

std::uint32_t number_of(const KeywordValues& values, const DefaultedKeyword<std::int64_t>& keyword) {
    return static_cast<std::uint32_t>(value_or_default(values, keyword));
}

// The first word of a line is the label, the others are its values.
std::vector<LabelRule> rules_of(const KeywordValues& values, const Keyword<WordList>& keyword) {
    std::vector<LabelRule> rules;
    for (const KeywordValue& value : values) {
        const auto* words = std::get_if<WordList>(&value.data);
        if (value.keyword != keyword || words == nullptr || words->size() < 2) continue;
        rules.push_back({words->front(), {words->begin() + 1, words->end()}});
    }
    return rules;
}

}  // namespace

DiscoveryRules discovery_rules(const RealServer& server) {
    const KeywordValues& values = server.more->values;
    return {.max_removal = number_of(values, keyword::max_removal),
            .min_servers = number_of(values, keyword::min_servers),
            .hold_time = value_or_default(values, keyword::hold_time),
            .hold_empty = value_or_default(values, keyword::hold_empty),
            .debounce = value_or_default(values, keyword::debounce)};
}

DiscoveryRules strictest(const DiscoveryRules& a, const DiscoveryRules& b) {
    const auto longer = [](Micros one, Micros other) {
        return one == Micros{0} || other == Micros{0} ? Micros{0} : std::max(one, other);  // 0: for ever
    };
    return {.max_removal = std::min(a.max_removal, b.max_removal),
            .min_servers = std::max(a.min_servers, b.min_servers),
            .hold_time = longer(a.hold_time, b.hold_time),
            .hold_empty = longer(a.hold_empty, b.hold_empty),
            .debounce = std::min(a.debounce, b.debounce)};
}

std::string source_words(const RealServer& server) {
    const auto& values = server.more->values;
    if (!is_given(values, keyword::real_server_dns) && !is_given(values, keyword::real_server_file)) return {};
    std::string all;
    for (const KeywordName& keyword :
         {KeywordName{keyword::real_server_dns}, KeywordName{keyword::real_server_file}, KeywordName{keyword::dns_type},
          KeywordName{keyword::labels_keep}, KeywordName{keyword::labels_drop}})
        for (const auto& value : values) {
            const auto* words = std::get_if<WordList>(&value.data);
            if (!(keyword == value.keyword) || words == nullptr) continue;
            all += (all.empty() ? "" : " ") + value.keyword;
            for (const auto& word : *words) all += " " + word;
        }
    return all;
}

std::string written_name(const RealServer& server) {
    return is_template(server) ? source_words(server) : server.endpoint.to_string();
}

bool is_same_server(const RealServer& a, const RealServer& b) {
    return a.endpoint == b.endpoint && (!is_template(a) || source_words(a) == source_words(b));
}

std::optional<ServerFileSource> server_file_source(const VirtualServer& service, const RealServer& server) {
    const std::string* path = find_word(server.more->values, keyword::real_server_file);
    if (path == nullptr) return std::nullopt;
    ServerFileSource source{.path = *path, .port = server.endpoint.port};
    // A tunnel carries either family to either.
    if (server.forwarding != Forwarding::Tunnel) source.family = service.family;
    source.keep = rules_of(server.more->values, keyword::labels_keep);
    source.drop = rules_of(server.more->values, keyword::labels_drop);
    return source;
}

std::vector<ServerFileSource> server_file_sources(const Config& config) {
    std::vector<ServerFileSource> sources;
    for (const VirtualServer& service : config.virtual_servers)
        for (const RealServer& server : service.real_servers)
            if (auto source = server_file_source(service, server);
                source && std::ranges::find(sources, *source) == sources.end())
                sources.push_back(std::move(*source));
    return sources;
}

}  // namespace mainstay::config
