// Resolves includes, definitions, conditions and repetitions, using a stack of line sources instead of recursion:
// files, the lines of a definition, and repetitions. The topmost source gives the next line; an include, a definition
// of several lines or ~SEQ in it pushes a new source.
#include "mainstay/config/language/resolver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <optional>
#include <ranges>
#include <utility>
#include <variant>

#include "expand.hpp"
#include "files.hpp"
#include "include.hpp"
#include "mainstay/config/diagnostics/codes.hpp"

namespace mainstay::config {
namespace {

constexpr std::uint32_t kDefaultRandom = 32767;

struct FromFile {
    std::uint32_t file = 0;
    IncludeChecks checks;  // of plain includes
    std::size_t at = 0;
    std::uint32_t line = 1;
};
struct FromDefinition {
    std::vector<std::string> lines;
    std::size_t next = 0;
    Source use;
};
struct FromRepetition {
    Repetition repetition;
    std::uint64_t next = 0;
    std::uint32_t definition = 0;
    Line line;
};

struct Gathering {  // a definition of several lines that is being read
    std::string name;
    std::vector<std::string> lines;
    Source where;
    bool dropped = false;  // excluded by an @id
};

bool matches_id(std::string_view condition, std::string_view id) {
    const bool differs = condition.starts_with('^');
    return (condition.substr(differs ? 1 : 0) == id) != differs;
}

// Whether there are only blanks before `at` in its line.
bool begins_line(std::string_view text, std::size_t at) {
    while (at > 0 && is_blank(text[at - 1])) --at;
    return at == 0 || text[at - 1] == '\n';
}

// False if every line of `text` can be copied unchanged. May return true for such a text as well.
bool has_work(std::string_view text) {
    if (text.find('$') != std::string_view::npos) return true;
    constexpr std::array<std::string_view, 3> kBeginners{"@", "~", "include"};
    return std::ranges::any_of(kBeginners, [text](std::string_view beginner) {
        for (std::size_t at = 0; (at = text.find(beginner, at)) != std::string_view::npos; ++at)
            if (begins_line(text, at)) return true;
        return false;
    });
}

class Resolver {
public:
    Resolver(std::vector<SourceFile> tops, const Environment& environment, bool follow)
        : environment_{environment}, follow_{follow} {
        id_ = environment.config_id.empty() ? environment.host_name.substr(0, environment.host_name.find('.'))
                                            : environment.config_id;
        const IncludeChecks checks = environment.all_include_checks ? kAllIncludeChecks : IncludeChecks{};
        for (SourceFile& top : tops) includer_.add(std::move(top));
        for (std::size_t i = snapshot_.files.size(); i-- > 0;)
            stack_.emplace_back(FromFile{static_cast<std::uint32_t>(i), checks});
    }

    Snapshot run() {
        const bool alone = snapshot_.files.size() == 1;
        if (alone && snapshot_.files[0].text.ends_with('\n') && !has_work(snapshot_.files[0].text)) {
            snapshot_.as_written = true;
            stack_.clear();
        }
        while (!stack_.empty() && !abandoned_) next_line();
        if (abandoned_) {  // the text read so far is useless without the rest: only the fatal message is returned
            snapshot_.made.clear();
            snapshot_.map.clear();
            snapshot_.unexpanded.clear();
        }
        if (snapshot_.map.empty()) snapshot_.map.push_back({});
        for (const std::string_view name : definitions_.names()) snapshot_.names.emplace_back(name);
        return std::move(snapshot_);
    }

private:
    // ---- sources of lines ------------------------------------------------------------------------------------------

    void next_line() {
        auto& top = stack_.back();
        if (auto* file = std::get_if<FromFile>(&top)) return file_line(*file);
        if (auto* definition = std::get_if<FromDefinition>(&top)) {
            if (definition->next == definition->lines.size()) return stack_.pop_back();
            if (!count_line(definition->use)) return;
            process({definition->lines[definition->next++], {{0, definition->use}}});
            return;
        }
        auto& repeated = std::get<FromRepetition>(top);
        if (repeated.next == repeated.repetition.count()) return stack_.pop_back();
        Line line = repeated.line;
        if (!count_line(line.source_at(0))) return;
        const auto values = repeated.repetition.values(repeated.next++);
        for (std::size_t i = 0; i < values.size(); ++i)
            definitions_.set(repeated.repetition.names[i],
                             {repeated.definition + static_cast<std::uint32_t>(i), {values[i]}, false});
        process(std::move(line));
    }

