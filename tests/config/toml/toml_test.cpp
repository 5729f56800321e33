#include "mainstay/config/toml/toml.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../folder.hpp"
#include "../samples.hpp"
#include "mainstay/config/diagnostics/codes.hpp"
#include "mainstay/config/load.hpp"

using namespace mainstay::config;

namespace {

const Environment kNowhere;

std::string toml_of(const std::string& conf) {
    Snapshot snapshot = resolve({{"x.conf", conf}}, kNowhere, false);
    return to_toml(snapshot).text;
}
std::string conf_of(const std::string& toml) { return to_conf({"x.toml", toml}).text; }

Loaded load_toml(const std::string& text) { return load_text("x.toml", text, kNowhere); }
Loaded load_conf(const std::string& text) { return load_text("x.conf", text, kNowhere); }

struct Found {
    int code;
    std::uint32_t line, column, length;
    bool operator==(const Found&) const = default;
};
std::vector<Found> found_in(const Loaded& loaded) {
    std::vector<Found> found;
    for (const auto& d : loaded.diagnostics) found.push_back({d.code, d.place.line, d.place.column, d.place.length});
    return found;
}
Found found(Code code, std::uint32_t line, std::uint32_t column, std::uint32_t length) {
    return {static_cast<int>(code), line, column, length};
}
bool holds(const Loaded& loaded, Found wanted) {
    const auto all = found_in(loaded);
    return std::ranges::find(all, wanted) != all.end();
}

// Within a valid instance, whose other keys come first.
std::string instance_with(const std::string& line) {
    return "[vrrp_instance.VI_1]\ninterface = \"eth0\"\nvirtual_router_id = 1\nvirtual_ipaddress = [\"10.0.0.1\"]\n" +
           line + "\n";
}
constexpr std::uint32_t kLine = 5;

}  // namespace

TEST_CASE("a keepalived.conf becomes the TOML that a person would write") {
    CHECK(toml_of("global_defs {\n  router_id lb1\n  smtp_server 127.0.0.1 25\n  notification_email { a@x b@y }\n}\n"
                  "vrrp_instance VI_1 {\n  state MASTER\n  nopreempt\n  advert_int 1.50\n"
                  "  authentication {\n    auth_type PASS\n    auth_pass 1111\n  }\n"
                  "  virtual_ipaddress {\n    10.0.0.1/24 dev eth0 label eth0:1\n    10.0.0.2\n  }\n"
                  "  notify_master \"/etc/m.sh on\" web www\n  smtp_alert\n}\n"
                  "virtual_server 10.0.0.1 80 {\n  lb_algo rr\n  persistence_timeout\n"
                  "  real_server 10.1.0.1 80 {\n    TCP_CHECK {\n      connect_timeout 3\n    }\n  }\n}\n") ==
          "[global_defs]\n"
          "router_id = \"lb1\"\n"
          "smtp_server = \"127.0.0.1 25\"\n"
          "notification_email = [\"a@x\", \"b@y\"]\n"
          "\n"
          "[vrrp_instance.VI_1]\n"
          "state = \"MASTER\"\n"
          "nopreempt = true\n"
          "advert_int = 1.5\n"
          "authentication = { auth_type = \"PASS\", auth_pass = \"1111\" }\n"
          "virtual_ipaddress = [\"10.0.0.1/24 dev eth0 label eth0:1\", \"10.0.0.2\"]\n"
          "notify_master = { command = \"/etc/m.sh on\", user = \"web\", group = \"www\" }\n"
          "smtp_alert = true\n"
          "\n"
          "[[virtual_server]]\n"
          "on = \"10.0.0.1 80\"\n"
          "lb_algo = \"rr\"\n"
          "persistence_timeout = true\n"
          "\n"
          "[[virtual_server.real_server]]\n"
          "on = \"10.1.0.1 80\"\n"
          "TCP_CHECK = { connect_timeout = 3 }\n");
}

TEST_CASE("a list of two numbers is one of numbers in TOML") {
    CHECK(toml_of("global_defs {\n  vrrp_cpu_affinity 0 1\n  checker_cpu_affinity 3\n}\n") ==
          "[global_defs]\nvrrp_cpu_affinity = [0, 1]\nchecker_cpu_affinity = 3\n");
}

