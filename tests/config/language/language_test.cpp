// The language stage: definitions, conditions, repetitions. Outcomes were compared with keepalived 2.2.7 run on the
// same text, unless a case says otherwise.
#include <doctest/doctest.h>

#include "../samples.hpp"
#include "mainstay/config/diagnostics/codes.hpp"
#include "mainstay/config/language/resolver.hpp"

using namespace mainstay::config;
using namespace mainstay::config::testing;

using Lines = std::vector<std::string>;

namespace {

Environment named_host() {
    Environment environment = host();
    environment.host_name = "lb1.example.com";
    environment.variable = [](std::string_view name) {
        return std::string{name == "SITE" ? "north" : name == "HASHED" ? "a#b" : ""};
    };
    environment.random = [] { return std::uint64_t{1'000'003}; };
    return environment;
}

Snapshot snapshot_of(std::string text, const Environment& environment = named_host()) {
    std::vector<SourceFile> tops;
    tops.push_back({"/etc/keepalived/ha.conf", std::move(text)});
    return resolve(std::move(tops), environment, false);
}

// What is left for the parser: lines without comments and without blanks around them, empty ones left out.
Lines resolved(std::string text, const Environment& environment = named_host()) {
    Lines lines;
    const Snapshot snapshot = snapshot_of(std::move(text), environment);
    std::string_view rest = snapshot.text();
    while (!rest.empty()) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(line.size() + 1);
        line = line.substr(0, line.find('#') == std::string_view::npos || line.contains("\\#") || line.contains('"')
                                  ? line.size()
                                  : line.find('#'));
        while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
        while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
        if (!line.empty()) lines.emplace_back(line);
    }
    return lines;
}

TEST_CASE("a file in which nothing is to be resolved is its own snapshot, and is not held twice") {
    for (const char* text : {"a\n", "mail ops@example.org\n", "x ~SEQ\n", "b include c\n", "# a\n\n  } \n"}) {
        CAPTURE(text);
        const Snapshot plain = snapshot_of(text);
        CHECK(plain.as_written);
        CHECK(plain.text().data() == plain.files.at(0).text.data());
    }
    for (const char* text : {"a", "$A=1\n", "a $B\n", "@id a\n", "a\n \t@id a\n", " ~LST(A,b) c\n", "\tinclude x\n"}) {
        CAPTURE(text);
        CHECK_FALSE(snapshot_of(text).as_written);
    }
}

struct Case {
    std::string text;
    Lines lines;
};

std::string joined(const Lines& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + "|";
    return text;
}

void check_all(const std::vector<Case>& cases) {
    for (const Case& c : cases) {
        CAPTURE(c.text);
        CHECK(joined(resolved(c.text)) == joined(c.lines));
    }
}

}  // namespace

TEST_CASE("$NAME is expanded before a blank, a comma, a ) or the end of the line; ${NAME} anywhere") {
    check_all({
        {"$A=x\nfoo $A\n", {"foo x"}},
        {"$A=x\n$A foo\n", {"x foo"}},
        {"$A=x\nfoo $A,$A)$A\ty\n", {"foo x,x)x\ty"}},
        {"$A=x\nfoo $A/y\n", {"foo $A/y"}},
        {"$A=x\nfoo $A-$A\n", {"foo $A-x"}},
        {"$A=x\nfoo \"$A\"\n", {"foo \"$A\""}},
        {"$A=x\nfoo ${A}y${A}\n", {"foo xyx"}},
        {"$A=x\nfoo \"a ${A} b\"\n", {"foo \"a x b\""}},
        {"$A=x\nfoo '${A}'\n", {"foo 'x'"}},
        {"$A=x\nfoo $AB ${AB}\n", {"foo $AB ${AB}"}},
        {"$A=\nfoo [${A}]\n", {"foo []"}},
        {"$A1_b=x\nfoo $A1_b\n", {"foo x"}},
        {"foo $A\n$A=x\n", {"foo $A"}},
    });
}

