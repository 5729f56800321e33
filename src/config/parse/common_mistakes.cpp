// Common mistakes that can be explained although no schema row matches, and the findings of the lexer.
#include "parser.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "config/language/expand.hpp"

namespace mainstay::config {
namespace {

// Keywords that keepalived does not know but that occur in many files.
struct Slip {
    BlockSet blocks;
    std::string_view name;
    Code code;
    std::string_view message, effect, fix;
};
constexpr std::array kSlips{
    Slip{Block::TcpCheck, "nb_get_retry", Code::RetryUnknown,
         "TCP_CHECK has no keyword nb_get_retry (it belongs to HTTP_GET and SSL_GET)",
         "the line is ignored, as keepalived does: one retry", "write `retry {}`"},
    Slip{Block::Service, "nat_mask", Code::NatMask, "nat_mask is no longer a keyword",
         "the line is ignored: it concerned NAT only, and has no effect with DR or TUN", "delete the line"},
    Slip{Block::Service, "net_mask", Code::NatMask, "net_mask is not a keyword", "the line is ignored",
         "delete the line"},
    Slip{Block::GlobalDefs, "lvs_id", Code::UnknownKeyword, "lvs_id is the obsolete name of router_id",
         "the line is ignored", "write `router_id {}`"},
    // keepalived 2.4.3 and 2.2.7
    Slip{Block::GlobalDefs, "state_file_location", Code::UnknownKeyword,
         "state_file_location is in keepalived's manual only: keepalived rejects it", "the line is ignored",
         "write `state_dump_file {}`"},
    Slip{Block::GlobalDefs, "stats_file_location", Code::UnknownKeyword,
         "stats_file_location is in keepalived's manual only: keepalived rejects it", "the line is ignored",
         "write `stats_dump_file {}`"},
    Slip{Block::GlobalDefs, "json_file_location", Code::UnknownKeyword,
         "json_file_location is in keepalived's manual only: keepalived rejects it", "the line is ignored",
         "write `json_dump_file {}`"},
    Slip{Block::FileCheck, "dynamic", Code::UnknownKeyword,
         "dynamic is in keepalived's manual only: keepalived rejects it", "the line is ignored",
         "delete the line: the file's number changes the weight wherever weight is not 0"},
};

// Lines that look like a definition, a condition or a repetition but were not recognised by the resolver.
bool language_slip(Diagnoser& diag, const Statement& s) {
    const std::string_view word = s.words[0].text;
    const auto refuse = [&](std::string message) -> Diagnostic& {
        auto& d = diag.error(Code::DefinitionRefused, s.words[0].mark, std::move(message));
        d.effect = "the line is ignored";
        return d;
    };
    if (word.starts_with('$') && s.words.size() > 1 && s.words[1].text.starts_with('=')) {
        refuse(fmt::format("{} is not defined by this line: there is a blank before the =", word)).fix =
            fmt::format("write `{}=`", word);
    } else if (word.starts_with('$') && word.contains('=')) {
        refuse(fmt::format("'{}' is not a definition", word.substr(0, word.find('=')))).expected =
            "$NAME=TEXT; a name is made of letters, digits and _, and does not begin with a digit";
    } else if (word.starts_with('@')) {
        refuse(fmt::format("'{}' is a second condition on one line", word)).fix = "one @id per line";
    } else if (word.starts_with('~')) {
        refuse(fmt::format("'{}' does not begin a repetition", word)).expected =
            "~SEQ(NAME, [START, [STEP,]] END) TEXT or ~LST(NAME, VALUE, ...) TEXT";
    } else {
        return false;
    }
    return true;
}

bool known_slip(Diagnoser& diag, Block block, const Statement& s) {
    for (const Slip& slip : kSlips) {
        if (slip.name != s.words[0].text || !slip.blocks.has(block)) continue;
        auto& d = diag.warn(slip.code, s.words[0].mark, std::string{slip.message});
        d.effect = slip.effect;
        d.fix = slip.fix;
        if (const std::size_t at = d.fix.find("{}"); at != std::string::npos)
            d.fix.replace(at, 2, s.words.size() > 1 ? s.words[1].text : "VALUE");
        return true;
    }
    return false;
}

}  // namespace

void report_finding(Diagnoser& diag, const LexFinding& finding) {
    switch (finding.kind) {
        case LexFinding::Kind::UnterminatedQuote: {
            auto& d = diag.error(Code::UnterminatedQuote, finding.mark, "this double quote is not closed");
            d.expected = "a closing \" on the same line";
            d.effect = "the line is ignored";
            break;
        }
        case LexFinding::Kind::NulByte:
            diag.error(Code::NulByte, finding.mark, "the line contains a NUL byte").effect = "the line is ignored";
            break;
        case LexFinding::Kind::LineTooLong: {
            auto& d = diag.error(Code::LineTooLong, finding.mark,
                                 fmt::format("the line is longer than {} bytes", kMaxLineBytes));
            d.effect = "the line is ignored";
            break;
        }
    }
}

void report_old_or_inert(ParseContext& r, const KeywordSpec& row, Mark mark) {
    const bool inert = !is_acted_on(row);
    if (!row.deprecated.empty() && r.reported.insert(&row).second) {
        std::string message = fmt::format("{} is deprecated", row.name);
        auto& d = row.old_name_is_silent ? r.diag.advise(Code::Deprecated, mark, std::move(message))
                                         : r.diag.warn(Code::Deprecated, mark, std::move(message));
        d.fix = fmt::format("write {}", row.deprecated);
        if (inert) d.effect = "it has no effect yet";
    } else if (inert && r.reported.insert(&row).second) {
        auto& d = r.diag.advise(Code::NotActedOn, mark,
                                fmt::format("{} is accepted, but mainstay does not act on it yet", row.name));
        d.effect = "it has no effect";
    }
}

void report_slash_comment(Diagnoser& diag, Mark mark, bool in_mail_list) {
    auto& d = in_mail_list ? diag.advise(Code::SlashComment, mark,
                                         "// does not begin a comment in keepalived: it would send mail to these words")
                           : diag.warn(Code::SlashComment, mark, "// does not begin a comment in keepalived");
    d.effect = "mainstay treats it as a comment";
    d.fix = "begin comments with #";
}

bool report_slip(Diagnoser& diag, Block block, const Statement& s) {
    return known_slip(diag, block, s) || language_slip(diag, s);
}

bool lacks_word(const KeywordSpec& row, const Statement& s) {
    return s.words.size() - 1 < row.args.words_min && row.missing != Missing::Unsaid;
}

Diagnostic& missing_word(Diagnoser& diag, const KeywordSpec& row, Mark mark, std::string message) {
    if (row.missing == Missing::Unsaid) return diag.advise(Code::MissingWord, mark, std::move(message));
    if (row.missing == Missing::Ignored) return diag.error(Code::MissingWord, mark, std::move(message));
    return diag.add(Severity::Fatal, Rank::MissingWord, Code::MissingWord, mark, message + "; keepalived stops here");
}

void report_missing_word(ParseContext& r, const KeywordSpec& row, const Statement& s) {
    auto& d = missing_word(r.diag, row, s.words[0].mark,
                           s.words.size() == 1 ? fmt::format("{} has no value", row.name)
                                               : fmt::format("{} needs {} words", row.name, row.args.words_min));
    if (!row.form.empty()) d.expected = fmt::format("{} {}", row.name, row.form);
    d.effect = row.missing == Missing::Stops    ? "this configuration cannot run"
               : row.args.takes == Takes::Opens ? "the block is ignored"
                                                : "the keyword is ignored";
    // An unfilled placeholder of a template, or a value that begins with a comment character.
    std::string_view behind = r.snapshot.text().substr(s.words.back().mark.offset);
    behind = behind.substr(0, std::min(behind.find('\n'), behind.size()));
    behind.remove_prefix(std::min<std::size_t>(s.words.back().mark.length, behind.size()));
    behind.remove_prefix(std::min(behind.find_first_not_of(" \t"), behind.size()));
    if (behind.starts_with('#') || behind.starts_with('!'))
        d.fix = fmt::format("{} begins a comment: put a value that begins with it in double quotes", behind.front());
}

void report_misplaced(Diagnoser& diag, const KeywordSpec& misplaced, Mark mark, const KeywordSpec& row,
                      const KeywordSpec* outer) {
    auto& d =
        diag.error(Code::MisplacedKeyword, mark, fmt::format("{} does not belong in {}", misplaced.name, row.name));
    d.effect = is_block(misplaced.args.takes)
                   ? fmt::format("this line and its {{ are ignored: what is in it counts as in {}, which its }} closes",
                                 row.name)
                   : "the line is ignored";
    d.fix = outer == nullptr ? "move it outside of all blocks"
                             : fmt::format("it is a keyword of {}: move it behind the }} of {}", outer->name, row.name);
}

void report_missing_brace(Diagnoser& diag, const KeywordSpec& row, std::string_view line, Mark mark) {
    if (row.args.opens == Block::ServerGroup) {  // keepalived (2.2.7): the process of the checkers exits with 2
        auto& d = diag.add(Severity::Fatal, Rank::MissingWord, Code::MissingOpenBrace, mark,
                           fmt::format("{} is not followed by {{; keepalived stops here", row.name));
        d.effect = "this configuration cannot run";
        d.fix = fmt::format("write `{} {{`", line);
        return;
    }
    auto& d = diag.error(Code::MissingOpenBrace, mark, fmt::format("{} is not followed by {{", row.name));
    d.effect = "the lines up to the next } are read as its block";
    const auto words = words_of(line);
    if (words.size() <= row.args.words_max + 1U)
        d.fix = fmt::format("write `{} {{`", line);
    else if (row.args.takes != Takes::Opens)
        d.fix = fmt::format("write `{} {{` and each entry on a separate line", row.name);
    else if (row.name == "url" && words[1].starts_with('/'))
        d.fix = fmt::format("write `url {{`, `path {}` and `}}`, each on a line of its own", words[1]);
    else
        d.fix = fmt::format("write `{} {{`, each keyword on a line of its own, and `}}` behind the last",
                            fmt::join(words.begin(), words.begin() + row.args.words_max + 1, " "));
}

}  // namespace mainstay::config
