// What all roles have in common: the loop, the control socket to the supervisor, the two-phase reload, heartbeats, the
// state block and the event ring. A role implements `Role`; run_role() runs it.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "identity.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/event.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/system_calls.hpp"

namespace mainstay::role {

// What an operator gets as the answer.
struct OperatorReply {
    std::int32_t exit_code = 0;
    std::string problem;  // not empty: nothing was done
    std::string text;
};

// Given to a role, which it outlives. Not thread-safe: everything runs on one loop.
class Runtime {
public:
    Runtime() = default;
    Runtime(const Runtime&) = delete;
    Runtime& operator=(const Runtime&) = delete;
    virtual ~Runtime() = default;

    [[nodiscard]] virtual boost::asio::io_context& loop() = 0;
    [[nodiscard]] virtual Log& log() = 0;
    // For a module of this process that has a level of its own; else log().
    [[nodiscard]] virtual Log& log_of(LogModule) { return log(); }
    [[nodiscard]] virtual LogLevels log_levels() const { return {}; }  // of all modules of the daemon
    [[nodiscard]] virtual Instant now() const = 0;
    [[nodiscard]] virtual WallTime wall() const = 0;

    // Sets the event's time, appends it to the ring, wakes the observer, and requests the event's notify scripts and
    // FIFO line from the supervisor.
    virtual void publish(Event event) = 0;
    // Requests only the FIFO line.
    virtual void write_fifo(const Event& event) = 0;
    // Runs a script of the table; `done` is called on the loop with its result, unless it is empty. Scripts of one
    // non-empty queue run one after the other.
    virtual void run_script(std::string key, std::vector<std::string> extra, std::string queue,
                            std::function<void(const ipc::ScriptResult&)> done) = 0;
    // Sends the supervisor a message of a kind that this role may send (the table of messages). The descriptor that
    // comes with it stays the caller's; -1: none.
    virtual void send(const ipc::Message&, int /*descriptor*/ = -1) {}
    // To be called between the parts of a long piece of work: the supervisor kills a process that is silent for too
    // long.
    virtual void still_at_work() {}
    // Answers the operator's question of that number, as soon as its outcome is known.
    virtual void answer(std::uint64_t, const OperatorReply&) {}
    // Only the observer may: ends this process, because it has nothing to do. `socket`: the API's, which the supervisor
    // keeps until it starts another one. False: it goes on, because the supervisor has just sent it something.
    [[nodiscard]] virtual bool rest(int) { return false; }
    // The role's state block: the content last published by this or an earlier incarnation, and how to publish.
    [[nodiscard]] virtual Result<std::vector<std::byte>> previous_state() = 0;
    virtual void publish_state(const ipc::StateBlock::Writer& write) = 0;
    [[nodiscard]] virtual std::uint64_t generation() const = 0;         // of the running configuration
    [[nodiscard]] virtual const ipc::RoleStartup& options() const = 0;  // how this process was asked to run
    // The running configuration without its real servers (see KindTraits::shows_configuration); null before the first
    // one.
    [[nodiscard]] virtual const config::Config* running() const { return nullptr; }
    // A generic netlink socket in the network namespace of net_namespace_ipvs; -1: use this process's namespace.
    [[nodiscard]] virtual int ipvs_socket() const { return -1; }
};

class Role {
public:
    Role() = default;
    Role(const Role&) = delete;
    Role& operator=(const Role&) = delete;
    virtual ~Role() = default;

    // The first configuration. `restarted`: an earlier incarnation crashed; take over its state.
    [[nodiscard]] virtual Result<void> start(config::Config config, bool restarted) = 0;
    // Two-phase reload: prepare() builds what the new configuration needs without changing anything, or returns why it
    // cannot; then commit() switches to it, or abort() discards it. commit() does not fail.
    [[nodiscard]] virtual Result<void> prepare(config::Config next) = 0;
    virtual void commit() = 0;
    virtual void abort() = 0;
    // If takes_changes(): a reload that changes only these virtual servers, at unchanged positions, is prepared from
    // them. False: the role needs the whole configuration. A reload without any change calls only commit_unchanged().
    [[nodiscard]] virtual bool takes_changes() const { return false; }
    // A role that takes changes keeps them.
    // NOLINTNEXTLINE(performance-unnecessary-value-param)
    [[nodiscard]] virtual bool prepare_changes(std::vector<config::ServiceChange>) { return false; }
    virtual void commit_unchanged() {}
    // Resign and release everything, then call `done` on the loop. Must finish in bounded time.
    virtual void stop(std::function<void()> done) = 0;
    // Update the state block, because it is about to be read or resumed from.
    virtual void save_state() {}
    // A message of the supervisor that the process does not act on itself, with the descriptor that came with it, when
    // its row of the table of messages says that a role is given it. A question is answered by Runtime::answer().
    virtual void on(const ipc::Message&, UniqueFd /*descriptor*/) {}
};

// What kind of process this is.
struct RoleTraits {
    std::vector<unsigned> capabilities;  // kept after the change of user
    std::vector<kernel::CallSet> calls;  // system calls beyond those of every role
    Kind kind = Kind::Vrrp;
    bool has_ring = true;  // owns an event ring (vrrp, lvs)
    // Steps that need root. Runs before the change of user and before the first configuration.
    std::function<void(const ipc::RoleStartup&, Log&)> while_root = {};
};
// Takes the inherited descriptors, receives the supervisor's RoleStartup, drops privileges, and runs the loop until the
// role has stopped or the supervisor has died. Returns the process's exit code.
[[nodiscard]] int run_role(const RoleTraits& traits, const std::function<std::unique_ptr<Role>(Runtime&)>& make);

}  // namespace mainstay::role