TEST_CASE("a definition is the text up to the end of the line, without comment and blanks around it") {
    check_all({
        {"$A=  a b  # why\nfoo [${A}]\n", {"foo [a b]"}},
        {"  $A=x\nfoo $A\n", {"foo x"}},
        {"$A=x\n$A=y\nfoo $A\n", {"foo y"}},
        {"$A=b { c } d\n$A\n", {"b { c } d"}},
        {"$A=\"a # b\"\nfoo $A\n", {"foo \"a # b\""}},
        {"$A=a\\#b\nfoo $A\n", {"foo a"}},  // a comment begins where it is used
        {"$A=a\\#b\nfoo \"${A}\"\n", {"foo \"a#b\""}},
        {"$1A=x\nfoo ${1A}\n", {"$1A=x", "foo ${1A}"}},
        {"$A = x\n", {"$A = x"}},
    });
}

TEST_CASE("definitions nest and are bound when they are used") {
    check_all({
        {"$A=$B\n$B=x\nfoo $A\n$B=y\nfoo $A\n", {"foo x", "foo y"}},
        {"$A=${B}-$C\n$B=b\n$C=c\nfoo $A\n", {"foo b-c"}},
        // What a definition gave is looked at with what follows it.
        {"$A=$B\n$B=x\nfoo ${A}z ${A}\n", {"foo $Bz x"}},
        {"$D=$E=5\n$D\nfoo $E\n", {"foo 5"}},
        {"$C=@other z\n$C\n$D=@lb1 y\n$D\n", {"y"}},
    });
}

TEST_CASE("a definition of several lines is expanded at the end of a line, line by line") {
    check_all({
        {"$M=\\\n one a \\\ntwo b\\\n  three\n$M\n", {"one a", "two b", "three"}},
        {"$M=first \\\nsecond\nfoo $M\n", {"foo first", "second"}},
        {"$M=first \\\nsecond\nfoo ${M}  # why\n", {"foo first", "second"}},
        {"$M=first \\\nsecond\nfoo $M bar\n", {"foo $M bar"}},
        {"$M=a \\\n\\\nb\n$M\n", {"a", "b"}},
        {"$M=a \\ \nb\n$M\n", {"a", "b"}},
        {"$M=a # why \\\nb\n$M\n", {"a", "b"}},
        {"$M=a \\ # why\nb\n$M\n", {"a", "b"}},
        {"$M=\\\nx {\\\n@lb1 yes\\\n@^lb1 no\\\n@lb2 no \\\n~SEQ(i,1,2) s$i\\\n}\n$M\n",
         {"x {", "yes", "s1", "s2", "}"}},
        {"$M=a \\\n$V=5 \\\nb $V\n$M\n", {"a", "b 5"}},
        {"$M=a ${N} \\\nb ${N}\n$N=1\n$M\n$N=2\n$M\n", {"a 1", "b 1", "a 2", "b 2"}},
        {"$I=i1 \\\ni2\n$M=a \\\n$I\\\nb\n$M\n", {"a", "i1", "i2", "b"}},
        {"$M=\\\na#b\\\nc\n$M\n", {"a", "c"}},
        {"$M=a \\\n", {}},
    });
}

TEST_CASE("@id keeps its line on that host only, @^id on all others") {
    check_all({
        {"@lb1 a\n@lb2 b\n@^lb1 c\n@^lb2 d\n", {"a", "d"}},
        {"  @lb1\ta\n", {"a"}},
        {"@lb1.example.com a\n@lb b\n@LB1 c\n", {}},
        {"@ lb1 a\n@^ b\n@\n@lb1\n", {"b"}},
        {"@lb1 @lb1 a\n", {"@lb1 a"}},
        {"$A=@lb1 a\n@lb1 $A\n$A\n", {"@lb1 a", "a"}},
        {"a @lb2 b\n", {"a @lb2 b"}},
        {"@lb1 $A=x\n@lb2 $A=y\nfoo $A\n", {"foo x"}},
        {"@lb2 $A=x \\\ny \\\nz\nfoo\n", {"foo"}},  // keepalived 2.2.7 reads y and z as lines
        {"@lb1 $A=x \\\ny\n$A\n", {"x", "y"}},
        {"@lb1 ~SEQ(i,1,2) a$i\n", {"a1", "a2"}},
        {"$ID=lb1\n@$ID a\n", {}},
        {"@lb1 a { # b\n}\n", {"a {", "}"}},
    });
}

TEST_CASE("the id of -i takes the place of the host name") {
    Environment environment = named_host();
    environment.config_id = "low";
    CHECK(resolved("@low a\n@lb1 b\n@^lb1 c\n${_INSTANCE}\n", environment) == Lines{"a", "c", "low"});
}

