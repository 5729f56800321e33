// What the desks of mails and of webhooks answer alike.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "http/exchange.hpp"
#include "mainstay/alert/relay_test.hpp"

namespace mainstay::role {

inline std::string lines_text(const std::vector<std::string>& lines, const char* none) {
    return lines.empty() ? std::string{none} : fmt::format("{}\n", fmt::join(lines, "\n"));
}

inline std::string progress_json(const alert::RelayTest::Progress& now) {
    return http::json_text({{"number", now.number},
                            {"running", now.running},
                            {"delivered", now.delivered},
                            {"outcome", now.outcome},
                            {"next", now.next},
                            {"lines", now.lines}});
}

}  // namespace mainstay::role
