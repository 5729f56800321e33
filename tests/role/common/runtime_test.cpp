// What all roles have in common, in a process of its own: the test is the supervisor at the other end of its line. The
// role notes what is asked of it by asking for scripts of that name. Needs root, to be confined.
#define DOCTEST_CONFIG_IMPLEMENT
#include "mainstay/role/common/runtime.hpp"

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

using namespace mainstay;
using namespace mainstay::role;
using Texts = std::vector<std::string>;
using What = ipc::ControlRequest::What;
using How = ipc::ScriptResult::How;
namespace inherited = ipc::inherited;

namespace {

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
        say(startup);
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

    void say(const ipc::Message& message, int descriptor = -1) const {
        REQUIRE(ipc::send_message(line.get(), message, descriptor));
    }
    void ask(const std::string& what) const { say(ipc::ControlRequest{What::SendGarp, what, 0, "DBus"}); }
    void prepare(std::uint64_t generation, const config::Config& config) const {
        auto memory = ipc::encode_sealed("config", config);
        REQUIRE(memory);
        say(ipc::Prepare{generation}, memory->get());
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
        say(ipc::Commit{1});
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

}  // namespace

TEST_CASE("a role is started with the configuration that was prepared and committed, and stops when it is told to") {
    if (!is_root()) return;
    Bench bench;
    bench.start();
    CHECK(bench.notes() == Texts{"start VI_1"});
    CHECK(bench.process_name() == "own-name");
    bench.ask("generation");
    bench.until_noted("generation 1");
    bench.say(ipc::Stop{});
    bench.hear_a<ipc::Stopped>();
    CHECK(bench.notes() == Texts{"generation 1", "stop"});
    CHECK(bench.exit_code() == 0);
    CHECK(bench.heartbeats >= 1);
}

TEST_CASE("a restarted one is told so, and a spare has its name when it takes over") {
    if (!is_root()) return;
    Bench again{{.restarted = true}}, spare{{.spare = true}};
    again.start();
    CHECK(again.notes() == Texts{"restart VI_1"});
    spare.prepare(1, named("VI_1"));
    spare.hear_a<ipc::Prepared>();
    CHECK(spare.process_name() == "mainstayd-spare");
    spare.say(ipc::Commit{1});
    spare.hear_a<ipc::Committed>();
    CHECK(spare.process_name() == "own-name");
}

TEST_CASE("a role that cannot start ends with its code") {
    if (!is_root()) return;
    for (const auto& [name, code] : {std::pair{"broken", 1}, {"forbidden", 4}}) {
        Bench bench;
        bench.prepare(1, named(name));
        bench.hear_a<ipc::Prepared>();
        bench.say(ipc::Commit{1});
        CHECK_FALSE(bench.hear().has_value());
        CHECK(bench.exit_code() == code);
        CHECK(bench.logged("cannot start: no "));
    }
}

TEST_CASE("a reload is prepared, and committed or aborted; an unchanged one is only told of") {
    if (!is_root()) return;
    Bench bench;
    bench.start();
    bench.notes();
    bench.prepare(2, named("VI_2"));
    CHECK(bench.hear_a<ipc::Prepared>().generation == 2);
    CHECK(bench.notes() == Texts{"prepare VI_2"});
    bench.say(ipc::Abort{3});  // another one
    bench.say(ipc::Abort{2});
    bench.until_noted("abort");
    bench.say(ipc::Commit{2});  // it was aborted
    bench.prepare(3, named("VI_3"));
    CHECK(bench.hear_a<ipc::Prepared>().generation == 3);
    bench.say(ipc::Commit{3});
    CHECK(bench.hear_a<ipc::Committed>().generation == 3);
    CHECK(bench.notes() == Texts{"abort", "prepare VI_3", "commit", "running VI_3"});
    CHECK(bench.logged("configuration 2 was committed without having been prepared"));
    CHECK(bench.logged("Reloading"));
    bench.prepare(4, named("VI_3"));
    CHECK(bench.hear_a<ipc::Prepared>().generation == 4);
    bench.say(ipc::Commit{4});
    CHECK(bench.hear_a<ipc::Committed>().generation == 4);
    CHECK(bench.notes() == Texts{"unchanged"});
    bench.prepare(5, named("VI_3"));
    bench.hear_a<ipc::Prepared>();
    bench.say(ipc::Abort{5});
    bench.ask("generation");
    bench.until_noted("generation 4");
    CHECK(bench.notes() == Texts{"generation 4"});
}

TEST_CASE("a change of services alone is prepared from them") {
    if (!is_root()) return;
    Bench bench;
    auto config = named("VI_1");
    config.virtual_servers = {lvs::test::service({lvs::test::server("10.0.0.11")})};
    bench.start(config);
    bench.notes();
    config.virtual_servers[0].real_servers[0].weight = 7;
    bench.prepare(2, config);
    CHECK(bench.hear_a<ipc::Prepared>().refused.empty());
    CHECK(bench.notes() == Texts{"changes 1"});
    bench.say(ipc::Commit{2});
    CHECK(bench.hear_a<ipc::Committed>().generation == 2);
}

TEST_CASE("a configuration that the role refuses, or that cannot be read, is answered with the reason") {
    if (!is_root()) return;
    Bench bench;
    bench.start();
    bench.prepare(2, named("refused"));
    CHECK(bench.hear_a<ipc::Prepared>().refused == "no such interface");
    const auto garbage = ipc::make_sealed_memfd("x", std::vector<std::byte>(5, std::byte{0xff}));
    bench.say(ipc::Prepare{3}, garbage->get());
    CHECK(bench.hear_a<ipc::Prepared>().refused.find("snapshot") != std::string::npos);
    CHECK(bench.logged("configuration 2 cannot be prepared: no such interface"));
    bench.say(ipc::Commit{3});
    bench.ask("generation");
    bench.until_noted("generation 1");
}

TEST_CASE("channels, observations and requests go to the role, requests only while it runs") {
    if (!is_root()) return;
    Bench bench;
    bench.ask("generation");
    bench.say(ipc::DumpRequested{10});
    auto channel = ipc::make_channel();
    bench.say(ipc::PeerChannel{ipc::PeerChannel::To::Lvs}, channel->first.get());
    bench.say(ipc::Observations{{{}, {}}});
    bench.until_noted("observed 2");
    CHECK(bench.notes() == Texts{"connect 1 with a line", "observed 2"});
    bench.start();
    bench.say(ipc::Upgrade{});
    bench.ask("generation");
    bench.until_noted("generation 1");
    CHECK(bench.logged("an unexpected message from the supervisor was ignored"));
    CHECK(bench.notes() == Texts{"start VI_1", "generation 1"});
}

TEST_CASE("the result of a script goes to who asked for it, once") {
    if (!is_root()) return;
    Bench bench;
    bench.start();
    bench.ask("script");
    bench.ask("script");
    const auto first = bench.hear_a<ipc::RunScript>(), second = bench.hear_a<ipc::RunScript>();
    CHECK(first.key == "asked");
    CHECK(first.queue == "queue");
    CHECK(first.extra == Texts{"a"});
    CHECK(first.request != 0);
    CHECK(second.request == first.request + 1);
    bench.notes();
    bench.say(ipc::ScriptResults{{{second.request, How::Exited, 5}, {77, How::Exited, 6}}});
    bench.until_noted("result 5");
    bench.say(ipc::ScriptResults{{{second.request, How::Exited, 8}, {first.request, How::Exited, 7}}});
    bench.until_noted("result 7");
    CHECK(bench.notes() == Texts{"result 5", "result 7"});
}

TEST_CASE("events are numbered in the ring, wake the observer, and the state is in the block") {
    if (!is_root()) return;
    Bench bench;
    bench.start();
    bench.ask("previous");
    bench.until_noted("previous none");
    bench.ask("event");
    bench.ask("event");
    bench.ask("state");
    bench.ask("previous");
    bench.until_noted("previous 9");
    const auto ring = ipc::EventRing::map(bench.ring.get(), false);
    REQUIRE(ring);
    const auto batch = ring->read_after(0);
    REQUIRE(batch.events.size() == 2);
    CHECK(batch.events[0].name == "VI_1");
    CHECK(batch.events[0].at.unix_us > 1'000'000'000'000'000);
    CHECK(batch.events[1].number == batch.events[0].number + 1);
    pollfd woken{bench.kicks.get(), POLLIN, 0};
    CHECK(::poll(&woken, 1, 20'000) == 1);
    const auto block = ipc::StateBlock::map(bench.block.get(), false);
    REQUIRE(block);
    CHECK(block->read()->size() == 9);
}

TEST_CASE("a dump is answered with a fresh state, and servers with a sealed text or a problem") {
    if (!is_root()) return;
    Bench bench;
    ipc::ServerQuestion question;
    question.request = 3;
    bench.say(question);
    auto early = bench.hear_a<ipc::ServerAnswered>();
    CHECK(early.problem == "the process is starting or stopping");
    CHECK(early.exit_code == 2);
    CHECK(early.request == 3);
    bench.start();
    bench.notes();
    bench.say(ipc::DumpRequested{10});
    CHECK(bench.hear_a<ipc::DumpRequested>().signal == 10);
    CHECK(bench.notes() == Texts{"save"});
    bench.say(question);
    auto got = bench.hear();
    REQUIRE(got);
    CHECK(std::get<ipc::ServerAnswered>(got->message).exit_code == 1);
    CHECK(ipc::sealed_size(got->descriptor.get()).value() == 4);
    question.which = "bad";
    bench.say(question);
    got = bench.hear();
    REQUIRE(got);
    CHECK(std::get<ipc::ServerAnswered>(got->message).problem == "no server");
    CHECK_FALSE(got->descriptor);
}

TEST_CASE("one that retires saves its state and ends without a stop, one that never ran just ends") {
    if (!is_root()) return;
    Bench bench, early, stopped;
    bench.start();
    bench.notes();
    bench.say(ipc::Retire{});
    CHECK_FALSE(bench.hear().has_value());
    CHECK(bench.notes() == Texts{"save"});
    CHECK(bench.exit_code() == 0);
    early.say(ipc::Retire{});
    CHECK_FALSE(early.hear().has_value());
    CHECK(early.notes().empty());
    CHECK(early.exit_code() == 0);
    stopped.say(ipc::Stop{});
    CHECK_FALSE(stopped.hear().has_value());
    CHECK(stopped.exit_code() == 0);
}

TEST_CASE("a role whose supervisor has died stops in order") {
    if (!is_root()) return;
    Bench bench;
    bench.start();
    bench.line.reset();
    CHECK(bench.exit_code() == 0);
    CHECK(bench.logged("the supervisor has died: stopping"));
}

TEST_CASE("what cannot be read of the supervisor is logged, and the next message is") {
    if (!is_root()) return;
    Bench bench;
    bench.start();
    REQUIRE(::send(bench.line.get(), "\x02", 1, MSG_NOSIGNAL) == 1);
    bench.ask("generation");
    bench.until_noted("generation 1");
}

TEST_CASE("a lack of memory ends the process with a code of its own, heartbeats come every second") {
    if (!is_root()) return;
    Bench bench;
    bench.start();
    while (bench.heartbeats < 2) {
        pollfd wait{bench.line.get(), POLLIN, 0};
        REQUIRE(::poll(&wait, 1, 20'000) == 1);
        auto got = ipc::receive_message(bench.line.get());
        REQUIRE((got && got->has_value()));
        ++bench.heartbeats;
    }
    bench.ask("memory");
    CHECK(bench.exit_code() == 5);
    CHECK(bench.logged("out of memory"));
}

TEST_CASE("a process without its memory does not run") {
    if (!is_root()) return;
    Bench first{{}, "no-memory"};
    CHECK(first.exit_code() == 1);
    CHECK(first.logged("cannot start: "));
}

int main(int argc, char** argv) {
    const std::vector<std::string> words{argv, argv + argc};
    if (words[0] != "role") return doctest::Context{argc, argv}.run();
    if (words[1] == "no-memory") ::close(inherited::kOwnBlock);
    return run_role({.capabilities = {}, .calls = {kernel::CallSet::Schedule}, .kind = Kind::Vrrp, .has_ring = true},
                    [](Runtime& runtime) { return std::make_unique<Notes>(runtime); });
}
