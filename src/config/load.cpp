#include "mainstay/config/load.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "config/language/files.hpp"
#include "config/parse/parser.hpp"
#include "config/schema/parse_context.hpp"
#include "config/toml/words.hpp"
#include "config/validate/validate.hpp"
#include "mainstay/config/language/resolver.hpp"
#include "mainstay/config/toml/toml.hpp"

namespace mainstay::config {
namespace {

constexpr std::size_t kProbedBytes = 4096;  // of a file, to distinguish text from garbage
constexpr std::size_t kMostControlBytes = 64;

// A NUL or many control characters near the start: not a text file.
bool looks_binary(std::string_view text) {
    const std::string_view head = text.substr(0, kProbedBytes);
    const auto control = std::ranges::count_if(head, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t' && byte != '\f' && byte != '\v';
    });
    return control > static_cast<std::ptrdiff_t>(kMostControlBytes);
}

Loaded unusable(std::string path, Code code, std::string message) {
    Loaded loaded;
    loaded.files.push_back({std::move(path), {}});
    Diagnostic d;
    d.severity = Severity::Fatal;
    d.rank = Rank::CannotRun;
    d.code = static_cast<std::uint16_t>(code);
    d.message = std::move(message);
    d.effect = "there is no configuration to run";
    loaded.diagnostics.push_back(std::move(d));
    return loaded;
}

bool overlap(Mark a, Mark b) {
    return a.offset < b.offset + std::max(b.length, 1U) && b.offset < a.offset + std::max(a.length, 1U);
}

std::string written(const Snapshot::Unexpanded& reference) {
    return reference.braced ? fmt::format("${{{}}}", reference.name) : "$" + reference.name;
}

std::string why_not_expanded(const Snapshot& snapshot, const Snapshot::Unexpanded& reference) {
    const std::string name = written(reference);
    if (reference.several_lines)
        return fmt::format("{} has several lines: it is expanded at the end of a line only", name);
    const std::vector<std::string_view> names{snapshot.names.begin(), snapshot.names.end()};
    if (const auto near = nearest(reference.name, names); !near.empty() && near != reference.name)
        return fmt::format("{} is not defined; did you mean ${}?", name, near);
    if (std::ranges::find(names, reference.name) != names.end())
        return fmt::format("{} is defined further down; a definition applies from its line on", name);
    return fmt::format("{} is not defined: a line `${}=VALUE` before this one defines it", name, reference.name);
}

void add_hint(Diagnostic& d, const std::string& fix) { d.fix += d.fix.empty() ? fix : "; " + fix; }

bool in_skipped_block(const ParseContext& r, Mark mark) {
    const auto after = std::ranges::upper_bound(r.skipped, mark.offset, {}, &Mark::offset);
    return after != r.skipped.begin() && mark.offset < std::prev(after)->offset + std::prev(after)->length;
}

// The line that should define the name but was reported as invalid; null if there is none.
Diagnoser::Entry* refused_definition(ParseContext& r, const Snapshot& snapshot, const std::string& name) {
    for (Diagnoser::Entry& entry : r.diag.entries())
        if (entry.diagnostic.code == static_cast<std::uint16_t>(Code::DefinitionRefused) &&
            snapshot.text().substr(entry.mark.offset, entry.mark.length) == "$" + name)
            return &entry;
    return nullptr;
}

// A consequence of a refused definition is added to the message about that definition.
void blame(Diagnoser::Entry& definition, Diagnoser::Entry& use) {
    use.dropped = true;
    if (use.diagnostic.severity != Severity::Fatal) return;
    definition.diagnostic.severity = Severity::Fatal;
    definition.diagnostic.effect = use.diagnostic.effect;
}

// One cause gives one message: if an unexpanded reference caused a diagnostic, the explanation is added to it.
void explain_references(ParseContext& r, const Snapshot& snapshot) {
    for (const auto& reference : snapshot.unexpanded) {
        if (r.diag.full()) return;  // each reference costs a search of all names and messages
        const std::string why = why_not_expanded(snapshot, reference);
        Diagnoser::Entry* definition = refused_definition(r, snapshot, reference.name);
        bool reported = false;
        for (Diagnoser::Entry& entry : r.diag.entries()) {
            if (!overlap(entry.mark, reference.mark)) continue;
            reported = true;
            if (&entry == definition) continue;
            if (definition != nullptr)
                blame(*definition, entry);
            else
                entry.diagnostic.fix = why;
        }
        // In quotes it may be intended for a shell, and its braces have no effect.
        const bool meant = !reference.quoted || why.contains(';') || reference.several_lines;
        if (reported || !meant || in_skipped_block(r, reference.mark)) continue;
        auto& d = reference.braced && !reference.quoted ? r.diag.error(Code::NameNotDefined, reference.mark, why)
                                                        : r.diag.advise(Code::NameNotDefined, reference.mark, why);
        d.effect = reference.braced && !reference.quoted ? "it is not expanded; keepalived ends the line at its brace"
                                                         : "it is not expanded";
    }
}

void mention_definition(Diagnostic& d, Mark mark, const Snapshot& snapshot) {
    const auto* definition = snapshot.definition_at(mark);
    if (definition == nullptr) return;
    const std::string& file = snapshot.files[definition->file].path;
    add_hint(d, fmt::format("${} is defined at {}:{}", definition->name, file, definition->line));
}

// Nobody sees it, in the message and in the editor.
void mention_invisible(Diagnostic& d, std::string_view text) {
    for (const Code code : {Code::InvisibleCharacter, Code::ByteOrderMark})
        if (d.code == static_cast<std::uint16_t>(code)) return;
    for (std::size_t at = 0; at < text.size(); ++at)
        if (const auto found = invisible_character(text.substr(at)); found.bytes != 0) {
            d.fix =
                fmt::format("there is a {} in it, which nobody sees: delete it, or write a plain blank", found.name);
            return;
        }
}

void mention_others(Diagnoser::Entry& entry, const Snapshot& snapshot) {
    if (entry.repeats != 0)
        add_hint(entry.diagnostic, entry.repeats == 1
                                       ? std::string{"reported once; occurs once more"}
                                       : fmt::format("reported once; occurs {} more times", entry.repeats));
    if (entry.others.empty()) return;
    std::string list;
    Place last = entry.diagnostic.place;
    for (const Mark other : entry.others) {
        const Place place = snapshot.place(other);
        if (place.file == last.file && place.line == last.line) continue;  // expanded from one line
        last = place;
        list += list.empty() ? "" : ", ";
        list += place.file == entry.diagnostic.place.file
                    ? fmt::format("line {}", place.line)
                    : fmt::format("{}:{}", snapshot.files[place.file].path, place.line);
    }
    if (list.empty()) return;
    if (entry.more != 0) list += fmt::format(" and {} more", entry.more);
    add_hint(entry.diagnostic, fmt::format("the same applies to {}", list));
}

void report_dropped(ParseContext& r, std::vector<Diagnostic>& out) {
    if (r.diag.dropped() == 0) return;
    Diagnostic d;
    d.severity = r.diag.dropped_fatal() ? Severity::Fatal : Severity::Warning;
    d.rank = r.diag.dropped_rank();
    d.code = static_cast<std::uint16_t>(Code::TooManyDiagnostics);
    d.message = fmt::format("{} more diagnostics are not shown", r.diag.dropped());
    out.push_back(std::move(d));
}

// keepalived 2.4.3: exit code 0, whatever else is wrong with the file. The exit code is the same here, but all
// diagnostics are shown.
void check_net_namespace(ParseContext& r) {
    const auto& exists = r.environment.network_namespace_exists;
    if (r.net_namespace.empty() || !exists || exists(r.net_namespace)) return;
    auto& d = r.diag.add(Severity::Warning, Rank::Untested, Code::NetworkNamespaceMissing, r.net_namespace_mark,
                         fmt::format("there is no network namespace {}", r.net_namespace));
    d.effect = "the daemon does not start; -t exits with 0, as keepalived's does, which then tests nothing";
    d.fix = fmt::format("ip netns add {}", r.net_namespace);
}

// A real server of a resolved service is an instance's virtual address or peer: check_across has something to say of
// it.
bool names_instances(const ParseContext& r) {
    std::set<IpAddress> addresses;
    for (const InstanceDraft& instance : r.instances) {
        for (const VirtualAddress& address : instance.model.addresses) addresses.insert(address.prefix.address);
        for (const UnicastPeer& peer : instance.model.unicast_peers) addresses.insert(peer.address);
    }
    const auto is_named = [&](const RealServer& server) { return addresses.contains(server.endpoint.address); };
    return !addresses.empty() && std::ranges::any_of(r.resolved.models, [&](const VirtualServer& service) {
        return std::ranges::any_of(service.real_servers, is_named);
    });
}

// A service that was resolved early used the global_defs read so far, and its draft, with the positions of its servers,
// has been freed. In the rare case that more global_defs follow, or that a diagnostic needs the draft, everything is
// read again and resolved at the end.
bool resolved_too_early(const ParseContext& r) {
    return r.resolved.with && (*r.resolved.with != r.global || r.resolved.remarkable || names_instances(r));
}

template <class Answer>
std::function<Answer(std::string_view)> remembered(std::function<Answer(std::string_view)> ask) {
    if (!ask) return ask;
    return [ask = std::move(ask), known = std::map<std::string, Answer, std::less<>>{}](std::string_view name) mutable {
        auto found = known.find(name);
        if (found == known.end()) found = known.emplace(name, ask(name)).first;
        return found->second;
    };
}

// Each interface is queried once, because a file may use one in thousands of instances, and so is each host name: a
// file with mistakes is read twice, and DNS may be slow.
Environment remembering(Environment environment) {
    environment.interface_called = remembered(std::move(environment.interface_called));
    environment.multicasts = remembered(std::move(environment.multicasts));
    environment.mtu_of = remembered(std::move(environment.mtu_of));
    environment.host_resolves = remembered(std::move(environment.host_resolves));
    return environment;
}

// The statements of a file whose braces do not fit.
struct Walk {
    const WalkedFile& file;
    const std::vector<BraceFault>& mistakes;
};

// Null `walk`: the text is read as it stands; false: its braces do not fit.
bool read(std::optional<ParseContext>& reading, const Environment& environment, const Snapshot& snapshot,
          const Walk* walk) {
    const auto all = [&](bool resolve_early) {
        reading.emplace(environment, snapshot);
        reading->resolve_early = resolve_early;
        if (walk == nullptr) return parse(*reading, snapshot.text());
        parse(*reading, snapshot.text(), walk->file, walk->mistakes);
        return true;
    };
    if (!all(true)) return false;
    if (resolved_too_early(*reading)) (void)all(false);
    return true;
}

void check(ParseContext& r, Config& config) {
    check_net_namespace(r);
    check_scripts(r);
    check_across(r);
    check_vrrp(r, config);
    check_services(r, config);
    config.global = std::move(r.global);
    config.more = std::move(r.more);
    check_sync_daemon(r, config);
    check_announce(r, config);
    check_active_active(r, config);
    resolve_names(r, config);
    explain_references(r, r.snapshot);
}

// Drops the messages that come of mistakes told beside them.
void fold(ParseContext& r, const Environment& environment, const Snapshot& snapshot, const Intended& intended) {
    if (!intended.known) return;
    std::optional<ParseContext> sound;
    Config unused;
    const std::vector<BraceFault> none;
    const Walk walk{intended.file, none};
    (void)read(sound, environment, snapshot, &walk);
    check(*sound, unused);
    fold_consequences(r, *sound, intended.mistakes);
}

// As keepalived reads it, with the messages about what was probably meant.
void read_wrong_braces(std::optional<ParseContext>& reading, const Environment& environment, const Snapshot& snapshot,
                       Config& config) {
    const WalkedFile walked = walk_blocks(snapshot.text());
    Intended intended = read_as_intended(snapshot.text());
    if (intended.mistakes.empty()) intended.mistakes = walked.faults;
    const Walk walk{walked, intended.mistakes};
    (void)read(reading, environment, snapshot, &walk);
    check(*reading, config);
    fold(*reading, environment, snapshot, intended);
}

Loaded load(Snapshot snapshot, const Environment& host) {
    const Environment environment = remembering(host);
    std::optional<ParseContext> reading;
    Loaded loaded;
    if (read(reading, environment, snapshot, nullptr)) {
        check(*reading, loaded.config);
        if (may_have_consequences(*reading)) fold(*reading, environment, snapshot, read_as_intended(snapshot.text()));
    } else {
        read_wrong_braces(reading, environment, snapshot, loaded.config);
    }
    ParseContext& r = *reading;
    fold_into_refused_blocks(r);
    if (!r.diag.entries().empty() || r.diag.dropped() != 0) snapshot.index_lines();
    for (Diagnoser::Entry& entry : r.diag.entries()) {
        if (entry.dropped) continue;
        Diagnostic& diagnostic = entry.diagnostic;
        diagnostic.place = snapshot.place(entry.mark);
        mention_invisible(diagnostic, snapshot.text().substr(entry.mark.offset, entry.mark.length));
        mention_definition(diagnostic, entry.mark, snapshot);
        mention_others(entry, snapshot);
        loaded.diagnostics.push_back(std::move(diagnostic));
    }
    std::ranges::move(snapshot.findings, std::back_inserter(loaded.diagnostics));
    std::ranges::stable_sort(loaded.diagnostics, {}, [](const Diagnostic& d) {
        return std::tuple{d.place.file, d.place.line, d.place.column};
    });
    report_dropped(r, loaded.diagnostics);
    loaded.files = std::move(snapshot.files);
    for (auto& thing : r.lost) loaded.lost.push_back(std::move(thing.lost));
    loaded.resolved = std::make_shared<const Snapshot>(std::move(snapshot));
    return loaded;
}

Loaded load_toml(SourceFile file, const Environment& environment) {
    Loaded loaded = load(read_toml(std::move(file)), environment);
    for (Diagnostic& d : loaded.diagnostics) d.fix = fix_in_toml(d.fix);
    return loaded;
}

Code code_of(const Error& error) {
    switch (error.code()) {
        case Errc::NotFound:
            return Code::FileMissing;
        case Errc::Invalid:
            return Code::FileNotRegular;
        case Errc::Unsupported:
            return Code::FileExecutable;
        case Errc::Limit:
            return Code::FileTooLarge;
        default:
            return Code::FileUnreadable;
    }
}

// The files given by the operator: one, or all matches of a pattern. A file with exactly that name takes precedence.
std::vector<std::string> named_files(const std::string& name) {
    if ((!has_wildcard(name) && !has_braces(name)) || real_file(name)) return {name};
    auto paths = match_files({}, name).paths;
    if (paths.empty()) paths.push_back(name);
    return paths;
}

}  // namespace