    void file_line(FromFile& from) {
        const std::string& text = snapshot_.files[from.file].text;
        if (from.at >= text.size()) {
            finish_gathering();
            stack_.pop_back();
            return;
        }
        const std::size_t newline = text.find('\n', from.at);
        const std::size_t end = newline == std::string::npos ? text.size() : newline;
        std::string_view raw{text.data() + from.at, end - from.at};
        Source source{from.file, from.line++, 1, 0, 0};
        from.at = newline == std::string::npos ? end : end + 1;
        if (gathering_) return gather(raw);
        // Most lines need no processing.
        std::size_t first = 0;
        while (first < raw.size() && is_blank(raw[first])) ++first;
        const char c = first < raw.size() ? raw[first] : '\0';
        const bool special = c == '@' || c == '~' || (c == 'i' && raw.substr(first).starts_with("include"));
        if ((!special && raw.find('$') == std::string_view::npos) || raw.size() > kMaxLineBytes ||
            raw.find('\0') != std::string_view::npos)
            return copy(raw, source);
        Line line{std::string{raw.substr(0, comment_start(raw))}, {{0, source}}};
        // Special characters in a comment do not matter.
        if (first >= line.text.size() || (!special && line.text.find('$') == std::string::npos))
            return copy(raw, source);
        if (begin_gathering(raw, line)) return;
        process(std::move(line));
    }

    // False if the limit was exceeded; reading then ends.
    bool count_line(const Source& source) {
        if (++made_lines_ <= kMaxExpandedLines) return true;
        abandon(source, fmt::format("definitions and repetitions expand to more than {} lines", kMaxExpandedLines));
        return false;
    }

    template <class From>
    void push(From from, const Source& source) {
        if (stack_.size() - current_level() > kMaxExpansionDepth)
            return abandon(source,
                           fmt::format("definitions or repetitions are nested more than {} deep", kMaxExpansionDepth));
        stack_.emplace_back(std::move(from));
    }

    // ---- one line
    // ------------------------------------------------------------------------------------------------------

    void process(Line line) {
        std::size_t budget = kMaxSubstitutionsPerLine;
        bool conditional = false;
        std::vector<Unexpanded> unexpanded;
        while (true) {
            trim(line);
            if (!conditional && line.text.starts_with('@')) {
                conditional = true;
                if (!condition(line)) return;
                trim(line);
            }
            if (const auto head = repetition_head(line.text)) return repeat(*head, std::move(line));
            if (const auto name = defined_name(line.text)) {
                const std::string_view value = trimmed(std::string_view{line.text}.substr(name->size() + 2));
                return define(std::string{*name}, {without_escapes(value)}, false, line.source_at(0));
            }
            Expansion expansion = expand_line(line, budget);
            if (expansion.too_many) return;
            budget -= expansion.substitutions;
            unexpanded = std::move(expansion.unexpanded);
            if (expansion.rest != nullptr) {
                const auto& lines = expansion.rest->lines;
                push(FromDefinition{{lines.begin() + static_cast<std::ptrdiff_t>(expansion.rest_from), lines.end()},
                                    0,
                                    expansion.use},
                     expansion.use);
            }
            if (!expansion.at_start) break;  // expanded text at the start may be a condition, an include ...
        }
        if (follow_ && include(line)) return;
        emit(line, unexpanded);
    }

    static void trim(Line& line) {
        std::size_t blanks = 0;
        while (blanks < line.text.size() && is_blank(line.text[blanks])) ++blanks;
        line.drop_front(blanks);
    }

    // Removes the condition from the line; false if the line must be dropped.
    bool condition(Line& line) {
        const std::size_t blank = std::min(line.text.find_first_of(" \t"), line.text.size());
        const bool kept = matches_id(std::string_view{line.text}.substr(1, blank - 1), id_);
        line.drop_front(blank);
        return kept;
    }

    Expansion expand_line(Line& line, std::size_t budget) {
        const Source start = line.source_at(0);
        Expansion expansion =
            expand(line, definitions_, [this](const Reference& reference) { return standard(reference); }, budget);
        substitutions_ += expansion.substitutions;
        if (expansion.too_many) {
            abandon(start, fmt::format("${} expands endlessly: it refers to itself", expansion.name));
        } else if (substitutions_ > kMaxSubstitutions) {
            abandon(start, fmt::format("more than {} references are expanded", kMaxSubstitutions));
            expansion.too_many = true;
        }
        return expansion;
    }

