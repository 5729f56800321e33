// Who but root and the user of a file may change it, or read it.
#include "mainstay/kernel/exposed_files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "../needs.hpp"
#include "../temporary_folder.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using mainstay::test::kNeedsRoot;
using mainstay::test::TemporaryFolder;

namespace {

const Account kSelf{::geteuid(), ::getegid()};

// A folder of this account's with a file in it, both as they should be.
struct Exposed {
    Exposed() {
        std::filesystem::create_directory(home.at("conf"));
        home.write("conf/ha.conf", "x");
        set(folder, 0755);
        set(file, 0644);
    }
    static void set(const std::string& path, mode_t mode) { REQUIRE(::chmod(path.c_str(), mode) == 0); }
    // "the problem | its fix"; empty: none.
    [[nodiscard]] static std::string of(const std::string& path, Secrecy secrecy = Secrecy::None, bool may_grow = false,
                                        const Account& account = kSelf) {
        const auto found = exposure_of(path, account, secrecy, may_grow);
        return found ? found->problem + " | " + found->fix : "";
    }

    TemporaryFolder home;
    const std::string folder = home.at("conf"), file = home.at("conf/ha.conf");
};

}  // namespace

TEST_CASE("a file that everybody may write is exposed") {
    const Exposed e;
    CHECK(e.of(e.file) == "");
    Exposed::set(e.file, 0666);
    CHECK(e.of(e.file) == "everybody can change " + e.file + " (mode 0666) | chmod o-w " + e.file);
    CHECK(e.of(e.home.at("conf/none")) == "");
    Exposed::set(e.file, 0602);
    CHECK(e.of(e.file) == "everybody can change " + e.file + " (mode 0602) | chmod o-w " + e.file);
}

TEST_CASE("a folder on the way that others may write exposes the file, unless it is sticky") {
    const Exposed e;
    for (const std::string& folder : {e.folder, e.home.path}) {
        Exposed::set(folder, 0777);
        CHECK(e.of(e.file) == "everybody can replace files in " + folder + " (mode 0777) | chmod o-w " + folder);
        Exposed::set(folder, 01777);
        CHECK(e.of(e.file) == "");
        Exposed::set(folder, 0755);
    }
    // What is read by a pattern may be added there.
    Exposed::set(e.folder, 01777);
    CHECK(e.of(e.file, Secrecy::None, true) ==
          "everybody can add files to " + e.folder + " (mode 1777) | chmod o-w " + e.folder);
    Exposed::set(e.folder, 0755);
    CHECK(e.of(e.file, Secrecy::None, true) == "");
}

TEST_CASE("the way through a link is looked at, too") {
    const Exposed e;
    std::filesystem::create_directory(e.home.at("open"));
    std::filesystem::create_symlink(e.file, e.home.at("open/link.conf"));
    std::filesystem::create_symlink("../conf", e.home.at("open/link"));
    std::filesystem::create_symlink("loop", e.home.at("loop"));
    CHECK(e.of(e.home.at("open/link.conf")) == "");
    CHECK(e.of(e.home.at("open/link/ha.conf")) == "");
    CHECK(e.of(e.home.at("loop")) == "");
    Exposed::set(e.home.at("open"), 0777);
    const std::string open = e.home.at("open");
    for (const auto* path : {"open/link.conf", "open/link/ha.conf"})
        CHECK(e.of(e.home.at(path)) == "everybody can replace files in " + open + " (mode 0777) | chmod o-w " + open);
    Exposed::set(open, 0755);
    Exposed::set(e.file, 0646);
    CHECK(e.of(e.home.at("open/link/ha.conf")) ==
          "everybody can change " + e.file + " (mode 0646) | chmod o-w " + e.file);
}

TEST_CASE("a secret is not for everybody, or for its owner alone") {
    const Exposed e;
    CHECK(e.of(e.file, Secrecy::NotForEverybody) ==
          "everybody can read " + e.file + " (mode 0644) | chmod o-r " + e.file);
    CHECK(e.of(e.file, Secrecy::OwnerOnly) ==
          "others than its owner can read " + e.file + " (mode 0644) | chmod 600 " + e.file);
    Exposed::set(e.file, 0640);
    CHECK(e.of(e.file, Secrecy::NotForEverybody) == "");
    CHECK(e.of(e.file, Secrecy::OwnerOnly) ==
          "others than its owner can read " + e.file + " (mode 0640) | chmod 600 " + e.file);
    Exposed::set(e.file, 0600);
    CHECK(e.of(e.file, Secrecy::OwnerOnly) == "");
    CHECK_FALSE(exposure_of(e.file, kSelf, Secrecy::OwnerOnly, false));
    Exposed::set(e.file, 0666);
    CHECK_FALSE(exposure_of(e.file, kSelf, Secrecy::OwnerOnly, false)->is_reading);
    Exposed::set(e.file, 0644);
    CHECK(exposure_of(e.file, kSelf, Secrecy::OwnerOnly, false)->is_reading);
}

TEST_CASE("another owner or another group is as good as everybody; that of the caller is not" * kNeedsRoot) {
    const Exposed e;
    const Account alice{12345, 12346};
    REQUIRE(::chown(e.file.c_str(), 12345, 12346) == 0);
    CHECK(e.of(e.file) == e.file + " belongs to uid 12345, who can change it | chown root " + e.file);
    CHECK(e.of(e.file, Secrecy::None, false, alice) == "");
    Exposed::set(e.file, 0664);
    CHECK(e.of(e.file, Secrecy::None, false, alice) == "");
    CHECK(e.of(e.file, Secrecy::None, false, {12345, 1}) ==
          "the group gid 12346 can change " + e.file + " (mode 0664) | chmod g-w " + e.file);
    REQUIRE(::chown(e.file.c_str(), 0, 0) == 0);
    CHECK(e.of(e.file) == "");
    REQUIRE(::chown(e.file.c_str(), 0, 12346) == 0);
    CHECK(e.of(e.file) == "the group gid 12346 can change " + e.file + " (mode 0664) | chmod g-w " + e.file);
    Exposed::set(e.file, 0666);
    CHECK(e.of(e.file) == "everybody can change " + e.file + " (mode 0666) | chmod go-w " + e.file);
    Exposed::set(e.file, 0644);
    REQUIRE(::chown(e.folder.c_str(), 12345, 0) == 0);
    CHECK(e.of(e.file) == e.folder + " belongs to uid 12345, who can change it | chown root " + e.folder);
}

TEST_CASE("in a sticky folder a link is as safe as its owner" * kNeedsRoot) {
    const Exposed e;
    std::filesystem::create_directory(e.home.at("open"));
    const std::string link = e.home.at("open/link");
    std::filesystem::create_symlink(e.file, link);
    Exposed::set(e.home.at("open"), 01777);
    CHECK(e.of(link) == "");
    REQUIRE(::lchown(link.c_str(), 12345, 0) == 0);
    CHECK(e.of(link) == link + " is a link of uid 12345, who can replace it | chown -h root " + link);
    Exposed::set(e.home.at("open"), 0755);
    CHECK(e.of(link) == "");
}