TEST_CASE("~SEQ repeats the rest of its line for each number") {
    check_all({
        {"~SEQ(i,1,3) a$i b\n", {"a1 b", "a2 b", "a3 b"}},
        {"~SEQ(i, 3) a${i}x\n", {"a1x", "a2x", "a3x"}},
        {"~SEQ(i,-2) a$i\n", {"a-1", "a-2"}},
        {"~SEQ(i,5,3) a$i\n", {"a5", "a4", "a3"}},
        {"~SEQ(i,1,3,8) a$i\n", {"a1", "a4", "a7"}},
        {"~SEQ(i,8,-3,1) a$i\n", {"a8", "a5", "a2"}},
        {"~SEQ(i,4,4) a$i\n", {"a4"}},
        {"~SEQ(i,1,2) ~SEQ(j,1,2) a${i}_$j\n", {"a1_1", "a1_2", "a2_1", "a2_2"}},
        {"~SEQx(i,9,11) a$i\n", {"a9", "aa", "ab"}},
        {"~SEQ(i,0x9,0xb) a$i\n", {"a9", "a10", "a11"}},
        {"~SEQ(i,07,010) a$i\n", {"a7", "a8"}},
        {"  ~SEQ (i,1 , 2 )a$i\n", {"a1", "a2"}},
        {"~SEQ(i,1,2) a$i\nb$i\n", {"a1", "a2", "b2"}},
        {"$Z=2\n~SEQ(i,1,$Z) a$i\n~SEQ(i,1,${Z}) b$i\n", {"a1", "a2", "b1", "b2"}},
        {"~SEQ(i,1,2) @lb1 a$i\n~SEQ(i,1,2) @lb2 b$i\n", {"a1", "a2"}},
        {"~SEQ(i,1,2) $V=v$i\nfoo $V\n", {"foo v2"}},
        {"a ~SEQ(i,1,2) b\n", {"a ~SEQ(i,1,2) b"}},
        {"~SEQ(i,1,2)\nfoo\n", {"foo"}},
        {"~seq(i,1,2) a\n", {"~seq(i,1,2) a"}},
        {"$B=x$i {\\\ny${i}\\\n}\n~SEQ(i,1,2) $B\n", {"x1 {", "y1", "}", "x2 {", "y2", "}"}},
    });
}

TEST_CASE("~LST repeats the rest of its line for each value or tuple of values") {
    check_all({
        {"~LST(a,1,2,x) s$a\n", {"s1", "s2", "sx"}},
        {"~LST({a,b},{1,2},{3,4}) s${a}-$b\n", {"s1-2", "s3-4"}},
        {"~LST({a,b}, {1, 2}, { 3 , 4 }) s${a}-$b\n", {"s1-2", "s3-4"}},
        {"~LST({a,b},{1},{3,4}) s${a}-${b}z\n", {"s1-z", "s3-4z"}},
        {"~LST({a,b},1,2) s${a}-${b}z\n", {"s1-z", "s2-z"}},
        {"~LST({a},{1},{3}) s$a\n", {"s1", "s3"}},
        {"~LST(a,{1},3) s$a\n", {"s1", "s3"}},
        {"~LST(a,) s$a\n", {"s"}},
        {"~LST({a,b},{1,},{,4}) s${a}-${b}z\n", {"s1-z", "s-4z"}},
        {"~LST(a,1,2) ~SEQ(b,1,2) s${a}_$b\n", {"s1_1", "s1_2", "s2_1", "s2_2"}},
        {"$L=7,8\n~LST(a,$L) s$a\n", {"s7,8"}},  // expanded where it is used
    });
}

