#include "role/reader/tls.hpp"
#include "../../needs.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "../role_process.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

config::Config with(config::KeywordValues values) {
    config::Config config;
    config.more.edit().sections = {{.keyword = "SSL", .names = {}, .values = std::move(values), .sections = {}}};
    return config;
}

// "ca=x" for each value of the SSL block, in its order.
std::vector<std::string> shown(const config::Config& config) {
    std::vector<std::string> all;
    for (const auto& value : config.more->sections.at(0).values)
        all.push_back(value.keyword + "=" + std::get<config::WordList>(value.data).at(0));
    return all;
}

std::string file(const Folder& folder, const char* name, const std::string& text) {
    std::ofstream{folder / name} << text;
    return folder / name;
}

using Words = config::WordList;
using Strings = std::vector<std::string>;

}  // namespace

// Each of them runs the whole process, which takes its account and its limits.
TEST_SUITE_BEGIN("reader process" * mainstay::test::kNeedsRoot);

TEST_CASE("the contents of the three files stand beside their names") {
    const Folder folder;
    const auto ca = file(folder, "ca", "CA\n"), certificate = file(folder, "certificate", "CERT");
    const auto key = file(folder, "key", "");
    auto config = with({{"ca", Words{ca}}, {"certificate", Words{certificate}}, {"key", Words{key}}});
    add_tls_contents(config);
    CHECK(shown(config) == Strings{"ca=" + ca, "certificate=" + certificate, "key=" + key, "ca contents=CA\n",
                                   "certificate contents=CERT", "key contents="});
}

TEST_CASE("only the files that are named are read, and nothing without an SSL block") {
    const Folder folder;
    const auto key = file(folder, "key", "KEY");
    auto config = with({{"key", Words{key}}, {"password", Words{"x"}}, {"ca", Words{}}});
    config.more.edit().sections[0].values.pop_back();
    add_tls_contents(config);
    CHECK(shown(config) == Strings{"key=" + key, "password=x", "key contents=KEY"});
    auto empty = with({{"ca", Words{}}});
    add_tls_contents(empty);
    CHECK(empty.more->sections.at(0).values.size() == 1);
    config::Config without;
    add_tls_contents(without);
    CHECK(without == config::Config{});
}

TEST_CASE("a file that cannot be read is a problem, which names it") {
    const Folder folder;
    const std::string fifo = folder / "fifo", absent = folder / "absent";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    auto config = with({{"ca", Words{folder.path}}, {"certificate", Words{fifo}}, {"key", Words{absent}}});
    add_tls_contents(config);
    CHECK(Strings{shown(config)[3], shown(config)[4], shown(config)[5]} ==
          Strings{"problem=SSL: ca: " + folder.path.string() + ": not a regular file",
                  "problem=SSL: certificate: " + fifo + ": not a regular file",
                  "problem=SSL: key: " + absent + ": No such file or directory"});
}

TEST_CASE("a file of 4 MB is read, a longer one is a problem") {
    const Folder folder;
    const auto path = file(folder, "ca", "begin");
    std::filesystem::resize_file(path, 4'194'304);
    auto config = with({{"ca", Words{path}}});
    add_tls_contents(config);
    REQUIRE(config.more->sections[0].values.size() == 2);
    CHECK(std::get<Words>(config.more->sections[0].values[1].data)[0].size() == 4'194'304);
    CHECK(std::get<Words>(config.more->sections[0].values[1].data)[0].starts_with(std::string{"begin\0", 6}));
    std::filesystem::resize_file(path, 4'194'305);
    auto longer = with({{"ca", Words{path}}});
    add_tls_contents(longer);
    CHECK(shown(longer)[1] == "problem=SSL: ca: " + path + ": it is longer than 4194304 bytes");
}

TEST_SUITE_END();
