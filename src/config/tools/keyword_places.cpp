// The names of a Difference ("HTTP_GET url path", "unicast_peer 10.0.0.3") are followed from block to block through the
// statements of the text, by the rows of the schema.
#include "mainstay/config/tools/keyword_places.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <utility>

#include "config/tools/import_text.hpp"
#include "mainstay/base/text.hpp"
#include "mainstay/config/diagnostics/codes.hpp"
#include "mainstay/config/language/resolver.hpp"

namespace mainstay::config {
namespace {

using Stretch = KeywordPlaces::Stretch;
using Item = KeywordPlaces::Item;
using Path = std::span<const std::string_view>;

struct Deaf final : Lexer::Listener {
    bool wants_argument(std::span<const Token>) override { return false; }
    void found(const LexFinding&) override {}
};

// The statements of a stretch, without those in the blocks inside.
std::vector<Item> items_of(std::string_view text, Stretch where) {
    Deaf nobody;
    Lexer lexer{text.substr(where.begin, where.end - where.begin), nobody};
    std::vector<Item> items;
    Statement statement;
    std::size_t depth = 0;
    while (lexer.next(statement)) {
        const std::uint32_t at = where.begin + statement.mark.offset;
        switch (statement.kind) {
            case Statement::Kind::Words: {
                if (depth != 0) break;
                auto& item = items.emplace_back();
                for (const Token& word : statement.words) item.words.emplace_back(word.text);
                item.line = {at, at + statement.mark.length};
                break;
            }
            case Statement::Kind::Open:
                if (depth++ != 0) break;
                if (items.empty() || items.back().opens()) items.emplace_back().line = {at, at};
                items.back().body = {at + 1, where.end};
                break;
            case Statement::Kind::Close:
                if (depth != 0 && --depth == 0) items.back().body.end = at;
                break;
            case Statement::Kind::End:
                break;
        }
    }
    return items;
}

bool is_same_word(std::string_view written, std::string_view word) {
    if (written == word) return true;
    const auto a = Prefix::parse(written), b = Prefix::parse(word);
    return a && b && *a == *b;
}

// Whether the keyword as it is written is another name of `keyword`.
bool is_other_name(Block block, std::string_view written, std::string_view keyword) {
    const KeywordSpec *row = find_row(block, written), *meant = find_row(block, keyword);
    if (row == nullptr || is_block(row->args.takes)) return false;
    return row->deprecated == keyword || (meant != nullptr && row->set != nullptr && row->set == meant->set);
}

std::size_t number_in(std::string_view word) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    return error == std::errc{} && end == word.data() + word.size() ? number : 0;
}

// Follows a path from a block on, and remembers the best of the places that it comes to.
class Search {
public:
    Search(std::string_view text, std::string_view now) : text_{text}, now_{now} {}

    // `row`: of the block that the items are in; null: not a list.
    void follow(const std::vector<Item>& items, Block block, const KeywordSpec* row, Path path, std::size_t depth = 1) {
        bool any = false;
        for (const bool by_other_name : {false, true}) {
            if (any) return;
            std::size_t seen = 0;
            for (const Item& item : items) {
                const std::size_t used = words_used(item, block, row, path, by_other_name);
                if (used == 0 || is_another_url(item, path, seen)) continue;
                any = true;
                reach(item, block, path.subspan(std::min(path.size(), used + is_numbered(path))), depth);
            }
        }
    }

    [[nodiscard]] bool is_whole() const { return whole_; }
    [[nodiscard]] std::optional<std::uint32_t> at() const { return at_; }

private:
    static bool is_numbered(Path path) { return path.size() > 1 && path[0] == "url" && number_in(path[1]) != 0; }
    // "url" is the first, "url 2" the second.
    static bool is_another_url(const Item& item, Path path, std::size_t& seen) {
        if (path[0] != "url" || !item.opens()) return false;
        return ++seen != (is_numbered(path) ? number_in(path[1]) : 1);
    }

