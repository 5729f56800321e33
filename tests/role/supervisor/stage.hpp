// A real supervisor in a process of its own, and the programs that it starts played by the test.
//
// The folder of a stage has this very test program under the names of the daemon's programs (stage_main.cpp). As
// mainstayd it runs the supervisor; under any other name it gives its line to the supervisor to the test, which then
// sends and receives in its stead, and ends as the test wants it to. Needs root, as the supervisor does.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/host_plan.hpp"
#include "mainstay/role/common/kinds.hpp"

namespace mainstay::role::test {

// What the played programs say of themselves when they begin, over a socket of the folder.
inline constexpr const char* kStageSocket = "/stage";
inline constexpr const char* kAsKeepalived = "keepalived";  // an option of a stage: the daemon is run under that name

// What a reader sends for one configuration.
struct Written {
    std::set<Kind> needed{Kind::Vrrp};
    alert::ScriptTable scripts;
    std::map<Kind, config::Config> parts;  // of a role that is not there: an empty one
    ipc::HostPlan host;
    std::string text;  // for copies; empty: none is sent
    ipc::ReadingDone done{.can_run = true, .summary = {}, .stays = true, .wants_namespace = {}};
};

// A process of another program, in whose stead the test speaks.
class Played {
public:
    Played(std::string program, int process, std::string words, UniqueFd line, UniqueFd hold)
        : name{std::move(program)},
          pid{process},
          arguments{std::move(words)},
          line_{std::move(line)},
          hold_{std::move(hold)} {}

    // The next message of this type. Others before it are passed over; their names are kept in `passed`.
    template <class M>
    M hear() {
        return std::get<M>(receive(ipc::Message{std::in_place_type<M>}.index()).message);
    }
    template <class M>
    ipc::Received hear_with_descriptor() {
        return receive(ipc::Message{std::in_place_type<M>}.index());
    }
    // Whether there is one within a moment that is long enough for what is already under way.
    template <class M>
    bool hears_none() {
        return !receive_within(ipc::Message{std::in_place_type<M>}.index(), std::chrono::milliseconds{150});
    }
    void send(const ipc::Message& message, int descriptor = -1) const;
    [[nodiscard]] bool try_say(const ipc::Message& message) const;  // false: nobody reads it
    void send_bytes(std::string_view bytes) const;                  // as they are
    void exit(int status);                                          // and waits until the line is closed
    [[nodiscard]] bool is_gone() const;                             // the process has ended, or was killed
    void until_gone() const;

    std::string name;
    int pid = 0;
    std::string arguments;
    std::vector<std::string> passed;

private:
    [[nodiscard]] ipc::Received receive(std::size_t kind);
    [[nodiscard]] std::optional<ipc::Received> receive_within(std::size_t kind, std::chrono::milliseconds limit);
    UniqueFd line_, hold_;
};

class Stage {
public:
    // `options`: words that stage_main.cpp reads: "no-respawn", "no-lvs", "umask", "named", "not-usual", "keepalived",
    // and of a lack of memory: "fail-after=TEXT", "fail-often", "fail-large", "fail-adopting".
    explicit Stage(const std::vector<std::string>& options = {});
    ~Stage();
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    // The next process of that program, waited for.
    Played& started(const std::string& name);
    bool starts_none(const std::string& name);  // within a moment
    void signal(int number) const;
    [[nodiscard]] std::string log() const;
    [[nodiscard]] std::size_t logged(const std::string& part) const;
    void until_logged(const std::string& part, std::size_t times = 1) const;
    [[nodiscard]] std::string at(const std::string& name) const { return folder_ + "/" + name; }
    [[nodiscard]] std::string text(const std::string& name) const;
    void until(const std::function<bool()>& condition, const char* what) const;
    // The exit code of the supervisor, waited for; 1000 and more: the signal that ended it.
    int exit_code();
    [[nodiscard]] int pid() const { return supervisor_; }
    // A request of mainstayctl: the line on which the answer comes.
    [[nodiscard]] UniqueFd ask(const ipc::Message& question) const;

    // ---- what each test would have to do ----
    void send(const Played& reader, const Written& written) const;
    // The roles' answers to their first configuration, or to a restart's.
    static void take_configuration(Played& role, std::uint64_t generation);
    // A supervisor that runs this configuration, with its reader and its roles.
    struct Running {
        Played* reader = nullptr;
        Played* observer = nullptr;
        std::map<Kind, Played*> roles;
        Played& operator[](Kind kind) { return *roles.at(kind); }
    };
    Running run(const Written& written = {});
    // SIGHUP, and the reader's answer.
    void reload(Running& running, const Written& written);
    // Everything that a stop takes, with the exit code.
    int stop(Running& running);

private:
    void accept_within(std::chrono::milliseconds limit);
    std::string folder_;
    UniqueFd listener_;
    int supervisor_ = 0;
    std::list<Played> waiting_, played_;
};

// The message that came back to a client of mainstayctl, waited for; none: the line was closed.
template <class M>
std::optional<M> answer(const UniqueFd& client);

[[nodiscard]] std::optional<ipc::Received> next_received(int fd, std::chrono::milliseconds limit);

template <class M>
std::optional<M> answer(const UniqueFd& client) {
    auto got = next_received(client.get(), std::chrono::seconds{20});
    if (!got) return std::nullopt;
    const auto* message = std::get_if<M>(&got->message);
    return message == nullptr ? std::nullopt : std::optional{*message};
}

// Gives this process, and those that it starts, a /run of their own; false when that is not allowed.
[[nodiscard]] bool take_own_run_folder();

}  // namespace mainstay::role::test
