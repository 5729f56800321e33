#include "mainstay/lvs/quorum.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mainstay::lvs {

Quorum quorum_of(const config::VirtualServer& service) {
    std::int64_t total = 0;
    for (const auto& server : service.real_servers) total += clamp_weight(server.weight);
    const std::int64_t quorum = std::min<std::int64_t>(service.quorum, total);
    const std::int64_t hysteresis = std::min<std::int64_t>(service.hysteresis, std::max<std::int64_t>(quorum - 1, 0));
    return {quorum, hysteresis};
}

std::int64_t alive_weight(const ServiceVerdict& verdict) {
    std::int64_t sum = 0;
    for (const auto& server : verdict.servers) {
        if (server.alive) sum += clamp_weight(server.weight);
    }
    return sum;
}

bool quorum_holds(const Quorum& quorum, std::int64_t weight, bool was_up) {
    if (weight == 0) return false;
    return was_up ? weight >= quorum.quorum - quorum.hysteresis : weight >= quorum.quorum + quorum.hysteresis;
}

std::string gained_text(const Quorum& quorum, std::int64_t weight) {
    return fmt::format("{}+{}={} <= {}", quorum.quorum, quorum.hysteresis, quorum.quorum + quorum.hysteresis, weight);
}

namespace {

std::int64_t needed(const Quorum& quorum, bool to_gain) {
    return to_gain ? quorum.quorum + quorum.hysteresis : quorum.quorum - quorum.hysteresis;
}

}  // namespace

std::string lost_text(const Quorum& quorum, std::int64_t weight, bool never_had) {
    return fmt::format("{}-{}={} > {}", quorum.quorum, quorum.hysteresis, needed(quorum, never_had), weight);
}

std::string lost_mail_text(const Quorum& quorum, std::int64_t weight, bool never_had) {
    return fmt::format("{}+{}={} <= {}", quorum.quorum, quorum.hysteresis, needed(quorum, never_had), weight);
}

std::string plain_quorum_text(const Quorum& quorum, std::int64_t weight, bool gained) {
    return fmt::format("the servers that are up have weight {}, {} is needed", weight,
                       std::max<std::int64_t>(needed(quorum, gained), 1));
}

}  // namespace mainstay::lvs