    std::optional<std::string> standard(const Reference& reference) {
        if (reference.name == "_HASH") return "#";
        if (reference.name == "_BANG") return "!";
        if (reference.name == "_INSTANCE") return id_;
        if (reference.name == "_PWD")
            return real_path(std::filesystem::path{snapshot_.files[current_file().file].path}.parent_path().string());
        if (reference.name == "_ENV")
            return environment_.variable ? environment_.variable(reference.words) : std::string{};
        if (reference.name == "_RANDOM") return random(reference.words);
        return std::nullopt;
    }

    [[nodiscard]] std::string random(std::string_view words) const {
        const std::size_t blank = std::min(words.find_first_of(" \t"), words.size());
        const auto number = [](std::string_view word, std::uint32_t otherwise) {
            std::uint32_t value = 0;
            word = trimmed(word);
            const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
            return error == std::errc{} && end == word.data() + word.size() ? value : otherwise;
        };
        const std::uint64_t low = number(words.substr(0, blank), 0);
        const std::uint64_t high = std::max<std::uint64_t>(low, number(words.substr(blank), kDefaultRandom));
        return fmt::format("{}", low + (environment_.random ? environment_.random() : 0) % (high - low + 1));
    }

    // ---- definitions and repetitions
    // -----------------------------------------------------------------------------------

    void define(const std::string& name, std::vector<std::string> lines, bool several, const Source& where) {
        definitions_.set(name, {add_definition(name, where), std::move(lines), several});
    }

    std::uint32_t add_definition(const std::string& name, const Source& where) {
        snapshot_.definitions.push_back({name, where.file, where.line});
        return static_cast<std::uint32_t>(snapshot_.definitions.size());
    }

    // keepalived (2.2.7): a backslash at the end continues a definition also behind a comment.
    static bool continues(std::string_view raw, std::string_view code) {
        return trimmed(raw).ends_with('\\') || trimmed(code).ends_with('\\');
    }

    // "$NAME=text \" of a file, with or without a condition. False when `line` is something else.
    bool begin_gathering(std::string_view raw, const Line& line) {
        if (!continues(raw, line.text)) return false;
        Line rest = line;
        trim(rest);
        const bool kept = !rest.text.starts_with('@') || condition(rest);
        trim(rest);
        const auto name = defined_name(rest.text);
        if (!name) return false;
        gathering_ = Gathering{std::string{*name}, {}, rest.source_at(0), !kept};
        add_gathered(std::string_view{rest.text}.substr(name->size() + 2));
        return true;
    }

    void gather(std::string_view raw) {
        const std::string_view code = raw.substr(0, comment_start(raw));
        add_gathered(code);
        if (!continues(raw, code)) finish_gathering();
    }

    void add_gathered(std::string_view code) {
        code = trimmed(code);
        if (code.ends_with('\\')) code = trimmed(code.substr(0, code.size() - 1));
        if (!code.empty()) gathering_->lines.push_back(without_escapes(code));
    }

    void finish_gathering() {
        if (!gathering_) return;
        Gathering done = *std::exchange(gathering_, std::nullopt);
        if (done.dropped) return;
        if (done.lines.empty()) done.lines.emplace_back();
        define(done.name, std::move(done.lines), true, done.where);
    }

    void repeat(const RepetitionHead& head, Line line) {
        const Source where = line.source_at(0);
        Line parameters{line.text.substr(head.from, head.to - head.from), {{0, where}}};
        // keepalived: the values of a list are expanded where they are used.
        if (!head.list && head.to != std::string::npos && expand_line(parameters, kMaxSubstitutionsPerLine).too_many)
            return;
        auto repetition = read_repetition(head, parameters.text);
        if (!repetition) {
            auto& d = findings_.add(Severity::Error, Rank::Config, Code::RepetitionRefused, where,
                                    fmt::format("{}: {}", head.list ? "~LST" : "~SEQ", repetition.error().text()));
            d.place.length = static_cast<std::uint32_t>(
                characters(std::string_view{line.text}.substr(0, std::min(head.to, line.text.size() - 1) + 1)));
            d.expected = head.list ? "~LST(NAME, VALUE, ...) TEXT or ~LST({NAME, ...}, {VALUE, ...}, ...) TEXT"
                                   : "~SEQ(NAME, [START, [STEP,]] END) TEXT";
            d.effect = "the line is ignored";
            return;
        }
        if (repetition->count() > kMaxExpandedLines)
            return abandon(where, fmt::format("this expands to {} lines; the limit is {}", repetition->count(),
                                              kMaxExpandedLines));
        line.drop_front(repetition->length);
        trim(line);
        if (line.text.empty()) return;
        const auto definition = static_cast<std::uint32_t>(snapshot_.definitions.size()) + 1;
        for (const std::string& name : repetition->names) add_definition(name, where);
        push(FromRepetition{std::move(*repetition), 0, definition, std::move(line)}, where);
    }

