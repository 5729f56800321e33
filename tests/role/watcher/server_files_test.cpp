// Files of real servers on this very host: what is reported however they are written.
#include "role/watcher/server_files.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "../../kept_log.hpp"
#include "../../temporary_folder.hpp"
#include "mainstay/ipc/discovered.hpp"
#include "mainstay/ipc/shared.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace std::chrono_literals;
using mainstay::test::SilentLog;
using mainstay::test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

std::string entry(const std::string& targets) { return "[{\"targets\":[" + targets + "]}]"; }

struct ServerFilesBench {
    void start(const std::vector<std::string>& names) {
        begin(names);
        read_all();
    }
    void begin(const std::vector<std::string>& names) {
        std::vector<config::ServerFileSource> sources;
        for (const auto& name : names) sources.push_back({.path = folder + "/" + name});
        watcher = std::make_unique<ServerFileWatcher>(
            loop, log,
            [this](const ipc::ServerFileRead& read, UniqueFd servers) {
                ++reports;
                last[read.source.substr(folder.size() + 1)] = read.problem.empty() ? text(servers) : read.problem;
            },
            sources);
    }
    static std::string text(const UniqueFd& sealed) {
        const auto bytes = ipc::read_memfd(sealed.get());
        REQUIRE(bytes);
        const auto list = decode<ipc::ServerList>(*bytes);
        REQUIRE(list);
        std::string out;
        for (const auto& one : list->servers) out += Endpoint{one.address, one.port}.to_string() + " ";
        return out;
    }
    void write(const std::string& name, const std::string& content) const {
        std::ofstream{folder + "/" + name} << content;
    }
    void replace(const std::string& name, const std::string& content) const {
        write(name + ".new", content);
        fs::rename(folder + "/" + name + ".new", folder + "/" + name);
    }
    void read_all() {
        while (!watcher->has_read_all()) loop.run_one();
    }
    bool reports_of(const std::string& name, std::string_view part, std::chrono::seconds limit = 20s) {
        const auto end = std::chrono::steady_clock::now() + limit;
        while (last[name].find(part) == std::string::npos && std::chrono::steady_clock::now() < end) {
            loop.run_for(10ms);
            loop.restart();
        }
        CAPTURE(last[name]);
        return last[name].find(part) != std::string::npos;
    }

    TemporaryFolder home;
    const std::string folder = home.path;
    boost::asio::io_context loop{1};
    SilentLog log;
    std::map<std::string, std::string> last;
    int reports = 0;
    std::unique_ptr<ServerFileWatcher> watcher;
};

}  // namespace

TEST_CASE("each file is reported once, with its servers or why there are none") {
    ServerFilesBench bench;
    bench.write("a", entry("\"192.0.2.1:80\""));
    bench.write("b", "[");
    bench.start({"a", "b", "c", "later/d"});
    CHECK(bench.reports == 4);
    CHECK(bench.last["a"] == "192.0.2.1:80 ");
    CHECK(bench.last["b"].starts_with("it ends early"));
    CHECK(bench.last["c"].find("No such file or directory") != std::string::npos);
    CHECK(bench.last["later/d"].find("No such file or directory") != std::string::npos);
}

TEST_CASE("a file that is renamed into place, written in place, deleted and made again is reported each time") {
    ServerFilesBench bench;
    bench.write("a", entry("\"192.0.2.1:80\""));
    bench.start({"a"});
    bench.replace("a", entry("\"192.0.2.2:80\""));
    CHECK(bench.reports_of("a", "192.0.2.2:80"));
    bench.write("a", entry("\"192.0.2.3:80\""));
    CHECK(bench.reports_of("a", "192.0.2.3:80"));
    fs::remove(bench.folder + "/a");
    CHECK(bench.reports_of("a", "No such file"));
    fs::create_directory(bench.folder + "/a");
    CHECK(bench.reports_of("a", "it is no regular file"));
    fs::remove(bench.folder + "/a");
    bench.write("a", entry("\"192.0.2.4:80\""));
    CHECK(bench.reports_of("a", "192.0.2.4:80"));
}

