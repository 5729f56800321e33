// Converts a TOML document to statements. The schema rows decide the shape of a keyword. Values are only converted to
// words; the parser checks them later, as far as TOML's types permit.
//
// The recursion of block() follows the blocks of the schema, not the document: unknown tables are not entered.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/schema/parse_context.hpp"
#include "statements.hpp"
#include "values.hpp"
#include "words.hpp"

namespace mainstay::config {
namespace {

// One statement, block or list to be.
struct Piece {
    const KeywordSpec* row = nullptr;
    std::string_view keyword;
    TomlPlace key;
    const toml::node* value = nullptr;
    std::string_view name;  // of a named block or list
    TomlPlace at;           // where it begins: pieces keep this order
    TomlPlace name_place;
    bool named = false;
};

class TomlReader {
public:
    explicit TomlReader(SourceFile file) : out_{std::move(file)} {}

    Snapshot run(bool comments) {
        auto parsed = parse_toml(out_.document());
        if (const auto* problem = std::get_if<TomlProblem>(&parsed)) {
            auto& d = out_.find(Severity::Fatal, Code::TomlSyntax, problem->place,
                                fmt::format("this is not TOML: {}", problem->message));
            d.rank = Rank::CannotRun;
            d.effect = "there is no configuration to run";
        } else {
            auto& document = std::get<TomlDocument>(parsed);
            if (comments) out_.set_comments(std::move(document.comments));
            settings(document.root);
            block(Block::Root, document.root);
        }
        return out_.take();
    }

private:
    void settings(const toml::table& root) {
        Settings ignored;
        for (auto& problem : take_settings(root, ignored)) {
            auto& d = out_.find(Severity::Warning, Code::UnknownSetting, problem.place, std::move(problem.message));
            d.effect = std::move(problem.effect);
            d.fix = std::move(problem.fix);
        }
    }

    void keyword(const Piece& piece) {
        std::vector<TomlWord> words;
        bool left_out = false;
        const auto one = [&](const toml::node& node) {
            words.clear();
            left_out = false;
            if (values_.value(*piece.row, node, words, left_out) && !left_out)
                out_.statement(piece.keyword, piece.key, words, {});
        };
        const auto* array = piece.value->as_array();
        if (array == nullptr) return one(*piece.value);
        // One word: an array gives the keyword several times. Several words: it is the words, unless it has arrays.
        const bool several_words = most_words(*piece.row) > 1 && piece.row->args.takes != Takes::Command;
        const bool nested = std::ranges::any_of(*array, [](const toml::node& node) { return node.is_array(); });
        if (several_words && !nested) return one(*array);
        for (const auto& element : *array) one(element);
    }

    void list(const Piece& piece) {
        const KeywordSpec& row = *piece.row;
        std::vector<TomlWord> words;
        if (piece.named) words.push_back({written_word(piece.name, false), piece.name_place});
        out_.statement(row.name, piece.key, words, "{");
        const auto entry = [&](const toml::node& node) {
            words.clear();
            if (values_.entry(row, node, words)) out_.entry(words);
        };
        const auto* array = piece.value->as_array();
        if (array == nullptr) {
            entry(*piece.value);
        } else {
            for (const auto& element : *array) entry(element);
        }
        out_.close(piece.key);
    }

    void opens(const Piece& piece) {
        const KeywordSpec& row = *piece.row;
        const auto& table = *piece.value->as_table();
        std::vector<TomlWord> words;
        if (piece.named) {
            if (!values_.add_word(row, piece.name, piece.name_place, words)) return;
        } else if (toml_shape(row) == TomlShape::Tables) {
            const auto* text = table.get(kTomlWordsKey);
            if (text == nullptr) {
                auto& d = out_.find(Severity::Fatal, Code::MissingWord, piece.at,
                                    fmt::format("this {} has no `{}`", row.name, kTomlWordsKey));
                d.rank = Rank::MissingWord;
                d.expected = fmt::format("{} = \"...\", with what follows {} in keepalived.conf: {}", kTomlWordsKey,
                                         row.name, row.form);
                d.effect = "this configuration cannot run";
                return;
            }
            if (!values_.line_of_words(row, *text, words)) return;
        }
        if (parent_of(row.args.opens) == Block::Root) out_.blank_line();
        out_.statement(row.name, piece.at, words, "{");
        block(row.args.opens, table);
        out_.close(piece.at);
    }

    // Of the words outside of all blocks the parser knows those of keepalived.conf, where there are no tables.
    bool unknown_table(const Piece& piece, bool is_table) {
        const std::vector<std::string_view> settings = settings_tables();
        std::vector<std::string_view> names = settings;
        for (const KeywordSpec* row : rows_of(Block::Root)) names.push_back(row->name);
        const auto near = nearest(piece.keyword, names);
        if (!is_table && std::ranges::find(settings, near) == settings.end()) return false;
        auto& d = out_.find(Severity::Error, is_table ? Code::UnknownBlock : Code::UnknownKeyword, piece.key,
                            fmt::format("unknown table [{}]", piece.keyword));
        d.effect = "it is ignored";
        if (!near.empty()) d.fix = fmt::format("did you mean `[{}]`?", near);
        return true;
    }

