#include "../needs.hpp"
#include "mainstay/kernel/scripts.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace mainstay;
using namespace mainstay::kernel;

namespace {

constexpr Account kRoot{0, 0}, kSomebody{1234, 1234}, kInRootsGroup{1234, 0};

struct Scripts {
    std::string folder, script, link;
    Scripts() {
        std::string pattern = "/tmp/mainstay-security.XXXXXX";
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        folder = pattern;
        script = folder + "/script";
        link = folder + "/link";
        std::ofstream{script} << "#!/bin/sh\n";
        REQUIRE(::chmod(script.c_str(), 0755) == 0);
        std::filesystem::create_symlink(script, link);
    }
    Scripts(const Scripts&) = delete;
    Scripts& operator=(const Scripts&) = delete;
    ~Scripts() { std::filesystem::remove_all(folder); }
};

}  // namespace

TEST_CASE("a script of root's is insecure when others may write it or a folder above it" * mainstay::test::kNeedsRoot) {
    const Scripts scripts;
    CHECK_FALSE(insecure_script(scripts.script, kRoot));
    for (const auto& [path, mode] : {std::pair{scripts.script, 0757}, {scripts.folder, 0707}}) {
        CAPTURE(path);
        struct stat before{};
        REQUIRE(::stat(path.c_str(), &before) == 0);
        ::chmod(path.c_str(), static_cast<mode_t>(mode));
        CHECK(insecure_script(scripts.script, kRoot));
        CHECK(insecure_script(scripts.script, kInRootsGroup));
        CHECK_FALSE(insecure_script(scripts.script, kSomebody));
        ::chmod(path.c_str(), before.st_mode & 07777);
        CHECK_FALSE(insecure_script(scripts.script, kRoot));
    }
    REQUIRE(::chown(scripts.script.c_str(), 1234, 0) == 0);
    CHECK(insecure_script(scripts.script, kRoot));
}

TEST_CASE("a setuid-root script is checked, whichever account runs it" * mainstay::test::kNeedsRoot) {
    const Scripts scripts;
    ::chmod(scripts.folder.c_str(), 0777);
    CHECK_FALSE(insecure_script(scripts.script, kSomebody));
    ::chmod(scripts.script.c_str(), 04755);
    CHECK(insecure_script(scripts.script, kSomebody));
}

TEST_CASE("links are followed, and what is not there stands as it is") {
    const Scripts scripts;
    CHECK(real_path(scripts.link) == std::filesystem::canonical(scripts.script));
    CHECK(real_path("/nonexistent/script") == "/nonexistent/script");
    CHECK_FALSE(insecure_script("/nonexistent/script", kRoot));
}
