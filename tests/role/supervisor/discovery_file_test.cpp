// The servers in force, kept for the next lvs process and for the next start.
#include "role/supervisor/kept_files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "mainstay/ipc/discovered.hpp"
#include "mainstay/ipc/shared.hpp"
#include "supervisor_parts.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

struct DiscoveryFolder {
    DiscoveryFolder() {
        std::string pattern = "/tmp/mainstay-discovered.XXXXXX";
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        root = pattern;
        path = root + "/state";
    }
    DiscoveryFolder(const DiscoveryFolder&) = delete;
    DiscoveryFolder& operator=(const DiscoveryFolder&) = delete;
    ~DiscoveryFolder() { std::filesystem::remove_all(root); }
    [[nodiscard]] std::string file() const { return path + "/discovered"; }
    void write(const std::string& content, mode_t mode = 0600) const {
        std::filesystem::create_directories(path);
        std::ofstream{file()} << content;
        REQUIRE(::chmod(file().c_str(), mode) == 0);
    }
    [[nodiscard]] std::string content() const {
        std::ifstream in{file()};
        return {std::istreambuf_iterator<char>{in}, {}};
    }
    std::string root, path;
};

UniqueFd sealed(std::string_view text) {
    auto memory = ipc::make_sealed_memfd("discovered", std::as_bytes(std::span{text}));
    REQUIRE(memory);
    return std::move(*memory);
}

std::string content_of(int memory) {
    const auto bytes = ipc::read_memfd(memory);
    REQUIRE(bytes);
    return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

// Waits for the process that writes; its exit status.
int finish(DiscoveryFile& file) {
    int status = 0;
    const int pid = ::wait(&status);
    REQUIRE(pid > 0);
    CHECK(file.ended({.pid = pid, .signalled = false, .status = WEXITSTATUS(status)}));
    return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("what the lvs role sends is there at once, and in the file for the next start") {
    const DiscoveryFolder folder;
    KeptLog log;
    DiscoveryFile first{log};
    REQUIRE(first.load(folder.path));
    CHECK(first.memory() == -1);
    REQUIRE(first.keep(sealed("one")));
    CHECK(content_of(first.memory()) == "one");
    CHECK(first.is_writing());
    CHECK_FALSE(first.ended({.pid = kNobody}));
    CHECK(finish(first) == 0);
    CHECK_FALSE(first.is_writing());
    CHECK(folder.content() == "one");
    struct stat status{};
    REQUIRE(::stat(folder.file().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600);

    DiscoveryFile second{log};
    REQUIRE(second.load(folder.path));
    CHECK(content_of(second.memory()) == "one");
    CHECK(log.texts.empty());
}

TEST_CASE("of what comes while the file is written the last is written next") {
    const DiscoveryFolder folder;
    KeptLog log;
    DiscoveryFile file{log};
    REQUIRE(file.load(folder.path));
    for (const char* text : {"one", "two", "three"}) REQUIRE(file.keep(sealed(text)));
    CHECK(content_of(file.memory()) == "three");
    CHECK(finish(file) == 0);
    CHECK(file.is_writing());
    CHECK(finish(file) == 0);
    CHECK_FALSE(file.is_writing());
    CHECK(folder.content() == "three");
}

TEST_CASE("bytes that could change, or are too many, are refused and what was known stays") {
    const DiscoveryFolder folder;
    KeptLog log;
    DiscoveryFile file{log};
    REQUIRE(file.load(folder.path));
    auto open = ipc::make_memfd("open", 100);
    REQUIRE(open);
    CHECK_FALSE(file.keep(std::move(*open)));
    CHECK_FALSE(file.keep(UniqueFd{}));
    CHECK_FALSE(file.keep(sealed(std::string(ipc::kDiscoveredBytesMax + 1, 'x'))));
    CHECK(file.memory() == -1);
    CHECK_FALSE(file.is_writing());
}

TEST_CASE("a file that others may write to, a link, a folder and one that is too large are not used") {
    const DiscoveryFolder folder;
    KeptLog log;
    const auto problem = [&] {
        DiscoveryFile file{log};
        const auto loaded = file.load(folder.path);
        CHECK(file.memory() == -1);
        return loaded ? std::string{} : loaded.error().text();
    };
    folder.write("one", 0602);
    CHECK(problem().find("is not a file that only root may write to") != std::string::npos);
    folder.write(std::string(ipc::kDiscoveredBytesMax + 1, 'x'));
    CHECK(problem().find("is too large") != std::string::npos);
    std::filesystem::remove(folder.file());
    std::filesystem::create_directory(folder.file());
    CHECK(problem().find("is not a file that only root may write to") != std::string::npos);
    std::filesystem::remove(folder.file());
    std::ofstream{folder.root + "/other"} << "one";
    std::filesystem::create_symlink(folder.root + "/other", folder.file());
    CHECK(problem().find("open ") == 0);
}

TEST_CASE("a file without anything in it, and one of the greatest size, are used") {
    for (const std::size_t size : {std::size_t{0}, std::size_t{ipc::kDiscoveredBytesMax}}) {
        CAPTURE(size);
        const DiscoveryFolder folder;
        KeptLog log;
        folder.write(std::string(size, 'x'));
        DiscoveryFile file{log};
        REQUIRE(file.load(folder.path));
        CHECK(ipc::sealed_size(file.memory(), ipc::kDiscoveredBytesMax).value() == size);
    }
}

TEST_CASE("a folder that cannot be written costs the file and nothing else") {
    const DiscoveryFolder folder;
    KeptLog log;
    std::ofstream{folder.root + "/state"} << "a file where the folder should be";
    DiscoveryFile file{log};
    CHECK_FALSE(file.load(folder.path));
    REQUIRE(file.keep(sealed("one")));
    CHECK(finish(file) == 1);
    CHECK(content_of(file.memory()) == "one");
    CHECK_FALSE(file.is_writing());
}
