// Logs for tests: one that keeps its lines, and one that drops them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/log.hpp"

namespace mainstay::test {

struct KeptLog : Log {
    using Log::line;
    void line(LogLevel level, std::string_view text) override {
        texts.emplace_back(text);
        levels.push_back(level);
    }
    [[nodiscard]] bool enabled(LogLevel) const override { return true; }
    // How many lines hold this.
    [[nodiscard]] std::size_t count(std::string_view part) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            texts, [part](const std::string& text) { return text.find(part) != std::string::npos; }));
    }
    [[nodiscard]] bool has(std::string_view part) const { return count(part) != 0; }
    std::vector<std::string> texts;
    std::vector<LogLevel> levels;  // of each line
};

struct SilentLog : Log {
    using Log::line;
    void line(LogLevel, std::string_view) override {}
    [[nodiscard]] bool enabled(LogLevel) const override { return false; }
};

}  // namespace mainstay::test
