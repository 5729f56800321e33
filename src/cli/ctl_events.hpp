// Events of the daemon's history as lines, and which of them are shown. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>

#include "mainstay/base/time.hpp"

namespace mainstay::cli {

struct EventFilter {
    std::int64_t since_us = 0;
    std::string instance;  // a name of instances and groups, with * and ?; empty: any event
    std::string service;   // of services and their servers, as in status_view.hpp
};

[[nodiscard]] bool is_shown(const nlohmann::json& event, const EventFilter& filter);
// "events from ... to ... may be missing: why", with a newline; empty: the gap lies before `since`.
[[nodiscard]] std::string gap_line(const nlohmann::json& gap, WallTime since, int utc_offset_s);
// "2026-11-20 10:02:11  instance VI_1  MASTER  priority 100: detail", with a newline.
[[nodiscard]] std::string event_line(const nlohmann::json& event, int utc_offset_s);

}  // namespace mainstay::cli
