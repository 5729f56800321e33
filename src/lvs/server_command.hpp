// mainstayctl server: finds the servers of a command, changes their overrides, and makes the answer.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "operator_overrides.hpp"
#include "services.hpp"

namespace mainstay::lvs {

// The error of an invalid command.
[[nodiscard]] std::optional<std::string> problem_of(const ServerCommand& command);

class ServerCommandRun {
public:
    // Gives the server its override, which changes its state.
    using Carry = std::function<void(const ServerRef& ref, Hold hold, std::int64_t weight)>;
    ServerCommandRun(const Services& services, OperatorOverrides& overrides, const ServerCommand& command, Moment at,
                     Carry carry_out);

    // Fills the answer. Returns the log line if something was changed.
    [[nodiscard]] std::optional<std::string> run(ServerAnswer& answer);

private:
    [[nodiscard]] std::vector<ServerRef> matching(ServerAnswer& answer) const;
    [[nodiscard]] Override new_override() const;
    [[nodiscard]] std::string state_text(const ServerRef& ref) const;
    [[nodiscard]] bool is_held_so(const ServerRef& ref) const;
    [[nodiscard]] bool changes_nothing(const ServerRef& ref, const OverrideKey& key) const;
    // False: no more servers can have overrides.
    [[nodiscard]] bool change(const ServerRef& ref, ServerAnswer& answer);
    void look_at_stranger(const OverrideKey& key, ServerAnswer& answer);
    void remark(const ServerRef& ref);
    [[nodiscard]] std::string audit_line(const ServerAnswer& answer) const;

    const Services& services_;
    OperatorOverrides& overrides_;
    const ServerCommand& command_;
    const ServerPattern pattern_;
    const Hold wanted_;
    const Moment at_;
    Carry carry_out_;
    std::string named_;                 // in the line for the log
    std::vector<std::string> remarks_;  // at the end of the answer
};

// Persistence keeps sending clients to a drained server: this is reported, and can be ended (--expire-persistence).

// A note for the operator about the persistence of a service that the command concerns.
[[nodiscard]] std::optional<std::string> remark_on_persistence(const config::VirtualServer& service,
                                                               const ServerCommand& command);
// A note about the other servers that are affected, because the kernel has one setting for all services. None: the
// setting is not used.
[[nodiscard]] std::optional<std::string> remark_on_expiry(const Services& services, const OperatorOverrides& overrides);

}  // namespace mainstay::lvs
