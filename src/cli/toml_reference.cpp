#include "toml_reference.hpp"

#include <fmt/format.h>

#include "mainstay/config/settings.hpp"
#include "mainstay/config/toml/toml.hpp"
#include "reference.hpp"

namespace mainstay::cli {
namespace {

using config::Block;
using config::KeywordSpec;
using config::Takes;
using config::TomlShape;

// The header of the table that mirrors this block: [vrrp_instance.NAME].
std::string header_of(Block block) {
    std::string path;
    bool array = false;
    for (const KeywordSpec* opener = opener_of(block); opener != nullptr;
         opener = opener_of(block = config::parent_of(block))) {
        const TomlShape shape = config::toml_shape(*opener);
        const bool first = path.empty();
        if (first) array = shape == TomlShape::Tables;
        path = fmt::format("{}{}{}{}", opener->name, shape == TomlShape::NamedTable ? ".NAME" : "", first ? "" : ".",
                           path);
    }
    if (path.empty()) return "(top of the document)";
    return array ? fmt::format("[[{}]]", path) : fmt::format("[{}]", path);
}

// A range says what the type is, too.
std::string type_of(const KeywordSpec& row) {
    switch (row.args.takes) {
        case Takes::Integer:
        case Takes::WholeSeconds:
        case Takes::Seconds:
        case Takes::Millis:
        case Takes::OneOf:
            return takes_text(row);
        default:
            return config::wanted_in_toml(row);
    }
}

std::string item(const KeywordSpec& row, Block block) {
    std::string text = fmt::format(".TP\n.B {}\n{}. {}", roff_word(row.name), roff(type_of(row)), roff(row.help));
    if (!row.help.ends_with('.')) text += '.';
    const bool words = config::toml_shape(row) == TomlShape::Value && config::most_words(row) > 1;
    if (!row.form.empty() && words) text += roff(fmt::format(" Words: {}.", row.form));
    if (!row.default_text.empty()) text += roff(fmt::format(" Default: {}.", row.default_text));
    if (!row.deprecated.empty()) text += roff(fmt::format(" Deprecated: write {}.", row.deprecated));
    if (!acts_in({&row, block})) text += " Does not act yet.";
    return text + '\n';
}

std::string settings() {
    const config::Settings defaults;
    std::string text, table;
    for (const auto& setting : config::settings_rows()) {
        if (table != setting.table) text += fmt::format(".SS {}\n", roff_word(fmt::format("[{}]", setting.table)));
        table = setting.table;
        if (setting.flag != nullptr) {
            text += fmt::format(".TP\n.B {}\ntrue or false. {} Default: {}.\n", roff_word(setting.key),
                                roff(setting.help), defaults.*setting.flag);
            continue;
        }
        if (setting.path != nullptr || setting.list != nullptr || setting.url != nullptr) {
            text += fmt::format(".TP\n.B {}\n{}. {} Default: none.\n", roff_word(setting.key),
                                setting.path != nullptr  ? "an absolute path"
                                : setting.url != nullptr ? "a URL"
                                                         : "a list of strings",
                                roff(setting.help));
            continue;
        }
        text += fmt::format(".TP\n.B {}\na whole number of {} ({} to {}). {} Default: {}.\n", roff_word(setting.key),
                            setting.unit, setting.low, setting.high, roff(setting.help), defaults.*setting.member);
    }
    text += fmt::format(".SS {}\n", roff_word("[[webhook]]"));
    for (const auto& row : config::webhook_keys()) {
        text += fmt::format(".TP\n.B {}\n{}. {}", roff_word(row.key), roff(row.form), roff(row.help));
        if (!row.default_text.empty()) text += roff(fmt::format(" Default: {}.", row.default_text));
        text += '\n';
    }
    return text;
}

}  // namespace

std::string toml_reference_roff() {
    std::string out = ".SH SETTINGS OF THE DAEMON\n" + settings() + ".SH THE DIRECTOR\n";
    for (std::size_t b = 0; b < static_cast<std::size_t>(Block::kCount); ++b) {
        const auto block = static_cast<Block>(b);
        const KeywordSpec* opener = opener_of(block);
        if (block != Block::Root && (opener == nullptr || opener->args.takes != Takes::Opens)) continue;
        out += fmt::format(".SS {}\n", roff_word(header_of(block)));
        if (opener != nullptr && config::toml_shape(*opener) == TomlShape::Tables)
            out += fmt::format(".TP\n.B {}\na string, required: {}.\n", config::kTomlWordsKey, roff(opener->form));
        for (const KeywordSpec* row : config::rows_of(block)) out += item(*row, block);
    }
    return out;
}

}  // namespace mainstay::cli
