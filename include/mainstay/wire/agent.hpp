// The one-line answer of an agent on a real server, in the format of HAProxy's agent-check: words separated by blanks
// or commas, such as "up 75%", "drain", "down#disk full".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mainstay::wire {

inline constexpr std::size_t kAgentLineMax = 1024;
inline constexpr std::uint32_t kAgentPercentMax = 1000;  // larger values are clamped

struct AgentReply {
    enum class State : std::uint8_t { Up, Down, Drain } state = State::Up;
    bool understood = false;               // at least one word was known
    std::optional<std::uint32_t> percent;  // of the configured weight
    std::string word;                      // the word that made it Down or Drain, with the description after its '#'
};
// down, fail, stopped and maint override drain, which overrides up and ready. `maxconn:` and unknown words are ignored.
// A description ends at a control character.
[[nodiscard]] AgentReply agent_reply(std::string_view line);

}  // namespace mainstay::wire
