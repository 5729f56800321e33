// Slips in vrrp_script and in the commands of notify keywords. On the host of the record every folder on the way to
// /bin/true could be changed by others than root; /bin/writable is such a file here.
#include "probes.hpp"

namespace mainstay::config::testing {
namespace {

constexpr std::string_view kWritable = "script \"/bin/writable\"";

// A vrrp_script before the instance, which tracks it.
std::string scripted(std::string_view lines, std::string_view global = "", std::string_view tracked = "chk") {
    return std::string{global} + "vrrp_script chk {\n" + std::string{lines} + "\n}\n" +
           vrrp(6, "advert_int 1\ntrack_script {\n" + std::string{tracked} + "\n}");
}
std::string scripted_with(std::string_view line) { return scripted(std::string{kWritable} + "\n" + std::string{line}); }

}  // namespace

std::vector<Probe> script_probes() {
    return {
        {"track_script undefined", 5, vrrp(5, "track_script {\nnosuch\n}"), "6 error MS0304"},
        {"script defined after instance", 6,
         vrrp(5, "track_script {\nchk\n}") + "vrrp_script chk {\nscript \"/bin/writable\"\n}\n",
         "6 error MS0304, 18 warning MS0303"},
        {"script ok", 6, scripted(kWritable), "2 warning MS0303"},
        {"script ok + enable_script_security + script_u", 5,
         scripted(kWritable, "global_defs {\nenable_script_security\nscript_user root\n}\n"), "6 error MS0302"},
        {"script unquoted w/args", 6, scripted("script /bin/writable -a"), "2 warning MS0303"},
        {"script relative name", 6, scripted("script \"killall -0 haproxy\""), "2 warning MS0303"},
        {"script pidof via PATH", 6, scripted("script \"pidof haproxy\""), "2 warning MS0303"},
        {"script </dev/tcp", 0, scripted("script \"</dev/tcp/127.0.0.1/80\""), "2 warning MS0311"},
        {"script single quotes", 6, scripted("script '/bin/writable'"), "2 warning MS0303"},
        {"script missing file", 5, scripted("script \"/nosuch\""), "2 error MS0301"},
        {"script curly quotes", 5, scripted("script \xE2\x80\x9C/bin/true\xE2\x80\x9D"), "2 error MS0301"},
        {"script unterminated quote", -11, scripted("script \"/bin/true"), "2 error MS0103", 5},
        {"script bash expr", 6, scripted("script \"/bin/writable -c 'a && b'\""), "2 warning MS0303"},
        {"script if..then inline", 5, scripted("script \"if true; then true; fi\""), "2 error MS0301"},
        {"script weight 300", 6, scripted_with("interval 2\nweight 300"), "2 warning MS0303, 4 error MS0201"},
        {"script weight 2 ok", 6, scripted_with("weight 2"), "2 warning MS0303"},
        {"script interval 0", 6, scripted_with("interval 0"), "2 warning MS0303, 3 error MS0201"},
        {"script interval 0.5", 6, scripted_with("interval 0.5"), "2 warning MS0303"},
        {"track_script \"chk weight=5\"", 6, scripted(kWritable, "", "chk weight=5"),
         "2 warning MS0303, 11 error MS0206"},
        {"script fall 0", 6, scripted_with("interval 2\nfall 0"), "2 warning MS0303, 4 error MS0201"},
        {"vrrp_script no space brace chk{", 6,
         "vrrp_script chk{\nscript \"/bin/writable\"\n}\n" + vrrp(6, "track_script {\nchk\n}"), "2 warning MS0303"},
        {"script user nosuch", 5, scripted("script \"/bin/true\"\ninterval 2\nuser nosuch"), "4 error MS0300"},
        {"global script_user nosuch", 5, scripted(kWritable, "global_defs {\nscript_user nosuch\n}\n"),
         "2 error MS0300"},
        {"enable_script_security w/o keepalived_script", 5,
         scripted(kWritable, "global_defs {\nenable_script_security\n}\n"), "5 error MS0300"},
        {"track_script on one line", 6,
         "vrrp_script chk {\nscript \"/bin/true\"\n}\n" + vrrp(6, "track_script { chk }"), "2 warning MS0303"},
        {"script multi-line {}", 5,
         "vrrp_script chk {\nscript {\nkillall -0 x\n}\ninterval 2\n}\n" + std::string{kVrrp}, "2 error MS0113"},
        {"notify unquoted with args", 0, vrrp(5, "notify_master /nosuch/run.sh master"), "5 warning MS0300"},
        {"notify twice", 6, vrrp(5, "notify_master \"/bin/true a\"\nnotify_master \"/bin/true b\""),
         "5 warning MS0303, 6 error MS0211"},
        {"notify missing file", 0, vrrp(5, "notify_master \"/nosuch/run.sh\""), "5 warning MS0301"},
        {"notify_master no arg", 2, vrrp(5, "notify_master"), "5 fatal MS0113"},
    };
}

}  // namespace mainstay::config::testing
