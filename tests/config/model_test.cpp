// From text to the typed model: values, units, defaults and inheritance.
#include "mainstay/config/model.hpp"

#include <doctest/doctest.h>

#include "mainstay/config/keywords.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "samples.hpp"

using namespace mainstay;
using namespace mainstay::config;
using namespace mainstay::config::testing;
using namespace std::chrono_literals;

TEST_CASE("a plain instance") {
    const Loaded loaded = load_sample(std::string{kVrrp});

    REQUIRE(loaded.diagnostics.empty());
    Instance expected;
    expected.name = "VI_1";
    expected.interface = "eth0";
    expected.virtual_router_id = 51;
    expected.auth_type = AuthType::Pass;
    expected.auth_pass = "1111";
    expected.addresses = {{.prefix = *Prefix::parse("10.9.9.9/24")}};
    expected.higher_prio_send_advert = true;  // unlike keepalived
    CHECK(loaded.config.instances.at(0) == expected);
}

TEST_CASE("an address line with its options") {
    const Loaded loaded = load_sample(vrrp(12, "10.9.9.9 dev eth1 label eth1:1 brd 10.9.9.255 scope link no_track"));

    const VirtualAddress& address = loaded.config.instances.at(0).addresses.at(0);
    CHECK(address.prefix.to_string() == "10.9.9.9/32");
    CHECK(address.dev == "eth1");
    CHECK(address.label == "eth1:1");
    CHECK(address.broadcast == IpAddress::parse("10.9.9.255"));
    CHECK(address.scope == 253);
    CHECK(address.no_track);
}

TEST_CASE("state MASTER without a priority means address owner, and the reverse") {
    CHECK(load_sample(with_line(vrrp(2, "state MASTER"), 5, "")).config.instances.at(0).priority == 255);
    CHECK(load_sample(with_line(vrrp(2, ""), 4, "priority 255")).config.instances.at(0).initial_master);
    CHECK_FALSE(load_sample(vrrp(5, "priority 255")).config.instances.at(0).initial_master);
}

