// A role's process, and the test as the supervisor at the other end of its line. The role notes what is asked of it by
// asking for scripts of that name.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "../../lvs/builders.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/config_codec.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/role/common/runtime.hpp"

namespace mainstay::role::test {

using Texts = std::vector<std::string>;
using What = ipc::ControlRequest::What;
using How = ipc::ScriptResult::How;
namespace inherited = ipc::inherited;

class Notes final : public Role {
public:
    explicit Notes(Runtime& runtime) : runtime_{runtime} {}
    Result<void> start(config::Config config, bool restarted) override {
        note((restarted ? "restart " : "start ") + name_of(config));
        if (name_of(config) == "broken") return fail(Errc::State, "no address");
        if (name_of(config) == "forbidden") return fail(Errc::Permission, "no right");
        return {};
    }
    Result<void> prepare(config::Config next) override {
        note("prepare " + name_of(next));
        return name_of(next) == "refused" ? fail(Errc::Invalid, "no such interface") : Result<void>{};
    }
    void commit() override {
        note("commit");
        if (const auto* now = runtime_.running()) note("running " + name_of(*now));
        Event gone;
        gone.name = "VI_old";
        publish(gone);
    }
    void abort() override { note("abort"); }
    bool takes_changes() const override { return true; }
    bool prepare_changes(std::vector<config::ServiceChange> changes) override {
        note("changes " + std::to_string(changes.size()));
        return true;
    }
    void commit_unchanged() override { note("unchanged"); }
    void connect(ipc::PeerChannel::To to, UniqueFd line) override {
        note("connect " + std::to_string(static_cast<int>(to)) + (line ? " with a line" : ""));
    }
    void observed(const ipc::Observations& seen) override { note("observed " + std::to_string(seen.list.size())); }
    void save_state() override {
        note("save");
        save("saved");
    }
    void stop(std::function<void()> done) override {
        note("stop");
        done();
    }
    ServerReply servers(const ipc::ServerQuestion& question) override {
        if (question.which == "bad") return {2, "no server", {}};
        return {1, {}, "text"};
    }
    void instances(const ipc::InstanceQuestion& question) override {
        runtime_.answer(question.request, {1, {}, "outcome"});
    }
    void maintain(const ipc::MaintenanceOrder& order) override { note("maintenance " + order.reason); }
    void asked(const ipc::ControlRequest& wanted) override {
        if (wanted.instance == "script")
            runtime_.run_script("asked", {"a"}, "queue", [this](const ipc::ScriptResult& result) {
                note("result " + std::to_string(result.status));
            });
        if (wanted.instance == "event") {
            Event event;
            event.name = "VI_1";
            publish(event);
        }
        if (wanted.instance == "state") save("published");
        if (wanted.instance == "previous") {
            const auto before = runtime_.previous_state();
            note(before ? "previous " + std::to_string(before->size()) : "previous none");
        }
        if (wanted.instance == "generation") note("generation " + std::to_string(runtime_.generation()));
        if (wanted.instance == "memory") throw std::bad_alloc{};
    }

private:
    static std::string name_of(const config::Config& config) {
        return config.instances.empty() ? "nothing" : config.instances[0].name;
    }
    void note(const std::string& text) { runtime_.run_script(text, {}, {}, {}); }
    void save(std::string_view text) {
        runtime_.publish_state([text](std::span<std::byte> room) {
            for (std::size_t i = 0; i < text.size(); ++i) room[i] = static_cast<std::byte>(text[i]);
            return text.size();
        });
    }
    void publish(Event& event) {
        event.notify = false;
        runtime_.publish(event);
    }
    Runtime& runtime_;
};

config::Config named(const std::string& name) {
    config::Config config;
    config.instances.emplace_back().name = name;
    return config;
}

struct Bench {
    explicit Bench(ipc::RoleStartup startup = {}, const char* kind = "vrrp") {
        std::string pattern = "/tmp/mainstay-runtime.XXXXXX";
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        folder = pattern;
        auto channel = ipc::make_channel();
        REQUIRE(channel);
        line = std::move(channel->first);
        auto memory = ipc::make_memfd("block", ipc::kStateBlockBytes),
             events = ipc::make_memfd("ring", ipc::event_ring_bytes());
        REQUIRE((memory && events));
        block = std::move(*memory);
        ring = std::move(*events);
        kicks.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        const std::string log = folder + "/log";
        pid = ::fork();
        if (pid == 0) {
            const int fds[] = {channel->second.get(), block.get(), ring.get(), kicks.get()};
            int high[4];
            for (int i = 0; i < 4; ++i) high[i] = ::fcntl(fds[i], F_DUPFD_CLOEXEC, 100);
            for (int i = 0; i < 4; ++i) ::dup2(high[i], inherited::kControl + i);
            const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
            ::dup2(file, 1);
            ::dup2(file, 2);
            ::execl("/proc/self/exe", "role", kind, nullptr);
            ::_exit(99);
        }
        startup.user = "root";
        startup.log_socket.clear();
        startup.log_console = true;
        if (startup.process_name.empty()) startup.process_name = "own-name";
        send(startup);
    }
    ~Bench() {
        if (pid != 0) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
        std::filesystem::remove_all(folder);
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    void send(const ipc::Message& message, int descriptor = -1) const {
        REQUIRE(ipc::send_message(line.get(), message, descriptor));
    }
    void ask(const std::string& what) const { send(ipc::ControlRequest{What::SendGarp, what, 0, "DBus"}); }
    void prepare(std::uint64_t generation, const config::Config& config) const {
        auto memory = ipc::encode_sealed("config", config);
        REQUIRE(memory);
        send(ipc::Prepare{generation}, memory->get());
    }
    // The next message but heartbeats; what the role noted before it goes into `noted`.
    std::optional<ipc::Received> hear() {
        for (;;) {
            pollfd wait{line.get(), POLLIN, 0};
            REQUIRE(::poll(&wait, 1, 20'000) == 1);
            auto got = ipc::receive_message(line.get());
            REQUIRE(got);
            if (!got->has_value() || std::holds_alternative<ipc::Closed>(**got)) return std::nullopt;
            auto& received = std::get<ipc::Received>(**got);
            if (std::holds_alternative<ipc::Heartbeat>(received.message)) {
                ++heartbeats;
            } else if (const auto* script = std::get_if<ipc::RunScript>(&received.message);
                       script != nullptr && script->request == 0) {
                noted.push_back(script->key);
            } else {
                return std::move(received);
            }
        }
    }
    template <class M>
    M hear_a() {
        auto got = hear();
        REQUIRE(got.has_value());
        REQUIRE(std::holds_alternative<M>(got->message));
        return std::get<M>(std::move(got->message));
    }
    void until_noted(const std::string& text) {
        while (noted.empty() || noted.back() != text) {
            pollfd wait{line.get(), POLLIN, 0};
            CAPTURE(text);
            REQUIRE(::poll(&wait, 1, 20'000) == 1);
            auto got = ipc::receive_message(line.get());
            REQUIRE((got && got->has_value() && std::holds_alternative<ipc::Received>(**got)));
            if (const auto* script = std::get_if<ipc::RunScript>(&std::get<ipc::Received>(**got).message))
                noted.push_back(script->key);
        }
    }
    void start(const config::Config& config = named("VI_1")) {
        prepare(1, config);
        CHECK(hear_a<ipc::Prepared>().refused.empty());
        send(ipc::Commit{1});
        CHECK(hear_a<ipc::Committed>().generation == 1);
    }
    Texts notes() { return std::exchange(noted, {}); }
    int exit_code() {
        int status = 0;
        REQUIRE(::waitpid(std::exchange(pid, 0), &status, 0) > 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }
    [[nodiscard]] std::string log() const {
        std::ifstream file{folder + "/log"};
        return {std::istreambuf_iterator<char>{file}, {}};
    }
    [[nodiscard]] bool logged(const std::string& part) const { return log().find(part) != std::string::npos; }
    [[nodiscard]] std::string process_name() const {
        std::ifstream file{"/proc/" + std::to_string(pid) + "/comm"};
        std::string name;
        std::getline(file, name);
        return name;
    }

    std::string folder;
    UniqueFd line, block, ring, kicks;
    int pid = 0, heartbeats = 0;
    Texts noted;
};

bool is_root() { return ::geteuid() == 0; }

}  // namespace mainstay::role::test
