#include "mainstay/config/tools/host_files.hpp"

#include <algorithm>
#include <utility>

#include "config/language/expand.hpp"

namespace mainstay::config {
namespace {

// The next line, joined with those that go on. `number` counts the lines that were read.
std::string next_line(std::string_view& text, std::uint32_t& number) {
    std::string joined;
    bool goes_on = true;
    while (goes_on && !text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        if (line.ends_with('\r')) line.remove_suffix(1);
        goes_on = line.ends_with('\\');
        if (goes_on) line.remove_suffix(1);
        joined += line;
        if (goes_on) joined += ' ';
    }
    return joined;
}

bool is_comment_line(std::string_view line) { return line.starts_with('#') || line.starts_with(';'); }

}  // namespace

std::vector<UnitSetting> read_unit_file(std::string_view text) {
    std::vector<UnitSetting> settings;
    if (text.size() > kHostFileBytesMax) return settings;
    std::string section;
    for (std::uint32_t number = 0; !text.empty();) {
        const std::uint32_t first = number + 1;
        const std::string whole = next_line(text, number);
        const std::string_view line = trimmed(whole);
        if (line.empty() || is_comment_line(line)) continue;
        if (line.starts_with('[') && line.ends_with(']') && line.size() >= 2) {
            section = line.substr(1, line.size() - 2);
            continue;
        }
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos || equals == 0) continue;
        settings.push_back({first, section, std::string{trimmed(line.substr(0, equals))},
                            std::string{trimmed(line.substr(equals + 1))}});
    }
    return settings;
}

bool is_unit_of_mainstay(std::string_view text) {
    const auto settings = read_unit_file(text);
    return std::ranges::any_of(settings, [](const UnitSetting& setting) {
        const auto words = read_command_words(setting.value);
        return setting.section == "Unit" && setting.key == "Conflicts" &&
               std::ranges::find(words, "mainstay.service") != words.end();
    });
}

std::optional<std::string> read_environment_value(std::string_view text, std::string_view name) {
    std::optional<std::string> value;
    if (text.size() > kHostFileBytesMax) return value;
    for (std::uint32_t number = 0; !text.empty();) {
        const std::string whole = next_line(text, number);
        std::string_view line = trimmed(whole);
        if (is_comment_line(line)) continue;
        if (line.starts_with("export ")) line = trimmed(line.substr(7));
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos || trimmed(line.substr(0, equals)) != name) continue;
        std::string_view rest = trimmed(line.substr(equals + 1));
        const bool quoted =
            rest.size() >= 2 && (rest.front() == '"' || rest.front() == '\'') && rest.back() == rest.front();
        value = quoted ? rest.substr(1, rest.size() - 2) : rest;
    }
    return value;
}

std::vector<std::string> read_command_words(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    bool in_word = false;
    char quote = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '\\' && quote != '\'' && at + 1 < text.size()) {
            word += text[++at];
            in_word = true;
        } else if (quote != 0 ? c == quote : c == '"' || c == '\'') {
            quote = quote != 0 ? '\0' : c;
            in_word = true;
        } else if (quote == 0 && (c == ' ' || c == '\t' || c == '\n')) {
            if (std::exchange(in_word, false)) words.push_back(std::exchange(word, {}));
        } else {
            word += c;
            in_word = true;
        }
    }
    if (in_word) words.push_back(std::move(word));
    return words;
}

}  // namespace mainstay::config
