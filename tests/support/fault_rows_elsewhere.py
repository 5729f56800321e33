"""Rows of docs/faults.md whose fault other tests try: what they assert, in the words of the table. tools/faults runs them."""

NONE = "no request failed"
ONE = "one master all along"
TAKEN = "one takeover; the first one is back afterwards"
HOST = "tests/host/"
LAB = "tests/lab/"

# (section, what happened, what the peer saw, what clients saw, what was lost, shown by)
PROCESSES = "Processes that die or stop"
DISKS = "Disks, logs and limits"
LINKS = "Addresses, links and netlink"
RELOADS = "Reloads, upgrades and processes that do not start"
KERNEL = "The kernel: its clock, its memory, IPVS, a network manager"
SERVICES = "Services that mainstay uses"

ROWS = [
    (PROCESSES, "SIGSTOP of mainstayd-vrrp of the BACKUP for 2 s and for 6 s, then SIGCONT", ONE, "not asked", "nothing",
     HOST + "test_pair.py::test_a_paused_vrrp_process_hears_its_master_before_it_does_anything"),
    (PROCESSES, "a stop while mainstayd-vrrp is being restarted", "not asked", "not asked", "nothing: no address stays",
     HOST + "test_pair.py::test_a_stop_right_after_the_death_of_the_vrrp_process_leaves_no_address"),
    (PROCESSES, "SIGKILL of mainstayd-lvs: the next one takes the table over", "not asked", "no server leaves the table", "nothing",
     LAB + "test_lvs_lifecycle.py::test_a_crashed_lvs_process_is_followed_by_one_that_touches_nothing"),
    (PROCESSES, "SIGKILL of mainstayd-bfd and of mainstayd-vrrp beside a BFD session", "the session stays up", "not asked", "nothing",
     HOST + "test_bfd_role.py::test_a_killed_bfd_or_vrrp_process_is_not_noticed_by_the_neighbour"),
    (PROCESSES, "SIGKILL of mainstayd-obs with a mail in the spool", "not asked", "not asked", "nothing: the mail is delivered once",
     HOST + "test_mail.py::test_an_observer_that_is_killed_loses_no_mail"),
    (PROCESSES, "SIGSTOP of the supervisor under systemd", "not asked", "not asked", "nothing: the watchdog has it restarted",
     LAB + "test_systemd.py::test_a_supervisor_that_hangs_is_ended_by_the_watchdog"),
    (PROCESSES, "SIGSTOP of every process of a director with `announce`", "the kernel withdraws its addresses", "no flow is lost",
     "nothing", LAB + "test_frozen_directors.py::test_flows_survive_directors_that_freeze_or_are_cut_off_and_servers_that_come"),
    (DISKS, "/var/spool full", "not asked", "not asked", "nothing: mails go out from memory",
     HOST + "test_mail.py::test_a_full_disk_delays_no_mail"),
    (DISKS, "/var/spool full, with webhooks", "not asked", "not asked", "nothing: events go out from memory",
     HOST + "test_webhooks.py::test_a_full_disk_delays_no_event"),
    (DISKS, "/var/spool read-only, then writable", "not asked", "the address comes first", "nothing: up to 200 mails wait in memory",
     HOST + "test_mail.py::test_without_a_disk_addresses_come_first_mails_are_in_memory_and_go_to_the_disk_when_it_works"),
    (DISKS, "the folder of the event history full", TAKEN, "not asked", "the flight record of that takeover",
     HOST + "test_recorder.py::test_a_disk_that_is_full_is_told_and_ends_nothing"),
    (DISKS, "/dev/log that nobody reads", "no gap over 2 intervals", "not asked", "lines of the log, counted",
     HOST + "test_faults.py::test_a_log_socket_that_nobody_reads_delays_nothing"),
    (DISKS, "the reader runs out of memory in a reload", "not asked", "not asked", "the reload: the running configuration stays in use",
     HOST + "test_confinement.py::test_a_process_whose_memory_runs_out_says_so_and_ends"),
    (DISKS, "a role takes all descriptors and all memory that it can get", "no gap over 3 intervals", "not asked", "nothing: it has limits",
     HOST + "test_hostile_role.py::test_a_role_takes_neither_all_descriptors_nor_all_memory"),
    (DISKS, "history files that are damaged", "not asked", "not asked", "the damaged events alone",
     HOST + "test_damaged_files.py::test_a_history_that_is_damaged_foreign_or_hostile_is_told_and_the_rest_is_used"),
    (LINKS, "netlink notifications are lost: the socket's buffer overruns", ONE, "not asked", "nothing: everything is read again",
     HOST + "test_faults_links.py::test_lost_notifications_are_made_good_by_reading_everything"),
    (LINKS, "the carrier flaps fifty times a second", "the master it had, afterwards", "not asked", "nothing",
     HOST + "test_faults_links.py::test_a_carrier_that_flaps_fifty_times_a_second_is_got_over"),
    (LINKS, "the interface goes down, and up again", TAKEN, "not asked", "nothing",
     HOST + "test_faults.py::test_an_interface_that_goes_down_is_a_fault_and_comes_back"),
    (LINKS, "the interface is deleted, and made anew", TAKEN, "not asked", "nothing",
     HOST + "test_faults.py::test_an_interface_that_vanishes_and_is_made_anew_is_used_again"),
    (LINKS, "`nft flush ruleset`", "not asked", "the address stays closed, as `no_accept` wants it", "nothing: the table is restored at once",
     HOST + "test_accept.py::test_rules_that_somebody_flushes_are_set_again"),
    (LINKS, "100,000 forged adverts a second", ONE, "not asked", "nothing",
     HOST + "test_storm.py::test_a_flood_of_forged_advertisements_moves_no_address_and_is_counted"),
    (RELOADS, "a reload in the middle of a failover", "one master afterwards", "the address answers", "nothing",
     HOST + "test_feared_paths.py::test_a_reload_in_the_middle_of_a_failover_leaves_one_master_that_the_client_reaches"),
    (RELOADS, "reloads that change everything about a master", ONE, NONE, "nothing",
     HOST + "test_feared_paths.py::test_reloads_that_change_everything_about_a_master_lose_no_packet_of_a_client"),
    (RELOADS, "`mainstayctl upgrade`", ONE, "not asked", "nothing",
     HOST + "test_upgrade.py::test_an_upgrade_replaces_every_process_but_the_peer_sees_one_master_all_along"),
    (RELOADS, "an upgrade to a program that cannot load what runs", ONE, "not asked", "nothing: it is refused",
     HOST + "test_upgrade.py::test_a_program_that_cannot_load_what_runs_is_refused_and_everything_stays"),
    (RELOADS, "a role that sends what it may not, again and again", "no gap over 3 intervals", "not asked", "that role, longer and longer",
     HOST + "test_hostile_role.py::test_a_watcher_that_sends_what_it_may_not_is_started_less_and_less_often"),
    (KERNEL, "services and servers that another program changes in IPVS", "not asked", "not asked", "what was changed, until the next audit",
     LAB + "test_lvs_lifecycle.py::test_what_others_change_is_put_right_and_what_is_theirs_stays"),
    (KERNEL, "a kernel without IPVS", "VRRP runs", "not asked", "load balancing, until the module is there",
     HOST + "test_lvs_without_ipvs.py::test_vrrp_and_checks_run_without_ipvs"),
    (SERVICES, "DNS does not answer", "not asked", "not asked", "nothing: the known servers are kept",
     HOST + "test_named_servers.py::test_servers_follow_the_name_and_stay_while_dns_fails"),
    (SERVICES, "mainstayd-lvs is killed while DNS does not answer", "not asked", "not asked", "nothing: the known servers are kept",
     HOST + "test_named_servers.py::test_a_new_lvs_process_and_a_reload_keep_the_servers_of_a_name"),
    (SERVICES, "dbus-daemon is killed and started again", "not asked", "not asked", "signals of that time",
     HOST + "test_dbus.py::test_a_bus_that_goes_away_costs_nothing_and_is_joined_again"),
    (SERVICES, "snmpd is killed and started again", "not asked", "the address stays", "answers and traps of that time",
     HOST + "test_snmp.py::test_x_and_A_do_what_the_keywords_do_and_a_master_may_come_later"),
]
SECTIONS = (PROCESSES, DISKS, LINKS, RELOADS, KERNEL, SERVICES)
