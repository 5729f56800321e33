// Which of a host's daemons mainstayctl asks.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <list>
#include <string>

#include "../temporary_folder.hpp"
#include "cli/ctl_daemons.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/unix_socket.hpp"
#include "mainstay/role/common/identity.hpp"

using namespace mainstay;
using namespace mainstay::cli;

namespace {

struct Host {
    test::TemporaryFolder folder;
    std::list<UniqueFd> sockets;

    // A daemon of this name, as far as mainstayctl sees it.
    void listen(const std::string& name, std::string_view file = role::kApiSocket, int type = SOCK_STREAM) {
        std::filesystem::create_directory(folder.at(name));
        const auto at = kernel::unix_address(folder.at(name.empty() ? "." : name) + "/" + std::string{file});
        REQUIRE(at);
        UniqueFd fd{::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
        REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*at), sizeof *at) == 0);
        REQUIRE(::listen(fd.get(), 8) == 0);
        sockets.push_back(std::move(fd));
    }
    [[nodiscard]] std::string chosen(const DaemonChoice& choice) const {
        const auto socket = control_socket_of(choice, folder.path);
        if (!socket) return socket.error().text();
        const std::string all = folder.path;
        return socket->starts_with(all) ? socket->substr(all.size() + 1) : *socket;
    }
};

}  // namespace

TEST_CASE("the daemon without a name is asked, or else the only one") {
    Host host;
    CHECK(host.chosen({}) == "control.sock");
    host.listen("blue");
    CHECK(host.chosen({}) == "blue/control.sock");
    host.listen("red", role::kSupervisorSocket, SOCK_SEQPACKET);  // its observer is starting
    CHECK(host.chosen({}) ==
          "several daemons run on this host: name one with --instance NAME or --pid-file FILE, before the command "
          "(running: blue, red)");
    host.listen("");
    CHECK(host.chosen({}) == "control.sock");
    const auto daemons = running_daemons(host.folder.path);
    REQUIRE(daemons.size() == 3);
    CHECK(daemons[0].name.empty());
    CHECK(daemons[1].name == "blue");
    CHECK(daemons[1].pid == ::getppid());
    CHECK(daemons[2].pid == ::getpid());
    host.sockets.pop_front();
    CHECK(running_daemons(host.folder.path).size() == 2);  // a socket that nobody listens at is no daemon
}

TEST_CASE("a daemon is named by its name, also without what follows from its pid file, or by that file") {
    Host host;
    CHECK(host.chosen({.instance = "blue"}) == "no daemon is called \"blue\" (none runs)");
    host.listen("blue");
    host.listen("blue.two");
    host.listen("blueish");
    const std::string router = role::name_of_pid_file("/srv/a7.pid");
    host.listen("qrouter_" + router);
    CHECK(host.chosen({.instance = "blue"}) == "blue/control.sock");
    CHECK(host.chosen({.instance = "qrouter"}) == "qrouter_" + router + "/control.sock");
    host.sockets.pop_front();  // "blue" has ended: another one must not answer in its stead
    CHECK(host.chosen({.instance = "blue"}) ==
          "no daemon is called \"blue\" (running: blue.two, blueish, qrouter_" + router + ")");
    host.listen("qrouter_b8.pid-00000000");
    CHECK(host.chosen({.instance = "qrouter"}) ==
          "several daemons are called \"qrouter…\": running: qrouter_" + router + ", qrouter_b8.pid-00000000");
    CHECK(host.chosen({.instance = "green"}) == "no daemon is called \"green\" (running: blue.two, blueish, qrouter_" +
                                                    router + ", qrouter_b8.pid-00000000)");
    CHECK(host.chosen({.pid_file = "/srv/./a7.pid"}) == "qrouter_" + router + "/control.sock");
    CHECK(host.chosen({.pid_file = "/run/keepalived.pid"}) == "control.sock");
    CHECK(host.chosen({.pid_file = "/srv/a8.pid"})
              .starts_with("no daemon has the pid file /srv/a8.pid (running: blue.two, blueish, "));
    CHECK(host.chosen({.socket = "/run/x"}) == "/run/x");
    CHECK(name_at("/run/x/control.sock", "/run/x").empty());
    CHECK(name_at("/run/x/blue/control.sock", "/run/x") == "blue");
    CHECK(name_at("/srv/blue/control.sock", "/run/x").empty());
    host.listen(role::folder_name("a b"));  // as its configuration says it
    CHECK(host.chosen({.instance = "a b"}) == role::folder_name("a b") + "/control.sock");
}