TEST_CASE("a comment above several words of a list stands above the first") {
    CHECK(toml_of("global_defs {\n  notification_email {\n    # both\n    a@x b@y\n  }\n}\n") ==
          "[global_defs]\nnotification_email = [\n    # both\n    \"a@x\",\n    \"b@y\",\n]\n");
}

TEST_CASE("a list of a hundred columns is one line, and a longer one is not") {
    const auto list = [](std::size_t columns) {
        constexpr std::size_t kRest = std::string_view{"notification_email = [\"a@x\", \"\"]"}.size();
        return toml_of("global_defs {\n  notification_email { a@x " + std::string(columns - kRest, 'b') + " }\n}\n");
    };

    CHECK(list(100).find("notification_email = [\"a@x\", \"b") != std::string::npos);
    CHECK(list(101).find("notification_email = [\n") != std::string::npos);
}

TEST_CASE("TOML becomes the canonical keepalived.conf, comments with it") {
    CHECK(conf_of(
              "# top\n[vrrp_instance.VI_1] # the one\nstate = \"MASTER\" # behind\n# before\npriority = 100\n"
              "virtual_ipaddress = [\n  # first\n  \"10.0.0.1\", # one\n]\nnopreempt = false\nsmtp_alert = false\n") ==
          "# top\nvrrp_instance VI_1 {  # the one\n    state MASTER  # behind\n    # before\n    priority 100\n"
          "    virtual_ipaddress {\n        # first\n        10.0.0.1  # one\n    }\n    smtp_alert off\n}\n");
}

TEST_CASE("blocks that TOML writes without a line between them stand apart in the keepalived.conf") {
    CHECK(conf_of("[global_defs]\nrouter_id = \"lb1\"\n# the first\n[vrrp_instance.VI_1]\npriority = 100\n"
                  "[vrrp_instance.VI_2]\n") ==
          "global_defs {\n    router_id lb1\n}\n\n# the first\nvrrp_instance VI_1 {\n    priority 100\n}\n\n"
          "vrrp_instance VI_2 {\n}\n");
}

TEST_CASE("mail addresses keep their names, and the quotes of these") {
    CHECK(conf_of("[global_defs]\nnotification_email = [\"Duty <d@x>\", '\"Doe, Jane\" <j@x>']\n") ==
          "global_defs {\n    notification_email {\n        \"Duty <d@x>\"\n        \"Doe, Jane\" <j@x>\n    }\n}\n");
    CHECK(toml_of("global_defs {\n  notification_email_from \"HA Pair <h@x>\"\n  notification_email {\n"
                  "    \"Doe, Jane\" <j@x>\n    Duty Admin <d@x> a@x, b@y\n  }\n}\n") ==
          "[global_defs]\nnotification_email_from = \"HA Pair <h@x>\"\n"
          "notification_email = ['\"Doe, Jane\" <j@x>', \"Duty Admin <d@x>\", \"a@x\", \"b@y\"]\n");
}

TEST_CASE("a word that begins a line of a list is quoted where it would be another thing, and nowhere else") {
    CHECK(conf_of("[global_defs]\nnotification_email = [\"@a x\", \"include\"]\nrouter_id = \"@lb\"\n") ==
          "global_defs {\n    notification_email {\n        \"@a x\"\n        \"include\"\n    }\n"
          "    router_id @lb\n}\n");
}

TEST_CASE("the two languages give one model") {
    const std::string conf = std::string{testing::kVrrp} + std::string{testing::kLvs};
    const Loaded before = load_conf(conf), after = load_toml(toml_of(conf));

    REQUIRE(before.config.instances.size() == 1);
    REQUIRE(before.config.virtual_servers.size() == 1);
    CHECK(after.config == before.config);
    CHECK(load_conf(conf_of(toml_of(conf))).config == before.config);
}

TEST_CASE("the order of a document is kept where tables are sorted by name") {
    const Loaded loaded = load_toml(
        "[[virtual_server]]\non = \"10.0.0.2 80\"\n[[virtual_server.real_server]]\non = \"10.1.0.1\"\n"
        "[[virtual_server]]\non = \"10.0.0.1 80\"\n[[virtual_server.real_server]]\non = \"10.1.0.1\"\n");

    REQUIRE(loaded.config.virtual_servers.size() == 2);
    CHECK(service_name(loaded.config.virtual_servers[0]) == "[10.0.0.2]:udp:80");
}

