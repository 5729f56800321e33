#include "parser.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace mainstay::config {
namespace {

constexpr std::size_t kMostNamed = 500;  // in one message

std::string_view name_of(const KeywordSpec* row) { return row == nullptr ? std::string_view{} : row->name; }

// "in virtual_server"
std::string place_of(const KeywordSpec* level) {
    return level == nullptr ? std::string{"outside of all blocks"} : fmt::format("in {}", level->name);
}

// The keyword at `mark` with its words, as the file has them: "vrrp_instance VI_1".
std::string heading_of(const ParseContext& r, Mark mark) {
    constexpr std::size_t kMostCharacters = 60;
    std::string_view line = r.snapshot.text().substr(mark.offset);
    line = line.substr(0, std::min(line.find_first_of("\n\r{}#!"), kMostCharacters));
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
    return std::string{line};
}

std::string names_of(const std::vector<const KeywordSpec*>& rows) {
    std::vector<std::string_view> names;
    for (const KeywordSpec* row : rows) names.push_back(row->name);
    return fmt::format("{}", fmt::join(names, ", "));
}

void report_open(ParseContext& r, const BraceFault& fault) {
    using Kind = BraceFault::Kind;
    std::string message = fault.kind == Kind::OpenTwice    ? fmt::format("a second {{ follows {}", name_of(fault.row))
                          : fault.kind == Kind::OpenInList ? fmt::format("a {{ is no entry of {}", name_of(fault.level))
                          : fault.word.empty()
                              ? std::string{"this { does not follow a keyword that opens a block"}
                              : fmt::format("'{}' does not open a block, but a {{ follows", fault.word);
    auto& d = r.diag.error(Code::UnexpectedBlock, fault.mark, std::move(message));
    d.effect =
        fault.level == nullptr
            ? "it is ignored: what follows counts as outside of all blocks"
            : fmt::format("it is ignored: what follows counts as in {}, which the next }} closes", fault.level->name);
    d.fix = fault.paired                    ? "delete it and its }"
            : fault.kind == Kind::OpenTwice ? "delete one of the two"
                                            : "delete it";
}

void report_close(ParseContext& r, const BraceFault& fault) {
    if (fault.kind == BraceFault::Kind::CloseExtra) {
        auto& d = r.diag.error(Code::ExtraCloseBrace, fault.mark, "this } has no matching {");
        d.effect = "it is ignored";
        d.fix = fault.word.empty() ? "" : "the block before it was closed already; delete one of the two";
        return;
    }
    const std::string name{name_of(fault.row)};
    auto& d = r.diag.error(
        Code::ExtraCloseBrace, fault.mark,
        fault.word.empty() ? fmt::format("this }} closes {}, whose own }} follows", name)
                           : fmt::format("this }} closes {}, but {} follows, which belongs in it", name, fault.word));
    d.effect = fault.word.empty() ? "what follows counts as in the block around"
                                  : fmt::format("what follows counts as {}", place_of(fault.level));
    d.fix = fault.paired ? fmt::format("move it behind {}", r.where(fault.after)) : "delete it";
}

void report_unclosed(ParseContext& r, const BraceFault& fault) {
    auto& d = r.diag.error(
        Code::MissingCloseBrace, fault.mark,
        fmt::format("{} is not closed: its }} is missing at the end of the file", heading_of(r, fault.mark)));
    d.effect = "the block ends at the end of the file, and is used";
    d.fix = fault.also.empty() ? "add a line with }" : fmt::format("not closed either: {}", names_of(fault.also));
}

void report_missing_close(ParseContext& r, const BraceFault& fault) {
    if (r.diag.full()) {  // nobody reads it, and its lines would be counted
        r.diag.error(Code::MissingCloseBrace, fault.opened, {});
        return;
    }
    const std::string after = r.where(fault.after);
    auto& d =
        r.diag.error(Code::MissingCloseBrace, fault.opened,
                     fmt::format("{} is not closed: its }} is missing after {}", heading_of(r, fault.opened), after));
    d.effect = fmt::format("what follows is read as in {}, up to the next }}", name_of(fault.row));
    d.fix = fault.also.empty() ? fmt::format("add a line with }} after {}", after)
                               : fmt::format("add {} lines with }} after {}: {} is not closed either",
                                             fault.also.size() + 1, after, names_of(fault.also));
}

void report(ParseContext& r, const BraceFault& fault) {
    using Kind = BraceFault::Kind;
    switch (fault.kind) {
        case Kind::OpenMissing:
            report_missing_brace(r.diag, *fault.row, r.snapshot.text().substr(fault.mark.offset, fault.mark.length),
                                 fault.mark);
            break;
        case Kind::OpenUnexpected:
        case Kind::OpenInList:
        case Kind::OpenTwice:
            report_open(r, fault);
            break;
        case Kind::CloseEarly:
        case Kind::CloseExtra:
            report_close(r, fault);
            break;
        case Kind::Unclosed:
            report_unclosed(r, fault);
            break;
        case Kind::CloseMissing:
            report_missing_close(r, fault);
            break;
        case Kind::UnknownBlock:
            return;
    }
    r.fault_entries.emplace(fault.mark.offset, r.diag.last());
}

// The last one at or before `offset`, or the first one; null: there is none.
const BraceFault* cause_of(const std::vector<BraceFault>& mistakes, std::uint32_t offset) {
    auto cause = std::ranges::upper_bound(mistakes, offset, {}, [](const BraceFault& f) { return f.mark.offset; });
    if (cause != mistakes.begin()) --cause;
    return cause == mistakes.end() ? nullptr : &*cause;
}

// A line that is unknown where it stands, and that the parser does not see, because the process that would read it is
// not started: what keepalived's -t says of the braces there.
void report_unread(ParseContext& r, const WalkedFile& walked, const std::vector<BraceFault>& mistakes,
                   const BraceFault& line) {
    if (!r.fault_entries.empty()) return;  // it comes of a mistake before it
    const auto at = std::ranges::lower_bound(walked.faults, line.mark.offset, {},
                                             [](const BraceFault& fault) { return fault.mark.offset; });
    if (at == walked.faults.end() || cause_of(mistakes, at->mark.offset) != &line) return;
    BraceFault seen = *at;
    seen.after = line.after;
    report(r, seen);
    if (const auto told = r.fault_entries.find(seen.mark.offset); told != r.fault_entries.end())
        r.fault_entries.emplace(line.mark.offset, told->second);
}

// "10.0.0.1 80" as the endpoint's text, whatever else as it stands.
std::string endpoint_name(const Statement& s) {
    std::string as_written;
    for (std::size_t i = 1; i < s.words.size(); ++i)
        as_written += fmt::format("{}{}", i == 1 ? "" : " ", s.words[i].text);
    if (s.words.size() < 2) return as_written;
    if (s.words[1].text == "fwmark" && s.words.size() > 2) return fmt::format("FWM {}", s.words[2].text);
    const auto address = IpAddress::parse(s.words[1].text);
    if (!address) return as_written;
    const auto port = s.words.size() > 2 ? whole_number(s.words[2].text, 0, 65535) : std::optional<std::int64_t>{0};
    return port ? Endpoint{*address, static_cast<std::uint16_t>(*port)}.to_string() : as_written;
}

// Looks through all statements for what they name and the parser did not read.
class LostThings final : Lexer::Listener {
public:
    LostThings(ParseContext& r, const WalkedFile& walked, const std::vector<BraceFault>& mistakes)
        : r_{r}, walked_{walked}, mistakes_{mistakes}, lexer_{r.snapshot.text(), *this} {}