    // How many words of the path the statement answers.
    static std::size_t words_used(const Item& item, Block block, const KeywordSpec* row, Path path,
                                  bool by_other_name) {
        if (item.words.empty()) return 0;
        const auto is_first = [&](const std::string& word) { return is_same_word(word, path[0]); };
        if (row != nullptr && is_list(row->args.takes))
            return !by_other_name && std::ranges::any_of(item.words, is_first) ? 1 : 0;
        if (by_other_name ? !is_other_name(block, item.words[0], path[0]) : item.words[0] != path[0]) return 0;
        std::size_t used = 1;
        while (used < path.size() && used < item.words.size() && is_same_word(item.words[used], path[used])) ++used;
        return used;
    }

    void reach(const Item& item, Block block, Path rest, std::size_t depth) {
        const bool whole = rest.empty() || !item.opens();
        const bool is_value =
            whole && !now_.empty() && text_.substr(item.line.begin, item.line.end - item.line.begin).ends_with(now_);
        // Of several the last one counts, unless another one has the value.
        if (!at_ || whole > whole_ || (whole == whole_ && depth >= depth_ && is_value >= is_value_)) {
            at_ = item.line.begin;
            whole_ = whole;
            depth_ = depth;
            is_value_ = is_value;
        }
        if (whole) return;
        const KeywordSpec* opened = find_row(block, item.words[0]);
        follow(items_of(text_, item.body), opened != nullptr ? opened->args.opens : block, opened, rest, depth + 1);
    }

    std::string_view text_, now_;
    std::optional<std::uint32_t> at_;
    bool whole_ = false, is_value_ = false;
    std::size_t depth_ = 0;
};

bool braces_fit(const Loaded& loaded) {
    return std::ranges::none_of(loaded.diagnostics, [](const Diagnostic& one) {
        const auto code = static_cast<Code>(one.code);
        return code == Code::MissingOpenBrace || code == Code::MissingCloseBrace || code == Code::ExtraCloseBrace ||
               code == Code::TooManyDiagnostics;
    });
}

bool is_endpoint(const Item& item, const Endpoint& endpoint) {
    if (item.words.size() < 2 || IpAddress::parse(item.words[1]) != endpoint.address) return false;
    return item.words.size() < 3 || number_in(item.words[2]) == endpoint.port;
}

bool is_service(const Item& item, const VirtualServer& service) {
    if (item.words.size() < 2) return false;
    const std::string_view first = item.words[1], second = item.words.size() > 2 ? item.words[2] : std::string_view{};
    if (service.fwmark != 0) return first == "fwmark" && number_in(second) == service.fwmark;
    if (!service.group.empty()) return first == "group" && second == *service.group;
    return is_endpoint(item, service.endpoint);
}

// What a service's name does not say.
bool has_protocol(std::string_view text, const Item& item, Protocol protocol) {
    std::string written = "TCP";
    for (const Item& line : items_of(text, item.body))
        if (line.words.size() > 1 && line.words[0] == "protocol") written = line.words[1];
    const std::string_view wanted = protocol == Protocol::Udp ? "UDP" : protocol == Protocol::Sctp ? "SCTP" : "TCP";
    return same_letters(written, wanted);
}

std::string key_of(std::string_view keyword, std::string_view name) {
    const auto address = IpAddress::parse(name);
    return fmt::format("{} {}", keyword, address ? address->to_string() : std::string{name});
}

}  // namespace

std::string_view KeywordPlaces::text() const {
    if (loaded_.resolved == nullptr) return {};
    return loaded_.resolved->as_written ? loaded_.files.front().text : loaded_.resolved->made;
}