TEST_CASE("what is wrong is shown in the document") {
    CHECK(holds(load_toml(instance_with("priority = 300")), found(Code::OutOfRange, kLine, 12, 3)));
    CHECK(holds(load_toml(instance_with("priority = 10.5")), found(Code::NotANumber, kLine, 12, 4)));
    CHECK(holds(load_toml(instance_with("prioritty = 100")), found(Code::UnknownKeyword, kLine, 1, 9)));
    CHECK(holds(load_toml(instance_with("virtual_ipaddress_excluded = [\"10.0.0.3 dev eth0 lable x\"]")),
                found(Code::UnknownWord, kLine, 50, 5)));
    CHECK(holds(load_toml(instance_with("notify = \"/x 'a\"")), found(Code::BadCommand, kLine, 10, 7)));
}

TEST_CASE("a value of a type that the keyword does not take is reported with what it takes") {
    const Loaded loaded = load_toml(instance_with("nopreempt = \"yes\""));

    REQUIRE(holds(loaded, found(Code::TomlType, kLine, 13, 5)));
    const auto d = std::ranges::find_if(loaded.diagnostics,
                                        [](const Diagnostic& e) { return e.code == static_cast<int>(Code::TomlType); });
    CHECK(d->message == "nopreempt cannot be a string");
    CHECK(d->expected == "true or false");
    CHECK(holds(load_toml(instance_with("priority = true")), found(Code::TomlType, kLine, 12, 4)));
    CHECK(holds(load_toml(instance_with("advert_int = 2020-01-01")), found(Code::TomlType, kLine, 14, 10)));
    CHECK(holds(load_toml(instance_with("authentication = 5")), found(Code::TomlType, kLine, 18, 1)));
    CHECK(holds(load_toml(instance_with("virtual_routes = [[[\"x\"]]]")), found(Code::TomlType, kLine, 20, 5)));
    CHECK(holds(load_toml("vrrp_instance = 5\n"), found(Code::TomlType, 1, 17, 1)));
}

TEST_CASE("hints are written in the language of the file") {
    const auto fix = [](const std::string& line) {
        const Loaded loaded = load_toml(instance_with(line));
        const auto d = std::ranges::find_if(loaded.diagnostics, [](const Diagnostic& e) { return !e.fix.empty(); });
        return d == loaded.diagnostics.end() ? std::string{} : d->fix;
    };
    CHECK(fix("state = \"MASTERR\"") == "write `state = \"MASTER\"`");
    CHECK(fix("advert_int = \"2s\"") == "write `advert_int = 2`");
    CHECK(fix("prioritty = 5") == "did you mean `priority`?");
}

TEST_CASE("a block without its name or words is reported with how they are written") {
    CHECK(found_in(load_toml("[vrrp_script]\ninterval = 5\nweight = 2\n")) ==
          std::vector{found(Code::NoName, 2, 1, 8)});
    const Loaded loaded = load_toml("[[virtual_server]]\nlb_algo = \"rr\"\n");
    CHECK(found_in(loaded) == std::vector{found(Code::MissingWord, 1, 1, 18)});
    CHECK(loaded.exit_code() == 2);
}

TEST_CASE("a document that is no TOML gives one diagnostic, and there is nothing to run") {
    const Loaded loaded = load_toml("[global_defs]\nrouter_id = = 5\n");

    CHECK(found_in(loaded) == std::vector{found(Code::TomlSyntax, 2, 13, 1)});
    CHECK_FALSE(loaded.can_run());
    CHECK(loaded.exit_code() == 4);
    CHECK(found_in(load_toml("router_id = \"\xff\"\n")).size() == 1);
    using namespace std::string_literals;
    CHECK(found_in(load_toml("a = 1\n [\0x"s)) == std::vector{found(Code::TomlSyntax, 2, 3, 1)});
    // Some of these are asserted by toml++, not reported.
    CHECK(found_in(load_toml("a = 1\n[b]\n[not\xE3\xE3 = 0\n")).size() == 1);
    CHECK(found_in(load_toml("a = [\n[1,\n[2]],\n[ ]\n]\n[\xE4\xBF\xAE]\n")) ==
          std::vector{found(Code::TomlSyntax, 6, 2, 1)});
    CHECK(found_in(load_toml("[ ]\n")) == std::vector{found(Code::TomlSyntax, 1, 3, 1)});
    CHECK(found_in(load_toml("[")) == std::vector{found(Code::TomlSyntax, 1, 2, 1)});
}