    void run() {
        Statement s;
        while (lexer_.next(s)) {
            if (s.kind == Statement::Kind::Words) {
                if (!s.words.empty()) line(s);
                continue;
            }
            addresses_ = s.kind == Statement::Kind::Open && std::exchange(addresses_follow_, false);
            if (s.kind == Statement::Kind::Open)
                ++depth_;
            else if (depth_ != 0 && --depth_ <= lost_service_)
                lost_service_ = SIZE_MAX;
        }
    }

private:
    bool wants_argument(std::span<const Token> words) override { return words.size() < 2; }
    void found(const LexFinding& finding) override {
        quote_ = finding;
        if (finding.kind == LexFinding::Kind::NulByte || finding.kind == LexFinding::Kind::LineTooLong)
            report_finding(r_.diag, finding);
    }

    // The keyword of the line, or of a misspelt block the one that is meant.
    [[nodiscard]] std::string_view keyword_of(const Statement& s) const {
        const auto at = std::ranges::lower_bound(mistakes_, s.mark.offset, {},
                                                 [](const BraceFault& one) { return one.mark.offset; });
        const bool is_meant = at != mistakes_.end() && at->mark.offset == s.mark.offset &&
                              at->kind == BraceFault::Kind::UnknownBlock && at->row != nullptr;
        return is_meant ? std::string_view{at->row->name} : s.words[0].text;
    }

