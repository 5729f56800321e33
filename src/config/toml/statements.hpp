// The snapshot while a TOML document is read: statements with their places in the document, comments, findings.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "document.hpp"
#include "mainstay/config/diagnostics/codes.hpp"
#include "mainstay/config/toml/toml.hpp"

namespace mainstay::config {

struct TomlWord {
    std::string text;  // as it is written in the language
    TomlPlace place;
};

class TomlStatements {
public:
    explicit TomlStatements(SourceFile file) { snapshot_.files.push_back(std::move(file)); }

    [[nodiscard]] std::string_view document() const { return snapshot_.files[0].text; }
    // Past kMaxDiagnostics only what is fatal is kept.
    Diagnostic& find(Severity severity, Code code, TomlPlace place, std::string message);

    // Comments to be carried over; they point into the document.
    void set_comments(std::vector<TomlComment> comments) { comments_ = std::move(comments); }
    // `keyword words end`, `end` being nothing or an opening brace.
    void statement(std::string_view keyword, TomlPlace key, std::span<const TomlWord> words, std::string_view end);
    void entry(std::span<const TomlWord> words);  // of a list; not empty
    void close(TomlPlace key);
    void blank_line();
    [[nodiscard]] Snapshot take();

private:
    void put(std::string_view text, TomlPlace place);
    void comments_before(std::uint32_t line);
    void comment(const TomlComment& comment);
    void end_line(std::uint32_t first, std::uint32_t last);

    Snapshot snapshot_;
    bool overflow_ = false;  // of kMaxSnapshotBytes: nothing is kept
    std::vector<TomlComment> comments_;
    std::size_t next_comment_ = 0;
    Diagnostic spare_;
};

}  // namespace mainstay::config
