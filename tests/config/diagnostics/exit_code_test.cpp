// keepalived's exit codes for what stands next to the recorded slips (probes_*.cpp): the values at the border that it
// still takes, and slips that the record does not have.
#include <doctest/doctest.h>

#include "../samples.hpp"

using namespace mainstay::config;
using namespace mainstay::config::testing;

namespace {

struct Slip {
    const char* what;
    std::string text;
    int exit_code;
};

void check(const std::vector<Slip>& slips) {
    for (const Slip& slip : slips) {
        CAPTURE(std::string{slip.what});
        const Loaded loaded = load_sample(slip.text);
        CAPTURE(lines_of(loaded).size());
        CHECK(loaded.exit_code() == slip.exit_code);
    }
}

// A vrrp_script before the instance, which tracks it.
std::string with_script(std::string_view script, std::string_view more = "", std::string_view global = "") {
    return std::string{global} + "vrrp_script chk {\n" + std::string{script} + "\n" + std::string{more} + "\n}\n" +
           vrrp(6, "advert_int 1\ntrack_script {\nchk\n}");
}

}  // namespace

TEST_CASE("files of another shape give keepalived's exit codes") {
    check({{"CRLF around a script",
            "vrrp_script x {\r\nscript \"</dev/null\"\r\n}\r\n" + vrrp(5, "priority 100\r\ntrack_script {\r\nx\r\n}\r"),
            0},
           {"a script without its name", kVrrpFile + "vrrp_script {\n}\n", 2},
           {"typographic spaces around a keyword", vrrp(5, "\xE2\x80\x83priority 100"), 5}});
}

TEST_CASE("values at the border of a vrrp_instance give keepalived's exit codes") {
    check(
        {{"priority 1", vrrp(5, "priority 1"), 0},
         {"vrid 255", vrrp(4, "virtual_router_id 255"), 0},
         {"one vrid on two interfaces", kVrrpFile + with_line(vrrp(1, "vrrp_instance VI_2 {"), 3, "interface eth1"), 0},
         {"auth_pass of eight", vrrp(9, "auth_pass 12345678"), 0},
         {"auth_pass of two words in quotes", vrrp(9, "auth_pass \"11 11\""), 0},
         {"auth_pass that begins with //", vrrp(9, "auth_pass //1111"), 0},
         {"brd +, scope and label", vrrp(12, "10.9.9.9/24 brd + scope link label eth0:1"), 0},
         {"nopreempt and BACKUP", vrrp(2, "state BACKUP\nnopreempt"), 0}});
}

TEST_CASE("a keyword that says unicast needs peers, as keepalived wants it") {
    check({{"check_unicast_src", vrrp(6, "check_unicast_src"), 5},
           {"old_unicast_checksum", vrrp(6, "old_unicast_checksum never"), 5},
           {"unicast_fault_no_peer", vrrp(6, "unicast_fault_no_peer"), 0},
           {"check_unicast_src with a peer", vrrp(6, "check_unicast_src\nunicast_peer {\n10.0.0.2\n}"), 0}});
}

TEST_CASE("values at the border of global_defs give keepalived's exit codes") {
    const auto global = [](std::string_view line) {
        return "global_defs {\n" + std::string{line} + "\n}\n" + kVrrpFile;
    };
    check({{"vrrp_garp_interval 0.001", global("vrrp_garp_interval 0.001"), 0},
           {"script_user with a comma", global("script_user root,"), 5}});
}

TEST_CASE("scripts give keepalived's exit codes") {
    constexpr std::string_view kSecure = "global_defs {\nenable_script_security\nscript_user root\n}\n";
    check({{"script with security", with_script("script \"/bin/true\"", "", kSecure), 0},
           {"script that reads a file", with_script("script \"</dev/null\""), 0},
           {"script not executable", with_script("script \"/bin/plain\""), 5},
           {"no script", with_script("interval 2"), 5},
           {"weight 253", with_script("script \"/bin/true\"", "weight 253"), 6}});
}

TEST_CASE("keepalived looks at no script of VRRP where there is no instance") {
    const std::string script = "vrrp_script chk {\nscript \"/bin/true\"\n}\n";
    check({{"vrrp_script alone", script, 0},
           {"one that is not there", "vrrp_script chk {\nscript \"/nosuch\"\n}\n", 0},
           {"one without a script", "vrrp_script chk {\ninterval 2\n}\n", 5},
           {"an instance without a name", script + with_line(kVrrp, 1, "vrrp_instance {"), 5},
           {"an instance of two names", script + with_line(kVrrp, 1, "vrrp_instance a b {"), 5},
           {"a sync group without instances", script + "vrrp_sync_group G {\nnotify \"/bin/true\"\n}\n", 5},
           {"a service", script + kLvsFile, 0}});
}

TEST_CASE("what is wrong in a second vrrp_script of one name counts, though the first one is used") {
    const auto second = [](std::string_view lines) {
        return "vrrp_script chk {\nscript \"</dev/null\"\n}\nvrrp_script chk {\nscript \"</dev/null\"\n" +
               std::string{lines} + "\n}\n" + vrrp(6, "advert_int 1\ntrack_script {\nchk\n}");
    };
    check({{"nothing", second(""), 0},
           {"its interval", second("interval abc"), 5},
           {"no interval", second("interval"), 2},
           {"a script that is not there", second("script \"/nosuch\""), 5}});
}

