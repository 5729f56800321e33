// real_server_dns and real_server_file: a draft without an address, whose name stands in `more` under that keyword,
// with its port.
#include <fmt/format.h>

#include <string>

#include "config/schema/parse_context.hpp"
#include "mainstay/config/keywords.hpp"
#include "setters.hpp"

namespace mainstay::config {
namespace {

constexpr std::int64_t kPortMost = 65535;
constexpr std::size_t kPathMost = 4095;  // PATH_MAX - 1
constexpr std::size_t kLabelBytesMost = 16UL * 1024;

// The words were checked to be A, AAAA or SRV in any case.
bool is_type(std::string_view word, char first, std::size_t size) {
    return word.size() == size && (word.front() == first || word.front() == first + ('a' - 'A'));
}

bool is_resolver(const WordList& words) {
    if (words.empty() || !IpAddress::parse(words[0])) return false;
    return words.size() == 1 || whole_number(words[1], 1, kPortMost).has_value();
}

bool has_resolver(const KeywordValues& values) {
    for (const KeywordValue& value : values) {
        const auto* words = std::get_if<WordList>(&value.data);
        if (value.keyword == keyword::dns_resolver && words != nullptr && is_resolver(*words)) return true;
    }
    return false;
}

std::string_view path_problem(std::string_view path) {
    if (path.empty() || path.front() != '/') return "it is no absolute path";
    if (path.back() == '/') return "it is a folder";
    return path.size() > kPathMost ? "it is too long" : std::string_view{};
}

// Of all lines: the text that names a source crosses processes in one message.
std::size_t label_bytes(const KeywordValues& values) {
    std::size_t bytes = 0;
    for (const KeywordValue& value : values)
        if (const auto* words = std::get_if<WordList>(&value.data);
            words != nullptr && value.keyword.starts_with("labels_"))
            for (const std::string& word : *words) bytes += word.size() + 1;
    return bytes;
}

// A real server without an address: what stands for its servers is in `more`, under the keyword.
void begin_template(ParseContext& r, const Value& v, const KeywordName& keyword, std::int64_t port) {
    r.server = &r.service->servers.emplace_back();
    r.server->mark = v.mark;
    r.server->model.endpoint.port = static_cast<std::uint16_t>(port);
    r.server->port_given = v.count() > 1;
    WordList words{std::string{v.word}};
    if (keyword == keyword::real_server_file.text && r.server->port_given) words.emplace_back(v.arg(1));
    r.server->model.more.edit().values.push_back({std::string{keyword.text}, std::move(words)});
    r.server->forwarding = r.service->forwarding;
    r.server->tunnel = r.service->tunnel;
}

}  // namespace

void begin_named_servers(ParseContext& r, const Value& v) {
    const auto port = v.count() > 1 ? whole_number(v.arg(1), 0, kPortMost) : std::optional<std::int64_t>{0};
    const std::string_view problem = v.word == "." ? "it is the root" : dns_name_problem(v.word);
    if (!port || !problem.empty()) {
        auto& d = r.diag.error(Code::UnknownWord, v.mark,
                               !port ? fmt::format("a port is 0 to 65535, got {}", v.arg(1))
                                     : fmt::format("'{}' is not a name of servers: {}", v.word, problem));
        d.effect = "these real servers are ignored";
        r.skip_block = true;
        return;
    }
    begin_template(r, v, keyword::real_server_dns, *port);
}

void begin_file_servers(ParseContext& r, const Value& v) {
    const auto port = v.count() > 1 ? whole_number(v.arg(1), 1, kPortMost) : std::optional<std::int64_t>{0};
    const std::string_view problem = path_problem(v.word);
    if (!port || !problem.empty()) {
        auto& d = r.diag.error(Code::UnknownWord, v.mark,
                               !port ? fmt::format("a port is 1 to 65535, got {}", v.arg(1))
                                     : fmt::format("'{}' is not a file of servers: {}", v.word, problem));
        d.effect = "these real servers are ignored";
        if (port) d.fix = "write the path from / on";
        r.skip_block = true;
        return;
    }
    begin_template(r, v, keyword::real_server_file, *port);
}

void report_other_sources(Diagnoser& diag, const ServerDraft& server, const std::string& name) {
    const std::string_view opener = !is_template(server.model) ? "" : is_file(server.model) ? kOfFiles : kOfDns;
    const std::string* before = nullptr;
    for (const auto& value : server.model.more->values) {
        const KeywordSpec* row = find_row(Block::RealServer, value.keyword);
        if (row == nullptr || row->home.empty() || (!opener.empty() && row->home.contains(opener))) continue;
        if (before != nullptr && *before == value.keyword) continue;
        before = &value.keyword;
        diag.warn(Code::MisplacedKeyword, server.mark,
                  fmt::format("{}: {} belongs in {}", name, value.keyword, row->home))
            .effect = "it has no effect";
    }
}

Family named_family(const RealServer& server, Family of_service) {
    if (is_file(server)) return of_service;
    const std::string* type = find_word(server.more->values, keyword::dns_type);
    if (type == nullptr || is_type(*type, 'S', 3)) return of_service;
    return is_type(*type, 'A', 4) ? Family::V6 : Family::V4;
}

bool is_srv(const RealServer& server) {
    const std::string* type = find_word(server.more->values, keyword::dns_type);
    return type != nullptr && is_type(*type, 'S', 3);
}

bool is_file(const RealServer& server) { return is_given(server.more->values, keyword::real_server_file); }

bool answer_has_port(const ServerDraft& server) {
    return is_template(server.model) && (is_srv(server.model) || (is_file(server.model) && !server.port_given));
}

std::string_view named_problem(const RealServer& server, Family of_service) {
    if (is_file(server)) return label_bytes(server.more->values) > kLabelBytesMost ? "its labels are too long" : "";
    if (!has_resolver(server.more->values)) return "it has no dns_resolver with an address";
    if (named_family(server, of_service) != of_service && server.forwarding != Forwarding::Tunnel)
        return "its addresses are not of the family of the service";
    return {};
}

}  // namespace mainstay::config
