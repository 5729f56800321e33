#include "mainstay/config/validate/announce_settings.hpp"

#include <algorithm>

#include "config/schema/defaults.hpp"

namespace mainstay::config {
namespace {

std::string word_of(const Section& section, std::string_view keyword) {
    if (const auto words = value_of<WordList>(section.values, keyword); words && !words->empty()) return words->front();
    const KeywordSpec* row = find_row(Block::Announce, keyword);
    return std::string{row != nullptr ? row->default_text : std::string_view{}};
}

Seconds seconds_of(const Section& section, std::string_view keyword) {
    const auto time = value_or_default<Micros>(section.values, Block::Announce, keyword);
    return std::chrono::duration_cast<Seconds>(time.value_or(Micros{0}));
}

}  // namespace

std::optional<AnnounceSettings> announce_settings(const VirtualServer& service) {
    if (!announces(service)) return std::nullopt;
    const Section* section = find_section(service.more->sections, kAnnounce);
    return AnnounceSettings{.any_service = word_of(*section, "services") == "any",
                            .interface = word_of(*section, "interface"),
                            .drain_interface = word_of(*section, "drain_interface"),
                            .lifetime = seconds_of(*section, "lifetime"),
                            .hold = word_of(*section, "on_loss") == "hold",
                            .drain_time = seconds_of(*section, "drain_time")};
}

bool announces(const VirtualServer& service) {
    return service.fwmark == 0 && find_section(service.more->sections, kAnnounce) != nullptr;
}

bool announces(const Config& config) {
    return std::ranges::any_of(config.virtual_servers, [](const VirtualServer& service) { return announces(service); });
}

}  // namespace mainstay::config