TEST_CASE("the standard definitions") {
    check_all({
        {"foo ${_PWD}/x\n", {"foo /etc/keepalived/x"}},
        {"foo ${_INSTANCE} $_INSTANCE\n", {"foo lb1 lb1"}},
        {"foo [${_ENV SITE}] [${_ENV NOSUCH}]\n", {"foo [north] []"}},
        {"foo \"${_ENV HASHED}\"\n", {"foo \"a#b\""}},
        {"foo \"${_HASH}${_BANG}\" \\#\n", {"foo \"#!\" \\#"}},
        {"foo a${_HASH}b\nfoo a${_BANG}b ${X}\n", {"foo a", "foo a"}},
        {"$OFF=${_HASH}\n${OFF} a\n$OFF b\nfoo\n", {"foo"}},
        {"foo ${_RANDOM 5 5} ${_RANDOM 1 9} ${_RANDOM 32767}\n", {"foo 5 5 32767"}},
        {"$_PWD=x\nfoo ${_PWD}\n", {"foo x"}},
    });
    // 1'000'003 modulo 32768
    CHECK(resolved("foo ${_RANDOM}\n") == Lines{"foo 16963"});
}

TEST_CASE("nothing is expanded in comments") {
    const Snapshot snapshot = snapshot_of("foo # $A @x ~SEQ(\n# ~SEQ(i,1,2) x\n!$B=5\n");
    CHECK(snapshot.text() == "foo # $A @x ~SEQ(\n# ~SEQ(i,1,2) x\n!$B=5\n");
    CHECK(snapshot.unexpanded.empty());
}

TEST_CASE("definitions give a whole configuration") {
    const Loaded loaded = load_sample(
        "$PRI=100\n@director $PRI=150\n"
        "$VI= \\\nvrrp_instance VI_${ID} { \\\n state BACKUP \\\n interface eth0 \\\n virtual_router_id ${ID} \\\n"
        "@director priority $PRI \\\n virtual_ipaddress { \\\n 10.0.${NET}.${ID}/24 \\\n } \\\n}\n"
        "~LST({NET,ID},{7,21},{8,22}) $VI\n");

    CHECK(lines_of(loaded) == Lines{});
    REQUIRE(loaded.config.instances.size() == 2);
    CHECK(loaded.config.instances[0].name == "VI_21");
    CHECK(loaded.config.instances[1].virtual_router_id == 22);
    CHECK(loaded.config.instances[1].priority == 150);
    CHECK(loaded.config.instances[1].addresses.at(0).prefix.address.to_string() == "10.0.8.22");
}

TEST_CASE("a wrong value is shown where it is used, with the place of its definition") {
    const Loaded loaded = load_sample("$PRIO=300\n" + vrrp(5, "    priority $PRIO"));

    REQUIRE(lines_of(loaded) == Lines{"6:14 error MS0201 priority must be 1 to 255, got 300"});
    CHECK(loaded.diagnostics[0].fix == "$PRIO is defined at ha.conf:1");
    CHECK(loaded.diagnostics[0].place.length == 5);
    CHECK(render(loaded.diagnostics[0], loaded, false)
              .starts_with("ha.conf:6:14: error MS0201: priority must be 1 to 255, got 300\n"
                           "    6 |     priority $PRIO\n"
                           "      |              ^~~~~\n"));
}

TEST_CASE("places beside expanded text are those of the file") {
    const Loaded before = load_sample("$N=9\n" + vrrp(12, "    10.9.9.${N}/33"));
    REQUIRE(before.diagnostics.size() == 1);
    CHECK(before.diagnostics[0].place == Place{0, 13, 5, 14});
    const Loaded after = load_sample("$N=9\n" + vrrp(12, "  @director  10.9.9.${N}/24 foo"));
    REQUIRE(after.diagnostics.size() == 1);
    CHECK(after.diagnostics[0].place == Place{0, 13, 29, 3});
    CHECK(after.diagnostics[0].fix.empty());
    // The lines behind are not shifted by what was expanded.
    const Loaded behind = load_sample("$M=\\\ndelay_loop 5\\\nalpha\n" + lvs(2, "    $M") + "foo\n");
    CHECK(lines_of(behind) == Lines{"16:1 error MS0105 unknown keyword 'foo' outside of all blocks"});
}

TEST_CASE("what stands behind definitions in definitions has the place that it has in the file") {
    const std::string definitions = "$DEV=eth0\n$WHERE=dev $DEV label eth0:1\n";
    const Loaded loaded = load_sample(definitions + vrrp(12, "        10.9.9.9/24 $WHERE bogus"));
    REQUIRE(loaded.diagnostics.size() == 1);
    CHECK(loaded.diagnostics[0].place.line == 14);
    CHECK(loaded.diagnostics[0].place.column == 28);

    const Loaded inside =
        load_sample("$A=x\n$WHERE=dev eth0 $A bogus label eth0:1\n" + vrrp(12, "        10.9.9.9/24 $WHERE"));
    REQUIRE_FALSE(inside.diagnostics.empty());
    CHECK(inside.diagnostics[0].place.column == 21);
}

