#include <nlohmann/json.hpp>

#include "ctl.hpp"
#include "doctor.hpp"
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

}  // namespace

// The daemon's own order.
std::string configuration_in_use() { return config::find_source().used; }

int ctl_doctor(const std::string& file, const std::string& socket, bool as_json) {
    const auto status = ask_daemon(socket, "/status");
    const auto facts = gather_facts(file.empty() ? configuration_in_use() : file, status ? *status : std::string{});
    const auto findings = judge_host(facts);
    const std::string text = as_json ? as_json_text(findings) : as_text(findings);
    print(text);
    return findings.empty() ? 0 : 1;
}

}  // namespace mainstay::cli