void KeywordPlaces::index() {
    if (std::exchange(indexed_, true) || !braces_fit(loaded_)) return;
    const std::string_view here = text();
    top_ = items_of(here, {0, static_cast<std::uint32_t>(here.size())});
    for (std::size_t i = 0; i < top_.size(); ++i) {
        const auto& words = top_[i].words;
        if (words.empty()) continue;
        by_name_[words[0]].push_back(i);
        if (words.size() > 1) by_name_[key_of(words[0], words[1])].push_back(i);
    }
    line_starts_.assign(1, 0);
    for (std::size_t at = 0; (at = here.find('\n', at)) != std::string_view::npos;)
        line_starts_.push_back(static_cast<std::uint32_t>(++at));
}

std::string KeywordPlaces::shown(std::uint32_t offset) const {
    const Snapshot::Span* span = loaded_.resolved->span_of({offset, 1});
    if (span == nullptr || span->file >= loaded_.files.size()) return {};
    const auto line_at = [&](std::uint32_t at) { return std::ranges::upper_bound(line_starts_, at); };
    const auto lines = span->length != 0 ? 0 : line_at(offset) - line_at(span->offset);
    return fmt::format("{}:{}", loaded_.files[span->file].path, span->line + lines);
}

std::string KeywordPlaces::of(const Difference& one, std::string_view block) {
    index();
    const auto path = words_of(one.keyword);
    if (path.empty()) return {};
    Search search{text(), one.now};
    if (block.empty()) {
        search.follow(top_, Block::Root, nullptr, path);
        return search.at() ? shown(*search.at()) : std::string{};
    }
    const auto found = by_name_.find(block);
    if (found == by_name_.end()) return {};
    for (const std::size_t i : found->second) {
        const KeywordSpec* row = find_row(Block::Root, top_[i].words[0]);
        search.follow(items_of(text(), top_[i].body), row != nullptr ? row->args.opens : Block::Root, row, path);
    }
    return shown(search.at().value_or(top_[found->second.front()].line.begin));
}

const KeywordPlaces::Item* KeywordPlaces::service_item(const VirtualServer& service) const {
    const std::string_view first = service.fwmark != 0 ? "fwmark" : !service.group.empty() ? "group" : "";
    const auto found = by_name_.find(
        key_of("virtual_server", first.empty() ? service.endpoint.address.to_string() : std::string{first}));
    if (found == by_name_.end()) return nullptr;
    const Item* any = nullptr;
    for (const std::size_t i : found->second) {
        if (!is_service(top_[i], service)) continue;
        if (any == nullptr) any = &top_[i];
        if (has_protocol(text(), top_[i], service.protocol)) return &top_[i];
    }
    return any;
}

std::string KeywordPlaces::of(const Difference& one, const VirtualServer& service, const RealServer* server) {
    index();
    const Item* const block = service_item(service);
    const auto path = words_of(one.keyword);
    if (block == nullptr || path.empty()) return {};
    const auto inside = items_of(text(), block->body);
    const auto by_service = [&](Path wanted) {
        Search search{text(), one.now};
        search.follow(inside, Block::Service, nullptr, wanted);
        return search;
    };
    if (server == nullptr) return shown(by_service(path).at().value_or(block->line.begin));
    const auto own = std::ranges::find_if(inside, [&](const Item& item) {
        return item.opens() && item.words.size() > 1 && item.words[0] == "real_server" &&
               is_endpoint(item, server->endpoint);
    });
    if (own == inside.end()) return shown(block->line.begin);
    const auto in_server = items_of(text(), own->body);
    Search search{text(), one.now}, as_server{text(), one.now};
    search.follow(in_server, Block::RealServer, nullptr, path);
    if (search.is_whole()) return shown(*search.at());
    const Path last = Path{path}.last(1);
    as_server.follow(in_server, Block::RealServer, nullptr, last);
    if (as_server.is_whole()) return shown(*as_server.at());
    if (const auto leader = by_service(last); leader.is_whole()) return shown(*leader.at());
    return shown(search.at().value_or(own->line.begin));
}

}  // namespace mainstay::config
