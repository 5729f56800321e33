#include <nlohmann/json.hpp>

#include "ctl.hpp"
#include "doctor.hpp"
#include "json_view.hpp"
#include "mainstay/config/language/sources.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

std::string as_text(const std::vector<Finding>& findings) {
    std::string out;
    for (const auto& finding : findings) out += "- " + finding.what + "\n  fix: " + finding.fix + "\n";
    return out.empty() ? "no problems found\n" : out;
}

std::string as_json_text(const std::vector<Finding>& findings) {
    auto list = nlohmann::ordered_json::array();
    for (const auto& finding : findings) list.push_back({{"finding", finding.what}, {"fix", finding.fix}});
    return nlohmann::ordered_json{{"findings", std::move(list)}}.dump(
               1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
           "\n";
}

// Of a daemon that answers, the one that it runs; else the one that a daemon would read.
std::string configuration_to_check(const Result<std::string>& status) {
    const auto document = status ? json_object(*status) : error_of(status);
    std::string file = document ? text(part(*document, "configuration"), "file") : std::string{};
    return file.empty() ? configuration_in_use() : file;
}

}  // namespace

// The daemon's own order.
std::string configuration_in_use() { return config::find_source().used; }

int ctl_doctor(const std::string& file, const std::string& socket, bool as_json) {
    const auto status = ask_daemon(socket, "/status");
    auto facts = gather_facts(file.empty() ? configuration_to_check(status) : file, status ? *status : std::string{});
    if (!status && status.error().code() == Errc::NotFound) facts.not_running = status.error().text();
    const auto findings = judge_host(facts);
    const std::string shown = as_json ? as_json_text(findings) : as_text(findings);
    print(shown);
    return findings.empty() ? 0 : 1;
}

}  // namespace mainstay::cli
