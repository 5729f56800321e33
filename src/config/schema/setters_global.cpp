// Setters of global_defs, vrrp_script and the notify commands.
#include <algorithm>
#include <iterator>
#include <utility>

#include "config/language/expand.hpp"
#include "mainstay/config/keywords.hpp"
#include "setters.hpp"

namespace mainstay::config {
namespace {

constexpr std::uint16_t kSmtpPort = 25;

// True when the account may be used; otherwise reported. Without an Environment every account is believed.
bool account_exists(ParseContext& r, std::string_view user, std::string_view group) {
    return !r.environment.account_exists || r.environment.account_exists(user, group);
}

}  // namespace

std::uint32_t at_least_one(ParseContext& r, const Value& v) {
    if (v.number != 0) return u32(v);
    r.diag.error(Code::OutOfRange, v.mark, fmt::format("{} must be at least 1, got 0", v.row.name)).effect =
        "1 is used";
    return 1;
}

void set_smtp_server(ParseContext& r, const Value& v) {
    std::uint16_t port = kSmtpPort;
    if (v.count() > 1) {
        const auto number = whole_number(v.arg(1), 1, 65535);
        if (!number) {
            auto& d = r.diag.error(Code::OutOfRange, v.arg_mark(1),
                                   fmt::format("the mail server's port must be 1 to 65535, got {}", v.arg(1)));
            d.effect = "the keyword is ignored";
            return;
        }
        port = static_cast<std::uint16_t>(*number);
    }
    r.global.smtp_server = v.word;
    r.global.smtp_port = port;
    if (!r.environment.host_resolves || IpAddress::parse(v.word) || r.environment.host_resolves(v.word)) return;
    auto& d =
        r.diag.warn(Code::UnknownHost, v.mark, fmt::format("the mail server's name {} cannot be resolved", v.word));
    d.effect = "it is resolved again for each mail; keepalived sends no mail";
    const auto colon = v.word.find(':');
    if (v.count() == 1 && colon != v.word.npos && whole_number(v.word.substr(colon + 1), 1, 65535))
        d.fix = fmt::format("the port is a word of its own: `smtp_server {} {}`", v.word.substr(0, colon),
                            v.word.substr(colon + 1));
    else
        d.fix = "an address needs no name service";
}

void set_smtp_timeout(ParseContext& r, const Value& v) {
    r.global.smtp_connect_timeout = Seconds{v.number};
    if (v.number != 0) return;
    r.diag.error(Code::OutOfRange, v.mark, "smtp_connect_timeout must not be 0").effect = "1 is used";
    r.global.smtp_connect_timeout = Seconds{1};
}

namespace {

// The addresses of the line from the value's first word on. What is none is reported, with its effect.
std::vector<MailAddress> mail_addresses_of(ParseContext& r, const Value& v, const char* effect) {
    const Statement& line = v.statement;
    const std::uint32_t begin = line.words[v.first].mark.offset - line.mark.offset;
    auto read = mail_addresses(without_escapes(line.raw.substr(begin)));
    for (const MailAddressProblem& problem : read.problems) {
        const Mark mark{line.mark.offset + begin + static_cast<std::uint32_t>(problem.at),
                        static_cast<std::uint32_t>(problem.length)};
        r.diag.error(Code::NotAMailAddress, mark, problem.what).effect = effect;
    }
    return std::move(read.addresses);
}

}  // namespace

void add_mail_recipients(ParseContext& r, const Value& v) {
    std::ranges::move(mail_addresses_of(r, v, "it gets no mail"), std::back_inserter(r.global.notification_email));
}

void set_mail_sender(ParseContext& r, const Value& v) {
    auto addresses = mail_addresses_of(r, v, "it is ignored (default: <user>@<hostname>)");
    if (addresses.empty()) return;
    if (addresses.size() > 1) {
        auto& d = r.diag.error(Code::NotAMailAddress, v.mark,
                               fmt::format("a mail has one sender, but here are {} addresses", addresses.size()));
        d.effect = "the first one is used";
        d.fix = "write a name with its address as `Name <address>`";
    }
    r.global.notification_email_from = std::move(addresses.front());
}

void set_flush_on_stop(ParseContext& r, const Value& v) {
    r.global.lvs_flush_on_stop =
        v.count() != 0 && v.arg(0) == "VS" ? Global::FlushOnStop::Services : Global::FlushOnStop::All;
}

void set_sync_daemon(ParseContext& r, const Value& v) {
    if (r.sync_daemon_mark.length == 0) r.sync_daemon_mark = v.mark;
    const auto group = value_of<IpAddress>(v.section->values, keyword::group);
    if (!group || group->is_multicast()) return;
    r.diag
        .error(Code::NotAnAddress, v.mark,
               fmt::format("group of lvs_sync_daemon needs a multicast address, got {}", group->to_string()))
        .effect = "the word is ignored";
    drop_value(*v.line_values, keyword::group);
}

bool is_link_local_group(const IpAddress& address) {
    return address.is_v6() && address.is_multicast() && (address.bytes()[1] & std::byte{0x0f}) == std::byte{0x02};
}

void set_multicast_group(ParseContext& r, const Value& v) {
    const bool want_v4 = v.row.name.ends_with('4');
    if (!v.address.is_multicast() || v.address.is_v4() != want_v4) {
        r.diag
            .error(
                Code::NotAnAddress, v.mark,
                fmt::format("{} needs an {} multicast address, got {}", v.row.name, want_v4 ? "IPv4" : "IPv6", v.word))
            .effect = "the keyword is ignored";
        return;
    }
    if (!want_v4 && !is_link_local_group(v.address))
        r.diag.error(Code::NotAnAddress, v.mark, fmt::format("{} {} is not a link-local group", v.row.name, v.word))
            .effect = "it is used";
    (want_v4 ? r.global.vrrp_mcast_group4 : r.global.vrrp_mcast_group6) = v.address;
}

void check_rt_priority(ParseContext& r, const Value& v) {
    if (v.number >= kLeastRtPriority && v.number <= kMostRtPriority) return;
    r.diag.error(Code::OutOfRange, v.mark, fmt::format("{} must be 1 to 99, got {}", v.row.name, v.number)).effect =
        fmt::format("{} is used", std::clamp(v.number, kLeastRtPriority, kMostRtPriority));
}

void set_rt_priority(ParseContext& r, const Value& v) {
    check_rt_priority(r, v);
    r.global.vrrp_rt_priority = static_cast<int>(std::clamp(v.number, kLeastRtPriority, kMostRtPriority));
}

void set_script_user(ParseContext& r, const Value& v) {
    const std::string_view group = v.count() > 1 ? v.arg(1) : std::string_view{};
    r.script_user = v.mark;
    const bool nameless = v.count() > 1 && group.empty();
    if (nameless || !account_exists(r, v.word, group)) {
        if (v.word.empty()) r.diag.take_back_at(v.mark);  // that it is empty
        auto& d = r.diag.error(
            Code::UnknownAccount, v.mark,
            fmt::format("script_user: {}", nameless ? "the group has no name" : unknown_account(v.word, group)));
        d.effect = "vrrp_scripts without a user of their own are not run";
        r.script_user_unknown = true;
        r.unknown_account = std::pair{std::string{v.word}, std::string{group}};
        r.unknown_account_entry = r.diag.last();
        return;
    }
    r.script_user_unknown = false;
    r.global.script_user = v.word;
    r.global.script_group = group;
}

void note_process_script(ParseContext& r, const Value& v) {
    const auto has_keyword = [&](const auto& script) { return script.first == v.row.name; };
    if (std::ranges::none_of(r.process_scripts, has_keyword)) r.process_scripts.emplace_back(v.row.name, v.mark);
}

void begin_script(ParseContext& r, const Value& v) {
    // keepalived: of two with one name the first is used, silently; what is wrong in the other is told like the rest.
    const bool again = !r.script_names.emplace(std::string{v.word}, r.scripts.size()).second;
    if (again) {
        auto& d = r.diag.advise(Code::DuplicateName, v.mark, fmt::format("vrrp_script {} is defined already", v.word));
        d.effect = "the whole block is ignored";
        d.fix = "rename it, or delete one of the two";
    }
    r.script = &r.scripts.emplace_back();
    r.script->again = again;
    r.script->model.name = v.word;
    r.script->name = v.mark;
}

void set_script_interval(ParseContext& r, const Value& v) {
    r.script->model.interval = v.time;
    if (v.time.count() != 0) return;
    r.diag.error(Code::OutOfRange, v.mark, fmt::format("interval of script {} must be above 0", r.script->model.name))
        .effect = "1 second is used";
    r.script->model.interval = Micros{1'000'000};
}

void set_script_timeout(ParseContext& r, const Value& v) {
    r.script->timeout = v.time;
    if (v.time.count() != 0) return;
    r.diag.error(Code::OutOfRange, v.mark, fmt::format("timeout of script {} must be above 0", r.script->model.name))
        .effect = "1 second is used";
    r.script->timeout = Micros{1'000'000};
}

void set_script_weight(ParseContext& r, const Value& v) {
    r.script->model.weight = static_cast<int>(v.number);
    r.script->model.reverse = v.tail == "reverse";
}

// `user` of vrrp_script and of MISC_CHECK.
void set_account(ParseContext& r, const Value& v) {
    const std::string_view group = v.count() > 1 ? v.arg(1) : std::string_view{};
    Command& command = r.script != nullptr ? r.script->model.command : r.checker->model.misc_path.edit();
    command.user = v.word;
    command.group = group;
    if (account_exists(r, v.word, group)) return;
    // The account of script_user is missing here, too: one message.
    const bool same = r.script_user_unknown && r.unknown_account == std::pair{std::string{v.word}, std::string{group}};
    (r.script != nullptr ? r.script->account_unknown : r.checker->account_unknown) = true;
    if (same && r.unknown_account_entry < r.diag.entries().size()) return r.diag.also(r.unknown_account_entry, v.mark);
    if (v.word.empty()) r.diag.take_back_at(v.mark);  // that it is empty
    auto& d = r.diag.error(Code::UnknownAccount, v.mark, unknown_account(v.word, group));
    d.effect =
        r.script != nullptr ? fmt::format("script {} is not run", r.script->model.name) : "the check is left out";
}

// notify_deleted and notify_master_rx_lower_pri, which are stored by their names.
void note_rarer_notify(ParseContext& r, const Value& v) {
    NotifyMarks& marks = r.instance->notify.edit();
    Mark& mark = v.row.name == keyword::notify_deleted.text ? marks.deleted : marks.lower_priority_heard;
    if (mark.length == 0) mark = v.mark;
}

// notify, notify_master ..., notify_up, quorum_up: the command that each name means.
void set_notify(ParseContext& r, const Value& v) {
    CompactOptional<Command>* command = nullptr;
    Mark* mark = nullptr;
    const std::string_view what = v.row.name;
    if (r.server != nullptr) {
        const bool up = what == "notify_up";
        command = up ? &r.server->model.notify_up : &r.server->model.notify_down;
        mark = up ? &r.server->up : &r.server->down;
    } else if (r.service != nullptr) {
        const bool up = what == "quorum_up";
        command = up ? &r.service->model.quorum_up : &r.service->model.quorum_down;
        mark = up ? &r.service->up : &r.service->down;
    } else {
        Notifies& all = r.instance != nullptr ? r.instance->model.notify : r.group->model.notify;
        NotifyMarks& marks = (r.instance != nullptr ? r.instance->notify : r.group->notify).edit();
        const auto choose = [&](CompactOptional<Command> Notifies::* c, Mark NotifyMarks::* m) {
            command = &(all.*c), mark = &(marks.*m);
        };
        if (what == "notify_master")
            choose(&Notifies::master, &NotifyMarks::master);
        else if (what == "notify_backup")
            choose(&Notifies::backup, &NotifyMarks::backup);
        else if (what == "notify_fault")
            choose(&Notifies::fault, &NotifyMarks::fault);
        else if (what == "notify_stop")
            choose(&Notifies::stop, &NotifyMarks::stop);
        else
            choose(&Notifies::any, &NotifyMarks::any);
    }
    if (!command->empty()) {
        r.diag.error(Code::GivenTwice, v.mark, fmt::format("{} was given before", what)).effect =
            "the first one is kept";
        return;
    }
    *command = v.command;
    *mark = v.mark;
}

}  // namespace mainstay::config
