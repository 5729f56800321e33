#include "parser.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace mainstay::config {
namespace {

constexpr std::size_t kMostLinesNamed = 6;  // of the lines whose messages are not shown

bool has_code(const Diagnoser::Entry& entry, std::initializer_list<Code> codes) {
    return std::ranges::any_of(codes,
                               [&](Code code) { return entry.diagnostic.code == static_cast<std::uint16_t>(code); });
}

bool is_about_an_unread_line(const Diagnoser::Entry& entry) {
    return has_code(entry, {Code::UnknownKeyword, Code::UnknownBlock, Code::MisplacedKeyword, Code::UnterminatedQuote,
                            Code::InvisibleCharacter, Code::MissingWord});
}

// The entry about a mistake; kNowhere: it has none.
std::size_t entry_of(ParseContext& r, const BraceFault& mistake) {
    const auto& entries = r.diag.entries();
    if (const auto told = r.fault_entries.find(mistake.mark.offset); told != r.fault_entries.end())
        return told->second < entries.size() ? told->second : Diagnoser::kNowhere;
    const std::size_t end = std::min(r.snapshot.text().find('\n', mistake.mark.offset), r.snapshot.text().size());
    for (std::size_t i = 0; i < entries.size(); ++i)
        if (is_about_an_unread_line(entries[i]) && entries[i].mark.offset >= mistake.mark.offset &&
            entries[i].mark.offset < end)
            return i;
    return Diagnoser::kNowhere;
}

// The messages that do not come of the mistakes: what the file without them brings, too.
class OwnMessages {
public:
    OwnMessages(ParseContext& r, ParseContext& intended) {
        const Places told = places_of(r);
        places_ = places_of(intended);
        // What is told once for a whole file may be told at another line of it.
        for (const Diagnoser::Entry& entry : intended.diag.entries())
            if (!told.contains(place_of(entry))) elsewhere_.emplace(entry.diagnostic.code, entry.diagnostic.message);
    }

    [[nodiscard]] bool contain(const Diagnoser::Entry& entry) const {
        return places_.contains(place_of(entry)) ||
               elsewhere_.contains({entry.diagnostic.code, entry.diagnostic.message});
    }

private:
    using Place = std::pair<std::uint32_t, std::uint16_t>;
    using Places = std::set<Place>;

    static Place place_of(const Diagnoser::Entry& entry) { return {entry.mark.offset, entry.diagnostic.code}; }
    static Places places_of(ParseContext& r) {
        Places places;
        for (const Diagnoser::Entry& entry : r.diag.entries()) {
            places.insert(place_of(entry));
            for (const Mark other : entry.others) places.emplace(other.offset, entry.diagnostic.code);
        }
        return places;
    }

    Places places_;
    std::set<std::pair<std::uint16_t, std::string>> elsewhere_;
};

class Folding {
public:
    explicit Folding(ParseContext& r) : r_{r} {}

    void fold(std::size_t at, std::size_t cause) {
        Diagnoser::Entry& entry = r_.diag.entries()[at];
        Diagnostic& told = r_.diag.entries()[cause].diagnostic;
        entry.dropped = true;
        if (entry.diagnostic.severity == Severity::Fatal && told.severity != Severity::Fatal) {
            told.severity = Severity::Fatal;
            told.effect +=
                fmt::format("; {}: {}: this configuration cannot run", r_.where(entry.mark), entry.diagnostic.message);
        }
        told.rank = std::max(told.rank, entry.diagnostic.rank);
        folded_[cause].push_back(entry.mark);
    }

    void count() {
        for (auto& [at, marks] : folded_) {
            std::ranges::sort(marks, {}, &Mark::offset);
            std::vector<std::string> lines;
            for (const Mark mark : marks) {
                std::string line = r_.where(mark);
                if (lines.size() < kMostLinesNamed && std::ranges::find(lines, line) == lines.end())
                    lines.push_back(std::move(line));
            }
            std::string& effect = r_.diag.entries()[at].diagnostic.effect;
            effect += fmt::format("{}not shown: {} message{} that come{} of it ({}{})", effect.empty() ? "" : "; ",
                                  marks.size(), marks.size() == 1 ? "" : "s", marks.size() == 1 ? "s" : "",
                                  fmt::join(lines, ", "), lines.size() == kMostLinesNamed ? ", ..." : "");
        }
    }

private:
    ParseContext& r_;
    std::map<std::size_t, std::vector<Mark>> folded_;
};

// ---- blocks that were refused ----------------------------------------------------------------------------------

struct Refused {
    std::string_view keyword, text;
    std::size_t entry = Diagnoser::kNowhere;
};

// The blocks that the parser passed over, each with the message of its first line.
std::vector<Refused> refused_blocks(ParseContext& r) {
    std::vector<Refused> blocks;
    const std::string_view text = r.snapshot.text();
    const auto& entries = r.diag.entries();
    for (const Mark skipped : r.skipped) {
        std::size_t line = text.find_last_not_of(" \t\r\n", skipped.offset == 0 ? 0 : skipped.offset - 1);
        line = line == std::string_view::npos ? line : text.rfind('\n', line);
        line = line == std::string_view::npos ? 0 : line + 1;
        const auto at = std::ranges::find_if(entries, [&](const Diagnoser::Entry& entry) {
            return entry.mark.offset >= line && entry.mark.offset < skipped.offset &&
                   entry.diagnostic.severity >= Severity::Error;
        });
        if (at == entries.end()) continue;
        std::string_view keyword = text.substr(text.find_first_not_of(" \t", line));
        keyword = keyword.substr(0, keyword.find_first_of(" \t\r\n{"));
        blocks.push_back(
            {keyword, text.substr(skipped.offset, skipped.length), static_cast<std::size_t>(at - entries.begin())});
    }
    return blocks;
}

bool has_word(std::string_view text, std::string_view word) {
    constexpr std::string_view kBetween = " \t\r\n{}\"";
    for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
        const std::size_t end = at + word.size();
        if ((at == 0 || kBetween.contains(text[at - 1])) && (end == text.size() || kBetween.contains(text[end])))
            return true;
    }
    return false;
}

