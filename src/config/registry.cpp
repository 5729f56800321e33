#include "mainstay/config/registry.hpp"
#include "mainstay/base/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <tuple>
#include <utility>

namespace mainstay::config {
namespace {

using nlohmann::json;

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

Result<json> parsed(std::string_view text) {
    if (text.size() > kRegistryBytesMax)
        return fail(Errc::Invalid, fmt::format("the answer is longer than {} MiB", kRegistryBytesMax >> 20U));
    auto value = json::parse(text, nullptr, false);
    if (value.is_discarded()) return fail(Errc::Invalid, "the answer is no JSON, or ends early");
    return value;
}

const json& member(const json& object, const char* name) {
    static const json kNothing;
    if (!object.is_object()) return kNothing;
    const auto found = object.find(name);
    return found == object.end() ? kNothing : *found;
}

std::string text_in(const json& value) { return value.is_string() ? value.get<std::string>() : std::string{}; }

std::optional<std::int64_t> number_in(const json& value) {
    if (value.is_number_unsigned()) {
        const auto number = value.get<std::uint64_t>();
        if (number > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
        return static_cast<std::int64_t>(number);
    }
    if (value.is_number_integer()) return value.get<std::int64_t>();
    if (!value.is_string()) return std::nullopt;  // etcd writes 64 bits as text
    const auto& text = value.get_ref<const std::string&>();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// Collects servers, and says which entry (counted from 1) is wrong.
class Servers {
public:
    explicit Servers(std::uint16_t port) : port_{port} {}

    [[nodiscard]] Result<void> add(std::size_t entry, std::string_view address, const json& port, const json& weight) {
        const auto host = IpAddress::parse(address);
        if (!host)
            return fail(Errc::Invalid, fmt::format("entry {} has {} as its address: names are not looked up here",
                                                   entry, plain_quote(address)));
        if (host->is_multicast() || host->is_any())
            return fail(Errc::Invalid,
                        fmt::format("entry {} has {}, which is no address of a host", entry, plain_quote(address)));
        DiscoveredServer server{.address = *host, .port = port_, .weight = {}};
        if (port_ == 0) {
            const auto own = number_in(port);
            if (!own || *own < 1 || *own > 65'535)
                return fail(Errc::Invalid,
                            fmt::format("entry {} ({}) has no port from 1 to 65535: --port gives one to all", entry,
                                        host->to_string()));
            server.port = static_cast<std::uint16_t>(*own);
        }
        if (!weight.is_null()) {
            const auto value = number_in(weight);
            if (!value || *value < 0 || *value > kLabelWeightMax)
                return fail(Errc::Invalid, fmt::format("entry {} ({}) has a weight that is no number from 0 to {}",
                                                       entry, host->to_string(), kLabelWeightMax));
            server.weight = static_cast<std::uint32_t>(*value);
        }
        list_.push_back(server);
        return {};
    }
    // "192.0.2.1:80", "[2001:db8::1]:80", or an address alone, with or without brackets.
    [[nodiscard]] Result<void> add(std::size_t entry, std::string_view endpoint, const json& weight) {
        if (IpAddress::parse(endpoint)) return add(entry, endpoint, json{}, weight);
        const std::size_t colon = endpoint.ends_with(']') ? std::string_view::npos : endpoint.rfind(':');
        std::string_view host = endpoint.substr(0, colon);
        if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
        const json port = colon == std::string_view::npos ? json{} : json(std::string{endpoint.substr(colon + 1)});
        return add(entry, host, port, weight);
    }

    [[nodiscard]] Result<DiscoveredServers> take() {
        const auto place = [](const DiscoveredServer& one) { return std::tie(one.address, one.port); };
        std::ranges::stable_sort(list_, [&](const auto& a, const auto& b) {
            return place(a) != place(b) ? place(a) < place(b) : a.weight > b.weight;
        });
        const auto rest = std::ranges::unique(list_, {}, place);
        list_.erase(rest.begin(), rest.end());
        if (list_.size() > kServersPerFileMax)
            return fail(Errc::Invalid,
                        fmt::format("it has {} servers, and a file may have {}", list_.size(), kServersPerFileMax));
        return std::move(list_);
    }

private:
    std::uint16_t port_;
    DiscoveredServers list_;
};

// The worst state of an instance's checks and its node's.
enum class Health : std::uint8_t { Passing, Warning, Critical };
Result<Health> health_of(const json& checks, std::size_t entry) {
    Health worst = Health::Passing;
    if (!checks.is_array()) return fail(Errc::Invalid, fmt::format("entry {} has no list of checks", entry));
    for (const auto& check : checks) {
        const std::string status = text_in(member(check, "Status"));
        if (status == "passing") continue;
        if (status == "warning")
            worst = std::max(worst, Health::Warning);
        else if (status == "critical" || status == "maintenance")
            worst = Health::Critical;
        else
            return fail(Errc::Invalid,
                        fmt::format("entry {} has the state {}, which is not known", entry, plain_quote(status)));
    }
    return worst;
}

std::string encode(std::string_view bytes) {
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t have = std::min<std::size_t>(3, bytes.size() - at);
        std::uint32_t group = 0;
        for (std::size_t n = 0; n < 3; ++n)
            group = group << 8U | (n < have ? static_cast<unsigned char>(bytes[at + n]) : 0U);
        for (std::size_t n = 0; n < 4; ++n) out += n <= have ? kBase64[group >> (18U - 6U * n) & 63U] : '=';
    }
    return out;
}

std::optional<std::string> decode(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += 4) {
        std::uint32_t group = 0;
        std::size_t have = 4;
        for (std::size_t n = 0; n < 4; ++n) {
            const char c = text[at + n];
            if (c == '=' && at + 4 == text.size() && n >= 2) {
                have = std::min(have, n);
                group <<= 6U;
                continue;
            }
            const std::size_t value = kBase64.find(c);
            if (value == std::string_view::npos || have < 4) return std::nullopt;
            group = group << 6U | static_cast<std::uint32_t>(value);
        }
        for (std::size_t n = 0; n + 1 < have; ++n) out += static_cast<char>(group >> (16U - 8U * n) & 255U);
    }
    return out;
}

// The first key behind all that begin with the prefix; a zero byte: there is none, and all are meant.
std::string end_of(std::string_view prefix) {
    std::string end{prefix};
    while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
    if (end.empty()) return std::string(1, '\0');
    end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
    return end;
}

json range_of(std::string_view prefix) {
    const std::string from = prefix.empty() ? std::string(1, '\0') : std::string{prefix};
    return {{"key", encode(from)}, {"range_end", encode(end_of(prefix))}};
}

// What etcd says of a request that it refuses; empty: nothing.
std::string refusal_in(const json& answer) {
    const json& error = member(answer, "error");
    std::string text = error.is_object() ? text_in(member(error, "message")) : text_in(error);
    if (text.empty()) text = text_in(member(answer, "message"));
    return text;
}

}  // namespace

Result<DiscoveredServers> read_consul_health(std::string_view text, const ConsulSelection& selection) {
    const auto answer = parsed(text);
    if (!answer) return error_of(answer);
    if (!answer->is_array()) return fail(Errc::Invalid, "the answer is no list of instances");
    Servers servers{selection.port};
    std::size_t entry = 0;
    for (const json& one : *answer) {
        ++entry;
        const json& service = member(one, "Service");
        if (!service.is_object()) return fail(Errc::Invalid, fmt::format("entry {} has no Service", entry));
        const json& tags = member(service, "Tags");
        const bool left_out = std::ranges::any_of(selection.without_tags, [&](const std::string& tag) {
            return tags.is_array() && std::ranges::find(tags, json(tag)) != tags.end();
        });
        const auto health = health_of(member(one, "Checks"), entry);
        if (!health) return error_of(health);
        if (left_out || (*health == Health::Critical && !selection.any_health)) continue;
        std::string address = text_in(member(service, "Address"));
        if (address.empty()) address = text_in(member(member(one, "Node"), "Address"));  // Consul: that of the node
        const json& weight = member(member(service, "Weights"), *health == Health::Passing ? "Passing" : "Warning");
        if (auto added = servers.add(entry, address, member(service, "Port"), weight); !added) return error_of(added);
    }
    return servers.take();
}

Result<EtcdServers> read_etcd_range(std::string_view text, std::uint16_t port) {
    const auto answer = parsed(text);
    if (!answer) return error_of(answer);
    if (const auto refusal = refusal_in(*answer); !refusal.empty())
        return fail(Errc::Invalid, "etcd refuses it: " + plain_quote(refusal));
    const auto revision = number_in(member(member(*answer, "header"), "revision"));
    if (!revision || *revision < 1) return fail(Errc::Invalid, "the answer has no revision");
    const json& pairs = member(*answer, "kvs");  // absent: no keys
    if (!pairs.is_null() && !pairs.is_array()) return fail(Errc::Invalid, "the answer has no list of keys");
    if (member(*answer, "more") == json(true)) return fail(Errc::Invalid, "the answer is not whole");
    Servers servers{port};
    std::size_t entry = 0;
    for (const json& pair : pairs) {
        ++entry;
        const auto value = decode(text_in(member(pair, "value")));
        if (!value) return fail(Errc::Invalid, fmt::format("entry {} has no value in base64", entry));
        const auto object = json::parse(*value, nullptr, false);
        const bool plain = !object.is_object();
        std::string endpoint = plain ? *value : text_in(member(object, "address"));
        if (!plain && endpoint.empty()) endpoint = text_in(member(object, "Addr"));
        if (auto added = servers.add(entry, endpoint, plain ? json{} : member(object, "weight")); !added)
            return error_of(added);
    }
    auto all = servers.take();
    if (!all) return error_of(all);
    return EtcdServers{*revision, std::move(*all)};
}

Result<EtcdNote> read_etcd_watch(std::string_view line) {
    const auto answer = parsed(line);
    if (!answer) return error_of(answer);
    if (const auto refusal = refusal_in(*answer); !refusal.empty())
        return fail(Errc::Invalid, "etcd refuses the watch: " + plain_quote(refusal));
    const json& result = member(*answer, "result");
    if (!result.is_object()) return fail(Errc::Invalid, "the answer to the watch has no result");
    if (number_in(member(result, "compact_revision")).value_or(0) > 0) return EtcdNote::Compacted;
    if (member(result, "canceled") == json(true))
        return fail(Errc::Invalid, "etcd ended the watch: " + plain_quote(text_in(member(result, "cancel_reason"))));
    const json& events = member(result, "events");
    return events.is_array() && !events.empty() ? EtcdNote::Changed : EtcdNote::Nothing;
}

Result<std::string> read_etcd_token(std::string_view text) {
    const auto answer = parsed(text);
    if (!answer) return error_of(answer);
    if (const auto refusal = refusal_in(*answer); !refusal.empty())
        return fail(Errc::Permission, "etcd refuses the name or the password: " + plain_quote(refusal));
    std::string token = text_in(member(*answer, "token"));
    const bool usable = !token.empty() && std::ranges::all_of(token, [](char c) { return c > ' ' && c < '\x7f'; });
    if (!usable) return fail(Errc::Invalid, "the answer has no token");
    return token;
}

std::string etcd_range_request(std::string_view prefix) { return range_of(prefix).dump(); }

std::string etcd_watch_request(std::string_view prefix, std::int64_t from) {
    json request = range_of(prefix);
    request["start_revision"] = std::to_string(from);
    return json{{"create_request", std::move(request)}}.dump();
}

std::string etcd_token_request(std::string_view name, std::string_view password) {
    return json{{"name", name}, {"password", password}}.dump(-1, ' ', true, json::error_handler_t::replace);
}

std::string server_file_of(const DiscoveredServers& servers) {
    std::string text{"["};
    for (const auto& server : servers) {
        text += text.size() > 1 ? ",\n " : "\n ";
        text += fmt::format(R"({{"targets": ["{}"])", Endpoint{server.address, server.port}.to_string());
        text += server.weight ? fmt::format(R"(, "labels": {{"weight": "{}"}}}})", *server.weight) : "}";
    }
    return text + "\n]\n";
}

}  // namespace mainstay::config