TEST_CASE("a byte that continues no character is a character of its own, at the beginning too") {
    Snapshot snapshot = snapshot_of("\x80 x");
    snapshot.index_lines();
    CHECK(snapshot.place({0, 1}) == Place{.file = 0, .line = 1, .column = 1, .length = 1});
}

TEST_CASE("a mistake within a definition of several lines is shown at its use") {
    const Loaded loaded = load_sample("$M=delay_loop 6 \\\nfoo 1\n" + lvs(2, "    $M"));

    REQUIRE(lines_of(loaded) == Lines{"4:5 error MS0105 unknown keyword 'foo' in virtual_server"});
    CHECK(loaded.diagnostics[0].fix == "$M is defined at ha.conf:1");
}

TEST_CASE("a name that is not defined is named, with the one that may be meant, in one message") {
    const Loaded near = load_sample("$PRIO=100\n" + vrrp(5, "    priority $PRI0"));
    REQUIRE(lines_of(near) == Lines{"6:14 error MS0200 priority needs a number, got '$PRI0'"});
    CHECK(near.diagnostics[0].fix == "$PRI0 is not defined; did you mean $PRIO?");
    CHECK(near.exit_code() == 5);

    const Loaded braced = load_sample(vrrp(5, "    priority ${PRIO}"));
    REQUIRE(lines_of(braced) == Lines{"5:14 error MS0200 priority needs a number, got '${PRIO}'"});
    CHECK(braced.diagnostics[0].fix == "${PRIO} is not defined: a line `$PRIO=VALUE` before this one defines it");

    const Loaded later = load_sample(vrrp(5, "    priority $PRIO") + "$PRIO=100\n");
    REQUIRE(later.diagnostics.size() == 1);
    CHECK(later.diagnostics[0].fix == "$PRIO is defined further down; a definition applies from its line on");
}

TEST_CASE("a reference that stays as it stands is reported even where any word will do") {
    const Loaded plain = load_sample(vrrp(9, "        auth_pass $PASS"));
    CHECK(lines_of(plain) ==
          Lines{"9:19 warning MS0119 $PASS is not defined: a line `$PASS=VALUE` before this one defines it"});
    CHECK(plain.exit_code() == 0);  // as keepalived
    CHECK(plain.config.instances.at(0).auth_pass == "$PASS");
    const Loaded braced = load_sample(vrrp(9, "        auth_pass ${P}"));
    CHECK(lines_of(braced) ==
          Lines{"9:19 error MS0119 ${P} is not defined: a line `$P=VALUE` before this one defines it"});
    CHECK(braced.exit_code() == 5);
    // For a shell, most likely.
    const Loaded script =
        load_sample("vrrp_script a {\nscript \"/bin/true ${X}\"\n}\n" + vrrp(6, "track_script {\na\n}"));
    for (const Diagnostic& d : script.diagnostics) CHECK(d.code == static_cast<std::uint16_t>(Code::ScriptSecurity));
}

