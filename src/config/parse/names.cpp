#include "parser.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "config/schema/value_store.hpp"
#include "mainstay/config/keywords.hpp"

namespace mainstay::config {
namespace {

constexpr std::string_view kDistributionFolders[]{"/usr/share/iproute2", "/usr/lib/iproute2"};

struct Builtin {
    std::string_view file, name;
    std::int64_t number;
};
// Names from the kernel's headers, known without any file.
constexpr Builtin kBuiltin[]{
    {"rt_tables", "default", 253}, {"rt_tables", "main", 254},      {"rt_tables", "local", 255},
    {"rt_scopes", "global", 0},    {"rt_scopes", "site", 200},      {"rt_scopes", "link", 253},
    {"rt_scopes", "host", 254},    {"rt_scopes", "nowhere", 255},   {"rt_protos", "redirect", 1},
    {"rt_protos", "kernel", 2},    {"rt_protos", "boot", 3},        {"rt_protos", "static", 4},
    {"rt_protos", "gated", 8},     {"rt_protos", "ra", 9},          {"rt_protos", "mrt", 10},
    {"rt_protos", "zebra", 11},    {"rt_protos", "bird", 12},       {"rt_protos", "dnrouted", 13},
    {"rt_protos", "xorp", 14},     {"rt_protos", "ntk", 15},        {"rt_protos", "dhcp", 16},
    {"rt_protos", "mrouted", 17},  {"rt_protos", "keepalived", 18}, {"rt_protos", "babel", 42},
    {"rt_protos", "bgp", 186},     {"rt_protos", "isis", 187},      {"rt_protos", "ospf", 188},
    {"rt_protos", "rip", 189},     {"rt_protos", "eigrp", 192},     {"protocols", "icmp", 1},
    {"protocols", "tcp", 6},       {"protocols", "udp", 17},        {"protocols", "ipv6-icmp", 58},
    {"protocols", "sctp", 132},    {"group", "default", 0},         {"rt_realms", "cosmos", 0},
};

std::string_view file_of(std::string_view keyword) {
    if (keyword == "table" || keyword == "lookup") return "rt_tables";
    if (keyword == "protocol") return "rt_protos";
    if (keyword == "scope") return "rt_scopes";
    if (keyword == "realms") return "rt_realms";
    if (keyword == "tos" || keyword == "dsfield") return "rt_dsfield";
    if (keyword == "suppress_ifgroup" || keyword == "sup_group") return "group";
    return keyword == "ipproto" ? "protocols" : std::string_view{};
}

std::optional<std::int64_t> number_of(std::string_view word) {
    const bool hex = word.starts_with("0x");
    if (hex) word.remove_prefix(2);
    std::int64_t number = 0;
    const auto [stop, ec] = std::from_chars(word.data(), word.data() + word.size(), number, hex ? 16 : 10);
    if (ec != std::errc{} || stop != word.data() + word.size() || number < 0) return std::nullopt;
    return number;
}

// "254 main # the usual one"; in /etc/protocols "tcp 6 TCP".
template <class Give>
void read_lines(const std::string& path, bool number_first, const Give& give) {
    std::error_code ec;
    if (!std::filesystem::is_regular_file(path, ec)) return;
    std::ifstream file{path};
    std::string line;
    for (std::size_t bytes = 0; bytes < NumberNames::kMostBytes && std::getline(file, line); bytes += line.size() + 1) {
        std::istringstream words{line.substr(0, line.find('#'))};
        std::string first, second, more;
        if (!(words >> first >> second)) continue;
        const auto number = number_of(number_first ? first : second);
        if (!number) continue;
        give(number_first ? second : first, *number);
        while (words >> more && !number_first) give(more, *number);  // aliases
    }
}

// "PQA/0x14": each part is a number or a name. `unknown` is given the part that is neither.
std::optional<IntegerList> realms_of(NumberNames& names, std::string_view word, std::string* unknown = nullptr) {
    IntegerList realms;
    for (std::size_t at = 0; at <= word.size();) {
        const std::size_t end = std::min(word.find('/', at), word.size());
        const std::string part{word.substr(at, end - at)};
        auto number = number_of_any_base(part);
        if (!number) number = names.find("realms", part);
        if (!number && unknown != nullptr) *unknown = part;
        if (!number) return std::nullopt;
        realms.push_back(*number);
        at = end + 1;
    }
    return realms;
}

// The number of a word, which is a name or several names; nullopt if a name is in no file.
std::optional<KeywordData> value_of_name(NumberNames& names, std::string_view keyword, const std::string& word) {
    if (keyword == "realms") {
        auto realms = realms_of(names, word);
        return realms ? std::optional<KeywordData>{std::move(*realms)} : std::nullopt;
    }
    const auto number = names.find(keyword, word);
    return number ? std::optional<KeywordData>{*number} : std::nullopt;
}

// Resolves the names in one line. False: one of them has no number.
bool resolve_line(NumberNames& names, KeywordValues& values, std::string_view block) {
    bool good = true;
    for (KeywordValue& value : values) {
        const auto* words = std::get_if<WordList>(&value.data);
        if (words == nullptr || words->empty() || file_of(value.keyword).empty()) continue;
        if (block.ends_with("rules") && value.keyword == keyword::protocol) continue;  // a number, always
        auto meant = value_of_name(names, value.keyword, words->front());
        if (meant)
            value.data = std::move(*meant);
        else
            good = false;
    }
    return good;
}

// The same including nested lines: the hops of a route.
bool resolve_line(NumberNames& names, KeywordValues& values, std::vector<Section>& inside, std::string_view block) {
    bool good = resolve_line(names, values, block);
    for (Section& section : inside) good = resolve_line(names, section.values, section.sections, block) && good;
    return good;
}

void resolve_blocks(NumberNames& names, std::vector<Section>& sections) {
    for (Section& block : sections) {
        const bool routing = block.keyword.ends_with("_routes") || block.keyword.ends_with("_rules");
        if (routing)
            std::erase_if(block.sections, [&](Section& line) {
                return !resolve_line(names, line.values, line.sections, block.keyword);
            });
        if (block.keyword != keyword::static_ipaddress) continue;
        for (Section& line : block.sections)
            if (!resolve_line(names, line.values, block.keyword)) drop_value(line.values, keyword::scope);
    }
}

void resolve_address(NumberNames& names, VirtualAddress& address) {
    const std::string* scope = find_word(address.more->values, keyword::scope);
    if (scope == nullptr) return;
    if (const auto number = names.find("scope", *scope)) address.scope = static_cast<std::uint8_t>(*number);
    drop_value(address.more.edit().values, keyword::scope);
}

void report_unknown(ParseContext& r, NumberNames& names, const std::string& folders) {
    for (const auto& [row, name, mark] : r.named_numbers) {
        if (row == nullptr || file_of(row->name).empty() || value_of_name(names, row->name, name)) continue;
        std::string unknown = name;
        if (row->name == "realms") (void)realms_of(names, name, &unknown);
        const bool address = row->blocks.has(Block::VirtualAddresses);
        auto& d = r.diag.error(Code::UnknownWord, mark,
                               address ? fmt::format("unknown scope '{}'", unknown)
                                       : fmt::format("there is no {} named '{}'", row->name, unknown));
        d.effect = address ? "scope global is used" : "the line is ignored";
        const std::string_view file = file_of(row->name);
        d.fix = file == "protocols" ? "the names are those of /etc/protocols"
                                    : fmt::format("write a number, or name it in {}/{}", folders, file);
    }
}

}  // namespace

std::optional<std::int64_t> NumberNames::find(std::string_view keyword, const std::string& name) {
    const std::string_view file = file_of(keyword);
    if (file.empty()) return std::nullopt;
    const Table& known = table(file);
    const auto found = known.find(name);
    return found == known.end() ? std::nullopt : std::optional{found->second};
}

const NumberNames::Table& NumberNames::table(std::string_view file) {
    if (const auto found = tables_.find(file); found != tables_.end()) return found->second;
    Table& made = tables_[std::string{file}];
    for (const Builtin& builtin : kBuiltin)
        if (builtin.file == file) made.insert_or_assign(std::string{builtin.name}, builtin.number);
    const auto give = [&made](const std::string& name, std::int64_t number) { made.insert_or_assign(name, number); };
    if (file == "protocols") {
        read_lines("/etc/protocols", false, give);
        return made;
    }
    std::vector<std::string> folders;
    if (usr_.empty())
        folders.assign(std::begin(kDistributionFolders), std::end(kDistributionFolders));
    else
        folders.push_back(usr_);
    folders.push_back(etc_);
    for (const std::string& folder : folders) {
        const std::string path = folder + "/" + std::string{file};
        read_lines(path, true, give);
        std::set<std::string> pieces;
        std::error_code ec;
        for (const auto& entry : std::filesystem::directory_iterator{path + ".d", ec})
            if (entry.path().extension() == ".conf") pieces.insert(entry.path().string());
        for (const std::string& piece : pieces) read_lines(piece, true, give);
    }
    return made;
}

void resolve_names(ParseContext& r, Config& config) {
    if (r.named_numbers.empty()) return;
    const KeywordValues& global = config.global.more->values;
    const std::string given = first_word(global, keyword::iproute_etc_dir);
    const std::string etc = given.empty() ? "/etc/iproute2" : given;
    NumberNames names{first_word(global, keyword::iproute_usr_dir), etc};
    report_unknown(r, names, etc);
    if (!config.more->sections.empty()) resolve_blocks(names, config.more.edit().sections);
    for (Instance& instance : config.instances) {
        if (!instance.more->sections.empty()) resolve_blocks(names, instance.more.edit().sections);
        instance.routes.erase_if([&](VirtualRoute& route) {
            if (route.more->values.empty()) return false;
            ExtraSettings& more = route.more.edit();
            return !resolve_line(names, more.values, more.sections, "virtual_routes");
        });
        const auto resolve = [&](VirtualAddress& address) {
            if (!address.more->values.empty()) resolve_address(names, address);
        };
        std::ranges::for_each(instance.addresses, resolve);
        std::ranges::for_each(instance.excluded_addresses, resolve);
    }
}

}  // namespace mainstay::config