TEST_CASE("a character beyond ASCII stands in quotes and comments only") {
    // toml++ does not answer whether some of these are blanks: its behaviour is undefined.
    const auto problem = [](const std::string& text) {
        const Loaded loaded = load_toml(text);
        REQUIRE(loaded.diagnostics.size() == 1);
        const Diagnostic& d = loaded.diagnostics[0];
        constexpr std::string_view kNoToml = "this is not TOML: ";
        REQUIRE(d.message.starts_with(kNoToml));
        return fmt::format("{}:{}: {}", d.place.line, d.place.column, d.message.substr(kNoToml.size()));
    };
    const std::string outside =
        ": a non-ASCII character is outside quotes and comments: put text in quotes, and use spaces and tabs as blanks";
    for (const char* const c :
         {"\u00A0", "\u00F6", "\u01E8", "\u03B1", "\u0416", "\u3042", "\uFE30", "\uFEFF", "\xFF"}) {
        CAPTURE(c);
        CHECK(problem(std::string{"\n "} + c + "\n") == "2:2" + outside);
        CHECK(problem(std::string{"[global_defs]\nrouter_id = "} + c) == "2:13" + outside);
        CHECK(problem(std::string{"[global_defs]\nrouter_id = 'a'"} + c + "\n") == "2:16" + outside);
        CHECK(problem(std::string{"[global_defs]\nrouter_id"} + c + " = 'a'\n") == "2:10" + outside);
        CHECK(problem(std::string{"[global_defs"} + c + "]\n") == "1:13" + outside);
        CHECK(problem(std::string{"a = \"\"\"\\"} + c + "\"\"\"\n") ==
              "1:9: a backslash precedes a character that needs none: write \\\\ for a backslash");
        CHECK(problem(std::string{"a = \"\"\"\\ \t"} + c + "\"\"\"\n") ==
              "1:11: a backslash before blanks must end its line");
        CHECK(problem(std::string{"a = \"\"\"x\\ \t\r\n \n "} + c + "\"\"\"\n") ==
              "3:2: after a backslash at the end of a line the text cannot continue with a non-ASCII character: put it "
              "before the backslash");
    }
    CHECK(problem("\uFEFF[ ]\n") == "1:3: a table's name consists of letters, digits, - and _, or is quoted");
    CHECK(found_in(load_toml("\uFEFF# Köln\n[global_defs] # \u00A0\nrouter_id = \"\u00A0\u0416\u3042\"\n")).empty());
    CHECK(found_in(load_toml("[global_defs]\nrouter_id = \"\"\"Kö\\\n  ln\"\"\"\n")).empty());
    CHECK(load_toml("[global_defs]\nrouter_id = \"\"\"Kö\\\n  ln\"\"\"\n").config.global.router_id == "Köln");
}

TEST_CASE("keys of many parts are refused before they are parsed") {
    std::string deep = "[a";
    for (int i = 0; i < 1'000'000; ++i) deep += ".a";
    CHECK(found_in(load_toml(deep + "]\n")) == std::vector{found(Code::TomlSyntax, 1, 33, 1)});
    std::string nested = "a = ";
    for (int i = 0; i < 1'000'000; ++i) nested += "[";
    CHECK(load_toml(nested).diagnostics.size() == 1);
}

TEST_CASE("points in values are no parts of a key") {
    std::string times = "1.5";
    for (int i = 0; i < 200; ++i) times += ", 1.5";
    CHECK(found_in(load_toml("[mail]\nx = [" + times + "]\n")) == std::vector{found(Code::UnknownSetting, 2, 1, 1)});
}

TEST_CASE("text of TOML is literal") {
    const auto password = [](const std::string& value) {
        const Loaded loaded =
            load_toml(instance_with("authentication = { auth_type = \"PASS\", auth_pass = " + value + " }"));
        REQUIRE(loaded.config.instances.size() == 1);
        return loaded.config.instances[0].auth_pass;
    };
    CHECK(password("'$HOME'") == "$HOME");
    CHECK(password("'${_HASH}'") == "${_HASH}");
    CHECK(password("'a b # !'") == "a b # !");
    CHECK(password("'{}'") == "{}");
    CHECK(password("'//x'") == "//x");
    CHECK(password("'@id'") == "@id");
    CHECK(password("'~SEQ'") == "~SEQ");
    CHECK(password("'a\\b'") == "a\\b");
    CHECK(password("1234") == "1234");
}

