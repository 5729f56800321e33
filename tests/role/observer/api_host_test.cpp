// What the supervisor sends for the API: settings, files and answers, and when the API makes use of them.
#include "role/observer/api_host.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "mainstay/config/load.hpp"
#include "mainstay/role/common/credential_hash.hpp"
#include "observer_bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using What = ipc::ApiFile::What;

namespace {

config::Config no_instances() {
    auto loaded = config::load_text("x.conf", "global_defs {\nrouter_id R\n}\n", {});
    return std::move(loaded.config);
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = ::htons(port);
    at.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    return at;
}

// A port that is taken while the socket is open.
struct TakenPort {
    TakenPort() {
        auto at = loopback(0);
        socklen_t size = sizeof at;
        REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
        REQUIRE(::listen(socket.get(), 1) == 0);
        REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
        port = ::ntohs(at.sin_port);
    }
    [[nodiscard]] std::string at() const { return "127.0.0.1:" + std::to_string(port); }
    UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::uint16_t port = 0;
};

UniqueFd file_of(const std::string& text) {
    UniqueFd file{::memfd_create("file", MFD_CLOEXEC)};
    REQUIRE(::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    return file;
}

std::string post(const std::string& target, const std::string& body, const std::string& fields = {}) {
    return "POST " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" + fields +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
const std::string kDrain = post("/api/v1/servers/drain", R"({"servers":"*"})");

UniqueFd sent_to(std::uint16_t port, const std::string& request) {
    UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const auto at = loopback(port);
    REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()));
    return fd;
}

nlohmann::json listener_of(ObserverBench& b) {
    return nlohmann::json::parse(b.get("/status").substr(4))["api"]["listeners"].at(0);
}

}  // namespace

TEST_CASE("settings and files that come before the API is open are those with which it opens") {
    ObserverBench b;
    TakenPort port;
    port.socket.reset();
    b.role = make_observer_role(b.runtime);
    b.role->on(ipc::ApiSettings{.listen = {port.at()}, .credentials = "/c"}, {});
    b.role->on(ipc::ApiFile{What::Credentials, {}}, file_of("bot read " + hash_of_token("t").value() + "\n"));
    b.runtime.config = no_instances();
    REQUIRE(b.role->start(no_instances(), false).has_value());
    const auto get = [&](const std::string& token) {
        const auto client =
            sent_to(port.port, "GET /api/v1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n\r\n");
        return b.heard(client).substr(0, 3);
    };
    CHECK(get("t") == "200");
    CHECK(get("u") == "401");
    b.role->on(ipc::ApiSettings{.listen = {port.at()}, .credentials = "/c"}, {});  // with other files to come
    b.role->on(ipc::ApiFile{What::Credentials, {}}, file_of("bot read " + hash_of_token("u").value() + "\n"));
    CHECK(get("t") == "401");
    CHECK(get("u") == "200");
}

TEST_CASE("a file of the API that could not be read is a problem of its listener, with the supervisor's reason") {
    ObserverBench b;
    TakenPort port;
    port.socket.reset();
    REQUIRE(b.start(no_instances()) == "");
    const auto problem = [&](const std::string& reason, UniqueFd file) {
        b.role->on(ipc::ApiSettings{.listen = {port.at()}, .credentials = "/c"}, {});
        b.role->on(ipc::ApiFile{What::Credentials, reason}, std::move(file));
        return listener_of(b)["problem"].get<std::string>();
    };
    CHECK(problem("everybody may read it", {}) == "/c: everybody may read it");
    CHECK(problem("everybody may read it", file_of("")) == "/c: everybody may read it");
    CHECK(problem("", {}) == "/c: it did not come");
    CHECK(problem("", file_of("")) == "");
    CHECK(problem("", file_of(std::string(1'048'577, '\n'))) == "/c: it is larger than 1 MB");
    CHECK(problem("", file_of(std::string(1'048'576, '\n'))) == "");
    CHECK(problem("", UniqueFd{::open("/", O_RDONLY | O_CLOEXEC)}) == "/c: read it: Is a directory");
    CHECK(problem("", file_of("x")) == "/c: 1 lines are left out");
}

