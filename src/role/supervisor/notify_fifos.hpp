// notify_fifo, vrrp_notify_fifo and lvs_notify_fifo: opened, written, and the scripts that read them, started and
// started again when they die. Never waits: a line that finds its FIFO full is lost, counted and told of.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mainstay/alert/script_requests.hpp"
#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/hand_over.hpp"
#include "mainstay/ipc/host_plan.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "mainstay/role/common/identity.hpp"
#include "script_guard.hpp"

namespace mainstay::role {

inline constexpr std::chrono::seconds kFifoScriptPause{1};      // before a script that died is started again
inline constexpr std::chrono::seconds kFifoScriptPauseMax{60};  // doubled up to this when it keeps dying
inline constexpr std::chrono::seconds kFifoScriptStable{10};  // one that lived so long starts at kFifoScriptPause again

class NotifyFifos {
public:
    NotifyFifos(boost::asio::io_context& loop, Log& log) : loop_{loop}, log_{log}, guard_{log} {}

    // Where their scripts run; -1: where we do. Before the first plan.
    void set_network_namespace(int fd) { network_namespace_ = fd; }
    // FIFOs that are in both plans stay open, and their scripts stay if they are the same.
    void follow(const ipc::HostPlan& plan, const alert::ScriptTable& scripts);
    void write(Kind from, const std::string& line);
    // May this role have this line written? Errc::NotFound: not of this name; Errc::Invalid: it is no line at all.
    [[nodiscard]] Result<void> check(Kind from, const std::string& line) const;
    bool ended(const kernel::Ended& process);  // true when it was one of our scripts
    [[nodiscard]] std::size_t scripts_running() const;

    // An upgrade: the descriptors stay open and the scripts go on. To be adopted before the first plan is followed;
    // `own` takes a descriptor that survived the exec.
    [[nodiscard]] std::vector<ipc::HandedFifo> hand_over() const;
    void adopt(const std::vector<ipc::HandedFifo>& handed, const std::function<UniqueFd(int)>& own);

    // At the stop: no more lines, so that readers see the end; then TERM; then what was made here is removed.
    void close_writers();
    void terminate_scripts();
    void remove();

private:
    struct Fifo {
        Fifo(boost::asio::io_context& loop, ipc::FifoPlan wanted) : plan{std::move(wanted)}, pause{loop} {}
        ipc::FifoPlan plan;
        UniqueFd fd;
        bool created = false;
        std::uint64_t lost = 0, lost_in_a_row = 0;
        alert::ScriptEntry script;
        int pid = 0;
        std::chrono::steady_clock::time_point started{};
        std::chrono::seconds next_pause = kFifoScriptPause;
        boost::asio::steady_timer pause;
    };
    void open(Fifo& fifo, std::uint32_t mode);
    void start_script(Fifo& fifo);
    void start_script_later(Fifo& fifo);
    void put_away(Fifo& fifo);

    boost::asio::io_context& loop_;
    Log& log_;
    ScriptGuard guard_;
    std::vector<std::unique_ptr<Fifo>> fifos_;
    std::vector<int> leaving_;  // scripts of FIFOs that are no more
    struct Adopted {
        std::string path;
        UniqueFd fd;
        bool created = false;
        int pid = 0;
    };
    std::vector<Adopted> adopted_;
    alert::FifoNames names_, names_before_;  // a reload tells what it removes
    int network_namespace_ = -1;
    bool stopping_ = false;
};

}  // namespace mainstay::role
