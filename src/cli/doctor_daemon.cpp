// The doctor's facts from the running daemon's status document: peers, services and mails.
#include <nlohmann/json.hpp>

#include "doctor.hpp"

namespace mainstay::cli {
namespace {

using nlohmann::json;

void read_instance(DoctorFacts& facts, const json& instance, std::int64_t now_us) {
    const auto name = instance.at("name").get<std::string>();
    if (instance.at("state") == "FAULT") facts.faults.push_back({name, instance.at("fault").get<std::string>()});
    for (const auto& problem : instance.at("problems")) {
        // It is over with the end of mastership, of either.
        if (problem.at("kind") == "rival_master" && instance.at("state") != "MASTER") continue;
        facts.peer_problems.push_back({.instance = name,
                                       .kind = problem.at("kind").get<std::string>(),
                                       .peer = problem.at("peer").get<std::string>(),
                                       .text = problem.at("text").get<std::string>(),
                                       .age_us = now_us - problem.at("last_unix_us").get<std::int64_t>()});
    }
}

void read_services(DoctorFacts& facts, const json& lvs) {
    for (const auto& service : lvs.at("services"))
        if (!service.at("quorum_up").get<bool>()) facts.lost_quorums.push_back(service.at("name").get<std::string>());
    read_down_servers(facts, lvs);
    for (const auto& one : lvs.value("announced", json::array()))
        if (one.at("state") == "announced") facts.announced.push_back(one.at("address").get<std::string>());
}

void read_mail(DoctorFacts& facts, const json& mail) {
    if (!mail.at("enabled").get<bool>()) return;
    facts.mail = {.queued = mail.at("queued").get<std::uint64_t>(),
                  .failed = mail.at("failed").get<std::uint64_t>(),
                  .problem = mail.at("last_problem").get<std::string>()};
}

void read_webhooks(DoctorFacts& facts, const json& webhooks) {
    for (const auto& one : webhooks.at("receivers"))
        facts.webhooks[one.at("name").get<std::string>()] = {.queued = one.at("queued").get<std::uint64_t>(),
                                                             .failed = one.at("failed").get<std::uint64_t>(),
                                                             .problem = one.at("last_problem").get<std::string>()};
}

}  // namespace

void read_status(DoctorFacts& facts, std::string_view status_text) {
    const json status = json::parse(status_text, nullptr, false);
    if (!status.is_object()) return;
    try {
        const auto now_us = status.at("now_unix_us").get<std::int64_t>();
        if (const auto& vrrp = status.at("vrrp"); vrrp.is_object())
            for (const auto& instance : vrrp.at("instances")) read_instance(facts, instance, now_us);
        if (const auto& lvs = status.at("lvs"); lvs.is_object()) read_services(facts, lvs);
        read_mail(facts, status.at("mail"));
        if (const auto webhooks = status.find("webhooks"); webhooks != status.end()) read_webhooks(facts, *webhooks);
    } catch (const json::exception&) {
        return;  // another version: what was read so far counts
    }
}

}  // namespace mainstay::cli