TEST_CASE("an address that was taken is tried again every ten seconds") {
    Folder folder;
    ObserverRuntime runtime;
    runtime.startup.control_socket = folder / "status.sock";
    TakenPort port;
    History history{[] {}};
    ApiHost api{runtime};
    api.look();
    api.wake_streams();
    CHECK_FALSE(api.status().has_value());
    api.settings({.listen = {port.at()}});
    const auto open = [&] {
        return api.open({.status = [] { return std::make_shared<const report::DaemonStatus>(); },
                         .needs = [] { return http::NeededRoles{}; },
                         .history = history,
                         .ask = {},
                         .page_asset = {},
                         .traffic_wanted = [] {},
                         .utc_offset_s = [] { return 0; },
                         .rates = {},
                         .ask_peer = {}});
    };
    REQUIRE(open().has_value());
    const auto is_open = [&] { return api.status()->listeners.at(0).open; };
    CHECK_FALSE(is_open());
    for (int i = 0; i < 10; ++i) api.look();
    CHECK_FALSE(is_open());
    port.socket.reset();
    for (int i = 0; i < 9; ++i) api.look();
    CHECK_FALSE(is_open());
    REQUIRE(open().has_value());  // it is open already
    CHECK_FALSE(is_open());
    api.look();
    CHECK(is_open());
    api.close();
    CHECK_FALSE(api.status().has_value());
    CHECK_FALSE(std::filesystem::exists(runtime.startup.control_socket));
}

TEST_CASE("each question has a number of its own, which no earlier process had, and one answer") {
    ObserverBench b;
    REQUIRE(b.start(no_instances()) == "");
    b.role->on(ipc::ApiSettings{.operate = true}, {});
    const UniqueFd servers = b.asked(kDrain);
    b.until([&] { return b.runtime.questions.size() == 1; });
    const UniqueFd instances = b.asked(post("/api/v1/maintenance/off", "{}"));
    b.until([&] { return b.runtime.instance_questions.size() == 1; });
    const UniqueFd levels = b.asked(post("/api/v1/loglevel", R"({"module":"vrrp","level":"debug"})"));
    b.until([&] { return b.runtime.level_questions.size() == 1; });
    const auto first = (static_cast<std::uint64_t>(::getpid()) << 32U) + 1;
    CHECK(b.runtime.questions[0].request == first);
    CHECK(b.runtime.instance_questions[0].request == first + 1);
    CHECK(b.runtime.level_questions[0].request == first + 2);
    CHECK(b.runtime.level_questions[0].module == "vrrp");
    CHECK(b.runtime.level_questions[0].level == "debug");
    b.role->on(ipc::OperatorAnswered{first, 0, {}}, {});  // the text did not come
    const auto refused = b.heard(servers);
    CHECK(refused.starts_with("409 {\"error\":\""));
    CHECK(refused.ends_with("\",\"hint\":\"nothing was changed\"}\n"));
    b.role->on(ipc::OperatorAnswered{first, 0, "once more"}, {});
    b.role->on(ipc::OperatorAnswered{first + 2, 1, {}},
               ipc::make_sealed_memfd("text", std::as_bytes(std::span{std::string_view{"set"}})).value());
    CHECK(b.heard(levels) == "200 {\"exit_code\":1,\"text\":\"set\"}\n");
    b.role->on(ipc::OperatorAnswered{first + 1, 2, "no"}, {});
    CHECK(b.heard(instances) == "409 {\"error\":\"no\",\"hint\":\"nothing was changed\"}\n");
}

TEST_CASE("of more than 64 questions without an answer the oldest is given up") {
    ObserverBench b;
    TakenPort port;
    port.socket.reset();
    REQUIRE(b.start(no_instances()) == "");
    b.role->on(ipc::ApiSettings{.listen = {port.at()}, .credentials = "/c", .operate = true}, {});
    b.role->on(ipc::ApiFile{What::Credentials, {}}, file_of("bot operate " + hash_of_token("t").value() + "\n"));
    std::vector<UniqueFd> clients;
    const auto asked = [&](UniqueFd client) {
        clients.push_back(std::move(client));
        b.until([&] { return b.runtime.questions.size() == clients.size(); });
    };
    for (int i = 0; i < 60; ++i) asked(b.asked(kDrain));  // the control socket serves 64 at a time
    const auto over_tcp = post("/api/v1/servers/drain", R"({"servers":"*"})", "Authorization: Bearer t\r\n");
    for (int i = 0; i < 4; ++i) asked(sent_to(port.port, over_tcp));
    std::array<char, 8> room{};
    CHECK(::recv(clients[0].get(), room.data(), room.size(), MSG_DONTWAIT) == -1);
    asked(sent_to(port.port, over_tcp));
    CHECK(b.heard(clients[0]) ==
          "409 {\"error\":\"there was no answer, and too many others wait\",\"hint\":\"nothing was changed\"}\n");
    CHECK(::recv(clients[1].get(), room.data(), room.size(), MSG_DONTWAIT) == -1);
    b.role->on(ipc::OperatorAnswered{b.runtime.questions[1].request, 2, "late"}, {});
    CHECK(b.heard(clients[1]) == "409 {\"error\":\"late\",\"hint\":\"nothing was changed\"}\n");
}
