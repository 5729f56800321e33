// Operators' commands that hand instances over: what they refuse, what they would do, and the answer once the router
// knows the outcome of each instance. Pure: `answer` and the facts go out, the router's intents come in.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mainstay/ipc/message.hpp"
#include "mainstay/role/common/runtime.hpp"
#include "mainstay/vrrp/router.hpp"

namespace mainstay::role {

class HandOverCommands {
public:
    using Answer = std::function<void(std::uint64_t request, const OperatorReply& reply)>;
    explicit HandOverCommands(Answer answer) : answer_{std::move(answer)} {}

    // The fact that carries the command out; none: it is answered already. Its outcome comes by on_ended().
    [[nodiscard]] std::optional<vrrp::Fact> take(const ipc::InstanceQuestion& question, const vrrp::Router& router);
    // Before the router is given the change.
    void take(const ipc::MaintenanceOrder& order, const vrrp::Router& router);
    // After the step with the command's fact.
    void all_given() { answer_if_over(); }
    void on_ended(const vrrp::HandOverEnded& ended);
    // After a reload: an instance that it has renamed ends without a word.
    void follow(const vrrp::Router& router);

private:
    struct Command {
        std::uint64_t request = 0;
        std::string title, note;     // said before and after the outcome
        std::string after_success;   // said only if everything was taken over
        std::set<std::string> open;  // instances with an unknown outcome
        std::vector<std::string> lines;
        std::int32_t exit_code = 0;
    };
    static constexpr std::size_t kMost = 16;  // as many as the supervisor lets wait

    [[nodiscard]] std::optional<vrrp::Fact> fail_over(const ipc::InstanceQuestion& question, const vrrp::Router& router,
                                                      const std::vector<vrrp::InstanceSnapshot>& members,
                                                      vrrp::InstanceId id);
    [[nodiscard]] std::optional<vrrp::Fact> fail_back(const ipc::InstanceQuestion& question,
                                                      const std::vector<vrrp::InstanceSnapshot>& members,
                                                      vrrp::InstanceId id);
    void refuse(std::uint64_t request, const std::string& problem) { answer_(request, {2, problem, {}}); }
    void answer_if_over();

    Answer answer_;
    std::vector<Command> commands_;
};

}  // namespace mainstay::role
