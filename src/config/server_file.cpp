// The shape of these files is fixed, so the handler of the parser's events refuses anything else where it begins: an
// input of brackets alone ends at the second one, and nothing is built but the servers.
#include "mainstay/config/server_file.hpp"
#include "mainstay/base/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>
#include <utility>
#include <variant>

namespace mainstay::config {
namespace {

template <class T>
std::optional<T> whole(std::string_view text, T least, T most) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) return std::nullopt;
    return value;
}

struct Target {
    IpAddress address;
    std::optional<std::uint16_t> port;
};

// "192.0.2.1:80", "[2001:db8::1]:80", or an address alone. Text: what is wrong.
std::variant<Target, std::string> read_target(std::string_view text) {
    if (const auto alone = IpAddress::parse(text)) return Target{*alone, {}};
    std::string_view host = text, port;
    const bool bracketed = text.starts_with('[');
    const std::size_t end = bracketed ? text.find(']') : text.rfind(':');
    if (bracketed && end != std::string_view::npos) {
        host = text.substr(1, end - 1);
        port = text.substr(end + 1);
        if (!port.empty() && port.front() != ':') return "has something other than a port behind the bracket";
    } else if (end != std::string_view::npos) {
        host = text.substr(0, end);
        port = text.substr(end);
    }
    const auto address = IpAddress::parse(host);
    if (!address || (bracketed && !address->is_v6()))
        return "is not an address (a host name is not looked up here: write its address, or use real_server_dns)";
    if (port.empty()) return Target{*address, {}};
    const auto number = whole<std::uint16_t>(port.substr(1), 1, 65'535);
    if (!number) return "has no port from 1 to 65535";
    return Target{*address, number};
}

// Called by the parser; each call returns whether to go on.
class Handler {
public:
    explicit Handler(const ServerFileSource& source, std::string_view text) : source_{source}, text_{text} {}

    bool null() { return misplaced("null"); }
    bool boolean(bool /*value*/) { return misplaced("true or false"); }
    bool number_integer(std::int64_t value) { return label_number(std::to_string(value)); }
    bool number_unsigned(std::uint64_t value) { return label_number(std::to_string(value)); }
    bool number_float(double /*value*/, const std::string& text) { return label_number(text); }
    bool binary(nlohmann::json::binary_t& /*value*/) { return misplaced("binary data"); }

    bool string(std::string& value) {
        if (at_ == At::Targets) {
            targets_.push_back(std::move(value));
            return true;
        }
        return at_ == At::Labels ? label(std::move(value)) : misplaced("a text");
    }
    bool start_array(std::size_t /*size*/) {
        if (at_ == At::Nowhere) return enter(At::List);
        return at_ == At::Entry && key_ == "targets" ? enter(At::Targets) : misplaced("a list");
    }
    bool end_array() {
        at_ = at_ == At::Targets ? At::Entry : At::Over;
        return true;
    }
    bool start_object(std::size_t /*size*/) {
        if (at_ == At::Entry && key_ == "labels") return enter(At::Labels);
        if (at_ != At::List) return misplaced("an object");
        ++entry_;
        targets_.clear();
        labels_.clear();
        has_targets_ = has_labels_ = false;
        return enter(At::Entry);
    }
    bool end_object() {
        const bool entry = at_ == At::Entry;
        at_ = entry ? At::List : At::Entry;
        return !entry || take_entry();
    }
    bool key(std::string& name) {
        key_ = std::move(name);
        if (at_ == At::Labels) return true;
        bool* seen = key_ == "targets" ? &has_targets_ : key_ == "labels" ? &has_labels_ : nullptr;
        if (seen == nullptr)
            return refuse(
                fmt::format("has the key {}: an entry has \"targets\" and \"labels\" alone", plain_quote(key_)));
        if (std::exchange(*seen, true)) return refuse(fmt::format("has {} twice: leave one out", plain_quote(key_)));
        return true;
    }
    template <class Exception>
    bool parse_error(std::size_t position, const std::string& /*token*/, const Exception& /*why*/) {
        const std::string_view before = text_.substr(0, std::min(position, text_.size()));
        const auto line = std::ranges::count(before, '\n') + 1;
        if (position > text_.size())
            problem_ = "it ends early, in line " + std::to_string(line) +
                       ": write it under another name and rename it, so that nobody reads half of it";
        else
            problem_ = "it is not JSON from line " + std::to_string(line) + ", byte " + std::to_string(position) +
                       " on: let a JSON library write it";
        return false;
    }

    [[nodiscard]] const std::string& problem() const { return problem_; }
    // Sorted; or the first target that is there twice.
    [[nodiscard]] Result<DiscoveredServers> servers() {
        std::ranges::sort(found_, {}, [](const Found& one) { return std::tie(one.server.address, one.server.port); });
        DiscoveredServers list;
        list.reserve(found_.size());
        for (std::size_t i = 0; i < found_.size(); ++i) {
            const auto& [server, entry] = found_[i];
            if (i > 0 && found_[i - 1].server.address == server.address && found_[i - 1].server.port == server.port)
                return fail(Errc::Invalid,
                            fmt::format("entries {} and {} both have {}: leave one out",
                                        std::min(entry, found_[i - 1].entry), std::max(entry, found_[i - 1].entry),
                                        Endpoint{server.address, server.port}.to_string()));
            list.push_back(server);
        }
        return list;
    }

private:
    enum class At : std::uint8_t { Nowhere, List, Entry, Targets, Labels, Over };
    struct Found {
        DiscoveredServer server;
        std::size_t entry;
    };

    bool enter(At where) {
        at_ = where;
        return true;
    }
    bool refuse(const std::string& what) {
        problem_ = fmt::format("entry {} {}", entry_, what);
        return false;
    }
    bool misplaced(std::string_view what) {
        if (at_ == At::Nowhere) {
            problem_ = fmt::format("it is {} and should be a list of entries: [{{\"targets\": [...]}}]", what);
            return false;
        }
        if (at_ == At::List) {
            problem_ = fmt::format("behind entry {} is {}: an entry is an object with \"targets\"", entry_, what);
            return false;
        }
        if (at_ == At::Targets)
            return refuse(fmt::format("has {} among its targets: a target is a text, \"address:port\"", what));
        if (at_ == At::Labels) return refuse(fmt::format("has {} as label {}: write a text", what, plain_quote(key_)));
        return refuse(fmt::format("has {} as \"{}\": {}", what, key_ == "targets" ? "targets" : "labels",
                                  key_ == "targets" ? "write a list of texts" : "write an object of texts"));
    }
    bool label(std::string value) {
        if (!labels_.emplace(key_, std::move(value)).second)
            return refuse(fmt::format("has the label {} twice: leave one out", plain_quote(key_)));
        return true;
    }
    bool label_number(std::string text) { return at_ == At::Labels ? label(std::move(text)) : misplaced("a number"); }

    [[nodiscard]] bool matches(const LabelRule& rule) const {
        const auto found = labels_.find(rule.name);
        return found != labels_.end() && std::ranges::find(rule.values, found->second) != rule.values.end();
    }
    bool take_entry() {
        if (!has_targets_) return refuse("has no \"targets\": an entry without servers has an empty list");
        std::optional<std::uint32_t> weight;
        if (const auto found = labels_.find("weight"); found != labels_.end()) {
            weight = whole<std::uint32_t>(found->second, 0, static_cast<std::uint32_t>(kLabelWeightMax));
            if (!weight)
                return refuse(fmt::format("has the weight {}: write a number from 0 to {}", plain_quote(found->second),
                                          kLabelWeightMax));
        }
        const auto is_met = [this](const LabelRule& rule) { return matches(rule); };
        const bool selected = std::ranges::all_of(source_.keep, is_met) && std::ranges::none_of(source_.drop, is_met);
        return std::ranges::all_of(targets_,
                                   [&](const std::string& text) { return take_target(text, weight, selected); });
    }
    // A target that the labels leave out has to be an address as well: who wrote it may have meant another file.
    bool take_target(const std::string& text, std::optional<std::uint32_t> weight, bool selected) {
        const auto about = [&](std::string_view what) {
            return refuse(fmt::format("has the target {}, which {}", plain_quote(text), what));
        };
        const auto read = read_target(text);
        if (const auto* problem = std::get_if<std::string>(&read)) return about(*problem);
        const auto& target = std::get<Target>(read);
        if (!selected) return true;
        if (target.address.is_multicast() || target.address.is_any()) return about("is no address of a host");
        if (source_.family && target.address.family() != *source_.family)
            return about(*source_.family == Family::V4 ? "is IPv6, and the service is IPv4"
                                                       : "is IPv4, and the service is IPv6");
        if (source_.port == 0 && !target.port)
            return about("has no port: write it there, or behind the file's path in the configuration");
        if (found_.size() == kServersPerFileMax)
            return about(
                fmt::format("is server {}: {} are too many for one file", found_.size() + 1, found_.size() + 1));
        const std::uint16_t port = source_.port != 0 ? source_.port : target.port.value_or(0);
        found_.push_back({{target.address, port, weight}, entry_});
        return true;
    }

    const ServerFileSource& source_;
    std::string_view text_;
    At at_ = At::Nowhere;
    std::size_t entry_ = 0;  // counted from 1
    std::string key_;        // of the member that is read
    bool has_targets_ = false, has_labels_ = false;
    std::vector<std::string> targets_;
    std::map<std::string, std::string> labels_;
    std::vector<Found> found_;
    std::string problem_;
};

void append(std::string& key, std::string_view sign, const std::vector<LabelRule>& rules) {
    for (const LabelRule& rule : rules) {
        key += fmt::format("\n{}{}", sign, rule.name);
        for (const std::string& value : rule.values) key += fmt::format("\t{}", value);
    }
}

}  // namespace

