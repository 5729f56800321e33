// What all roles have in common: the loop, the line to the supervisor, the two-phase reload, heartbeats, the state
// block and the event ring. A role implements `Role` and is driven by run_role().
#pragma once

#include <boost/asio/io_context.hpp>
#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines

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
#include "mainstay/config/validate/service_change.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/system_calls.hpp"

namespace mainstay::role {

// Handed to a role; lives longer than it. Not thread-safe: everything happens on the one loop.
class Runtime {
public:
    Runtime() = default;
    Runtime(const Runtime&) = delete;
    Runtime& operator=(const Runtime&) = delete;
    virtual ~Runtime() = default;

    [[nodiscard]] virtual boost::asio::io_context& loop() = 0;
    [[nodiscard]] virtual Log& log() = 0;
    [[nodiscard]] virtual Instant now() const = 0;
    [[nodiscard]] virtual WallTime wall() const = 0;

    // Stamps the event, puts it into the ring, kicks the observer, and asks the supervisor for its notify scripts and
    // its line in the FIFOs.
    virtual void publish(Event event) = 0;
    // The line in the FIFOs alone.
    virtual void write_fifo(const Event& event) = 0;
    // Runs a script of the table; `done` is called on the loop with its result, unless it is empty. Scripts of one
    // non-empty queue run one after the other.
    virtual void run_script(std::string key, std::vector<std::string> extra, std::string queue,
                            std::function<void(const ipc::ScriptResult&)> done) = 0;
    // Something for the supervisor, or for the vrrp role behind it. Only what watches the others asks.
    virtual void ask(const ipc::ControlRequest&) {}
    // The role's state block: what it published last in this or an earlier incarnation, and the way to publish.
    [[nodiscard]] virtual Result<std::vector<std::byte>> previous_state() = 0;
    virtual void publish_state(const ipc::StateBlock::Writer& write) = 0;
    [[nodiscard]] virtual std::uint64_t generation() const = 0;         // of the running configuration
    [[nodiscard]] virtual const ipc::RoleStartup& options() const = 0;  // how this process was asked to run
    // The configuration that runs; null: there is none yet.
    [[nodiscard]] virtual const config::Config* running() const { return nullptr; }
    // A generic netlink socket in the network namespace that IPVS work is done in; -1: this process's own.
    [[nodiscard]] virtual int ipvs_socket() const { return -1; }
};

class Role {
public:
    Role() = default;
    Role(const Role&) = delete;
    Role& operator=(const Role&) = delete;
    virtual ~Role() = default;

    // First configuration. `restarted` is true when an earlier incarnation crashed: adopt what it left.
    [[nodiscard]] virtual Result<void> start(config::Config config, bool restarted) = 0;
    // Two-phase reload: build what the new configuration needs without touching anything, or say why not; then
    // swap, or forget it. commit() does not fail.
    [[nodiscard]] virtual Result<void> prepare(config::Config next) = 0;
    virtual void commit() = 0;
    virtual void abort() = 0;
    // A reload that changes these virtual servers alone, in their places, is prepared from them. False: it wants the
    // whole configuration. One that changes nothing is neither prepared nor committed, only told. Where
    // takes_changes().
    [[nodiscard]] virtual bool takes_changes() const { return false; }
    [[nodiscard]] virtual bool prepare_changes(std::vector<config::ServiceChange>) { return false; }
    virtual void commit_unchanged() {}
    // Somebody asked for this over D-Bus or SNMP. Only the vrrp role is asked anything.
    virtual void asked(const ipc::ControlRequest&) {}
    // One end of a new direct line to another role, also before start(); for roles that talk to others.
    virtual void connect(ipc::PeerChannel::To, UniqueFd) {}
    // What the watcher sees on the host: everything soon after the start, then what changes.
    virtual void observed(const ipc::Observations&) {}
    // Resign and release everything, then call `done` on the loop. Must come to an end by itself.
    virtual void stop(std::function<void()> done) = 0;
    // Bring the state block up to date: somebody is about to read it, or to go on from it.
    virtual void save_state() {}
    // An operator's override of single servers; answered at once. Only the lvs role has any.
    struct ServerReply {
        std::int32_t exit_code = 0;
        std::string problem;  // not empty: nothing was done
        std::string text;     // for the operator
    };
    [[nodiscard]] virtual ServerReply servers(const ipc::ServerQuestion&) {
        return {2, "there are no servers here", {}};
    }
    // The dump files that a signal asks for, over the line on which they are handed out (ipc::DumpFile). Only the
    // observer makes any.
    virtual void dump(int, UniqueFd) {}
};

// What kind of process this is.
struct RoleTraits {
    std::vector<unsigned> capabilities;  // kept after the change of user
    std::vector<kernel::CallSet> calls;  // what it does beside what every role does
    Kind kind = Kind::Vrrp;
    bool has_ring = true;  // owns an event ring (vrrp, lvs)
    // What only root may do and the role needs; before the change of user, and before the first configuration.
    std::function<void(const ipc::RoleStartup&, Log&)> while_root = {};
};
// Takes the inherited descriptors, hears the supervisor's RoleStartup, drops privileges, runs the loop until the role
// has stopped or the supervisor is gone. The process's exit code.
[[nodiscard]] int run_role(const RoleTraits& traits, const std::function<std::unique_ptr<Role>(Runtime&)>& make);

}  // namespace mainstay::role
