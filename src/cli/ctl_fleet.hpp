// mainstayctl fleet: what several directors that serve the same addresses say of themselves, side by side, and where
// they disagree. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace mainstay::cli {

struct FleetMember {
    std::string name;       // as the operator calls it
    nlohmann::json status;  // as /status answers; null: no answer
    std::string problem;    // why not
};

struct FleetReport {
    std::string text;
    std::vector<std::string> differences;  // a line for each, in the text too
    bool complete = true;                  // every member answered
};
[[nodiscard]] FleetReport compare_fleet(const std::vector<FleetMember>& members);

}  // namespace mainstay::cli
