// Processes that vrrp_track_process means and does not count.
#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "cli/doctor.hpp"
#include "mainstay/config/load.hpp"

using namespace mainstay;
using namespace mainstay::cli;

namespace {

std::vector<DoctorFacts::Uncounted> uncounted(const std::string& lines, const std::map<int, RunningProcess>& running) {
    const auto loaded = config::load_text("x.conf", "vrrp_track_process web {\n" + lines + "}\n", {});
    return uncounted_processes(vrrp::process_trackers(loaded.config), running);
}

const std::map<int, RunningProcess> kNginx{
    {1, {{"systemd", {"/sbin/init"}}, "/usr/lib/systemd/systemd"}},
    {7, {{"nginx", {"nginx: master process /usr/sbin/nginx -g x"}}, "/usr/sbin/nginx"}}};

}  // namespace

TEST_CASE("a tracker that compares the command line does not count a process with a title of its own") {
    using Found = std::vector<DoctorFacts::Uncounted>;
    const std::string title = "nginx: master process /usr/sbin/nginx -g x";
    CHECK(uncounted("process /usr/sbin/nginx\nfull_command\n", kNginx) ==
          Found{{"web", "/usr/sbin/nginx", true, 7, "nginx", title}});
    CHECK(uncounted("process /usr/sbin/nginx -g y\n", kNginx) ==
          Found{{"web", "/usr/sbin/nginx -g y", true, 7, "nginx", title}});
    CHECK(uncounted("process /usr/sbin/nginx\n", kNginx).empty());
    CHECK(uncounted("process haproxy\n", kNginx).empty());
    // Whoever may not read which file it runs.
    auto hidden = kNginx;
    hidden.at(7).program.clear();
    CHECK(uncounted("process /usr/sbin/nginx\nfull_command\n", hidden).size() == 1);
}

TEST_CASE("a program that changes its name, and a script that another program reads, are found") {
    const std::map<int, RunningProcess> running{
        {8, {{"gunicorn: maste", {"gunicorn: master [app]"}}, "/usr/bin/python3.11"}},
        {9, {{"python3", {"/usr/bin/python3", "/opt/check.py", "-v"}}, "/usr/bin/python3.11"}},
        {10, {{"vim", {"vim", "/opt/edited.py"}}, "/usr/bin/vim"}},
        {11, {{"Main", {"/opt/server"}}, "/opt/server"}}};
    CHECK(uncounted("process check.py\n", running).at(0).pid == 9);
    CHECK(uncounted("process /opt/check.py\nfull_command\n", running).at(0).pid == 9);
    CHECK(uncounted("process edited.py\n", running).empty());
    CHECK(uncounted("process server\n", running).at(0).name == "Main");
}

TEST_CASE("processes that a script leaves behind at each run are named once, with one of them") {
    using std::chrono::seconds;
    std::vector<ChildProcess> children{
        {9, seconds{900}, "mainstayd-vrrp", "/usr/libexec/mainstay/mainstayd-vrrp", "mainstayd"},
        {10, seconds{900}, "haproxy", "/usr/sbin/haproxy", "haproxy -W"}};
    for (int pid = 20; pid < 24; ++pid) children.push_back({pid, seconds{60}, "sleep", "/bin/sleep", "sleep 3600"});
    children.push_back({30, seconds{59}, "sleep", "/bin/sleep", "sleep 3600"});  // it may be a script that runs
    CHECK(left_behind(children).empty());
    children.back().age = seconds{61};
    CHECK(left_behind(children) == std::vector<DoctorFacts::LeftBehind>{{"sleep", 5, 20, "sleep 3600"}});

    DoctorFacts facts;
    facts.left_behind = left_behind(children);
    std::vector<Finding> found;
    evaluate_processes(facts, found);
    CHECK(
        found ==
        std::vector<Finding>{
            {"5 processes 'sleep' have gone on for over a minute without the scripts that started them; process 20 is "
             "'sleep 3600'",
             "a script that starts a process by setsid, nohup or & leaves one behind each time that it runs: let it "
             "wait "
             "for the process, or end it by `timeout`"}});
}

TEST_CASE("doctor names the process and what to write") {
    DoctorFacts facts;
    facts.uncounted = {{"web", "/usr/sbin/nginx", true, 7, "nginx", "nginx: master process"},
                       {"db", "server", false, 8, "Main", "/opt/server"}};
    std::vector<Finding> found;
    evaluate_processes(facts, found);
    REQUIRE(found.size() == 2);
    CHECK(found[0] == Finding{"vrrp_track_process web counts no process: none has the command line '/usr/sbin/nginx'; "
                              "process 7 has the name 'nginx' and the command line 'nginx: master process'",
                              "write `process nginx` without full_command, param_match and parameters: names are "
                              "compared then"});
    CHECK(found[1] == Finding{"vrrp_track_process db counts no process: none has the name 'server'; process 8 has the "
                              "name 'Main' and the command line '/opt/server'",
                              "write `process Main`"});
}
