// Files of the spool and their form: bounds, modes, what is refused.
#include "alert/spool_file.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "mainstay/alert/spool.hpp"
#include "temp_folder.hpp"

namespace mainstay::alert {
namespace {

Mail shortest_mail(const std::string& id) {
    return {.id = id,
            .from = {.address = "root@vm"},
            .to = {{.address = "a@x"}},
            .router_id = "R",
            .items = {{.subject = "s", .body = "b", .at = {5}}}};
}
bool decodes(const std::string& id) { return decode_mail(encode_mail(shortest_mail(id))).has_value(); }

UniqueFd opened_folder(const TempFolder& folder, const std::string& below = "") {
    return UniqueFd{::open(folder.path(below).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
}

}  // namespace

TEST_CASE("an id of a mail has letters, digits, dots inside and dashes, and 200 of them at most") {
    CHECK(decodes("azAZ09-."));
    CHECK(decodes("a"));
    for (const char* other : {"`", "{", "@", "[", "/", ":", ",", "_", " ", "a`", "a{", "a@", "a[", "a/", "a:"}) {
        CAPTURE(other);
        CHECK_FALSE(decodes(other));
    }
    CHECK(decodes(std::string(200, 'a')));
    CHECK_FALSE(decodes(std::string(201, 'a')));
}

TEST_CASE("what is no mail of this format is refused with the reason") {
    CHECK(decode_mail("{").error().text() == "not JSON");
    CHECK(decode_mail("{").error().code() == Errc::Invalid);
    std::string text = encode_mail(shortest_mail("a"));
    text.replace(text.find("\"format\": 1"), 11, "\"format\": 2");
    CHECK(decode_mail(text).error().code() == Errc::Unsupported);
    for (const std::string at : {"1e300", "9223372036854775808", "-0.5"}) {
        std::string strange = encode_mail(shortest_mail("a"));
        const auto time = strange.find("\"queued_us\": ") + 13;
        strange.replace(time, strange.find_first_of(",\n", time) - time, at);
        CHECK_FALSE(decode_mail(strange).has_value());
    }
    Mail nobody = shortest_mail("a"), silent = shortest_mail("a");
    nobody.to.clear();
    silent.items.clear();
    CHECK(decode_mail(encode_mail(nobody)).error().text() == "a mail without text or recipients");
    CHECK(decode_mail(encode_mail(silent)).error().text() == "a mail without text or recipients");
    CHECK(decode_mail(encode_mail(shortest_mail(""))).error().text() == "an id that cannot be a file name");
}

TEST_CASE("a mail on disk can be read by people, and bytes that are no UTF-8 do not break it") {
    CHECK(encode_mail(shortest_mail("a")) ==
          "{\n \"format\": 1,\n \"from\": \"root@vm\",\n \"id\": \"a\",\n \"items\": [\n  {\n   \"at_us\": 5,\n"
          "   \"body\": \"b\",\n   \"subject\": \"s\"\n  }\n ],\n \"merged\": [],\n \"queued_us\": 0,\n"
          " \"router_id\": \"R\",\n \"to\": [\n  \"a@x\"\n ],\n \"unlisted\": 0\n}\n");
    Mail odd = shortest_mail("a");
    odd.items[0].body = "\xFF";
    CHECK(decode_mail(encode_mail(odd))->items[0].body == "\uFFFD");
}

TEST_CASE("a file is read up to its bound, and not beyond it") {
    const TempFolder folder;
    const UniqueFd dir = opened_folder(folder);
    folder.write("a", "12345");
    folder.write("empty", "");
    CHECK(*read_bounded(dir.get(), "a", 5, "there") == "12345");
    CHECK(read_bounded(dir.get(), "empty", 0, "there")->empty());
    const auto longer = read_bounded(dir.get(), "a", 4, "there");
    REQUIRE_FALSE(longer.has_value());
    CHECK(longer.error().code() == Errc::Limit);
    CHECK(longer.error().text() == "there/a is too large");
    CHECK(read_bounded(dir.get(), "b", 5, "there").error().sys_errno() == ENOENT);
}

TEST_CASE("a file that has less than its size says is read as far as it goes") {
    const UniqueFd dir{::open("/sys/kernel", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!dir || ::faccessat(dir.get(), "uevent_seqnum", R_OK, 0) != 0) return;
    const auto text = read_bounded(dir.get(), "uevent_seqnum", 4096, "there");  // its size is a page
    REQUIRE(text.has_value());
    CHECK(text->ends_with("\n"));
    CHECK(text->size() < 30);
}

TEST_CASE("only a regular file is read, and a FIFO does not block") {
    const TempFolder folder;
    const UniqueFd dir = opened_folder(folder);
    REQUIRE(::mkfifoat(dir.get(), "fifo", 0600) == 0);
    REQUIRE(::mkdirat(dir.get(), "folder", 0700) == 0);
    for (const char* name : {"fifo", "folder"}) {
        CAPTURE(name);
        const auto text = read_bounded(dir.get(), name, 5, "there");
        REQUIRE_FALSE(text.has_value());
        CHECK(text.error().code() == Errc::Invalid);
        CHECK(text.error().text() == std::string{"there/"} + name + " is not a regular file");
    }
}

TEST_CASE("a file is written whole under its name, over what stood there, and nothing else is left") {
    const TempFolder folder;
    const UniqueFd dir = opened_folder(folder);
    folder.write("a", "something longer than it");
    folder.write(".writing.a", "left by a crash");
    REQUIRE(write_durably(dir.get(), "a", "new", "there").has_value());
    CHECK(folder.read("a") == "new");
    CHECK(folder.files() == std::vector<std::string>{"a"});
}

TEST_CASE("a file that cannot take its name says so, and leaves its temporary name to the next start") {
    const TempFolder folder;
    const UniqueFd dir = opened_folder(folder);
    REQUIRE(::mkdirat(dir.get(), "a", 0700) == 0);
    const auto written = write_durably(dir.get(), "a", "new", "there");
    REQUIRE_FALSE(written.has_value());
    CHECK(written.error().text().find("rename to there/a") != std::string::npos);
    REQUIRE(::mkdirat(dir.get(), ".writing.b", 0700) == 0);
    const auto refused = write_durably(dir.get(), "b", "new", "there");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().text().find("create there/b") != std::string::npos);
}

TEST_CASE("the names in a folder are all but its two own, whatever failed before") {
    const TempFolder folder;
    folder.write(".hidden", "");
    folder.write("..two", "");
    folder.write("a", "");
    const UniqueFd dir = opened_folder(folder);
    errno = EINTR;
    auto names = file_names(dir.get(), "there");
    REQUIRE(names.has_value());
    std::ranges::sort(*names);
    CHECK(*names == std::vector<std::string>{"..two", ".hidden", "a"});
    CHECK(file_names(dir.get(), "there")->size() == 3);  // the folder's own place is not used up
    const UniqueFd none;
    CHECK(file_names(none.get(), "there").error().text().find("open there") != std::string::npos);
}

TEST_CASE("a folder is made for its owner alone, one that is there is taken, a file is refused") {
    const TempFolder folder;
    REQUIRE(open_folder(folder.path("new")).has_value());
    struct stat info{};
    REQUIRE(::stat(folder.path("new").c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0700);
    CHECK(open_folder(folder.path("new")).has_value());
    folder.write("file", "");
    CHECK(open_folder(folder.path("file")).error().text().find("open folder") != std::string::npos);
    CHECK(open_folder(folder.path("no/such")).error().text().find("make folder") != std::string::npos);
}

}  // namespace mainstay::alert
