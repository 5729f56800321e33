#include "fleet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "json_view.hpp"

namespace mainstay::cli {
namespace {

using nlohmann::json;

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
    return out;
}

// What each member says of one thing; absent: it does not know the thing.
using Answers = std::map<std::string, std::string>;

class Comparison {
public:
    explicit Comparison(const std::vector<FleetMember>& members) : members_{members} {}

    FleetReport run() {
        overview();
        each("version", [](const json& status) { return Answers{{"", text(status, "version")}}; });
        missing("virtual server", schedulers);
        each("scheduler of", schedulers);
        each("servers of", servers);
        each("mh table of", mh_tables);
        each("state of", server_states);
        missing("address", announced);
        each("address", announced);
        return std::move(report_);
    }

private:
    static const json& services(const json& status) { return list(part(status, "lvs"), "services"); }

    static Answers mh_tables(const json& status) {
        Answers answers;
        for (const auto& service : services(status))
            if (service.contains("mh_table")) answers[text(service, "name")] = text(service["mh_table"], "digest");
        return answers;
    }

    static Answers schedulers(const json& status) {
        Answers answers;
        for (const auto& service : services(status)) answers[text(service, "name")] = text(service, "scheduler");
        return answers;
    }

    static Answers servers(const json& status) {
        Answers answers;
        for (const auto& service : services(status)) {
            std::set<std::string> names;
            for (const auto& server : list(service, "servers")) names.insert(text(server, "name"));
            answers[text(service, "name")] = joined({names.begin(), names.end()});
        }
        return answers;
    }

    static Answers server_states(const json& status) {
        Answers answers;
        for (const auto& service : services(status))
            for (const auto& server : list(service, "servers"))
                answers[text(server, "name") + " of " + text(service, "name")] = flag(server, "alive") ? "UP" : "DOWN";
        return answers;
    }

    static Answers announced(const json& status) {
        Answers answers;
        for (const auto& one : list(part(status, "lvs"), "announced")) {
            const auto reason = text(one, "reason");
            answers[text(one, "address")] = text(one, "state") + (reason.empty() ? "" : " (" + reason + ")");
        }
        return answers;
    }

    void overview() {
        std::vector<TableRow> rows{{"DIRECTOR", "VERSION", "SERVICES", "SERVERS UP", "ANNOUNCED", "MH TABLES"}};
        for (const auto& member : members_) {
            if (member.status.is_null()) {
                report_.complete = false;
                rows.push_back({member.name, "-", "-", "-", "-", "no answer: " + member.problem});
                continue;
            }
            std::size_t up = 0, of = 0, addresses = 0;
            for (const auto& [server, state] : server_states(member.status)) ++of, up += state == "UP" ? 1U : 0U;
            for (const auto& one : list(part(member.status, "lvs"), "announced"))
                addresses += text(one, "state") == "announced" ? 1U : 0U;
            rows.push_back({member.name, text(member.status, "version"), std::to_string(services(member.status).size()),
                            fmt::format("{} of {}", up, of), std::to_string(addresses),
                            std::to_string(mh_tables(member.status).size())});
        }
        report_.text = table(rows, "");
    }

    using Things = std::map<std::string, std::map<std::string, std::vector<std::string>>>;  // thing, answer, members
    [[nodiscard]] Things ask(const std::function<Answers(const json&)>& of) const {
        Things things;
        for (const auto& member : members_)
            if (!member.status.is_null())
                for (const auto& [thing, answer] : of(member.status)) things[thing][answer].push_back(member.name);
        return things;
    }

    // Who says what of each thing of which not all that know it say the same.
    void each(std::string_view what, const std::function<Answers(const json&)>& of) {
        for (const auto& [thing, answers] : ask(of)) {
            if (answers.size() == 1) continue;
            std::string line;
            for (const auto& [answer, names] : answers)
                line += fmt::format("{}{} on {}", line.empty() ? "" : "; ", answer, joined(names));
            add(fmt::format("{}{}{}: {}", what, thing.empty() ? "" : " ", thing, line));
        }
    }

    // Who knows each thing that not all know.
    void missing(std::string_view what, const std::function<Answers(const json&)>& of) {
        const auto answering = std::ranges::count_if(members_, [](const auto& one) { return !one.status.is_null(); });
        for (const auto& [thing, answers] : ask(of)) {
            std::vector<std::string> names;
            for (const auto& [answer, members] : answers) names.insert(names.end(), members.begin(), members.end());
            if (std::ssize(names) != answering) add(fmt::format("{} {}: only on {}", what, thing, joined(names)));
        }
    }

    void add(std::string line) {
        report_.text += (report_.differences.empty() ? "\nThey differ:\n  " : "  ") + line + "\n";
        report_.differences.push_back(std::move(line));
    }

    const std::vector<FleetMember>& members_;
    FleetReport report_;
};

}  // namespace

FleetReport compare_fleet(const std::vector<FleetMember>& members) { return Comparison{members}.run(); }

}  // namespace mainstay::cli