    void line(const Statement& s) {
        const std::string_view keyword = keyword_of(s);
        const std::uint32_t offset = s.mark.offset;
        if (s.broken && !std::ranges::binary_search(walked_.lines, offset)) report_finding(r_.diag, quote_);
        addresses_follow_ = keyword == "virtual_ipaddress" || keyword == "virtual_ipaddress_excluded";
        if (addresses_follow_) return;
        if (addresses_) {
            const auto prefix = Prefix::parse(keyword);
            if (prefix && !std::ranges::binary_search(walked_.lines, offset))
                add(Lost::Kind::Address, prefix->to_string(), offset);
        }
        if (std::ranges::binary_search(walked_.blocks, offset)) return;
        if (keyword == "virtual_server") {
            add(Lost::Kind::Service, endpoint_name(s), offset);
            lost_service_ = std::min(lost_service_, depth_);
        } else if (keyword == "real_server") {
            add(Lost::Kind::Server, endpoint_name(s), offset);
        } else if (keyword == "vrrp_instance" && s.words.size() > 1) {
            add(Lost::Kind::Instance, std::string{s.words[1].text}, offset);
        }
    }

    void add(Lost::Kind kind, std::string name, std::uint32_t offset) {
        if (r_.lost.size() >= kMostLost) return;
        auto at = r_.fault_entries.end();
        for (const BraceFault& mistake : mistakes_) {  // the last one before it that was told, or the first one
            const auto told = r_.fault_entries.find(mistake.mark.offset);
            if (told == r_.fault_entries.end()) continue;
            if (at != r_.fault_entries.end() && mistake.mark.offset > offset) break;
            at = told;
        }
        const std::size_t entry = at == r_.fault_entries.end() ? Diagnoser::kNowhere : at->second;
        const bool goes_without_saying = kind == Lost::Kind::Server && lost_service_ != SIZE_MAX;
        r_.lost.push_back({{kind, std::move(name)}, entry, !goes_without_saying});
    }

    ParseContext& r_;
    const WalkedFile& walked_;
    const std::vector<BraceFault>& mistakes_;
    LexFinding quote_;
    bool addresses_follow_ = false, addresses_ = false;
    std::size_t depth_ = 0;
    std::size_t lost_service_ = SIZE_MAX;  // the depth of one that is lost
    Lexer lexer_;                          // last: it calls back into this object from its constructor
};

}  // namespace

std::string describe(const Lost& lost) {
    constexpr std::string_view kKinds[]{"virtual_server", "real_server", "vrrp_instance", "address"};
    return fmt::format("{} {}", kKinds[static_cast<std::size_t>(lost.kind)], lost.name);
}

std::string describe(const BraceFault& fault) {
    switch (fault.kind) {
        case BraceFault::Kind::OpenMissing:
            return fmt::format("{} without its {{: up to the next }} all is taken as its block", name_of(fault.row));
        case BraceFault::Kind::Unclosed:
            return fmt::format("{} without its }}", name_of(fault.row));
        case BraceFault::Kind::CloseEarly:
            return fmt::format("a }} before {}, which is lost", fault.word);
        case BraceFault::Kind::CloseExtra:
            return "a } without a {";
        case BraceFault::Kind::OpenTwice:
            return "a second {";
        case BraceFault::Kind::CloseMissing:
            return fmt::format("{} without its }} before {}", name_of(fault.row), fault.word);
        default:
            return "a { that opens no block";
    }
}

void report_mistakes(ParseContext& r, const WalkedFile& walked, const std::vector<BraceFault>& mistakes) {
    std::vector<std::uint32_t> unknown;  // the unknown lines that the parser will report
    for (const WalkedFile::Item& item : walked.items)
        if (item.unknown) unknown.push_back(item.offset);
    std::ranges::sort(unknown);
    for (const BraceFault& fault : mistakes) {
        const std::uint32_t offset = fault.mark.offset;
        if (fault.kind != BraceFault::Kind::UnknownBlock)
            report(r, fault);
        else if (!std::ranges::binary_search(unknown, offset) && !std::ranges::binary_search(walked.lines, offset))
            report_unread(r, walked, mistakes, fault);
    }
    for (const BraceFault& fault : walked.faults) {
        const BraceFault* cause = cause_of(mistakes, fault.mark.offset);
        if (cause == nullptr || cause->mark.offset == fault.mark.offset) continue;
        if (const auto told = r.fault_entries.find(cause->mark.offset); told != r.fault_entries.end())
            r.fault_entries.emplace(fault.mark.offset, told->second);
    }
}

void report_lost(ParseContext& r, const WalkedFile& walked, const std::vector<BraceFault>& mistakes) {
    LostThings{r, walked, mistakes}.run();
    std::map<std::size_t, std::vector<std::string>> named;
    for (const auto& [lost, entry, worth_naming] : r.lost)
        if (worth_naming) named[entry].push_back(describe(lost));
    for (auto& [entry, names] : named) {
        if (entry >= r.diag.entries().size()) continue;
        const std::size_t more = names.size() - std::min(names.size(), kMostNamed);
        names.resize(names.size() - more);
        r.diag.entries()[entry].diagnostic.effect +=
            fmt::format("; lost with it: {}{}", fmt::join(names, ", "),
                        more == 0 ? std::string{} : fmt::format(" and {} more", more));
    }
}

}  // namespace mainstay::config