    void unknown(const Piece& piece, Block block) {
        const auto* array = piece.value->as_array();
        const bool tables =
            piece.value->is_table() || (array != nullptr && !array->empty() && array->begin()->is_table());
        if (block == Block::Root && unknown_table(piece, tables)) return;
        out_.statement(piece.keyword, piece.key, {}, tables ? "{" : "");
        if (tables) out_.close(piece.key);
    }

    // Adds `node` as a block, or each table of an array of them.
    void add_blocks(Piece piece, const toml::node& node, std::vector<Piece>& pieces) {
        if (node.is_table()) {
            piece.value = &node;
            piece.at = place_of(node.source());
            pieces.push_back(piece);
            return;
        }
        const auto* array = node.as_array();
        if (array == nullptr) return values_.wrong_type(*piece.row, node);
        for (const auto& element : *array) {
            if (!element.is_table()) return values_.wrong_type(*piece.row, element);
            piece.value = &element;
            piece.at = place_of(element.source());
            pieces.push_back(piece);
        }
    }

    void add_named(Piece piece, std::vector<Piece>& pieces) {
        const auto* names = piece.value->as_table();
        if (names == nullptr) return values_.wrong_type(*piece.row, *piece.value);
        const bool lists = toml_shape(*piece.row) == TomlShape::NamedList;
        piece.named = true;
        for (const auto& [name, node] : *names) {
            piece.name = name.str();
            piece.name_place = place_of(name.source());
            if (lists) {
                if (node.is_table()) {
                    values_.wrong_type(*piece.row, node);
                    continue;
                }
                piece.value = &node;
                piece.at = piece.name_place;
                pieces.push_back(piece);
                continue;
            }
            const auto* array = node.as_array();
            const bool blocks = node.is_table() || (array != nullptr && !array->empty() && array->begin()->is_table());
            if (!blocks && find_row(piece.row->args.opens, piece.name) != nullptr) {  // [vrrp_instance] state = ...
                auto& d = out_.find(Severity::Error, Code::NoName, piece.name_place,
                                    fmt::format("this {} has no name", piece.row->name));
                d.expected = wanted_in_toml(*piece.row);
                d.effect = "it is ignored";
                return;
            }
            add_blocks(piece, node, pieces);
        }
    }

    void block(Block block, const toml::table& table) {
        std::vector<Piece> pieces;
        for (const auto& [key, node] : table) {
            Piece piece;
            piece.keyword = key.str();
            piece.key = piece.at = place_of(key.source());
            piece.value = &node;
            if (block == Block::Root && is_settings_table(piece.keyword)) continue;
            piece.row = find_row(block, piece.keyword);
            if (piece.row == nullptr) {
                if (piece.keyword != kTomlWordsKey || !opened_with_words(block)) pieces.push_back(piece);
                continue;
            }
            switch (toml_shape(*piece.row)) {
                case TomlShape::Table:
                case TomlShape::Tables:
                    add_blocks(piece, node, pieces);
                    break;
                case TomlShape::NamedTable:
                case TomlShape::NamedList:
                    add_named(piece, pieces);
                    break;
                default:
                    if (node.is_table() && piece.row->args.takes != Takes::Command)
                        values_.wrong_type(*piece.row, node);
                    else
                        pieces.push_back(piece);
            }
        }
        // toml++ sorts keys by their names; the order of the document may matter.
        std::ranges::stable_sort(pieces, {},
                                 [](const Piece& piece) { return std::pair{piece.at.line, piece.at.column}; });
        for (const Piece& piece : pieces) {
            if (piece.row == nullptr) {
                unknown(piece, block);
                continue;
            }
            switch (toml_shape(*piece.row)) {
                case TomlShape::Value:
                    keyword(piece);
                    break;
                case TomlShape::List:
                case TomlShape::NamedList:
                    list(piece);
                    break;
                default:
                    opens(piece);
            }
        }
    }

    static bool opened_with_words(Block block) {
        return std::ranges::any_of(rows_of(parent_of(block)), [&](const KeywordSpec* row) {
            return row->args.opens == block && toml_shape(*row) == TomlShape::Tables;
        });
    }

    TomlStatements out_;
    TomlValues values_{out_};
};

}  // namespace

TomlShape toml_shape(const KeywordSpec& row) {
    const bool name = row.args.words_max == 1;
    switch (row.args.takes) {
        case Takes::Opens:
            return row.args.words_max == 0 ? TomlShape::Table : name ? TomlShape::NamedTable : TomlShape::Tables;
        case Takes::Entries:
        case Takes::Items:
            return row.args.words_max == 0 ? TomlShape::List : TomlShape::NamedList;
        default:
            return TomlShape::Value;
    }
}

bool is_toml_name(std::string_view path) { return path.ends_with(".toml"); }

Snapshot read_toml(SourceFile file, bool comments) { return TomlReader{std::move(file)}.run(comments); }

std::optional<bool> toml_has_director(std::string_view text) {
    const auto parsed = parse_toml(text);
    const auto* document = std::get_if<TomlDocument>(&parsed);
    if (document == nullptr) return std::nullopt;
    return std::ranges::any_of(document->root,
                               [](const auto& item) { return find_row(Block::Root, item.first.str()) != nullptr; });
}

}  // namespace mainstay::config
