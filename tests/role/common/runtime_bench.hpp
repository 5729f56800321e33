// A role's process, and the test as the supervisor at the other end of its line. The role notes what is asked of it by
// asking for scripts of that name.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

#include "../../lvs/builders.hpp"
#include "mainstay/base/overloaded.hpp"
#include "mainstay/config/members.hpp"
#include "mainstay/ipc/channel.hpp"
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
        name_ = name_of(config);
        note((restarted ? "restart " : "start ") + name_);
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
        if (const auto* now = runtime_.running()) note("running " + now->global.router_id);
        runtime_.publish(ended());
    }
    void abort() override { note("abort"); }
    bool takes_changes() const override { return true; }
    bool prepare_changes(std::vector<config::ServiceChange> changes) override {
        note("changes " + std::to_string(changes.size()));
        return changes.size() == 1;
    }
    void commit_unchanged() override { note("unchanged"); }
    void save_state() override {
        note("save");
        save("saved");
    }
    void on(const ipc::Message& message, UniqueFd descriptor) override {
        const auto with = [&](const char* what) { return descriptor ? std::string{" with a "} + what : std::string{}; };
        std::visit(Overloaded{
                       [&](const ipc::PeerChannel& m) {
                           note("connect " + std::to_string(static_cast<int>(m.to)) + with("line"));
                       },
                       [&](const ipc::Observations& m) { note("observed " + std::to_string(m.list.size())); },
                       [&](const ipc::ServerFileRead& m) { note("discovered " + m.source + with("list")); },
                       [&](const ipc::DiscoveryMemory&) { note(descriptor ? "remembered" : "nothing remembered"); },
                       [&](const ipc::ReadTraffic&) { relayed("relayed traffic"); },
                       [&](const ipc::SupervisionReport&) { relayed("relayed"); },
                       [&](const ipc::OperatorAnswered& m) { note("answered " + m.problem + with("text")); },
                       [&](const ipc::ApiSettings& m) { note("API " + m.credentials); },
                       [&](const ipc::ApiFile& m) { note("API file " + m.problem + (descriptor ? " opened" : "")); },
                       [&](const ipc::WebhookSettings& m) { note("webhooks " + std::to_string(m.webhooks.size())); },
                       [&](const ipc::RecordMemory&) { note(descriptor ? "record" : "no record"); },
                       [&](const ipc::DumpRequested& m) { note("dump " + std::to_string(m.signal) + with("line")); },
                       [&](const ipc::ServerQuestion& m) {
                           runtime_.answer(m.request, m.which == "bad" ? OperatorReply{2, "no server", {}}
                                                                       : OperatorReply{1, {}, "text"});
                       },
                       [&](const ipc::InstanceQuestion& m) { runtime_.answer(m.request, {1, {}, "outcome"}); },
                       [&](const ipc::MaintenanceOrder& m) { note("maintenance " + m.reason); },
                       [&](const ipc::ControlRequest& m) { asked(m); },
                       [&](const auto&) { note("something else"); },
                   },
                   message);
    }
    // "patient" waits for what is relayed next, "late" for a while; "heard" is heard of in an event, "asking" asks for
    // a script.
    void stop(std::function<void()> done) override {
        note("stop");
        if (name_ == "patient") {
            stopped_ = std::move(done);
        } else if (name_ == "late") {
            later_.expires_after(std::chrono::milliseconds{300});
            later_.async_wait([done = std::move(done)](auto) { done(); });
        } else {
            if (name_ == "heard") runtime_.publish(ended());
            if (name_ == "asking")
                runtime_.run_script("last", {}, {}, [this](const ipc::ScriptResult& result) {
                    runtime_.log().info("the last script was not run: {}", result.status);
                });
            done();
        }
    }