TEST_CASE("two slashes that a keyword takes as its argument are no comment") {
    CHECK(toml_of("vrrp_instance VI_1 {\n  interface //x\n}\n") == "[vrrp_instance.VI_1]\ninterface = \"//x\"\n");
    CHECK(toml_of("vrrp_instance VI_1 {\n  interface eth0 //x\n}\n") ==
          "[vrrp_instance.VI_1]\ninterface = \"eth0\"  # x\n");
}

TEST_CASE("what no word can hold is refused") {
    CHECK(holds(load_toml("[global_defs]\nrouter_id = 'a\"b'\n"), found(Code::TomlValue, 2, 13, 5)));
    CHECK(holds(load_toml("[global_defs]\nrouter_id = \"a\\nb\"\n"), found(Code::TomlValue, 2, 13, 6)));
}

TEST_CASE("commands keep every argument, whatever is in it") {
    for (const char* const line : {"'/x a  b'", "\"/x 'a b' c\"", "'/x \"a b\" \"\"'", "\"/x a\\\\x22b\"",
                                   "'/x $HOME ${_HASH} # ! {'", "\"/x \\\"it's\\\" \\\"\\\"\"", "'/x a\\ b \\\\'"}) {
        CAPTURE(line);
        const std::string toml = instance_with(std::string{"notify = "} + line);
        const Loaded loaded = load_toml(toml);
        REQUIRE(loaded.config.instances.size() == 1);
        REQUIRE(loaded.config.instances[0].notify.any->argv.size() > 1);
        const Loaded conf = load_conf(conf_of(toml));
        CHECK(conf.config == loaded.config);
        CHECK(load_toml(toml_of(conf_of(toml))).config == loaded.config);
    }
    CHECK(conf_of(instance_with("notify = '/x a\\\\b'")).contains(R"(notify "/x a\\134b")"));
    const Loaded loaded = load_toml(instance_with("notify = '/x \"a b\" \"\" c\\042d'"));
    CHECK(loaded.config.instances.at(0).notify.any->argv == std::vector<std::string>{"/x", "a b", "", "c\"d"});
}

TEST_CASE("a document may end with a string of several lines") {
    CHECK(load_toml("[global_defs]\nrouter_id = \"\"\"lb1\"\"\"").config.global.router_id == "lb1");
    CHECK(load_toml("[global_defs]\nrouter_id = '''lb'1''''").config.global.router_id == "lb'1'");
}

TEST_CASE("the daemon's own tables are no blocks, and are checked with the rest") {
    CHECK(found_in(load_toml("[lvs]\naudit_interval = 5\n[global_defs]\nrouter_id = \"x\"\n")).empty());
    CHECK(found_in(load_toml("[scripts]\nnotify_wiat = 5\n")) == std::vector{found(Code::UnknownSetting, 2, 1, 11)});
    CHECK(found_in(load_toml("[mial]\nkeep = 60\n")) == std::vector{found(Code::UnknownBlock, 1, 2, 4)});
    CHECK(load_toml("[mial]\nkeep = 60\n").diagnostics.at(0).fix == "did you mean `[mail]`?");
    for (const char* const name : {"lvs", "scripts", "mail"}) {
        CHECK(is_settings_table(name));
        CHECK(find_row(Block::Root, name) == nullptr);
    }
}

TEST_CASE("the daemon's own tables are left out of a keepalived.conf and named, with every line of theirs") {
    const Converted converted =
        to_conf({"x.toml",
                 "[lvs]\naudit_interval = 5\n\n[global_defs]\nrouter_id = \"x\"\n\n[mail]\nkeep = 60\nretries = 2\n"});
    CHECK(converted.text == "global_defs {\n    router_id x\n}\n");
    REQUIRE(converted.lost.size() == 2);
    CHECK(converted.lost[0].place.line == 1);
    CHECK(converted.lost[0].what == "[lvs], a setting of mainstayd itself");
    CHECK(converted.lost[1].place.line == 7);
}

