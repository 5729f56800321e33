// Includes: what is read, and what each form of include makes of problems (as keepalived 2.2.7 was seen to).
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "../folder.hpp"
#include "../samples.hpp"
#include "mainstay/config/diagnostics/codes.hpp"

using namespace mainstay::config;
using namespace mainstay::config::testing;

using Lines = std::vector<std::string>;

namespace {

// The messages of a top file in `folder`, with the folder's name taken out.
Lines reported_of(const Folder& folder, const std::string& text, int* exit_code = nullptr) {
    const Loaded loaded = load_file(folder.put("top.conf", text), host());
    if (exit_code != nullptr) *exit_code = loaded.exit_code();
    Lines lines = lines_of(loaded);
    const std::string prefix = (folder / "").string();
    for (std::string& line : lines)
        for (std::size_t at = 0; (at = line.find(prefix)) != std::string::npos;) line.erase(at, prefix.size());
    return lines;
}

void fill(const Folder& folder) {
    folder.put("sub/a.conf", "global_defs {\n}\n");
    folder.put("sub/b.conf", "global_defs {\n}\n");
    fs::create_directories(folder / "dir.conf");
    folder.put("x.sh", "");
    fs::permissions(folder / "x.sh", fs::perms::owner_all);
    ::mkfifo((folder / "fifo").c_str(), 0600);
}

}  // namespace

TEST_CASE("below the root of another host an absolute include is one of that host's files") {
    const Folder folder;
    folder.put("etc/sub/a.conf", "include b.conf\n");
    folder.put("etc/sub/b.conf", "global_defs {\nrouter_id there\n}\n");
    Environment environment = host();
    const std::string top = folder.put("etc/top.conf", "include /etc/sub/{a,c}.conf\n");
    CHECK(load_file(top, environment).config.global.router_id.empty());
    environment.root = (folder / "").string();
    environment.root.pop_back();
    const Loaded loaded = load_file(top, environment);
    CHECK(loaded.config.global.router_id == "there");
    REQUIRE(loaded.diagnostics.size() == 1);
    CHECK(loaded.diagnostics[0].message == "include: nothing matches /etc/sub/c.conf");
}

TEST_CASE("each form of include fails on what it checks, with exit code 6, and only on that") {
    const Folder folder;
    fill(folder);
    // missing, missing by wildcard, one of two alternatives, a directory, an executable file, a FIFO, a good file
    const std::vector<std::string> patterns{"missing", "miss*", "{sub/a,nope}.conf", "dir.conf",
                                            "x.sh",    "fifo",  "sub/a.conf"};
    struct Row {
        const char* keyword;
        std::vector<int> exit_codes;
    };
    for (const auto& [keyword, exit_codes] :
         {Row{"include", {0, 0, 0, 0, 0, 0, 0}}, Row{"includer", {0, 0, 0, 6, 6, 6, 0}},
          Row{"includem", {6, 0, 0, 6, 6, 6, 0}}, Row{"includew", {6, 6, 0, 6, 6, 6, 0}},
          Row{"includeb", {0, 0, 6, 6, 6, 6, 0}}, Row{"includea", {6, 6, 6, 6, 6, 6, 0}}}) {
        for (std::size_t i = 0; i < patterns.size(); ++i) {
            const std::string line = std::string{keyword} + " " + patterns[i];
            CAPTURE(line);
            int exit_code = 0;
            const Lines said = reported_of(folder, line + "\n", &exit_code);
            CHECK(exit_code == exit_codes[i]);
            CHECK(said.size() == (patterns[i] == "sub/a.conf" ? 0 : 1));
        }
    }
}

