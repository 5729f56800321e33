// Files that are written as a whole, and what of them is on disk afterwards.
#include "mainstay/kernel/new_file.hpp"

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "../temporary_folder.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using mainstay::test::text_of;

namespace {

thread_local std::vector<std::string> synced;  // what this thread has put on disk
thread_local std::string broken;               // what cannot be put on disk

}  // namespace

// In place of the C library's, for all that is linked into the test program.
extern "C" int fsync(int fd) {
    static auto* const real = reinterpret_cast<int (*)(int)>(::dlsym(RTLD_NEXT, "fsync"));
    std::error_code problem;
    const std::string path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), problem);
    if (!broken.empty() && path == broken) return errno = EIO, -1;
    synced.push_back(path);
    return real(fd);
}

TEST_CASE("a file that is written durably is on disk before it has its name, and then its name is") {
    const test::TemporaryFolder folder;
    const std::string path = folder.path + "/file", text = "the new text";
    std::ofstream{path} << "old";
    synced.clear();
    REQUIRE(write_file_durably(path, std::as_bytes(std::span{text}), 0640).has_value());
    CHECK(text_of(path) == "the new text");
    struct stat facts{};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 07777) == 0640);
    REQUIRE(synced.size() == 2);
    CHECK(synced[0].starts_with(path + "."));
    CHECK(synced[1] == folder.path);
}

TEST_CASE("a device is not replaced by a file") {
    const auto file = NewFile::beside("/dev/null");
    REQUIRE_FALSE(file);
    CHECK(file.error().text() == "/dev/null is a device, and stays one");
}

TEST_CASE("a file whose folder cannot be put on disk is an error, though it has its name") {
    const test::TemporaryFolder folder;
    const std::string text = "x";
    broken = folder.path;
    const auto written = write_file_durably(folder.path + "/file", std::as_bytes(std::span{text}), 0600);
    broken.clear();
    REQUIRE_FALSE(written.has_value());
    CHECK(written.error().text().starts_with("fsync " + folder.path));
    CHECK(written.error().sys_errno() == EIO);
    CHECK(text_of(folder.path + "/file") == "x");
}

TEST_CASE("a file's folder is the root, the working directory or what its name begins with") {
    const test::TemporaryFolder folder;
    const auto synced_for = [](const std::string& path) {
        synced.clear();
        return sync_folder_of(path) && synced.size() == 1 ? synced[0] : std::string{"an error"};
    };
    CHECK(synced_for("/file") == "/");
    CHECK(synced_for("file") == std::filesystem::current_path());
    CHECK(synced_for(folder.path + "/file") == folder.path);
    std::filesystem::create_directory(folder.path + "/a");
    CHECK(synced_for(std::filesystem::relative(folder.path + "/a/file")) == folder.path + "/a");
    CHECK(synced_for("/nonexistent/file") == "an error");
}
