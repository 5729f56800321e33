// The settings and files of the API that the observer gets from a running supervisor.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include "../../needs.hpp"
#include "stage.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using FileKind = ipc::ApiFile::What;
namespace fs = std::filesystem;

namespace {

void write(const std::string& path, const std::string& text, unsigned mode) {
    std::ofstream{path} << text;
    fs::permissions(path, fs::perms{mode});
}

struct Got {
    FileKind what;
    std::string problem, text;  // of the file that came with it
};

Got next_file(Played& observer) {
    const auto got = observer.hear_with_descriptor<ipc::ApiFile>();
    const auto& file = std::get<ipc::ApiFile>(got.message);
    Got result{.what = file.what, .problem = file.problem, .text = {}};
    if (!got.descriptor) return result;
    std::array<char, 100> bytes{};
    const auto size = ::read(got.descriptor.get(), bytes.data(), bytes.size());
    REQUIRE(size >= 0);
    result.text.assign(bytes.data(), static_cast<std::size_t>(size));
    CHECK(::write(got.descriptor.get(), "x", 1) == -1);
    return result;
}

// An observer that has its configuration.
Stage::Running run(Stage& stage, const ipc::ApiSettings& api) {
    Written written;
    written.done.api = api;
    written.done.webhooks.webhooks = {{.name = "pager"}};
    return stage.run(written);
}

}  // namespace

TEST_CASE("the observer gets the settings of the API, and each of its files opened for reading" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    const std::array names{"certificate", "key", "client-ca", "credentials", "peer-token", "peer-ca"};
    for (const std::string name : names) write(stage.at(name), "the " + name, 0640);
    write(stage.at("certificate"), "the certificate", 0644);
    const ipc::ApiSettings api{.listen = {"127.0.0.1:8443"},
                               .tls_certificate = stage.at("certificate"),
                               .tls_key = stage.at("key"),
                               .tls_client_ca = stage.at("client-ca"),
                               .credentials = stage.at("credentials"),
                               .operate = true,
                               .peer = "https://other:8443",
                               .peer_token = stage.at("peer-token"),
                               .peer_ca = stage.at("peer-ca")};
    auto running = run(stage, api);
    CHECK(running.observer->hear<ipc::ApiSettings>() == api);
    const auto hooks = running.observer->hear<ipc::WebhookSettings>().webhooks;
    REQUIRE(hooks.size() == 1);
    CHECK(hooks[0].name == "pager");
    for (const auto& [what, name] : {std::pair{FileKind::Certificate, "certificate"},
                                     {FileKind::Key, "key"},
                                     {FileKind::ClientCa, "client-ca"},
                                     {FileKind::Credentials, "credentials"},
                                     {FileKind::PeerToken, "peer-token"},
                                     {FileKind::PeerCa, "peer-ca"}}) {
        CAPTURE(name);
        const auto file = next_file(*running.observer);
        CHECK(file.what == what);
        CHECK(file.problem.empty());
        CHECK(file.text == std::string{"the "} + name);
    }
    CHECK(stage.logged("[api]") == 0);
}

TEST_CASE("a file of the API that is missing, no file, too large or open to everybody is not given, with the reason" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    write(stage.at("certificate"), "x", 0646);
    write(stage.at("key"), "x", 0644);
    REQUIRE(::mkfifo(stage.at("client-ca").c_str(), 0600) == 0);
    write(stage.at("credentials"), "x", 0600);
    fs::resize_file(stage.at("credentials"), 1'048'577);
    write(stage.at("peer-ca"), "x", 0600);
    fs::resize_file(stage.at("peer-ca"), 1'048'576);
    auto running = run(stage, {.listen = {},
                               .tls_certificate = stage.at("certificate"),
                               .tls_key = stage.at("key"),
                               .tls_client_ca = stage.at("client-ca"),
                               .credentials = stage.at("credentials"),
                               .peer = {},
                               .peer_token = stage.at("missing"),
                               .peer_ca = stage.at("peer-ca")});
    for (const auto& [what, name, problem] :
         {std::tuple{FileKind::Certificate, "certificate", "everybody may write it"},
          {FileKind::Key, "key", "everybody may read it: chmod o-r"},
          {FileKind::ClientCa, "client-ca", "it is no regular file"},
          {FileKind::Credentials, "credentials", "it is larger than 1 MB"},
          {FileKind::PeerToken, "missing", "No such file or directory"}}) {
        CAPTURE(name);
        const auto file = next_file(*running.observer);
        CHECK(file.what == what);
        CHECK(file.problem == problem);
        CHECK(file.text.empty());
        CHECK(stage.logged("[api] " + stage.at(name) + ": " + problem + "\n") == 1);
    }
    const auto largest = next_file(*running.observer);
    CHECK(largest.what == FileKind::PeerCa);
    CHECK(largest.problem.empty());
    CHECK(largest.text.starts_with("x"));
}

TEST_CASE("a file of the API that has changed is given again, and one that has not is not" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    write(stage.at("key"), "first", 0600);
    auto running = run(stage, {.listen = {"127.0.0.1:8443"},
                               .tls_certificate = {},
                               .tls_key = stage.at("key"),
                               .tls_client_ca = {},
                               .credentials = {},
                               .peer = {},
                               .peer_token = {},
                               .peer_ca = {}});
    CHECK(next_file(*running.observer).text == "first");
    write(stage.at("new"), "second", 0600);
    fs::rename(stage.at("new"), stage.at("key"));
    running.observer->passed.clear();
    const auto again = next_file(*running.observer);
    CHECK(again.what == FileKind::Key);
    CHECK(again.text == "second");
    CHECK(std::ranges::count(running.observer->passed, "ApiSettings") == 1);
}

TEST_CASE("a file of the API that is reached through a link is given again when the link leads elsewhere" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    for (const char* folder : {"1", "2"}) {
        fs::create_directory(stage.at(folder));
        write(stage.at(folder) + "/credentials", folder, 0600);
    }
    fs::create_symlink("1", stage.at("data"));
    fs::create_symlink("data/credentials", stage.at("credentials"));
    auto running = run(stage, {.listen = {"127.0.0.1:8443"},
                               .tls_certificate = {},
                               .tls_key = {},
                               .tls_client_ca = {},
                               .credentials = stage.at("credentials"),
                               .peer = {},
                               .peer_token = {},
                               .peer_ca = {}});
    CHECK(next_file(*running.observer).text == "1");
    fs::create_symlink("2", stage.at("next"));
    fs::rename(stage.at("next"), stage.at("data"));
    const auto again = next_file(*running.observer);
    CHECK(again.what == FileKind::Credentials);
    CHECK(again.text == "2");
}

TEST_CASE("without an address to listen at and without a peer nothing is looked at, and a new observer gets it all" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    write(stage.at("key"), "first", 0600);
    ipc::ApiSettings api;
    api.tls_key = stage.at("key");
    auto running = run(stage, api);
    CHECK(next_file(*running.observer).text == "first");
    running.observer->exit(1);
    auto& again = stage.started("mainstayd-obs");
    again.hear<ipc::Prepare>();
    CHECK(again.hears_none<ipc::ApiSettings>());
    again.send(ipc::Prepared{1, {}});
    again.hear<ipc::Commit>();
    again.send(ipc::Committed{1});
    CHECK(again.hear<ipc::ApiSettings>().tls_key == stage.at("key"));
    CHECK(next_file(again).text == "first");
}
