// The line that an agent on a server answers with, in the language of HAProxy's agent-check: words between blanks or
// commas, such as "up 75%", "drain", "down#disk full".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mainstay::wire {

inline constexpr std::size_t kAgentLineMax = 1024;
inline constexpr std::uint32_t kAgentPercentMax = 1000;  // a larger one is this

struct AgentReply {
    enum class State : std::uint8_t { Up, Down, Drain } state = State::Up;
    bool understood = false;               // at least one word was
    std::optional<std::uint32_t> percent;  // of the configured weight
    std::string word;                      // the one that made it Down or Drain, with what stands behind its '#'
};
// Down and its like (fail, stopped, maint) outweigh drain, and that outweighs up and ready. `maxconn:` and words that
// are not known are passed over. Control characters end a description.
[[nodiscard]] AgentReply agent_reply(std::string_view line);

}  // namespace mainstay::wire