std::string name_of(const ServerFileSource& source) {
    std::string name = source.path;
    if (source.port != 0) name += fmt::format(" {}", source.port);
    if (source.family == Family::V6) name += " (IPv6)";
    const auto add = [&name](std::string_view sign, const std::vector<LabelRule>& rules) {
        for (const LabelRule& rule : rules)
            name += fmt::format(" {}{}={}", sign, rule.name, fmt::join(rule.values, "|"));
    };
    add("", source.keep);
    add("not ", source.drop);
    return name;
}

std::string key_of(const ServerFileSource& source) {
    std::string key = source.path;
    if (source.port != 0) key += fmt::format("\n:{}", source.port);
    if (source.family) key += *source.family == Family::V4 ? "\nipv4" : "\nipv6";
    append(key, "+", source.keep);
    append(key, "-", source.drop);
    return key;
}

Result<DiscoveredServers> read_server_file(std::string_view text, const ServerFileSource& source) {
    if (text.size() > kServerFileBytesMax)
        return fail(Errc::Limit, fmt::format("it is larger than {} MiB", kServerFileBytesMax >> 20U));
    if (text.empty()) return fail(Errc::Invalid, "it is empty: a file without servers is []");
    Handler handler{source, text};
    if (!nlohmann::json::sax_parse(text.data(), text.data() + text.size(), &handler))
        return fail(Errc::Invalid, handler.problem());
    return handler.servers();
}

}  // namespace mainstay::config
