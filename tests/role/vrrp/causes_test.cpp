// Each cause of a change of state, as the router makes it, and what each surface says of it.
#include <doctest/doctest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>

#include "../../vrrp/bench.hpp"
#include "../common/fake_syslog.hpp"
#include "mainstay/alert/fifos.hpp"
#include "mainstay/alert/mail.hpp"
#include "mainstay/record/replay.hpp"
#include "mainstay/report/metrics.hpp"
#include "mainstay/report/why.hpp"
#include "mainstay/vrrp/restore.hpp"
#include "role/common/event_log.hpp"
#include "role/vrrp/resumed.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

namespace {

// The last change of an instance's state, and the router after it.
struct Changed {
    Event event;
    RouterSnapshot after;
    config::Config config;
};

Changed change_in(const Bench& bench, const Intents& intents) {
    Changed changed{{}, bench.router.snapshot(), bench.router.config()};
    for (const Intent& intent : intents)
        if (const auto* one = std::get_if<Announce>(&intent); one != nullptr && changes_state(one->event.transition))
            if (one->event.kind == Event::Kind::Instance) changed.event = one->event;
    return changed;
}

Changed until_master(Bench bench, Instant now) {
    Intents intents;
    while (bench.state() != State::Master && now < t0 + 60s) {
        now = bench.router.deadline().value();
        intents = bench.tick(now);
    }
    return change_in(bench, intents);
}

// A backup that heard this priority last.
Changed takes_over_after(std::uint8_t priority) {
    Bench bench = Bench::started(instance());
    if (priority == 0) (void)bench.hear(Peer{150}, t0 + 500ms);
    (void)bench.hear(Peer{priority}, t0 + 1s);
    return until_master(std::move(bench), t0 + 1s);
}

Changed master_gets(const Fact& fact, config::Instance c = instance()) {
    Bench bench = Bench::master(std::move(c));
    return change_in(bench, bench.router.step(fact, bench.taken_at + 100ms));
}

Changed hears_stronger(const config::Config& config) {
    Bench bench = Bench::master(config);
    return change_in(bench, bench.hear(Peer{150}, bench.taken_at + 100ms));
}

Changed script_fails() {
    auto c = with({instance()});
    config::TrackScript script;
    script.name = "chk";
    script.command.argv = {"/bin/chk"};
    script.interval = script.timeout = 2s;
    c.scripts = {script};
    c.instances[0].track_scripts = {{"chk", 0, false}};
    Bench bench = Bench::started(c);
    (void)bench.script("chk", 0, t0);
    (void)bench.tick(t0 + 2s);
    return change_in(bench, bench.script("chk", 1, t0 + 2s));
}

Changed source_goes() {
    auto c = instance();
    c.unicast_peers.emplace_back().address = ip("10.0.0.2");
    c.source = ip("10.0.0.1");
    return master_gets(SourceFact{ip("10.0.0.1"), "eth0", false}, c);
}

Changed reload_removes() {
    Bench bench = Bench::master(with({instance(), instance(100, "VI_2", 52, "10.9.9.8/32")}));
    auto changed =
        change_in(bench, bench.router.reload(with({instance(100, "VI_2", 52, "10.9.9.8/32")}), bench.taken_at + 100ms));
    changed.after = {};  // it is not there any more
    return changed;
}

Changed pauses() {
    auto c = instance();
    c.nopreempt = true;
    set(c.more, "timer_expired_backup", std::int64_t{254});
    Bench bench = Bench::master(c);
    return change_in(bench, bench.tick(bench.router.deadline().value() + 10s));
}

Changed takes_from_another_program() {
    Bench bench{instance()};
    const auto held = link("eth0", true, {ip("10.0.0.1"), ip("10.9.9.9")});
    (void)bench.router.step(held, t0);
    const auto adopted = adopted_state(bench.router.config(), std::array{held}, t0);
    return change_in(bench, bench.router.start(t0, &adopted));
}

Changed resumes(const char* version) {
    const Bench bench = Bench::master(instance());
    const auto now = bench.router.snapshot();
    return {role::resumed_events(now, now, bench.taken_at + 250ms, version).at(0), now, bench.router.config()};
}

struct Row {
    const char *cause, *event;  // "STATE: reason"
    std::function<Changed()> happens;
};

const std::vector<Row>& rows() {
    static const std::vector<Row> kAll{
        {"start", "BACKUP: the instance started",
         [] {
             Bench bench{instance()};
             (void)bench.router.step(link(), t0);
             return change_in(bench, bench.router.start(t0));
         }},
        {"stop", "STOP: the VRRP process stops", [] { return master_gets(Shutdown{}); }},
        {"operator", "BACKUP: an operator handed it over", [] { return master_gets(FailOver{0}); }},
        {"maintenance", "BACKUP: an operator began maintenance", [] { return master_gets(Maintenance{true}); }},
        {"priority_0", "MASTER: 10.0.0.2 resigned (priority 0)", [] { return takes_over_after(0); }},
        {"advert", "BACKUP: 10.0.0.2 advertises priority 150, this router had 100",
         [] { return hears_stronger(with({instance()})); }},
        {"preemption", "MASTER: 10.0.0.2 advertised only priority 50, this router has 100: preempted",
         [] { return takes_over_after(50); }},
        {"timeout", "MASTER: no advertisement of 10.0.0.2 (priority 150) arrived for 3.61 s",
         [] { return takes_over_after(150); }},
        {"track", "FAULT: script chk fails", script_fails},
        {"link", "FAULT: interface eth0 down", [] { return master_gets(link("eth0", false)); }},
        {"address", "FAULT: source address 10.0.0.1 is not on this host", source_goes},
        {"group", "BACKUP: another member of sync group G left MASTER",
         [] { return hears_stronger(with_group({instance(), instance(100, "VI_2", 52, "10.9.9.8/32")})); }},
        {"reload", "FAULT: a reload removed it", reload_removes},
        {"pause", "BACKUP: this process did not run for longer than a backup waits: another router may have taken over",
         pauses},
        {"takeover", "MASTER: another program on this host was MASTER, and this daemon took over from it",
         takes_from_another_program},
        {"upgrade",
         "MASTER: the daemon was upgraded from version 0.1.0: this router stayed MASTER, 0.25 s after the last "
         "advertisement of the process before",
         [] { return resumes("0.1.0"); }},
        {"crash",
         "MASTER: the VRRP process died and was restarted: this router stayed MASTER, 0.25 s after the last "
         "advertisement of the process before",
         [] { return resumes(""); }},
    };
    return kAll;
}

// Their text is made of the role's events and of nothing else, and the state that they are about began before.
bool only_resumes(const Event& event) { return event.cause == Cause::Upgrade || event.cause == Cause::Crash; }

std::string logged(const Event& event) {
    const role::test::Syslog journal;
    kernel::DaemonLog log{{.ident = "t", .socket = journal.folder + "/log", .journal = true}};
    role::EventLog{log}.write(event);
    return journal.datagram();
}

}  // namespace