TEST_CASE("scripts of the daemon itself count as those of the process that starts them") {
    const auto global = [](std::string_view lines, const std::string& rest) {
        return "global_defs {\n" + std::string{lines} + "\n}\n" + rest;
    };
    const std::string away = with_line(kVrrp, 3, "interface nosuch0");
    constexpr std::string_view kFifo = "notify_fifo /tmp/f\nnotify_fifo_script \"/bin/true\"";
    check({{"startup_script", global("startup_script \"/bin/true\"", kVrrpFile), 6},
           {"alone", global("startup_script \"/bin/true\"", ""), 6},
           {"with a missing interface", global("startup_script \"/bin/true\"", away), 6},
           {"shutdown_script that is not there", global("shutdown_script \"/nosuch\"", kVrrpFile), 0},
           {"not executable", global("shutdown_script \"/bin/plain\"", kVrrpFile), 6},
           {"of no user", global("shutdown_script \"/bin/true\" nobody", kVrrpFile), 5},
           {"without an account", global("enable_script_security\nstartup_script \"/bin/true\"", kVrrpFile), 5},
           {"insecure", global("enable_script_security\nscript_user root\nstartup_script \"/bin/writable\"", kVrrpFile),
            0},
           {"reader of notify_fifo", global(kFifo, kVrrpFile), 6},
           {"reader of no user", global("notify_fifo /tmp/f\nnotify_fifo_script \"/bin/true\" nobody", kVrrpFile), 0},
           {"reader, and a missing interface", global(kFifo, away), 5},
           {"reader, services only", global(kFifo, kLvsFile), 6},
           {"reader, nothing", global(kFifo, ""), 0},
           {"reader of VRRP, services only", global("vrrp_notify_fifo_script \"/bin/true\"", kLvsFile), 0},
           {"reader of checks, instances only", global("lvs_notify_fifo_script \"/bin/true\"", kVrrpFile), 0},
           {"reader of checks", global("lvs_notify_fifo_script \"/bin/true\"", kLvsFile), 6}});
}

TEST_CASE("what braces gone wrong hide from every process that starts is said all the same") {
    const std::string instance = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 51\n}\n";
    check({{"a } that is missing here and too many there", "vrrp_script s {\nscript \"/bin/true\"\n" + instance + "}\n",
            5},
           {"a { in place of a value", "vrrp_script s {\nscript {\ninterval 2\n}\n" + instance, 5}});
}

TEST_CASE("a missing interface hides the security of VRRP's scripts from the exit code, not that of a check's") {
    const auto away = [](const std::string& text) {
        const std::size_t at = text.find("interface eth0");
        return text.substr(0, at) + "interface nosuch0" + text.substr(at + 14);
    };
    const std::string script = with_script("script \"/bin/true\"");
    const std::string misc = lvs(8, "MISC_CHECK {\nmisc_path \"/bin/true\"\n}\nTCP_CHECK {");
    check({{"vrrp_script", script, 6},
           {"vrrp_script, and an interface that is not there", away(script), 5},
           {"the same, which may come later", "global_defs {\ndynamic_interfaces\n}\n" + away(script), 6},
           {"notify script, and an interface that is not there", away(vrrp(6, "notify \"/bin/true\"")), 5},
           {"MISC_CHECK, and an interface that is not there", away(kVrrpFile) + misc, 6},
           {"both, and an interface that is not there", away(script) + misc, 6},
           {"vrrp_script, and an interface without a name", with_line(script, 7, "interface \"\""), 5}});
}

TEST_CASE("a host block in SMTP_CHECK is deprecated, which is said, and no error") {
    const std::string text = lvs(8, "SMTP_CHECK {\nhost {\nconnect_ip 10.1.1.2\n}\n}\nTCP_CHECK {");
    const Loaded loaded = load_sample(text);
    REQUIRE(loaded.diagnostics.size() == 1);
    CHECK(loaded.diagnostics[0].message == "host is deprecated");
    CHECK(loaded.exit_code() == 0);
}

TEST_CASE("values at the border of a virtual_server give keepalived's exit codes") {
    check({{"a line of a group without an address", "virtual_server_group G {\n10.9.9.8 80\n53\n}\n" + kLvsFile, 5},
           {"NAT with another port", with_line(lvs(6, "real_server 10.1.1.1 8080 {"), 4, "lb_kind NAT"), 0},
           {"port 70000", lvs(6, "real_server 10.1.1.1 70000 {"), 5},
           {"persistence_timeout 1", lvs(5, "protocol TCP\npersistence_timeout 1"), 0},
           {"persistence_timeout alone", lvs(5, "protocol TCP\npersistence_timeout"), 0},
           {"MISC_CHECK not there", lvs(8, "MISC_CHECK {\nmisc_path \"/nosuch/x y\"\n}\nTCP_CHECK {"), 0},
           {"MISC_CHECK not executable", lvs(8, "MISC_CHECK {\nmisc_path \"/bin/plain\"\n}\nTCP_CHECK {"), 6},
           {"HTTP_GET", lvs(8, "HTTP_GET {\nurl {\npath /\nstatus_code 200 302\n}\n}\nTCP_CHECK {"), 0},
           {"HTTP_GET with a path of //", lvs(8, "HTTP_GET {\nurl {\npath //x\n}\n}\nTCP_CHECK {"), 0}});
}
