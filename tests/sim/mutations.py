"""The bugs that the simulator must find: one line of src/vrrp each, as it is and as a bug would have it.

A row is (name, file, what the bug is, the code as it is, the code with the bug). Code that ends in ';' or '}' is
statements, anything else is an expression. The code as it is must occur exactly once in its file, so a row that has
become stale breaks the build; several rows may share it. Bugs in the director around the machine are in lan.hpp.
"""

DOWN_TIME = "return master_down_time(config_.version, effective_, master_interval_, config_.down_timer_adverts);"
RESIGNED = "timer_ = step.now + skew_time(config_.version, effective_, master_interval_);"
FAULT = "if (state_ == State::Master) leave_master(step, health.link_up ? 2 : 0);"
STOP = """if (state_ == State::Master) leave_master(step, 1);
    if (state_ != State::Init) announce(step, State::Init, "STOP", "VRRP Instance stopping", true);"""
TAKEOVER = """send_advert(step);
    if (!held_addresses(config_).empty()) step.out.push_back(AddAddresses{id_});"""
NEXT_SLOT = "*timer_ += interval * (missed + 1);"

MUTATIONS = [
    # Waiting.
    ("wrong-skew", "instance.cpp", "the skew grows with the priority", DOWN_TIME,
     "return master_down_time(config_.version, static_cast<std::uint8_t>(255 - effective_), master_interval_, config_.down_timer_adverts);"),
    ("skew-in-seconds", "instance.cpp", "version 3 counts its skew in 1/256 s", DOWN_TIME,
     "return master_down_time(2, effective_, master_interval_, config_.down_timer_adverts);"),
    ("one-advert-more", "instance.cpp", "waits for down_timer_adverts + 1", DOWN_TIME,
     "return master_down_time(config_.version, effective_, master_interval_, config_.down_timer_adverts + 1);"),
    ("one-advert-less", "instance.cpp", "waits for down_timer_adverts - 1", DOWN_TIME,
     "return master_down_time(config_.version, effective_, master_interval_, config_.down_timer_adverts - 1);"),
    ("interval-not-learned", "instance_hear.cpp", "a version 3 backup waits by its own interval",
     "if (config_.version == 3 && advert.interval > Micros{0}) master_interval_ = advert.interval;", ";"),
    ("own-interval-forgotten", "instance.cpp", "after a FAULT the old master's interval counts",
     "hint_ = false;  // keepalived: the short first election is lost in a FAULT, even in that of waiting scripts (2.2.7)\n"
     "    master_interval_ = config_.advert_int;", "hint_ = false;"),
    ("timer-not-shifted", "instance.cpp", "another priority leaves a running wait alone",
     "if (state_ == State::Backup && timer_) *timer_ += down_time() - before;", ";"),
    ("no-wait-after-fault", "instance.cpp", "takes over as soon as a FAULT ends",
     "enter_backup(step, first_election(begin));", "enter_backup(step, begin);"),
    ("resign-ignored", "instance_hear.cpp", "a backup waits on after priority 0", RESIGNED, ";"),
    ("resign-blocked-by-nopreempt", "instance_hear.cpp", "nopreempt waits on after priority 0", RESIGNED,
     "if (!config_.nopreempt) timer_ = step.now + skew_time(config_.version, effective_, master_interval_);"),
    # Who is better.
    ("equal-is-not-enough", "instance_hear.cpp", "a backup does not accept a master of its own priority",
     "advert.priority >= effective_", "advert.priority > effective_"),
    ("yields-to-equal", "instance_hear.cpp", ">= for > : a master yields to its own priority from a lower address",
     "advert.priority > effective_", "advert.priority >= effective_"),
    ("tie-break-turned", "instance_hear.cpp", "of two equals the lower address wins", "advert.source > *source_",
     "advert.source < *source_"),
    ("no-tie-break", "instance_hear.cpp", "two equals both stay master", "advert.source > *source_", "false"),
    ("yields-to-lower", "instance_hear.cpp", "a master yields to a lower priority", "++counters_.rival_masters;",
     "leave_master(step, 0); follow(step, advert); enter_backup(step, step.now + down_time()); return;"),
    ("stays-against-better", "instance_hear.cpp", "a master ignores a better one",
     "if (config_.higher_prio_send_advert) send_advert(step);", "return;"),
    ("nopreempt-ignored", "instance_hear.cpp", "a better backup takes over in spite of nopreempt",
     "if (config_.nopreempt) return true;", ";"),
    ("preempt-delay-missed", "instance_hear.cpp", "takes over before preempt_delay is over",
     "return step.now < *preempt_from_;", "return false;"),
    ("preempt-delay-for-ever", "instance_hear.cpp", "preempt_delay never ends", "return step.now < *preempt_from_;",
     "return true;"),
    ("preempt-delay-not-cancelled", "instance_hear.cpp", "a better master does not end preempt_delay",
     "preempt_from_.reset();", ";"),
    ("owner-tracked", "track.cpp", "a weight lifts a director to the owner's priority",
     "std::clamp(total, 1, kOwnerPriority - 1)", "std::clamp(total, 1, 255)"),
    ("reverse-ignored", "track.cpp", "a reversed weight counts the other way", "return reverse ? -value : value;",
     "return value;"),
    # What a master does.
    ("no-advert-at-takeover", "instance.cpp", "the first advert comes an interval later", TAKEOVER,
     "if (!held_addresses(config_).empty()) step.out.push_back(AddAddresses{id_});"),
    ("addresses-before-advert", "instance.cpp", "the addresses are set before the advert goes out", TAKEOVER,
     "if (!held_addresses(config_).empty()) step.out.push_back(AddAddresses{id_}); send_advert(step);"),
    ("adverts-drift", "instance.cpp", "the interval begins when the advert went out, not when it was due", NEXT_SLOT,
     "*timer_ = step.now + interval;"),
    ("missed-adverts-in-a-burst", "instance.cpp", "what was missed in a pause is sent afterwards", NEXT_SLOT,
     "*timer_ += interval;"),
    ("priority-0-not-answered", "instance_hear.cpp", "a master that hears priority 0 waits for its next slot",
     "send_advert(step);\n        timer_ = step.now + config_.advert_int;", ";"),
    ("rival-not-answered", "instance_hear.cpp", "a weaker rival hears nothing at once",
     "answer_rival(step);\n    answered_rival_ = true;", ";"),
    ("rival-not-announced-over", "instance_hear.cpp", "after a rival the addresses are not announced again",
     "if (config_.garp_lower_prio_repeat == 0) return;", "return;"),
    # Leaving.
    ("kept-on-fault", "instance.cpp", "the addresses stay when a master goes to FAULT", FAULT,
     "if (state_ == State::Master) owns_addresses_ = false;"),
    ("silent-fault", "instance.cpp", "no priority 0 when a master goes to FAULT", FAULT,
     "if (state_ == State::Master) leave_master(step, 0);"),
    ("kept-on-yield", "instance_hear.cpp", "the addresses stay when a master yields",
     "leave_master(step, 0);\n        follow(step, advert);", "follow(step, advert);"),
    ("silent-stop", "instance.cpp", "no priority 0 when a master is stopped",
     STOP, STOP.replace("leave_master(step, 1)", "leave_master(step, 0)")),
    ("lost-address-ignored", "instance_hear.cpp", "an address that somebody removes stays away",
     "if (state_ != State::Master || !owns_addresses_) return;", "return;"),
    # Sync groups.
    ("member-does-not-follow", "group.cpp", "the other members stay master when one yields",
     "for (const InstanceId id : members_) member(id).yield(step, resigned);", ";"),
    ("group-does-not-wait", "group.cpp", "the group takes over with its first member",
     "all_ready && any(&Instance::wants_master)", "any(&Instance::wants_master)"),
    ("fault-not-shared", "group.cpp", "a member's FAULT leaves the others alone",
     "if (!own.faults.empty() && !own.only_waiting) return own;", "return own;"),
    ("rival-answered-alone", "group.cpp", "only the member that heard the rival answers",
     "any(&Instance::answered_rival)", "false"),
    # Scripts.
    ("one-failure-more", "script_board.cpp", "rise and fall are off by one", "++result.streak < needed",
     "++result.streak <= needed"),
    # Starting again.
    ("adoption-without-state", "instance.cpp", "a new incarnation begins as BACKUP",
     "if (previous.state == State::Init) return start(step, health, step.now);",
     "return start(step, health, step.now);"),
    ("adopted-backup-does-not-listen", "instance.cpp", "an adopted backup takes over though it may have missed adverts",
     "timer_ = missed ? step.now + down_time() : previous.deadline;", "timer_ = previous.deadline;"),
    ("adopted-master-stays", "instance.cpp", "a nopreempt master that was away too long goes on",
     "config_.nopreempt && silence > Nanos{config_.advert_int} * config_.down_timer_adverts", "false"),
    ("adopted-group-splits", "instance.cpp", "one member steps back after a crash, the others do not",
     "follows_master_ = grouped();", ";"),
    ("leftovers-stay", "router.cpp", "addresses of a crashed incarnation without a state block stay",
     "if (!left.empty()) step.out.push_back(RemoveAddresses{id, std::move(left)});", ";"),
    ("startup-delay-hears", "router.cpp", "vrrp_startup_delay does not close the ears",
     "if (startup_until && step.now < *startup_until) return;", ";"),
    ("replaced-interface-ignored", "router.cpp", "a new interface of the old name gets no addresses",
     "if (!recreated) return;", "return;"),
    # Reload.
    ("reload-keeps-removed", "reload.cpp", "an address that left the configuration stays",
     "if (!change.removed.empty()) step.out.push_back(ChangeAddresses{id, {}, change.removed});", ";"),
    ("reload-forgets-state", "reload.cpp", "a reload makes every instance anew",
     "kept[at] || !same_instance(old[at].config(), c)", "true"),
    ("reload-restarts-the-wait", "instance_hear.cpp", "a reload lets a backup wait from the beginning",
     "timer_ && state_ == State::Backup && other_wait", "timer_ && state_ == State::Backup"),
    ("reload-forgets-restores", "instance_hear.cpp", "an address that waits to be put back is forgotten by a reload",
     "return next && std::ranges::find(change.added, *next) == change.added.end() ? next : std::nullopt;",
     "return std::nullopt;"),
    # Packets that nobody may believe.
    ("ttl-not-checked", "receive.cpp", "a routed packet counts", "p.ttl == kMulticastTtl", "true"),
    ("checksum-not-checked", "receive.cpp", "a damaged packet counts",
     "!wire::vrrp_checksum_right(p.payload, p.source, p.destination)", "false"),
    ("password-not-checked", "receive.cpp", "a packet with another password counts",
     "packet.auth != auth_bytes(c.config)", "false"),
    ("interval-not-checked", "receive.cpp", "a version 2 packet with another interval counts",
     "packet.interval == c.config.advert_int", "true"),
    ("version-not-checked", "receive.cpp", "a packet of the other version counts",
     "packet.version == c.config.version", "true"),
    ("cast-not-checked", "receive.cpp", "a multicast packet counts for a unicast instance",
     "p.destination.is_multicast() != unicast", "true"),
]