TEST_CASE("a problem with an include is named at its line") {
    const Folder folder;
    fill(folder);
    struct Row {
        const char* line;
        const char* said;
    };
    for (const auto& [line, said] : {
             Row{"include missing", "1:1 warning MS0007 include: nothing matches missing"},
             Row{"  include dir.conf", "1:3 warning MS0007 include: dir.conf/ is a directory, not a file"},
             Row{"include x.sh",
                 "1:1 warning MS0007 include: x.sh is executable; keepalived does not read executable files"},
             Row{"include fifo", "1:1 warning MS0007 include: fifo is not a regular file"},
             Row{"include {sub/a,nope}.conf", "1:1 warning MS0007 include: nothing matches nope.conf"},
             Row{"include \"sub/a.conf\"", "1:1 warning MS0007 include: nothing matches \"sub/a.conf\""},
             Row{"include sub/a.conf sub/b.conf", "1:1 warning MS0007 include: nothing matches sub/a.conf sub/b.conf"},
             Row{"@director includem nosuch # why", "1:11 fatal MS0009 includem: nothing matches nosuch"},
             Row{"include", "1:1 error MS0105 unknown keyword 'include' outside of all blocks"},
             Row{"include top.conf", "1:1 warning MS0007 include: top.conf -> top.conf is included recursively"},
         }) {
        CAPTURE(line);
        CHECK(reported_of(folder, std::string{line} + "\n") == Lines{said});
    }
}

TEST_CASE("an include that is checked and fails cannot run") {
    const Folder folder;
    CHECK_FALSE(load_file(folder.put("top.conf", "includem nosuch\n" + std::string{kVrrp}), host()).can_run());
    CHECK(load_file(folder.put("top.conf", "include nosuch\n" + std::string{kVrrp}), host()).can_run());
}

TEST_CASE("include_check checks the plain includes that follow it") {
    const Folder folder;
    fill(folder);
    struct Row {
        const char* words;
        const char* include;
        int exit_code;
    };
    for (const auto& [words, include, wanted] : {
             Row{"", "nofile", 6},
             Row{"", "no*", 6},
             Row{"", "sub/a.conf", 0},
             Row{" read", "nofile", 0},
             Row{" read", "dir.conf", 6},
             Row{" match", "nofile", 6},
             Row{" match", "no*", 0},
             Row{" -match", "nofile", 0},
             Row{" +match +wildcard_match", "no*", 6},
             Row{" match\ninclude_check wildcard_match", "nofile", 0},  // a name without a sign begins anew
             Row{" match\ninclude_check +wildcard_match", "nofile", 6},
             Row{" match wildcard_match", "nofile", 6},
             Row{" brace_match", "sub/{a,x}.conf", 6},
         }) {
        CAPTURE(words);
        CAPTURE(include);
        int exit_code = 0;
        (void)reported_of(
            folder,
            std::string{"include nothere\nglobal_defs {\ninclude_check"} + words + "\n}\ninclude " + include + "\n",
            &exit_code);
        CHECK(exit_code == wanted);
    }
    Environment all = host();
    all.all_include_checks = true;
    CHECK(load_file(folder.put("top.conf", "include nofile\n"), all).exit_code() == 6);
}

TEST_CASE("a byte order mark is no part of a file, and is reported at it") {
    const Folder folder;
    folder.put("sub.conf", "\xEF\xBB\xBF$ID=there\n");
    const std::string top = "\xEF\xBB\xBFinclude sub.conf\nglobal_defs {\nrouter_id $ID\n}\n";
    const Loaded loaded = load_file(folder.put("top.conf", top), host());
    CHECK(lines_of(loaded) == Lines(2, "1:1 warning MS0100 the file begins with a byte order mark"));
    CHECK(loaded.diagnostics.at(0).place.file == 0);
    CHECK(loaded.diagnostics.at(1).place.file == 1);
    CHECK(loaded.config.global.router_id == "there");
}

TEST_CASE("an include_check ends with the file that it stands in") {
    const Folder folder;
    folder.put("a.conf", "global_defs {\ninclude_check\n}\n");
    int exit_code = 6;
    CHECK(reported_of(folder, "include a.conf\ninclude nofile\n", &exit_code) ==
          Lines{"2:1 warning MS0007 include: nothing matches nofile"});
    CHECK(exit_code == 0);
}