TEST_CASE("other work has its turn while many files are read") {
    ServerFilesBench bench;
    std::string targets;
    for (int i = 0; i < 1000; ++i) targets += (i == 0 ? "" : ",") + ("\"192.0.2." + std::to_string(i % 250)) + ":80\"";
    std::vector<std::string> names;
    for (int i = 0; i < 300; ++i) bench.write(names.emplace_back(std::to_string(i)), entry(targets));
    bench.begin(names);
    CHECK(bench.reports == 0);

    int turns = 0;  // at which some files had been read, and not all
    boost::asio::steady_timer other{bench.loop};
    std::function<void()> work = [&] {
        other.expires_after(0ms);
        other.async_wait([&](const boost::system::error_code& error) {
            if (error || bench.watcher->has_read_all()) return;
            if (bench.reports > 0) ++turns;
            work();
        });
    };
    work();
    bench.read_all();
    CHECK(turns > 0);
    CHECK(bench.reports == 300);
    CHECK(bench.last.size() == 300);
}

TEST_CASE("a folder that is made later, and made again, is watched") {
    ServerFilesBench bench;
    bench.start({"later/a"});
    for (const char* address : {"192.0.2.1:80", "192.0.2.2:80"}) {
        fs::create_directory(bench.folder + "/later");
        bench.write("later/a", entry("\"" + std::string{address} + "\""));
        CHECK(bench.reports_of("later/a", address));
        fs::remove_all(bench.folder + "/later");
        CHECK(bench.reports_of("later/a", "No such file"));
    }
}

TEST_CASE("a link to a file that is turned to another one is followed") {
    ServerFilesBench bench;
    for (const char* name : {"1", "2"}) {
        fs::create_directory(bench.folder + "/" + name);
        bench.write(std::string{name} + "/a", entry("\"192.0.2." + std::string{name} + ":80\""));
    }
    fs::create_symlink("1", bench.folder + "/now");
    fs::create_symlink("now/a", bench.folder + "/a");
    bench.start({"a"});
    CHECK(bench.last["a"] == "192.0.2.1:80 ");
    fs::create_symlink("2", bench.folder + "/next");
    fs::rename(bench.folder + "/next", bench.folder + "/now");
    CHECK(bench.reports_of("a", "192.0.2.2:80"));
}

TEST_CASE("a link in another folder that is turned is followed at once, and a file that it leads to") {
    ServerFilesBench bench;
    for (const char* name : {"far/1", "far/2"}) fs::create_directories(bench.folder + "/" + name);
    bench.write("far/1/a", entry("\"192.0.2.1:80\""));
    bench.write("far/2/a", entry("\"192.0.2.2:80\""));
    fs::create_symlink("1", bench.folder + "/far/now");
    fs::create_symlink("far/now/a", bench.folder + "/a");
    bench.start({"a"});
    fs::create_symlink("2", bench.folder + "/far/next");
    fs::rename(bench.folder + "/far/next", bench.folder + "/far/now");
    CHECK(bench.reports_of("a", "192.0.2.2:80", 5s));
    bench.write("far/2/a", entry("\"192.0.2.3:80\""));
    CHECK(bench.reports_of("a", "192.0.2.3:80", 5s));
}

TEST_CASE("other files of the folder cause no report, and the same problem is reported once") {
    ServerFilesBench bench;
    bench.write("a", "[");
    bench.start({"a"});
    bench.write("other", "x");
    bench.replace("a", "[ ");
    bench.replace("a", "[  ");
    bench.write("b", entry(""));
    CHECK(bench.reports == 1);
    bench.replace("a", entry("\"192.0.2.1:80\""));
    CHECK(bench.reports_of("a", "192.0.2.1:80"));
    CHECK(bench.reports == 2);
}
