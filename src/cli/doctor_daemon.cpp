// The doctor's facts from the running daemon's status document.
#include <nlohmann/json.hpp>

#include "doctor.hpp"

namespace mainstay::cli {
namespace {

using nlohmann::json;

void read_instance(DoctorFacts& facts, const json& instance, std::int64_t now_us) {
    const auto name = instance.at("name").get<std::string>();
    for (const auto& problem : instance.at("problems")) {
        facts.peer_problems.push_back({.instance = name,
                                       .kind = problem.at("kind").get<std::string>(),
                                       .peer = problem.at("peer").get<std::string>(),
                                       .text = problem.at("text").get<std::string>(),
                                       .age_us = now_us - problem.at("last_unix_us").get<std::int64_t>()});
    }
}

void read_announced(DoctorFacts& facts, const json& lvs) {
    for (const auto& one : lvs.value("announced", json::array()))
        if (one.at("state") == "announced") facts.announced.push_back(one.at("address").get<std::string>());
}

}  // namespace

void read_status(DoctorFacts& facts, std::string_view status_text) {
    const json status = json::parse(status_text, nullptr, false);
    facts.status_unread = !status_text.empty();
    if (!status.is_object()) return;
    try {
        const auto now_us = status.at("now_unix_us").get<std::int64_t>();
        if (const auto& vrrp = status.at("vrrp"); vrrp.is_object())
            for (const auto& instance : vrrp.at("instances")) read_instance(facts, instance, now_us);
        if (const auto& lvs = status.at("lvs"); lvs.is_object()) read_announced(facts, lvs);
        for (const auto& one : status.at("problems"))
            facts.problems.push_back({one.at("kind").get<std::string>(), one.at("object").get<std::string>(),
                                      one.at("text").get<std::string>()});
        facts.status_unread = false;
    } catch (const json::exception&) {
        return;  // another version: what was read so far counts
    }
}

}  // namespace mainstay::cli