Loaded load_file(const std::string& path, const Environment& environment) {
    const auto paths = named_files(path);
    std::vector<SourceFile> tops;
    for (const std::string& name : paths) {
        auto text = read_file(name);
        if (!text) return unusable(name, code_of(text.error()), text.error().text());
        if (looks_binary(*text)) return unusable(name, Code::FileBinary, "this is not a text file");
        tops.push_back({name, std::move(*text)});
        tops.back().by_pattern = name != path;
    }
    if (paths.size() == 1 && is_toml_name(paths[0])) return load_toml(std::move(tops[0]), environment);
    Snapshot snapshot = resolve(std::move(tops), environment, true);
    if (paths.size() > 1) {
        Diagnostic d;
        d.severity = Severity::Warning;  // keepalived: one that raises the exit code
        d.code = static_cast<std::uint16_t>(Code::SeveralFiles);
        d.message = fmt::format("{} matches {} files", path, paths.size());
        d.effect = "they are read in order, as one file";
        snapshot.findings.push_back(std::move(d));
    }
    return load(std::move(snapshot), environment);
}

std::string consolidated(const std::string& path, const Environment& environment) {
    std::vector<SourceFile> tops;
    for (const std::string& name : named_files(path)) {
        auto text = read_file(name);
        if (!text) return {};
        tops.push_back({name, std::move(*text)});
    }
    if (tops.size() == 1 && is_toml_name(tops[0].path)) return tops[0].text;
    return std::string{resolve(std::move(tops), environment, true).text()};
}

Loaded load_text(std::string name, std::string text, const Environment& environment) {
    if (is_toml_name(name)) return load_toml({std::move(name), std::move(text)}, environment);
    std::vector<SourceFile> tops;
    tops.push_back({std::move(name), std::move(text)});
    return load(resolve(std::move(tops), environment, false), environment);
}

ConfigSource find_source(const Places& places) {
    ConfigSource source;
    const auto take = [&](const std::string& path) {
        if (source.used.empty())
            source.used = path;
        else
            source.passed_over.push_back(path);
    };
    for (const std::string& path : places.files)
        if (real_file(path)) take(path);
    if (const auto text = real_file(places.own) ? read_file(places.own) : Result<std::string>{""}; text) {
        const auto director = toml_has_director(*text);
        if (director.value_or(source.used.empty())) take(places.own);
    }
    return source;
}

}  // namespace mainstay::config