TEST_CASE("the causes are those that are tried here") {
    std::vector<std::string> known(std::next(kCauseWords.begin()), kCauseWords.end()), tried;
    for (const auto& row : rows()) tried.emplace_back(row.cause);
    CHECK(known == tried);
    for (const auto& word : known) CHECK(to_string(cause_from(word)) == word);
    CHECK(cause_from("") == Cause::None);
    CHECK(cause_from("of a later version") == Cause::None);
    CHECK(std::string{to_string(static_cast<Cause>(200))}.empty());
}

TEST_CASE("each cause is typed at the step that decides it, and each surface has it or its sentence") {
    for (const auto& row : rows()) {
        CAPTURE(row.cause);
        const auto changed = row.happens();
        auto event = changed.event;
        event.at = {1'795'163'866'000'000};
        CHECK(to_string(event.cause) == std::string{row.cause});
        CHECK(fmt::format("{}: {}", to_string(event.transition), event.reason) == row.event);
        const std::string reason = event.reason, state = to_string(event.transition);

        // keepalived's line has no place for it.
        CHECK(alert::fifo_line(event) == fmt::format("INSTANCE \"{}\" {} {}\n", event.name, state, event.priority));
        const auto mail = alert::compose(event, {}, {});
        CHECK(mail.items.at(0).body.ends_with("\r\nReason: " + reason));
        const auto line = logged(event);
        if (event.notify) {
            CHECK(line.contains(fmt::format("MESSAGE=({}) is {}: {}\n", event.name, state, reason)));
            CHECK(line.contains(fmt::format("MAINSTAY_CAUSE={}\n", row.cause)));
        } else {
            CHECK(line.empty());  // the addresses were here before
        }
        const report::HistoryEntry entry{.id = 1, .source = "vrrp", .event = event};
        const auto shown = nlohmann::json::parse(report::event_json(entry));  // the API's, which the page shows
        CHECK(shown["cause"] == row.cause);
        CHECK(shown["reason"] == reason);
        CHECK(record::describe_intent(Announce{event}, changed.config) ==
              fmt::format("({}) event {}: {}", event.name, state, reason));

        report::DaemonStatus status{.now = event.at};
        status.vrrp.emplace().router = changed.after;
        const auto told = report::why({.status = status, .events = std::array{entry}}, event.name);
        const auto* instance = std::ranges::find(changed.after.instances, event.name, &InstanceSnapshot::name) ==
                                       changed.after.instances.end()
                                   ? nullptr
                                   : &*std::ranges::find(changed.after.instances, event.name, &InstanceSnapshot::name);
        if (instance == nullptr) continue;
        REQUIRE(told.found);
        if (instance->state != State::Init)
            CHECK(std::ranges::any_of(told.found->reasons, [&](const auto& text) { return text.contains(reason); }));
        if (only_resumes(event)) continue;
        CHECK(instance->cause == event.cause);
        CHECK(nlohmann::json::parse(report::status_json(status))["vrrp"]["instances"].at(
                  static_cast<std::size_t>(instance - &changed.after.instances[0]))["cause"] == row.cause);
        CHECK(report::metrics(status, {})
                  .contains(fmt::format("mainstay_vrrp_cause_info{{name=\"{}\",interface=\"eth0\",vrid=\"{}\",family="
                                        "\"inet\",cause=\"{}\"}} 1\n",
                                        event.name, instance->virtual_router_id, row.cause)));
    }
}

TEST_CASE("a group has the cause of the member that decided, and the end of a fault that of the fault") {
    Bench bench = Bench::master(with_group({instance(), instance(100, "VI_2", 52, "10.9.9.8/32")}));
    std::vector<std::string> causes;
    const auto note = [&](const Intents& intents) {
        for (const Intent& intent : intents)
            if (const auto* one = std::get_if<Announce>(&intent))
                causes.push_back(fmt::format("{} {} {}", one->event.name, to_string(one->event.transition),
                                             to_string(one->event.cause)));
    };
    note(bench.hear(peer_b(150), bench.taken_at + 100ms));
    CHECK(causes == Lines{"VI_2 BACKUP advert", "VI_1 BACKUP group", "G BACKUP advert"});
    causes.clear();
    note(bench.router.step(link("eth0", false), bench.taken_at + 200ms));
    note(bench.router.step(link(), bench.taken_at + 300ms));
    CHECK(causes == Lines{"VI_1 FAULT link", "VI_2 FAULT link", "G FAULT link", "VI_1 BACKUP link", "VI_2 BACKUP link",
                          "G BACKUP link"});
}

TEST_CASE("the guide has the table of causes") {
    std::ifstream in{MONITORING_GUIDE};
    const std::string guide{std::istreambuf_iterator<char>{in}, {}};
    for (const auto& row : rows()) CHECK(guide.contains(fmt::format("\n| `{}` | ", row.cause)));
}
