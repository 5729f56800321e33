// An observer in the test's process: the test has the other roles' rings and blocks, and a client of the status socket.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../../kept_log.hpp"
#include "../../threads.hpp"
#include "../role_process.hpp"
#include "mainstay/base/overloaded.hpp"
#include "mainstay/ipc/status.hpp"
#include "mainstay/role/observer/role.hpp"

namespace mainstay::role::test {

// Keeps the numbers of inherited descriptors free of others, like the epoll of a loop.
inline const bool kReserved = [] {
    while (true)
        if (const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC); fd > 17) return ::close(fd) == 0;
}();

struct ObserverRuntime : Runtime {
    boost::asio::io_context& loop() override { return loop_; }
    mainstay::test::KeptLog& log() override { return log_; }
    Instant now() const override { return stands_at.value_or(std::chrono::steady_clock::now()) + ahead; }
    WallTime wall() const override { return {1'795'163'866'000'000 + std::chrono::microseconds{ahead}.count()}; }
    void publish(Event) override {}
    void write_fifo(const Event&) override {}
    void run_script(std::string, std::vector<std::string>, std::string,
                    std::function<void(const ipc::ScriptResult&)>) override {}
    void send(const ipc::Message& message, int) override {
        std::visit(Overloaded{
                       [&](const ipc::ControlRequest& m) { asked.push_back(m); },
                       [&](const ipc::ReadTraffic&) { ++asked_for_traffic; },
                       [&](const ipc::ServerQuestion& m) { questions.push_back(m); },
                       [&](const ipc::InstanceQuestion& m) { instance_questions.push_back(m); },
                       [&](const ipc::LogLevelQuestion& m) { level_questions.push_back(m); },
                       [](const auto&) {},
                   },
                   message);
    }
    bool rest(int socket) override {
        if (may_rest) rested = ::fcntl(socket, F_DUPFD_CLOEXEC, 100);
        return may_rest;
    }
    Result<std::vector<std::byte>> previous_state() override {
        if (!state) return fail(Errc::NotFound, "nothing was published");
        return *state;
    }
    void publish_state(const ipc::StateBlock::Writer& write) override {
        state.emplace(write({}));
        write(*state);
    }
    std::uint64_t generation() const override { return 7; }
    const ipc::RoleStartup& options() const override { return startup; }
    const config::Config* running() const override { return config ? &*config : nullptr; }

    [[nodiscard]] ipc::ObserverStatus status() const {
        if (!state) return {};
        return decode<ipc::ObserverStatus>(*state).value();
    }

    boost::asio::io_context loop_{1};
    mainstay::test::KeptLog log_;
    std::chrono::milliseconds ahead{0};
    std::optional<Instant> stands_at;  // a clock that only `ahead` moves
    std::vector<ipc::ControlRequest> asked;
    int asked_for_traffic = 0;
    bool may_rest = false;
    int rested = -1;  // the socket that it left when it had nothing to do
    std::vector<ipc::ServerQuestion> questions;
    std::vector<ipc::InstanceQuestion> instance_questions;
    std::vector<ipc::LogLevelQuestion> level_questions;
    std::optional<std::vector<std::byte>> state;
    std::optional<config::Config> config;
    ipc::RoleStartup startup;
};

// The memory that the supervisor makes, at the numbers at which the observer inherits it.
struct SharedMemory {
    UniqueFd vrrp_block, vrrp_ring, vrrp_mark, lvs_block, lvs_ring, lvs_mark, bfd_block, kick;
    SharedMemory() {
        REQUIRE(kReserved);
        // A thread of the test before that is still at its work opens files under the numbers that its observer has
        // left: dup2() to such a number is refused, or takes the file away from it.
        REQUIRE(mainstay::test::ended_but(1, std::chrono::seconds{60}));
        const auto make = [](UniqueFd& fd, int number, std::size_t size) {
            auto memory = ipc::make_shared_memfd("test", size);
            REQUIRE(memory.has_value());
            fd.reset(::fcntl(memory->get(), F_DUPFD_CLOEXEC, 100));
            memory->reset();
            REQUIRE(::dup2(fd.get(), number) == number);
        };
        make(vrrp_block, ipc::inherited::kVrrpBlock, ipc::kStateBlockBytes);
        make(lvs_block, ipc::inherited::kLvsBlock, ipc::kStateBlockBytes);
        make(bfd_block, ipc::inherited::kBfdBlock, ipc::kStateBlockBytes);
        make(vrrp_ring, ipc::inherited::kVrrpRing, ipc::event_ring_bytes());
        make(lvs_ring, ipc::inherited::kLvsRing, ipc::event_ring_bytes());
        make(vrrp_mark, ipc::inherited::kVrrpMark, ipc::read_mark_bytes());
        make(lvs_mark, ipc::inherited::kLvsMark, ipc::read_mark_bytes());
        UniqueFd event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
        kick.reset(::fcntl(event.get(), F_DUPFD_CLOEXEC, 100));
        event.reset();  // it may have the number itself
        REQUIRE(::dup2(kick.get(), ipc::inherited::kObserverKick) == ipc::inherited::kObserverKick);
    }
};

struct ObserverBench {
    SharedMemory memory;
    Folder folder;
    ipc::EventRing vrrp_ring = ipc::EventRing::map(memory.vrrp_ring.get(), true).value();
    ipc::EventRing lvs_ring = ipc::EventRing::map(memory.lvs_ring.get(), true).value();
    ObserverRuntime runtime;
    std::unique_ptr<Role> role;

    ObserverBench() {
        runtime.startup.control_socket = folder / "status.sock";
        runtime.startup.spool_directory = folder / "spool";
        runtime.startup.config_path = "/etc/x.conf";
        runtime.startup.config_id = "red";
        runtime.startup.settings_path = "/etc/mainstay.toml";
    }
    // The error's text; empty: it has started.
    std::string start(config::Config config) {
        runtime.config = config;
        role = make_observer_role(runtime);
        const auto started = role->start(std::move(config), false);
        return started ? "" : started.error().text();
    }
    // Runs the loop until it holds.
    void until(const std::function<bool()>& holds) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
        while (!holds()) {
            REQUIRE(std::chrono::steady_clock::now() < end);
            runtime.loop_.restart();
            runtime.loop_.run_for(std::chrono::milliseconds{5});
        }
    }
    void wake() const {
        const std::uint64_t one = 1;
        REQUIRE(::write(memory.kick.get(), &one, sizeof one) == sizeof one);
    }
    template <class T>
    static void publish(const UniqueFd& block, const T& status) {
        auto mapped = ipc::StateBlock::map(block.get(), true);
        REQUIRE(mapped.has_value());
        REQUIRE(mapped->publish([&](std::span<std::byte> room) { return encode_into(room, status); }).has_value());
    }
    // A client that has sent this request.
    [[nodiscard]] UniqueFd asked(const std::string& request) const {
        UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        runtime.startup.control_socket.copy(at.sun_path, sizeof at.sun_path - 1);
        REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
        REQUIRE(::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()));
        return fd;
    }
    // The code and the body of the answer.
    std::string heard(const UniqueFd& fd) {
        std::string all;
        until([&] {
            std::array<char, 8192> room{};
            for (;;) {
                const auto got = ::recv(fd.get(), room.data(), room.size(), MSG_DONTWAIT);
                if (got <= 0) return got == 0;
                all.append(room.data(), static_cast<std::size_t>(got));
            }
        });
        return all.substr(9, 3) + " " + all.substr(all.find("\r\n\r\n") + 4);
    }
    std::string get(const std::string& target) { return heard(asked("GET " + target + " HTTP/1.1\r\n\r\n")); }
    void stop() {
        bool stopped = false;
        role->stop([&] { stopped = true; });
        until([&] { return stopped; });
    }
    // The dump files that this signal asks for: their kinds with their texts.
    std::vector<std::pair<ipc::DumpText::What, std::string>> dumps(int signal) {
        using Step = ipc::DumpFile::Step;
        using enum ipc::DumpText::What;
        auto line = ipc::make_channel();
        REQUIRE(line.has_value());
        std::map<ipc::DumpText::What, UniqueFd> files;
        for (const auto what : {Data, DataCheck, DataParent, DataBfd, Stats, Json}) {
            auto& file = files[what] = UniqueFd{::memfd_create("dump", MFD_CLOEXEC)};
            REQUIRE(ipc::send_message(line->first.get(), ipc::DumpFile{what, Step::Opened}, file.get()));
        }
        REQUIRE(ipc::send_message(line->first.get(), ipc::DumpFile{{}, Step::Over}));
        role->on(ipc::DumpRequested{signal}, std::move(line->second));
        std::vector<std::pair<ipc::DumpText::What, std::string>> all;
        for (;;) {
            pollfd wait{line->first.get(), POLLIN, 0};
            REQUIRE(::poll(&wait, 1, kPatienceMs) == 1);
            const auto got = ipc::receive_message(line->first.get());
            REQUIRE((got && *got && std::holds_alternative<ipc::Received>(**got)));
            const auto told = std::get<ipc::DumpFile>(std::get<ipc::Received>(**got).message);
            if (told.step == Step::Over) return all;
            REQUIRE(told.step == Step::Written);
            const int file = files.at(told.what).get();
            std::string text(static_cast<std::size_t>(::lseek(file, 0, SEEK_END)), '\0');
            REQUIRE(::pread(file, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
            all.emplace_back(told.what, std::move(text));
        }
    }
};

}  // namespace mainstay::role::test
