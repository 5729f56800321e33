// notify_fifo, vrrp_notify_fifo and lvs_notify_fifo: opens and writes the FIFOs, and starts and restarts the scripts
// that read them. Writing never blocks: lines for a full FIFO wait; of more than kFifoLinesWaitingMax the rest is lost,
// counted and logged.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mainstay/alert/script_requests.hpp"
#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/lifetime.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/hand_over.hpp"
#include "mainstay/ipc/host_plan.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "mainstay/role/common/identity.hpp"
#include "script_guard.hpp"

namespace mainstay::role {

inline constexpr std::chrono::seconds kFifoScriptPause{1};      // before a script that died is restarted
inline constexpr std::chrono::seconds kFifoScriptPauseMax{60};  // doubled up to this when it keeps dying
inline constexpr std::chrono::seconds kFifoScriptStable{10};    // a script that lived this long resets the pause

// For each FIFO, some 10 MB: every server of a large configuration goes and returns at once.
inline constexpr std::size_t kFifoLinesWaitingMax = 100'000;

class NotifyFifos {
public:
    NotifyFifos(boost::asio::io_context& loop, Log& log) : loop_{loop}, log_{log}, guard_{log} {}

    // The network namespace in which the scripts run; -1: the supervisor's own. Call it before the first plan.
    void set_network_namespace(int fd) { network_namespace_ = fd; }
    // Patterns of variables that the scripts get besides the usual ones: call it before follow(), which starts scripts
    // anew that began with others.
    void set_pass_environment(std::vector<std::string> patterns) { pass_environment_ = std::move(patterns); }
    void set_umask(int mask) { umask_ = mask; }  // of scripts that start from now on
    // Switches to this plan. FIFOs that are in both plans stay open, and unchanged scripts keep running. A FIFO that
    // somebody has removed or replaced is made or opened anew.
    void follow(const ipc::HostPlan& plan, const alert::ScriptTable& scripts);
    void write(Kind from, const std::string& line);
    // Whether this role may have this line written. Errc::NotFound: it is about a name that is not the role's;
    // Errc::Invalid: it is not one line.
    [[nodiscard]] Result<void> check(Kind from, const std::string& line) const;
    bool ended(const kernel::Ended& process);  // true when it was one of these scripts
    [[nodiscard]] std::size_t scripts_running() const;

    // For an upgrade: the descriptors stay open and the scripts keep running. Call adopt() before the first follow();
    // `own` takes over a descriptor that survived the exec.
    [[nodiscard]] std::vector<ipc::HandedFifo> hand_over() const;
    void adopt(const std::vector<ipc::HandedFifo>& handed, const std::function<UniqueFd(int)>& own);

    // The stop, in this order: close the FIFOs so that readers see end-of-file, send SIGTERM, remove the created FIFOs.
    void close_writers();
    void terminate_scripts();
    void remove();

private:
    struct Fifo {
        Fifo(boost::asio::io_context& loop, ipc::FifoPlan wanted) : plan{std::move(wanted)}, pause{loop}, room{loop} {}
        ipc::FifoPlan plan;
        UniqueFd fd;
        bool created = false;
        std::deque<std::string> waiting;
        std::uint64_t lost = 0, lost_in_a_row = 0;
        alert::ScriptEntry script;
        std::vector<std::string> pass_environment;  // with which the script was started
        int pid = 0;
        std::chrono::steady_clock::time_point started{};
        std::chrono::seconds next_pause = kFifoScriptPause;
        boost::asio::steady_timer pause;
        boost::asio::posix::stream_descriptor room;  // the same FIFO, while lines wait for it
        Lifetime lifetime;
    };
    void open(Fifo& fifo, std::uint32_t mode);
    void start_script(Fifo& fifo);
    void start_script_later(Fifo& fifo);
    void put_away(Fifo& fifo);
    [[nodiscard]] static bool is_at_its_path(const Fifo& fifo);
    [[nodiscard]] static bool is_written(const Fifo& fifo, const std::string& line);
    void wait_for_room(Fifo& fifo);
    void write_waiting(Fifo& fifo);
    void close(Fifo& fifo);

    boost::asio::io_context& loop_;
    Log& log_;
    ScriptGuard guard_;
    std::vector<std::unique_ptr<Fifo>> fifos_;
    std::vector<int> leaving_;  // scripts of removed FIFOs
    struct Adopted {
        std::string path;
        UniqueFd fd;
        bool created = false;
        int pid = 0;
    };
    std::vector<Adopted> adopted_;
    alert::FifoNames names_, names_before_;  // the old names stay valid for events about removed objects
    int network_namespace_ = -1;
    std::vector<std::string> pass_environment_;
    int umask_ = -1;
    bool stopping_ = false;
};

}  // namespace mainstay::role