TEST_CASE("what is nearly a definition or a condition is named") {
    struct Slip {
        const char* text;
        const char* said;
    };
    for (const auto& [text, said] : {
             Slip{"$K = 5", "1:1 error MS0116 $K is not defined by this line: there is a blank before the ="},
             Slip{"$1X=u", "1:1 error MS0116 '$1X' is not a definition"},
             Slip{"@director @director x", "1:11 error MS0116 '@director' is a second condition on one line"},
             Slip{"~seq(i,1,2) x", "1:1 error MS0116 '~seq(i,1,2)' does not begin a repetition"},
             Slip{"~SEQ(i,8,3,1) g$i", "1:1 error MS0121 ~SEQ: steps of 3 do not lead from 8 to 1"},
             Slip{"~SEQ(i,1,0,3) g$i", "1:1 error MS0121 ~SEQ: the step is 0"},
             Slip{"~SEQx(i,-1,1) y$i", "1:1 error MS0121 ~SEQ: ~SEQx accepts numbers from 0 on"},
             Slip{"~SEQ(i,a,2) q$i", "1:1 error MS0121 ~SEQ: 'a' is not a whole number"},
             Slip{"~SEQ(i,1,$N) q$i", "1:1 error MS0121 ~SEQ: '$N' is not a whole number"},
             Slip{"~SEQ(i,1,2,3,4) r", "1:1 error MS0121 ~SEQ: a name and 1 to 3 numbers are needed, got 4"},
             Slip{"~SEQ(i) r", "1:1 error MS0121 ~SEQ: a name and 1 to 3 numbers are needed, got 0"},
             Slip{"~SEQ() r", "1:1 error MS0121 ~SEQ: '' is not a name"},
             Slip{"~SEQ(i,1,2 r", "1:1 error MS0121 ~SEQ: the closing ) is missing"},
             Slip{"~LST({a,b},{1,2,3},{3,4}) v", "1:1 error MS0121 ~LST: 3 values for 2 names"},
             Slip{"~LST(a,1 2,x) t$a", "1:1 error MS0121 ~LST: the value '1 2' contains a blank or a brace"},
             Slip{"~LST({a,b},{1,2} {3,4}) c", "1:1 error MS0121 ~LST: a comma is missing before '{3,4}'"},
             Slip{"~LST(a) z$a", "1:1 error MS0121 ~LST: there are no values"},
             Slip{"~LST({a,b}, {1,2", "1:1 error MS0121 ~LST: the closing ) is missing"},
             Slip{"~LST({a,b}, {1,2)", "1:1 error MS0121 ~LST: a } is missing"},
         }) {
        CAPTURE(text);
        const Loaded loaded = load_sample(std::string{text} + "\n");
        CHECK(lines_of(loaded) == Lines{said});
        CHECK(loaded.exit_code() == 5);
    }
}

TEST_CASE("expansion without end is one message, and nothing runs") {
    std::string laughs = "$A0=x\\\ny\n";
    for (int i = 1; i <= 40; ++i) {
        const std::string below = "$A" + std::to_string(i - 1);
        laughs += "$A" + std::to_string(i) + "=" + below + "\\\n" + below + "\n";
    }
    std::string empty = "$A0=\n";
    for (int i = 1; i <= 40; ++i) {
        const std::string below = "${A" + std::to_string(i - 1) + "}";
        empty += "$A" + std::to_string(i) + "=" + below + below + "\n";
    }
    struct Bound {
        std::string text;
        const char* said;
    };
    for (const auto& [text, said] : {
             Bound{"$A=$A\nfoo $A\n", "2:1 fatal MS0120 $A expands endlessly: it refers to itself"},
             Bound{"$A=${B}\n$B=x${A}\nfoo $A\n", "3:1 fatal MS0120 $A expands endlessly: it refers to itself"},
             Bound{"$A=x\\\n$A\n$A\n", "3:1 fatal MS0120 definitions or repetitions are nested more than 64 deep"},
             Bound{laughs + "$A40\n",
                   "83:1 fatal MS0120 definitions and repetitions expand to more than 2000000 lines"},
             Bound{empty + "foo $A40\n", "42:1 fatal MS0120 $A0 expands endlessly: it refers to itself"},
             Bound{"~SEQ(i,1,2000000000) x\n",
                   "1:1 fatal MS0120 this expands to 2000000000 lines; the limit is 2000000"},
             Bound{"~SEQ(i,1,2000) ~SEQ(j,1,2000) $K=x\n",
                   "1:31 fatal MS0120 definitions and repetitions expand to more than 2000000 lines"},
         }) {
        CAPTURE(text);
        const Loaded loaded = load_sample(std::string{kVrrp.substr(0, 0)} + text);
        CHECK(lines_of(loaded) == Lines{said});
        CHECK_FALSE(loaded.can_run());
        CHECK(loaded.exit_code() == 5);
    }
}

TEST_CASE("a line that grows too long by its definitions is one message") {
    const std::string long_text(600, 'a');
    const Loaded loaded = load_sample("$A=" + long_text + "\nfoo ${A}${A}\n");
    CHECK(lines_of(loaded) ==
          Lines{"2:1 error MS0101 with its definitions expanded, the line is longer than 1023 bytes"});
    CHECK(loaded.exit_code() == 5);
}