// Whether the message says that something is not used, or not there, because of the refused block.
bool comes_of(ParseContext& r, const Diagnoser::Entry& entry, const Refused& block) {
    const std::string_view name = r.snapshot.text().substr(entry.mark.offset, entry.mark.length);
    if (has_code(entry, {Code::TrackerUnused, Code::ScriptUnused, Code::GroupUnused}))
        return !name.empty() && has_word(block.text, name);
    if (has_code(entry, {Code::GroupMember})) return block.keyword == "vrrp_instance";
    if (has_code(entry, {Code::ScriptUndefined})) return block.keyword == "vrrp_script";
    if (has_code(entry, {Code::TrackerUndefined}))
        return block.keyword == "track_file" || block.keyword == "vrrp_track_file" ||
               block.keyword == "vrrp_track_process" || block.keyword == "bfd_instance";
    return false;
}

// A group that nothing uses: the message about a name that was probably meant to be its own; kNowhere: there is none.
std::size_t misspelt_use(ParseContext& r, const Diagnoser::Entry& unused) {
    if (!has_code(unused, {Code::GroupUnused})) return Diagnoser::kNowhere;
    const auto& entries = r.diag.entries();
    const std::string fix =
        fmt::format("did you mean `{}`?", r.snapshot.text().substr(unused.mark.offset, unused.mark.length));
    const auto use = std::ranges::find_if(entries, [&](const Diagnoser::Entry& entry) {
        return has_code(entry, {Code::UnknownGroup}) && entry.diagnostic.fix == fix;
    });
    return use == entries.end() ? Diagnoser::kNowhere : static_cast<std::size_t>(use - entries.begin());
}

// `url /path` without its {: the checker has a url without a path, and what was meant is told at the url.
std::size_t url_without_brace(ParseContext& r, const Diagnoser::Entry& pathless) {
    if (!has_code(pathless, {Code::CheckerIncomplete})) return Diagnoser::kNowhere;
    const std::string_view text = r.snapshot.text();
    const std::size_t begin = pathless.mark.offset + pathless.mark.length;
    const std::size_t end = std::min(text.find("_GET", begin), text.size());
    const auto& entries = r.diag.entries();
    const auto url = std::ranges::find_if(entries, [&](const Diagnoser::Entry& entry) {
        return has_code(entry, {Code::MissingOpenBrace}) && entry.mark.offset >= begin && entry.mark.offset < end &&
               text.substr(entry.mark.offset).starts_with("url ");
    });
    return url == entries.end() ? Diagnoser::kNowhere : static_cast<std::size_t>(url - entries.begin());
}

}  // namespace

bool may_have_consequences(ParseContext& r) {
    const auto& entries = r.diag.entries();
    return entries.size() > 1 && std::ranges::any_of(entries, is_about_an_unread_line);
}

void fold_consequences(ParseContext& r, ParseContext& intended, const std::vector<BraceFault>& mistakes) {
    const OwnMessages own{r, intended};
    std::map<std::uint32_t, std::size_t> causes;  // the messages about mistakes, by the places of these
    std::set<std::size_t> told;
    for (const BraceFault& mistake : mistakes) {
        const std::size_t entry = entry_of(r, mistake);
        if (entry == Diagnoser::kNowhere) continue;
        causes.emplace(mistake.mark.offset, entry);
        told.insert(entry);
    }
    if (causes.empty()) return;
    Folding folding{r};
    const auto& entries = r.diag.entries();
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const Diagnoser::Entry& entry = entries[i];
        if (told.contains(i) || entry.dropped || own.contain(entry)) continue;
        auto cause = causes.upper_bound(entry.mark.offset);
        if (cause != causes.begin()) --cause;
        folding.fold(i, cause->second);
    }
    folding.count();
}

void fold_into_refused_blocks(ParseContext& r) {
    if (r.diag.entries().size() < 2) return;
    const auto blocks = refused_blocks(r);
    Folding folding{r};
    const auto& entries = r.diag.entries();
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (entries[i].dropped) continue;
        for (const std::size_t cause : {misspelt_use(r, entries[i]), url_without_brace(r, entries[i])})
            if (cause != Diagnoser::kNowhere) folding.fold(i, cause);
        const auto cause =
            std::ranges::find_if(blocks, [&](const Refused& block) { return comes_of(r, entries[i], block); });
        if (cause != blocks.end() && cause->entry != i) folding.fold(i, cause->entry);
    }
    folding.count();
}

}  // namespace mainstay::config