TEST_CASE("relative includes begin at the file that they stand in, and definitions hold across files") {
    const Folder folder;
    folder.put("sub/a.conf", "include deep/b.conf\n$PRIO=90\n");
    folder.put("sub/deep/b.conf", "$NET=10.9.9\n");
    const Loaded loaded =
        load_file(folder.put("top.conf", "include sub/a.conf\n" +
                                             with_line(vrrp(5, "    priority $PRIO"), 12, "        ${NET}.9/24")),
                  host());

    CHECK(lines_of(loaded) == Lines{});
    CHECK(loaded.config.instances.at(0).priority == 90);
    CHECK(loaded.config.instances[0].addresses.at(0).prefix.address.to_string() == "10.9.9.9");
}

TEST_CASE("braces and wildcards name several files, in their order") {
    const Folder folder;
    folder.put("d/1.conf", "$A=1\n");
    folder.put("d/2.conf", "$A=2\n");
    folder.put("e/0.conf", "$A=0\n");
    CHECK(reported_of(folder, "include {e,d}/*.conf\n$A x\n") ==
          Lines{"2:1 error MS0105 unknown keyword '2' outside of all blocks"});
    CHECK(reported_of(folder, "include {d/{2,1},e/0}.conf\n$A x\n") ==
          Lines{"2:1 error MS0105 unknown keyword '0' outside of all blocks"});
}

TEST_CASE("braces that stand for too many names are refused at once") {
    const Folder folder;
    std::string pattern;
    for (int i = 0; i < 60; ++i) pattern += "{a,b}";
    CHECK(reported_of(folder, "include " + pattern + "\n") ==
          Lines{"1:1 warning MS0007 include: more than 1000 alternatives in braces"});
}

TEST_CASE("braces may stand for a thousand names, and one that is left open for itself") {
    const Folder folder;
    const std::string digit = "{0,1,2,3,4,5,6,7,8,9}";
    folder.put("777", "$A=7\n");
    folder.put("{1", "$A=1\n");
    const auto first = [&](const std::string& text) { return reported_of(folder, text).at(0); };
    CHECK(first("include {1\n$A x\n") == "2:1 error MS0105 unknown keyword '1' outside of all blocks");
    CHECK(reported_of(folder, "include " + digit + digit + digit + "\n$A x\n").back() ==
          "2:1 error MS0105 unknown keyword '7' outside of all blocks");
}