private:
    void relayed(const char* what) {
        note(what);
        if (runtime_.running() == nullptr) note("running nothing");
        if (stopped_) stopped_();
    }
    void asked(const ipc::ControlRequest& wanted) {
        const std::map<std::string, std::function<void()>> answers{
            {"script", [this] { run_script(); }},
            {"event", [this] { runtime_.publish({.name = "VI_1", .notify = false}); }},
            {"ended", [this] { runtime_.publish(ended()); }},
            {"master", [this] { runtime_.publish(master()); }},
            {"servers",
             [this] {
                 for (int i = 0; i < 3000; ++i) runtime_.publish(server_up());
             }},
            {"server", [this] { runtime_.publish(server_up()); }},
            {"three",
             [this] {
                 for (int i = 0; i < 3; ++i) runtime_.publish({.name = "VI_1", .notify = false});
             }},
            {"state", [this] { save("published"); }},
            {"large state", [this] { runtime_.publish_state([](auto) { return std::size_t{1} << 30U; }); }},
            {"previous", [this] { note_previous(); }},
            {"generation", [this] { note("generation " + std::to_string(runtime_.generation())); }},
            {"services", [this] { note_services(); }},
            {"ipvs", [this] { note(runtime_.ipvs_socket() >= 0 ? "a socket" : "no socket"); }},
            {"lines", [this] { log_lines(); }},
            {"levels", [this] { note("levels " + std::to_string(runtime_.log_levels().size())); }},
            {"questions", [this] { ask_questions(); }},
            {"flood",
             [this] {
                 for (int i = 0; i < 5000; ++i) runtime_.send(ipc::ReadTraffic{});
             }},
            {"large script",
             [this] {
                 runtime_.run_script("key", {std::string(ipc::kMessageBytesMax, 'x')}, {},
                                     [this](const ipc::ScriptResult& result) {
                                         note("the large script was not run: " + std::to_string(result.status));
                                     });
             }},
            {"long work",
             [this] {
                 note("at work");
                 const auto end = runtime_.now() + std::chrono::milliseconds{1'500};
                 while (runtime_.now() < end) runtime_.still_at_work();
                 runtime_.still_at_work();
                 note("done");
             }},
            {"memory", [] { throw std::bad_alloc{}; }},
        };
        answers.at(wanted.instance)();
    }
    static std::string name_of(const config::Config& config) {
        return config.instances.empty() ? "nothing" : config.instances[0].name;
    }
    static Event ended() {
        return {.name = "VI_old", .transition = Transition::Stop, .reason = "it was removed", .removed = true};
    }
    static Event master() {
        return {.name = "VI_1", .transition = Transition::Master, .reason = "nobody was heard", .priority = 150};
    }
    static Event server_up() {
        return {.kind = Event::Kind::RealServer,
                .name = "[10.0.0.11]:tcp:80",
                .parent = "[10.0.0.1]:tcp:80",
                .transition = Transition::Up,
                .reason = "its check passes"};
    }
    void run_script() {
        runtime_.run_script("asked", {"a"}, "queue", [this](const ipc::ScriptResult& result) {
            note("result " + std::to_string(result.status));
        });
    }
    void note_services() {
        const auto& services = runtime_.running()->virtual_servers;
        note("services " + std::to_string(services.size()) +
             (services.empty() ? "" : " with " + std::to_string(services[0].real_servers.size()) + " servers"));
    }
    void note_previous() {
        const auto before = runtime_.previous_state();
        note(before ? "previous " + std::to_string(before->size()) : "previous none");
    }
    void log_lines() {
        runtime_.log().info("a line of the role");
        runtime_.log_of(LogModule::Api).debug("a line of the API");
    }
    void ask_questions() {
        runtime_.send(ipc::ControlRequest{.what = What::PrintData, .instance = {}, .by = "SNMP"});
        runtime_.send(ipc::ReadTraffic{});
        ipc::ServerQuestion servers;
        servers.which = "S";
        runtime_.send(servers);
        ipc::InstanceQuestion instances;
        instances.which = "I";
        runtime_.send(instances);
        ipc::LogLevelQuestion levels;
        levels.module = "vrrp";
        runtime_.send(levels);
        auto sealed = ipc::make_sealed_memfd("memory", std::vector<std::byte>(5));
        if (sealed) runtime_.send(ipc::DiscoveryMemory{}, sealed->get());
    }
    void note(const std::string& text) { runtime_.run_script(text, {}, {}, {}); }
    void save(std::string_view text) {
        runtime_.publish_state([text](std::span<std::byte> room) {
            for (std::size_t i = 0; i < text.size(); ++i) room[i] = static_cast<std::byte>(text[i]);
            return text.size();
        });
    }
    Runtime& runtime_;
    boost::asio::steady_timer later_{runtime_.loop()};
    std::string name_;
    std::function<void()> stopped_;
};

inline config::Config named(const std::string& name) {
    config::Config config;
    config.global.router_id = name;
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
             events = ipc::make_memfd("ring", ipc::event_ring_bytes()),
             read = ipc::make_memfd("read", ipc::read_mark_bytes());
        REQUIRE((memory && events && read));
        mark = std::move(*read);
        block = std::move(*memory);
        ring = std::move(*events);
        kicks.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        const std::string log = folder + "/log";
        pid = ::fork();
        if (pid == 0) {
            const int fds[] = {channel->second.get(), block.get(), ring.get(), kicks.get(), mark.get()};
            int high[5];
            for (int i = 0; i < 5; ++i) high[i] = ::fcntl(fds[i], F_DUPFD_CLOEXEC, 100);
            for (int i = 0; i < 4; ++i) ::dup2(high[i], inherited::kControl + i);
            ::dup2(high[4], inherited::kReadMark);
            const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
            ::dup2(file, 1);
            ::dup2(file, 2);
            ::execl("/proc/self/exe", "role", kind, nullptr);
            ::_exit(99);
        }
        if (startup.user == "mainstay") startup.user = "root";
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
                noted.push_back(text_of(*script));
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
            const auto& message = std::get<ipc::Received>(**got).message;
            if (const auto* script = std::get_if<ipc::RunScript>(&message)) noted.push_back(text_of(*script));
            if (std::holds_alternative<ipc::Heartbeat>(message)) ++heartbeats;
        }
    }
    // The key, then the queue and the arguments, if there are any.
    static std::string text_of(const ipc::RunScript& script) {
        std::string text = script.key + (script.queue.empty() ? "" : " in " + script.queue);
        for (const auto& word : script.extra) text += " " + word;
        return text;
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
    void until_logged(const std::string& part) const {
        CAPTURE(part);
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        while (!logged(part)) {
            REQUIRE(std::chrono::steady_clock::now() < end);
            ::poll(nullptr, 0, 10);
        }
    }
    // The events that the observer was woken for, if it was.
    [[nodiscard]] std::uint64_t woken() const {
        std::uint64_t times = 0;
        return ::read(kicks.get(), &times, sizeof times) == sizeof times ? times : 0;
    }
    [[nodiscard]] bool logged(const std::string& part) const { return log().find(part) != std::string::npos; }
    [[nodiscard]] std::string process_name() const { return line_of("comm", ""); }
    // The first line of a file of /proc/PID that begins so, without that beginning.
    [[nodiscard]] std::string line_of(const char* name, const std::string& begin) const {
        std::ifstream file{"/proc/" + std::to_string(pid) + "/" + name};
        for (std::string text; std::getline(file, text);)
            if (text.starts_with(begin)) return text.substr(begin.size());
        return {};
    }

    std::string folder;
    UniqueFd line, block, ring, mark, kicks;
    int pid = 0, heartbeats = 0;
    Texts noted;
};

}  // namespace mainstay::role::test
