// Converts TOML values to words, according to a keyword's row.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "statements.hpp"

namespace mainstay::config {

class TomlValues {
public:
    explicit TomlValues(TomlStatements& out) : out_{out} {}

    // Each of these adds to `words`, or reports and gives false.
    // The words of one statement. `left_out`: a false that means no statement at all.
    bool value(const KeywordSpec& row, const toml::node& node, std::vector<TomlWord>& words, bool& left_out);
    bool entry(const KeywordSpec& row, const toml::node& node, std::vector<TomlWord>& words);  // of a list
    // Cut at blanks from a string, as they are from an array.
    bool line_of_words(const KeywordSpec& row, const toml::node& node, std::vector<TomlWord>& words);
    bool add_word(const KeywordSpec& row, std::string_view text, TomlPlace place, std::vector<TomlWord>& words);

    void wrong_type(const KeywordSpec& row, const toml::node& node);

private:
    bool one_word(const KeywordSpec& row, const toml::node& node, std::vector<TomlWord>& words);
    bool number(const KeywordSpec& row, const toml::node& node, std::vector<TomlWord>& words);
    bool command(const KeywordSpec& row, const toml::node& node, std::vector<TomlWord>& words);

    TomlStatements& out_;
    bool in_list_ = false;
};

}  // namespace mainstay::config