TEST_CASE("one pair of braces may hold a thousand names, and no more") {
    const Folder folder;
    const auto reported = [&folder](std::size_t names) {  // all of them empty
        return reported_of(folder, "include x.{" + std::string(names - 1, ',') + "}\n").at(0);
    };
    CHECK(reported(1'000).find("more than 1000 alternatives") == std::string::npos);
    CHECK(reported(1'001) == "1:1 warning MS0007 include: more than 1000 alternatives in braces");
}

TEST_CASE("a configuration may consist of ten thousand files, and no more") {
    const Folder folder;
    folder.put("a.conf", "\n");
    CHECK(reported_of(folder, "~SEQ(I, 9999) include a.conf\n") == Lines{});
    CHECK(reported_of(folder, "~SEQ(I, 10000) include a.conf\n") ==
          Lines{"1:16 warning MS0007 include: a.conf: more than 10000 files"});
}

TEST_CASE("what applies to lines of several files is reported for each, with its file") {
    const Folder folder;
    folder.put("a.conf", "\xC2\xA0 a\n");
    folder.put("b.conf", "\xC2\xA0 c\n\xC2\xA0 d\n");
    const Loaded loaded = load_file(folder.put("top.conf", "include a.conf\ninclude b.conf\n"), host());
    std::string fix = loaded.diagnostics.at(0).fix;
    const std::string prefix = (folder / "").string();
    for (std::size_t at = 0; (at = fix.find(prefix)) != std::string::npos;) fix.erase(at, prefix.size());
    CHECK(fix == "replace it with plain blanks; the same applies to b.conf:1, b.conf:2");
}

TEST_CASE("files that include each other in a ring are one message that names the ring") {
    const Folder folder;
    folder.put("a.conf", "include b.conf\n");
    folder.put("b.conf", "include a.conf\ninclude top.conf\n");
    int exit_code = -1;
    CHECK(reported_of(folder, "include a.conf\n" + std::string{kVrrp}, &exit_code) ==
          Lines{"1:1 warning MS0007 include: top.conf -> a.conf -> b.conf -> a.conf is included recursively",
                "2:1 warning MS0007 include: top.conf -> a.conf -> b.conf -> top.conf is included recursively"});
    CHECK(exit_code == 0);
}

TEST_CASE("the same file may be included twice, one after the other") {
    const Folder folder;
    folder.put("a.conf", "global_defs {\n}\n");
    CHECK(reported_of(folder, "include a.conf\ninclude a.conf\n") == Lines{});
}

TEST_CASE("files that include ever deeper ones are refused at a depth") {
    const Folder folder;
    for (int i = 0; i < 40; ++i) folder.put(std::to_string(i) + ".inc", "include " + std::to_string(i + 1) + ".inc\n");
    CHECK(reported_of(folder, "include 0.inc\n") ==
          Lines{"1:1 warning MS0007 include: 31.inc: includes are nested more than 32 deep"});
}

TEST_CASE("an include may stand in a condition, a repetition, a definition") {
    const Folder folder;
    folder.put("a1.conf", "x$i\n");
    folder.put("a2.conf", "y$i\n");
    CHECK(reported_of(folder, "$DIR=" + (folder / "").string() +
                                  "\n$I=include ${DIR}a2.conf\n@director include a1.conf\n"
                                  "~SEQ(i,1,2) include ${DIR}a${i}.conf\n$I\n@other include nosuch\n")
              .size() == 4);
}

TEST_CASE("a message in an included file names who includes it") {
    const Folder folder;
    folder.put("a.conf", "include sub/b.conf\n");
    const std::string b = folder.put("sub/b.conf", "\nfoo\n");
    const std::string top = folder.put("top.conf", "\n\ninclude a.conf\n");
    const Loaded loaded = load_file(top, host());

    REQUIRE(loaded.diagnostics.size() == 1);
    CHECK(render(loaded.diagnostics[0], loaded, false) ==
          b + ":2:1: error MS0105: unknown keyword 'foo' outside of all blocks\n" +
              "    2 | foo\n"
              "      | ^~~\n" +
              "  included at: " + (folder / "a.conf").string() + ":1, " + top + ":3\n" +
              "  effect: the line is ignored\n");
}

TEST_CASE("a place in another file is named with that file") {
    const Folder folder;
    folder.put("a.conf", "virtual_server 10.9.9.9 80 {\n  protocol TCP\n");
    CHECK(load_file(folder.put("top.conf", "include a.conf\nvrrp_instance X {\n}\n"), host()).diagnostics.at(0).fix ==
          "add a line with } after " + (folder / "a.conf").string() + ":2");
}

TEST_CASE("a pattern of top files reads them all, and says so") {
    const Folder folder;
    folder.put("g1.conf", "$PRIO=90\n");
    folder.put("g2.conf", vrrp(5, "priority $PRIO"));
    const Loaded loaded = load_file((folder / "g*.conf").string(), host());

    CHECK(lines_of(loaded) == Lines{"0:0 warning MS0010 " + (folder / "g*.conf").string() + " matches 2 files"});
    CHECK(loaded.config.instances.at(0).priority == 90);
    CHECK(loaded.exit_code() == 5);  // keepalived warns, too
    CHECK(load_file((folder / "{g2,g1}.conf").string(), host()).files.at(0).path == (folder / "g2.conf").string());
    CHECK(load_file((folder / "h*.conf").string(), host()).exit_code() == 4);
    folder.put("h[1].conf", kLvs);
    CHECK(load_file((folder / "h[1].conf").string(), host()).config.virtual_servers.size() == 1);
}

TEST_CASE("that reporting stopped at its limit is reported last and of no line, whichever file it came to") {
    const testing::Folder folder;
    std::string slips = "global_defs {\n";
    for (int i = 0; i < 1500; ++i) slips += "foo\n";
    folder.put("b.conf", slips + "}\n");
    const Loaded loaded = load_file(folder.put("top.conf", "\ninclude b.conf\nglobal_defs {\nfoo\n}\n"), host());

    REQUIRE(loaded.diagnostics.size() == 1001);
    CHECK(loaded.diagnostics.back().message == "501 more diagnostics are not shown");
    CHECK(loaded.diagnostics.back().place == Place{});
}