TEST_CASE("comments of the daemon's own tables are left out with them, and others stay") {
    CHECK(conf_of("# of the file\n\n# how often\n# it looks\n[lvs]\n# seconds\naudit_interval = 5  # five\n\n"
                  "# who we are\n[global_defs]\nrouter_id = \"x\"\n") ==
          "# of the file\n# who we are\nglobal_defs {\n    router_id x\n}\n");
}

TEST_CASE("a comment behind a line that is not carried over is not taken for another's") {
    CHECK(toml_of("global_defs {\n  router_id x\n  no_such_word 5 # why\n}\n") ==
          "[global_defs]\nrouter_id = \"x\"\n# not converted: unknown keyword no_such_word 5\n# why\n");
    CHECK(toml_of("group {\n  vrrp_garp 5\n} # why\nglobal_defs {\n  router_id x\n}\n") ==
          "# not converted: unknown keyword group\n# why\n[global_defs]\nrouter_id = \"x\"\n");
    CHECK(toml_of("vrrp_instance VI_1 {\n  authentication {\n    auth_type PASS\n  } no_such_word 5 # why\n}\n") ==
          "[vrrp_instance.VI_1]\nauthentication = { auth_type = \"PASS\" }\n"
          "# not converted: unknown keyword no_such_word 5\n# why\n");
}

TEST_CASE("a comment on a line of its own stands before what follows it, whichever mark begins it") {
    for (const char* mark : {"#", "!", "//"}) {
        CAPTURE(mark);
        CHECK(toml_of("vrrp_instance VI_1 {\n  priority 100\n  " + std::string{mark} + " alone\n  advert_int 2\n}\n") ==
              "[vrrp_instance.VI_1]\npriority = 100\n# alone\nadvert_int = 2\n");
    }
}

TEST_CASE("no keyword is called as the key for a block's words") {
    for (std::size_t b = 0; b < static_cast<std::size_t>(Block::kCount); ++b)
        CHECK(find_row(static_cast<Block>(b), kTomlWordsKey) == nullptr);
}

TEST_CASE("only what a document says about the director makes it a configuration") {
    CHECK(toml_has_director("[lvs]\naudit_interval = 5\n") == false);
    CHECK(toml_has_director("[vrrp_instance.VI_1]\n") == true);
    CHECK(toml_has_director("vrrp_instance {\n") == std::nullopt);
}

TEST_CASE("of the places for a configuration the first that is there is read, and the others are named") {
    const testing::Folder folder;
    const Places places{{folder / "mainstay.conf", folder / "keepalived.conf"}, folder / "mainstay.toml"};
    CHECK(find_source(places).used.empty());
    folder.put("mainstay.toml", "[lvs]\naudit_interval = 5\n");
    CHECK(find_source(places).used.empty());
    folder.put("mainstay.toml", "[global_defs]\n");
    CHECK(find_source(places).used == places.own);
    folder.put("mainstay.toml", "global_defs {\n");
    CHECK(find_source(places).used == places.own);
    folder.put("keepalived.conf", "");
    CHECK(find_source(places).used == places.files[1]);
    CHECK(find_source(places).passed_over.empty());
    folder.put("mainstay.toml", "[global_defs]\n");
    folder.put("mainstay.conf", "");
    CHECK(find_source(places).used == places.files[0]);
    CHECK(find_source(places).passed_over == std::vector{places.files[1], places.own});
}

TEST_CASE("a block whose words TOML cannot hold is not carried over, and named") {
    Snapshot snapshot = resolve({{"a.conf", "virtual_server group m\xBB {\n protocol TCP\n}\n"}}, {}, false);
    const Converted converted = to_toml(snapshot);

    REQUIRE(converted.lost.size() == 1);
    CHECK(converted.lost[0].place.line == 1);
    CHECK(converted.lost[0].what.ends_with("it is not UTF-8"));
    CHECK_FALSE(converted.text.contains("[["));
}

