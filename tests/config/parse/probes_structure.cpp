// Slips in braces, comments, quotes, bytes and definitions.
#include "probes.hpp"

namespace mainstay::config::testing {
namespace {

// The sample with one of its blocks, of `lines` lines from `first` on, on one line.
std::string folded(int first, int lines, std::string_view text) {
    std::string out{kVrrp};
    for (int i = 1; i < lines; ++i) out = with_line(out, first + 1, "");
    return with_line(out, first, text);
}

std::string with_crlf(std::string_view text) {
    std::string out;
    for (const char c : text) out += c == '\n' ? "\r\n" : std::string{c};
    return out;
}

std::vector<Probe> comment_probes() {
    return {
        {"// comment own line", 5, vrrp(5, "// comment\npriority 100"), "5 warning MS0104"},
        {"// trailing comment", 0, vrrp(5, "priority 100 // comment"), "5 note MS0104"},
        {"# trailing no space \"100#x\"", 0, vrrp(5, "priority 100#x"), ""},
        {"! trailing comment", 0, vrrp(5, "priority 100 ! comment"), ""},
        {"extra words after number: priority 100 foo", 0, vrrp(5, "priority 100 foo"), "5 warning MS0114"},
        {"VIP comment inside", 0, vrrp(12, "10.9.9.9/24 # the service"), ""},
        {"latin1 bytes comment", 0, vrrp(5, "priority 100 # caf\xE9"), ""},
        {"comment inside quoted", 6,
         "vrrp_script chk {\nscript \"killall -0 a#b\"\n}\n" + vrrp(6, "track_script {\nchk\n}"), "2 warning MS0303"},
    };
}

std::vector<Probe> byte_probes() {
    return {
        {"priority 100,", 5, vrrp(5, "priority 100,"), "5 error MS0200"},
        {"priority 100;", 5, vrrp(5, "priority 100;"), "5 error MS0200"},
        {"priority 100 + ideographic space", 5, vrrp(5, "priority 100\xE3\x80\x80"), "5 error MS0200"},
        {"NBSP indentation", 5, vrrp(5, "\xC2\xA0 priority 100"), "5 error MS0117"},
        {"zero width space indentation", 5, vrrp(5, "\xE2\x80\x8B priority 100"), "5 error MS0117"},
        {"BOM", 5, "\xEF\xBB\xBF" + kVrrpFile, "1 warning MS0100"},
        {"CRLF", 0, with_crlf(kVrrpFile), ""},
        {"no newline at EOF", 0, kVrrpFile.substr(0, kVrrpFile.size() - 1), ""},
        {"full-width colon \"\xEF\xBC\x9A\" key", 5, vrrp(5, "priority\xEF\xBC\x9A 100"), "5 error MS0105"},
        {"tab sep", 0, vrrp(5, "\tpriority\t100"), ""},
        {"utf8 name", 0, vrrp(1, "vrrp_instance \xE4\xB8\xBB {"), ""},
        {"trailing backslash", 5, vrrp(5, "priority\\\n100"), "5 error MS0105"},
        {"auth_pass quoted", 0, vrrp(9, "auth_pass \"1111\""), ""},
        {"auth_pass with #", 0, vrrp(9, "auth_pass 11#11"), ""},
        {"auth_pass with !", 0, vrrp(9, "auth_pass 11!11"), ""},
        {"interface quoted", 0, vrrp(3, "interface \"eth0\""), ""},
    };
}

std::vector<Probe> brace_probes() {
    return {
        {"virtual_ipaddress{ no space", 0, vrrp(11, "virtual_ipaddress{"), ""},
        {"vrrp_instance VI_1{ no space", 0, vrrp(1, "vrrp_instance VI_1{"), ""},
        {"{ next line", 0, vrrp(1, "vrrp_instance VI_1\n{"), ""},
        {"vip { next line", 0, vrrp(11, "virtual_ipaddress\n{"), ""},
        {"one-line block auth", 0, folded(7, 4, "authentication { auth_type PASS\nauth_pass 1111 }"), ""},
        {"one-line vip block { 10.9.9.9/24 }", 0, folded(11, 3, "virtual_ipaddress { 10.9.9.9/24 }"), ""},
        {"one-line auth { auth_type PASS auth_pass 1111", 5,
         folded(7, 4, "authentication { auth_type PASS auth_pass 1111 }"), "7 error MS0114"},
        {"missing final }", 5, vrrp(14, ""), "1 error MS0109"},
        {"extra }", 5, kVrrpFile + "}\n", "15 error MS0110"},
        {"missing } of auth", 5, vrrp(10, ""), "7 error MS0109"},
        {"missing { on vrrp_instance", 5, vrrp(1, "vrrp_instance VI_1"), "1 error MS0108"},
        {"missing { virtual_server", 5, lvs(1, "virtual_server 10.9.9.9 80"), "1 error MS0108"},
        {"}} same line", 0, with_line(vrrp(13, "}}"), 14, ""), ""},
        {"unknown keyword in instance", 5, vrrp(5, "foo 1\npriority 100"), "5 error MS0105"},
        {"unknown block top", 5, kVrrpFile + "foo {\na 1\nb {\nc\n}\n}\n", "15 error MS0106"},
        {"unknown block in instance", 5, vrrp(5, "foo {\na 1\n}\npriority 100"), "5 error MS0106"},
        {"typo vvrp_script block", 5, kVrrpFile + "vvrp_script chk {\nscript \"/bin/true\"\ninterval 2\n}\n",
         "15 error MS0106"},
        {"prose lines at top", 5, "This is my file\n" + kVrrpFile, "1 error MS0105"},
        {"upper VRRP_INSTANCE", 5, vrrp(1, "VRRP_INSTANCE VI_1 {"), "1 error MS0106"},
        {"no instance name", 5, vrrp(1, "vrrp_instance {"), "1 error MS0417"},
        {"name w space", 5, vrrp(1, "vrrp_instance VI 1 {"), "1 error MS0417"},
        {"sync_group missing {", 5, "vrrp_sync_group G\ngroup {\nVI_1\n}\n}\n" + kVrrpFile,
         "1 error MS0108, 1 warning MS0415"},
        {"empty file", 0, "", ""},
        {"only comments", 0, "# a\n! b\n", ""},
    };
}

std::vector<Probe> language_probes() {
    return {
        {"include missing", 0, "include /nosuch/conf.d/*.conf\n" + kVrrpFile, "1 warning MS0007"},
        {"include missing exact", 0, "include nosuch.conf\n" + kVrrpFile, "1 warning MS0007"},
        {"undefined $VAR", 5, vrrp(5, "priority $PRIO"), "5 error MS0200"},
        {"undefined ${VAR}", 5, vrrp(5, "priority ${PRIO}"), "5 error MS0200"},
        {"$VAR= ok", 0, "$PRIO=100\n" + vrrp(5, "priority $PRIO"), ""},
        {"$VAR = spaced", 5, "$PRIO = 100\n" + vrrp(5, "priority $PRIO"), "1 error MS0116"},
        {"@id line (other id)", 0, vrrp(5, "priority 100\n@other priority 90"), ""},
        {"@^id line", 0, vrrp(5, "priority 100\n@^other priority 90"), ""},
        {"${VAR:-d} shell style", 5, vrrp(5, "priority ${PRIO:-100}"), "5 error MS0200"},
        {"jinja {{ x }}", 2, vrrp(5, "priority {{ x }}"), "5 fatal MS0113"},
    };
}

}  // namespace

std::vector<Probe> structure_probes() {
    std::vector<Probe> all = comment_probes();
    for (const auto& more : {byte_probes(), brace_probes(), language_probes()})
        all.insert(all.end(), more.begin(), more.end());
    return all;
}

}  // namespace mainstay::config::testing