    // ---- includes
    // --------------------------------------------------------------------------------------------------------

    // Handles an include line; false if `line` is not one.
    bool include(const Line& line) {
        if (const auto checks = read_include_check(line.text, current_file().checks)) {
            current_file().checks = *checks;
            return false;  // the schema has the keyword
        }
        auto wanted = read_include(line.text);
        if (!wanted) return false;
        FromFile& from = current_file();
        if (!wanted->checked) wanted->checks = from.checks;
        const auto opened = includer_.open(*wanted, line.source_at(line.text.find("include")), from.file);
        const IncludeChecks checks = from.checks;
        for (const std::uint32_t file : opened | std::views::reverse) stack_.emplace_back(FromFile{file, checks});
        return true;
    }

    // A file stays on the stack until everything that it includes is done.
    [[nodiscard]] std::size_t current_level() const {
        std::size_t level = stack_.size() - 1;
        while (!std::holds_alternative<FromFile>(stack_[level])) --level;
        return level;
    }
    FromFile& current_file() { return std::get<FromFile>(stack_[current_level()]); }
    [[nodiscard]] const FromFile& current_file() const { return std::get<FromFile>(stack_[current_level()]); }

    // ---- what comes out
    // --------------------------------------------------------------------------------------------------

    // Lines that follow each other in one file need one entry in the map.
    void copy(std::string_view raw, const Source& source) {
        if (source.file != copied_file_ || source.line != copied_line_ + 1)
            snapshot_.map.push_back({static_cast<std::uint32_t>(snapshot_.made.size()), source.file, source.line});
        copied_file_ = source.file;
        copied_line_ = source.line;
        append(raw, source);
    }

    void emit(const Line& line, const std::vector<Unexpanded>& unexpanded) {
        copied_file_ = SourceFile::kTop;
        if (line.text.size() > kMaxLineBytes) {
            auto& d = findings_.add(
                Severity::Error, Rank::Config, Code::LineTooLong, line.source_at(0),
                fmt::format("with its definitions expanded, the line is longer than {} bytes", kMaxLineBytes));
            d.effect = "the line is ignored";
            return;
        }
        const auto start = static_cast<std::uint32_t>(snapshot_.made.size());
        for (const auto& [at, source] : line.runs)
            snapshot_.map.push_back({start + static_cast<std::uint32_t>(at), source.file, source.line, source.column,
                                     source.length, source.definition});
        for (const auto& [at, length, name, braced, quoted, several_lines] : unexpanded) {
            if (snapshot_.unexpanded.size() >= kMaxFindings) break;
            snapshot_.unexpanded.push_back(
                {{start + static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(length)},
                 name,
                 braced,
                 quoted,
                 several_lines});
        }
        append(line.text, line.source_at(0));
    }

    void append(std::string_view line, const Source& source) {
        if (snapshot_.made.size() + line.size() >= kMaxSnapshotBytes)
            return abandon(source, fmt::format("the configuration is longer than {} bytes", kMaxSnapshotBytes));
        snapshot_.made += line;
        snapshot_.made += '\n';
    }

    // A limit was exceeded.
    void abandon(const Source& source, std::string message) {
        if (std::exchange(abandoned_, true)) return;
        auto& d = findings_.add(Severity::Fatal, Rank::Config, Code::ExpansionLimit, source, std::move(message));
        d.place.length = std::max(source.length, 1U);
        d.effect = "this configuration cannot run";
    }

    const Environment& environment_;
    bool follow_;
    std::string id_;
    Snapshot snapshot_;
    Findings findings_{snapshot_};
    Includer includer_{snapshot_, findings_, environment_.root};
    std::vector<std::variant<FromFile, FromDefinition, FromRepetition>> stack_;
    Definitions definitions_;
    std::optional<Gathering> gathering_;
    std::size_t made_lines_ = 0, substitutions_ = 0;
    std::uint32_t copied_file_ = SourceFile::kTop, copied_line_ = 0;
    bool abandoned_ = false;
};

}  // namespace

Snapshot resolve(std::vector<SourceFile> tops, const Environment& environment, bool follow) {
    return Resolver{std::move(tops), environment, follow}.run();
}

}  // namespace mainstay::config