TEST_CASE("TOML holds what is UTF-8, from the first to the last character of each length, and no surrogate") {
    const auto holds = [](const std::string& text) {
        Snapshot snapshot = resolve({{"x.conf", "global_defs {\n  router_id " + text + "\n}\n"}}, kNowhere, false);
        return to_toml(snapshot).lost.empty();
    };
    for (const char* text : {"\xC2\xA0", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBD",
                             "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
        CAPTURE(text);
        CHECK(holds(text));
    }
    for (const char* text : {"\x80", "\xC1\xBF", "\xC3", "\xC3x", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
                             "\xE1\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
        CAPTURE(text);
        CHECK_FALSE(holds(text));
    }
}

TEST_CASE("a line that cannot be read is not carried over, and an open quote is handed on") {
    for (const std::string& line : {std::string("a\0b", 3), std::string(40'000, 'x')}) {
        Snapshot snapshot = resolve({{"x.conf", "global_defs {\n  router_id x\n" + line + "\n}\n"}}, kNowhere, false);
        const Converted converted = to_toml(snapshot);
        REQUIRE(!converted.lost.empty());
        CHECK(converted.lost[0].what == "a line that cannot be read");
        CHECK(converted.lost[0].place.line == 3);
    }
    CHECK_FALSE(toml_of("global_defs {\n  router_id \"x\n}\n").contains("a line that cannot be read"));
}

TEST_CASE("a small block is one line of at most 100 columns") {
    const auto shown = [](std::size_t length) {
        return toml_of("virtual_server 10.0.0.1 80 {\nreal_server 10.0.0.2 80 {\nHTTP_GET {\nurl {\npath /" +
                       std::string(length - std::string_view{R"(url = { path = "/" })"}.size(), 'p') +
                       "\n}\n}\n}\n}\n");
    };
    CHECK(shown(100).contains("\nurl = { path = \"/pp"));
    CHECK_FALSE(shown(101).contains("\nurl = {"));
}

TEST_CASE("comments of blocks that share a line stand above it") {
    Snapshot snapshot = resolve({{"x.conf",
                                  "virtual_server 10.0.0.1 80 {\nreal_server 10.0.0.2 80 {\nHTTP_GET {\n"
                                  "# first\nurl {\npath /a\n}\n# second\nurl {\npath /b\n}\n"
                                  "connect_timeout 3\n}\n}\n}\n"}},
                                kNowhere, false);
    const std::string text = to_toml(snapshot, TomlOrder::Exact).text;
    CHECK(text.contains("# first\n# second\nurl = [{ path = \"/a\" }, { path = \"/b\" }]\n"));
}

TEST_CASE("what is not carried over is named, and stands as a comment in its place") {
    Snapshot snapshot =
        resolve({{"x.conf", "global_defs {\n  no_such_word 5\n  router_id x\n}\nfoo {\n  bar\n}\n"}}, kNowhere, false);
    const Converted converted = to_toml(snapshot);

    REQUIRE(converted.lost.size() == 2);
    CHECK(converted.lost[0].place.line == 2);
    CHECK(converted.lost[1].place.line == 5);
    CHECK(converted.text ==
          "[global_defs]\n# not converted: unknown keyword no_such_word 5\nrouter_id = \"x\"\n"
          "# not converted: unknown keyword foo\n");
}

TEST_CASE("a second block group is named, and not carried over, because its members are not in the group") {
    auto snapshot = resolve({{"x.conf", "vrrp_sync_group G {\ngroup {\nA\n}\ngroup {\nB # b\n}\nnotify /bin/n\n}\n"}},
                            kNowhere, false);
    const auto converted = to_toml(snapshot);
    CHECK(converted.text ==
          "[vrrp_sync_group.G]\ngroup = [\"A\"]\n"
          "# not converted: a second block group, whose members are not in the group\nnotify = \"/bin/n\"\n");
    REQUIRE(converted.lost.size() == 1);
    CHECK(converted.lost[0].place.line == 5);
}

TEST_CASE("the daemon's own tables are copied with their comments, and nothing from before them") {
    CHECK(print_toml(
              {"x.toml", "[global_defs]\nrouter_id =   \"lb\"\n\n# ours\n[webhook]\nurl =  \"http://10.0.0.9/\"\n"})
              .text == "[global_defs]\nrouter_id = \"lb\"\n\n# ours\n[webhook]\nurl =  \"http://10.0.0.9/\"\n");
    CHECK(print_toml({"x.toml", "[global_defs]\nrouter_id = \"lb\"\n[webhook]\nurl =  \"http://10.0.0.9/\""}).text ==
          "[global_defs]\nrouter_id = \"lb\"\n\n[webhook]\nurl =  \"http://10.0.0.9/\"\n");
}