TEST_CASE("the interval is rounded as its version wants it") {
    CHECK(load_sample(vrrp(6, "advert_int 1.5")).config.instances.at(0).advert_int == 2s);
    CHECK(load_sample(vrrp(6, "advert_int 0.2")).config.instances.at(0).advert_int == 1s);
    CHECK(load_sample(vrrp(6, "version 3\nadvert_int 0.123")).config.instances.at(0).advert_int == 120ms);
    CHECK(load_sample(vrrp(6, "version 3\nadvert_int 100")).config.instances.at(0).advert_int == 40'950ms);
}

TEST_CASE("IPv6 addresses make an instance of version 3") {
    std::string text = vrrp(12, "fe80::1/64\n2001:db8::1/64");
    for (const int line : {10, 9, 8, 7}) text = with_line(text, line, "");
    const Loaded loaded = load_sample(text);
    CHECK(loaded.config.instances.at(0).version == 3);
    CHECK(loaded.config.instances[0].family == Family::V6);
    CHECK(loaded.config.instances[0].addresses.size() == 2);
}

TEST_CASE("nopreempt and preempt_delay are cleared with state MASTER") {
    const Instance i = load_sample(vrrp(2, "state MASTER\nnopreempt\npreempt_delay 10")).config.instances.at(0);
    CHECK_FALSE(i.nopreempt);
    CHECK(i.preempt_delay == 0s);
    CHECK(load_sample(vrrp(2, "state BACKUP\npreempt_delay 2.5")).config.instances.at(0).preempt_delay == 2'500ms);
}

TEST_CASE("preempt takes an earlier nopreempt back, and a later one none") {
    const auto nopreempt = [](const std::string& lines) {
        return load_sample(vrrp(6, lines)).config.instances.at(0).nopreempt;
    };
    CHECK(nopreempt("nopreempt"));
    CHECK_FALSE(nopreempt("nopreempt\npreempt"));
    CHECK(nopreempt("preempt\nnopreempt"));
}

TEST_CASE("instance settings fall back to the global ones, wherever those stand") {
    const Instance i =
        load_sample(vrrp(6, "garp_master_repeat 2\nsmtp_alert off") +
                    "global_defs {\nvrrp_garp_master_delay 1\nvrrp_garp_master_repeat 9\nsmtp_alert\n}\n")
            .config.instances.at(0);
    CHECK(i.garp_master_delay == 1s);
    CHECK(i.garp_master_repeat == 2);
    CHECK_FALSE(i.smtp_alert);
    CHECK(load_sample(std::string{kVrrp} + "global_defs {\nsmtp_alert\n}\n").config.instances.at(0).smtp_alert);
}

TEST_CASE("a tracker has its own weight, else the script's") {
    const Loaded loaded = load_sample(
        "vrrp_script a {\nscript \"/bin/true\"\nweight -2\ninterval 2\n}\n"
        "vrrp_script b {\nscript \"/bin/true\"\nrise 3\nfall 4\ntimeout 1\nuser web web\ninit_fail\n}\n" +
        vrrp(6, "track_script {\na\nb weight 10\n}\ntrack_interface {\neth1 weight 5 reverse\n}"));

    const Instance& i = loaded.config.instances.at(0);
    CHECK(i.track_scripts == std::vector<TrackedScript>{{"a", -2, false}, {"b", 10, false}});
    CHECK(i.track_interfaces == std::vector<TrackedInterface>{{"eth1", 5, true}});
    CHECK(loaded.config.scripts.at(0).timeout == 2s);
    const TrackScript b{
        .name = "b", .command = {{"/bin/true"}, "web", "web"}, .timeout = 1s, .rise = 3, .fall = 4, .init_fail = true};
    CHECK(loaded.config.scripts.at(1) == b);
}

TEST_CASE("a script that cannot be run is removed with its trackers") {
    const Loaded loaded = load_sample("vrrp_script a {\nscript \"/nosuch\"\n}\n" + vrrp(6, "track_script {\na\n}"));
    CHECK(loaded.config.scripts.empty());
    CHECK(loaded.config.instances.at(0).track_scripts.empty());
}

TEST_CASE("a MISC_CHECK whose script is not there is left out, with alpha it stays and keeps its server out") {
    const auto with_check = [](std::string_view alpha, std::string_view path, std::string_view global = "") {
        return load_sample(std::string{global} + lvs(8, "MISC_CHECK {\n" + std::string{alpha} + "misc_path \"" +
                                                            std::string{path} + " x\"\n}\nTCP_CHECK {"));
    };
    const auto checkers = [](const Loaded& loaded) {
        return loaded.config.virtual_servers.at(0).real_servers.at(0).checkers;
    };

    const Loaded plain = with_check("", "/nosuch");
    CHECK(checkers(plain).size() == 1);
    CHECK(plain.diagnostics.at(0).effect == "it is not run; this check counts as passed");

    for (const std::string_view path : {"/nosuch", "/bin/plain"}) {
        CAPTURE(path);
        const Loaded alpha = with_check("alpha\n", path);
        REQUIRE(checkers(alpha).size() == 2);
        CHECK(checkers(alpha).at(0).type == Checker::Type::Misc);
        CHECK(is_unusable(checkers(alpha).at(0)));
        CHECK_FALSE(is_unusable(checkers(alpha).at(1)));
        CHECK(alpha.diagnostics.at(0).effect == "it is not run; with alpha the server stays down");
    }
    const Loaded insecure =
        with_check("alpha\n", "/bin/writable", "global_defs {\nenable_script_security\nscript_user root\n}\n");
    REQUIRE(checkers(insecure).size() == 2);
    CHECK(is_unusable(checkers(insecure).at(0)));

    const Loaded usable = with_check("alpha\n", "/bin/true");
    CHECK_FALSE(is_unusable(checkers(usable).at(0)));
}

TEST_CASE("a keyword that is not given has its default, a number, a time or a word") {
    KeywordValues values;
    CHECK(value_or_default(values, keyword::dns_servers_max) == 64);
    CHECK(value_or_default(values, keyword::min_tx) == Micros{10'000});
    CHECK(first_word_or_default(values, keyword::on_loss) == "withdraw");

    set_value(values, keyword::dns_servers_max, std::int64_t{7});
    set_value(values, keyword::min_tx, Micros{20'000});
    set_value(values, keyword::on_loss, WordList{"hold"});
    CHECK(value_or_default(values, keyword::dns_servers_max) == 7);
    CHECK(value_or_default(values, keyword::min_tx) == Micros{20'000});
    CHECK(first_word_or_default(values, keyword::on_loss) == "hold");
}

TEST_CASE("a command is split into arguments, with quotes and escapes") {
    const auto argv = [](std::string_view line) {
        return load_sample(vrrp(6, line)).config.instances.at(0).notify.any->argv;
    };
    using Argv = std::vector<std::string>;
    CHECK(argv("notify \"/bin/true a b\"") == Argv{"/bin/true", "a", "b"});
    CHECK(argv("notify \"/bin/true 'a b' c\"") == Argv{"/bin/true", "a b", "c"});
    CHECK(argv("notify '/bin/true \"a b\"'") == Argv{"/bin/true", "a b"});
    CHECK(argv("notify \"/bin/true a\\\\ b \\x41\\102\\\\t\"") == Argv{"/bin/true", "a b", "AB\t"});
    CHECK(argv("notify /bin/true") == Argv{"/bin/true"});
}

TEST_CASE("the words after a command are its user and group") {
    const Command command =
        load_sample(vrrp(6, "notify_master \"/bin/true x\" web web")).config.instances.at(0).notify.master;
    CHECK(command == Command{{"/bin/true", "x"}, "web", "web"});
}

TEST_CASE("a sync group knows its members, and they their group") {
    const Loaded loaded = load_sample("vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\n}\n" + std::string{kVrrp} +
                                      with_line(vrrp(1, "vrrp_instance VI_2 {"), 3, "interface eth1"));
    REQUIRE(loaded.diagnostics.empty());
    CHECK(loaded.config.sync_groups.at(0).members == std::vector<std::string>{"VI_1", "VI_2"});
    CHECK(loaded.config.instances.at(0).sync_group == "G");
    CHECK(loaded.config.instances.at(1).sync_group == "G");
}

TEST_CASE("members of a sync group have no weighted scripts, unless the group allows them") {
    const std::string members = "vrrp_script a {\nscript \"/bin/true\"\nweight -2\n}\n" +
                                vrrp(6, "track_script {\na\n}") +
                                with_line(vrrp(1, "vrrp_instance VI_2 {"), 3, "interface eth1");
    CHECK(load_sample(members + "vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\n}\n")
              .config.instances.at(0)
              .track_scripts.empty());
    CHECK(load_sample(members + "vrrp_sync_group G {\nsync_group_tracking_weight\ngroup {\nVI_1\nVI_2\n}\n}\n")
              .config.instances.at(0)
              .track_scripts.size() == 1);
}

TEST_CASE("a plain virtual server") {
    const Loaded loaded = load_sample(std::string{kLvs});

    REQUIRE(loaded.diagnostics.empty());
    VirtualServer expected;
    expected.endpoint = {*IpAddress::parse("10.9.9.9"), 80};
    expected.scheduler = "rr";
    expected.delay_loop = 6s;
    RealServer server;
    server.endpoint = {*IpAddress::parse("10.1.1.1"), 80};
    server.forwarding = Forwarding::DirectRoute;
    Checker checker;
    checker.target = server.endpoint;
    checker.connect_timeout = 3s;
    checker.delay_loop = checker.warmup = 6s;
    server.checkers = {checker};
    expected.real_servers = {server};
    CHECK(loaded.config.virtual_servers.at(0) == expected);
    CHECK(service_name(loaded.config.virtual_servers[0]) == "[10.9.9.9]:tcp:80");
}

TEST_CASE("checker settings come from the checker, else the real server, else the virtual server, else the type") {
    const Loaded loaded = load_sample(
        "virtual_server 10.9.9.9 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nretry 5\ndelay_loop 7\nalpha\n"
        "real_server 10.1.1.1 80 {\nretry 4\nTCP_CHECK {\nretry 0\nconnect_port 81\nbindto 10.1.1.9\nwarmup "
        "0\n}\nMISC_CHECK {\n"
        "misc_path \"/bin/true\"\n}\n}\n"
        "real_server 10.1.1.2 80 {\nTCP_CHECK {\n}\nDNS_CHECK {\n}\nHTTP_GET {\nurl {\npath /\n}\n}\n}\n}\n");

    const auto& servers = loaded.config.virtual_servers.at(0).real_servers;
    const Checker& first = servers.at(0).checkers.at(0);
    CHECK(first.retry == 0);
    CHECK(first.target.port == 81);
    CHECK(first.bind->value() == Endpoint{*IpAddress::parse("10.1.1.9"), 0});
    CHECK(first.warmup == 0s);
    CHECK(first.alpha);
    CHECK(servers[0].checkers.at(1).retry == 4);
    CHECK(servers[0].checkers[1].misc_timeout == 7s);
    CHECK(servers.at(1).checkers.at(0).retry == 5);
    CHECK(servers[1].checkers[0].delay_before_retry == 1s);
    CHECK(servers[1].checkers.at(1).delay_before_retry == 7s);  // DNS_CHECK: the delay_loop
    CHECK(servers[1].checkers.at(2).delay_before_retry == 3s);  // HTTP_GET
    CHECK(servers[1].checkers[2].urls->at(0).status_codes.at(0) == HttpUrl::Codes{200, 299});
}

TEST_CASE("real servers take the port and method of their service") {
    const Loaded nat = load_sample(with_line(lvs(6, "real_server 10.1.1.1 8080 {"), 4, "lb_kind NAT"));
    CHECK(nat.config.virtual_servers.at(0).real_servers.at(0).endpoint.port == 8080);
    const Loaded direct = load_sample(lvs(6, "real_server 10.1.1.1 8080 {"));
    CHECK(direct.config.virtual_servers.at(0).real_servers.at(0).endpoint.port == 80);
    const Loaded none = load_sample(lvs(6, "real_server 10.1.1.1 {"));
    CHECK(none.config.virtual_servers.at(0).real_servers.at(0).endpoint.port == 80);
    const Loaded late = load_sample(
        "virtual_server 10.9.9.9 80 {\nprotocol TCP\nlb_algo rr\nreal_server 10.1.1.1 80 {\n}\nlb_kind TUN\n}\n");
    CHECK(late.config.virtual_servers.at(0).real_servers.at(0).forwarding == Forwarding::Tunnel);
}

TEST_CASE("persistence: bare, by granularity, and forced by a missing port") {
    const auto service = [](std::string_view line) {
        return load_sample(lvs(5, "protocol TCP\n" + std::string{line})).config.virtual_servers.at(0);
    };
    CHECK(service("persistence_timeout").persistence_timeout == 360s);
    CHECK(service("persistence_timeout 50").persistence_timeout == 50s);
    CHECK(service("persistence_granularity 255.255.255.0").persistence_netmask == 0xffffff00);
    CHECK(service("persistence_granularity 255.255.255.0").persistent);
    CHECK_FALSE(service("").persistent);
    CHECK(load_sample(lvs(1, "virtual_server 10.9.9.9 {")).config.virtual_servers.at(0).persistence_timeout == 360s);
}

TEST_CASE("a firewall mark service has no protocol, and direct-routed servers no port") {
    const VirtualServer service =
        load_sample(with_line(lvs(1, "virtual_server fwmark 5 {"), 5, "")).config.virtual_servers.at(0);
    CHECK(service.fwmark == 5);
    CHECK(service.protocol == Protocol::None);
    CHECK(service.family == Family::V4);
    CHECK(service.real_servers.at(0).endpoint.port == 0);
    CHECK(service_name(service) == "FWM 5");
    CHECK(server_name(service.real_servers[0].endpoint, service.protocol) == "[10.1.1.1]:none:0");
}

TEST_CASE("a quorum above the weights is reduced, and the hysteresis below it") {
    const VirtualServer service =
        load_sample(lvs(5, "protocol TCP\nquorum 5\nhysteresis 4")).config.virtual_servers.at(0);
    CHECK(service.quorum == 1);
    CHECK(service.hysteresis == 0);
}

TEST_CASE("mail of servers is on and mail of services off, unless the switches say otherwise") {
    CHECK(load_sample(std::string{kLvs}).config.virtual_servers.at(0).real_servers.at(0).smtp_alert);
    const VirtualServer quiet =
        load_sample("global_defs {\nsmtp_alert_checker off\nsmtp_alert\n}\n" + std::string{kLvs})
            .config.virtual_servers.at(0);
    CHECK_FALSE(quiet.smtp_alert);
    CHECK_FALSE(quiet.real_servers.at(0).smtp_alert);
}

TEST_CASE("virtual servers take the global settings, wherever those stand") {
    const Loaded loaded =
        load_sample(std::string{kLvs} + "global_defs {\nsmtp_alert_checker\nchecker_log_all_failures\n}\n");
    const VirtualServer& service = loaded.config.virtual_servers.at(0);
    CHECK(service.smtp_alert);
    CHECK(service.real_servers.at(0).checkers.at(0).log_all_failures);
}

TEST_CASE("virtual servers keep the order of the file, whatever has to be known before each is complete") {
    const std::string plain = std::string{kLvs};
    const std::string with_script = lvs(7, "weight 1\nnotify_up /bin/true");
    const auto at = [](std::string service, std::string_view address) {
        return service.replace(service.find("10.9.9.9"), 8, address);
    };
    const Loaded loaded = load_sample(at(plain, "10.9.9.1") + at(with_script, "10.9.9.2") + at(plain, "10.9.9.3") +
                                      at(with_script, "10.9.9.1") + at(plain, "10.9.9.5"));
    std::string order;
    for (const VirtualServer& service : loaded.config.virtual_servers) order += service_name(service) + " ";
    CHECK(order == "[10.9.9.1]:tcp:80 [10.9.9.2]:tcp:80 [10.9.9.3]:tcp:80 [10.9.9.5]:tcp:80 ");
    CHECK(loaded.config.virtual_servers.at(1).real_servers.at(0).notify_up->argv ==
          std::vector<std::string>{"/bin/true"});
    CHECK(loaded.config.virtual_servers.at(2).real_servers.at(0).notify_up.empty());
}

TEST_CASE("mail settings") {
    const Global global = load_sample(
                              "global_defs {\nnotification_email {\na@example.com b@example.com\nc@example.com\n}\n"
                              "notification_email_from d@example.com\nsmtp_server mail.example.com 2525\n"
                              "smtp_connect_timeout 10\nrouter_id LVS1\n}\n")
                              .config.global;
    CHECK(global.notification_email == std::vector<MailAddress>{{.address = "a@example.com"},
                                                                {.address = "b@example.com"},
                                                                {.address = "c@example.com"}});
    CHECK(global.notification_email_from.address == "d@example.com");
    CHECK(global.smtp_server == "mail.example.com");
    CHECK(global.smtp_port == 2525);
    CHECK(global.smtp_connect_timeout == 10s);
    CHECK(global.router_id == "LVS1");
}

TEST_CASE("of two configurations the keywords whose values or blocks differ are named, each once") {
    const auto settings = [](const std::string& text) {
        return load_sample(text + std::string{kVrrp}).config.global.more;
    };
    const auto before = *settings("global_defs {\nvrrp_priority -5\nvrrp_rlimit_rttime 7\n}\n");
    const auto after = *settings("global_defs {\nvrrp_priority -6\nvrrp_rlimit_rttime 7\nchecker_priority -5\n}\n");

    CHECK(changed_keywords(before, before) == WordList{});
    CHECK(changed_keywords(before, after) == WordList{"checker_priority", "vrrp_priority"});
    CHECK(changed_keywords(after, before) == WordList{"checker_priority", "vrrp_priority"});
    CHECK(changed_keywords({{}, {{.keyword = "a", .names = {"1"}}, {.keyword = "a", .names = {"2"}}}},
                           {{}, {{.keyword = "a", .names = {"2"}}, {.keyword = "a", .names = {"1"}}}}) ==
          WordList{"a"});
}

TEST_CASE("a time that is longer than anybody waits is one that can be added to a point in time") {
    const auto config = load_text("x.conf",
                                  "virtual_server 10.9.9.9 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n"
                                  "real_server 10.1.1.1 80 {\nTCP_CHECK {\ndelay_loop 9999999999\n}\n}\n}\n",
                                  {})
                            .config;
    const Micros loop = config.virtual_servers.at(0).real_servers.at(0).checkers.at(0).delay_loop;
    CHECK(loop == std::chrono::hours{24 * 365 * 100});
    CHECK(Instant{std::chrono::hours{24 * 365 * 100}} + loop > Instant{});
}
