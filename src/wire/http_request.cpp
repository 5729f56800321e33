#include "mainstay/wire/http_request.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "mainstay/base/text.hpp"

namespace mainstay::wire {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kHostCharacters = "abcdefghijklmnopqrstuvwxyz0123456789.-_";

std::optional<std::string> unescaped(std::string_view text, bool plus_is_blank) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            unsigned value = 0;
            const auto* const first = text.data() + i + 1;
            if (i + 2 >= text.size()) return std::nullopt;
            if (std::from_chars(first, first + 2, value, 16).ptr != first + 2) return std::nullopt;
            c = static_cast<char>(value);
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') return std::nullopt;
        out += c;
    }
    return out;
}

// No segment is empty, "." or "..", so that no two paths name the same resource.
bool is_plain_path(std::string_view path) {
    if (!path.starts_with('/')) return false;
    for (std::string_view rest = path.substr(1); !rest.empty();) {
        const bool more = rest.find('/') != std::string_view::npos;
        const auto segment = take_until(rest, '/');
        if (segment.empty() || segment == "." || segment == "..") return false;
        if (more && rest.empty()) return false;
    }
    return true;
}

int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
    std::string out;
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const char c : text) {
        const int value = base64_value(c);
        if (value < 0) return std::nullopt;
        bits = bits << 6U | static_cast<std::uint32_t>(value);
        held += 6;
        if (held < 8) continue;
        held -= 8;
        out += static_cast<char>(bits >> held & 0xffU);
    }
    return out;
}

Result<HttpCredentials> basic_credentials(std::string_view text) {
    const auto pair = from_base64(text);
    const auto colon = pair ? pair->find(':') : std::string::npos;
    if (colon == std::string::npos)
        return fail(Errc::Invalid, "basic credentials that are not NAME:PASSWORD in base64");
    return HttpCredentials{HttpCredentials::Scheme::Basic, pair->substr(0, colon), pair->substr(colon + 1)};
}

// True if one of the parameters is q=0, 0.0 ...
bool is_refused(std::string_view parameters) {
    while (!parameters.empty()) {
        const auto one = trimmed(take_until(parameters, ';'));
        if (one.size() > 2 && same_letters(one.substr(0, 2), "q="))
            return one.substr(2).find_first_not_of("0.") == std::string_view::npos;
    }
    return false;
}

// 0: refused; 1: taken by a wildcard for all; 2: by one for the type; 3: by its name. nullopt: not named.
std::optional<int> rank_in(std::string_view field, std::string_view media_type) {
    std::optional<int> best;
    int best_rank = 0;
    while (!field.empty()) {
        std::string_view one = take_until(field, ',');
        const auto name = trimmed(take_until(one, ';'));
        const auto type = media_type.substr(0, media_type.find('/'));
        int rank = 0;
        if (same_letters(name, media_type))
            rank = 3;
        else if (name == "*/*")
            rank = 1;
        else if (name.ends_with("/*") && same_letters(name.substr(0, name.size() - 2), type))
            rank = 2;
        if (rank <= best_rank) continue;
        best_rank = rank;
        best = is_refused(one) ? 0 : rank;
    }
    return best;
}

}  // namespace

std::string_view HttpTarget::parameter(std::string_view name, std::string_view otherwise) const {
    const auto found = std::ranges::find(query, name, &std::pair<std::string, std::string>::first);
    return found == query.end() ? otherwise : std::string_view{found->second};
}

bool HttpTarget::has(std::string_view name) const {
    return std::ranges::find(query, name, &std::pair<std::string, std::string>::first) != query.end();
}

Result<HttpTarget> http_target(std::string_view target) {
    if (target.find('#') != std::string_view::npos) return fail(Errc::Invalid, "a target with a fragment");
    std::string_view rest = target;
    const auto path = unescaped(take_until(rest, '?'), false);
    if (!path || !is_plain_path(*path)) return fail(Errc::Invalid, "a path that is not plain");
    HttpTarget read{.path = *path, .query = {}};
    while (!rest.empty()) {
        std::string_view value = take_until(rest, '&');
        if (value.empty()) continue;
        auto name = unescaped(take_until(value, '='), true);
        auto decoded = unescaped(value, true);
        if (!name || !decoded) return fail(Errc::Invalid, "a parameter that cannot be decoded");
        if (read.query.size() >= kQueryParametersMax) return fail(Errc::Invalid, "too many parameters");
        read.query.emplace_back(std::move(*name), std::move(*decoded));
    }
    return read;
}

Result<HttpCredentials> http_credentials(std::string_view field) {
    std::string_view rest = trimmed(field);
    if (rest.empty()) return HttpCredentials{};
    const auto scheme = take_until(rest, ' ');
    const auto secret = trimmed(rest);
    if (secret.empty() || secret.size() > kCredentialBytesMax)
        return fail(Errc::Invalid, "credentials that are empty or too long");
    if (same_letters(scheme, "Basic")) return basic_credentials(secret);
    if (!same_letters(scheme, "Bearer")) return fail(Errc::Invalid, "credentials that are neither Basic nor Bearer");
    if (secret.find_first_of(kBlanks) != std::string_view::npos) return fail(Errc::Invalid, "a token with a blank");
    return HttpCredentials{HttpCredentials::Scheme::Bearer, {}, std::string{secret}};
}

bool http_accepts(std::string_view field, std::string_view media_type) {
    return trimmed(field).empty() || rank_in(field, media_type).value_or(0) > 0;
}

bool http_asks_for(std::string_view field, std::string_view media_type) {
    return rank_in(field, media_type).value_or(0) == 3;
}

std::string http_host(std::string_view field) {
    std::string_view rest = trimmed(field);
    std::string host;
    if (rest.starts_with('[')) {
        const auto end = rest.find(']');
        if (end == std::string_view::npos) return {};
        host = rest.substr(1, end - 1);
        rest.remove_prefix(end + 1);
        if (host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string::npos) return {};
    } else {
        host = rest.substr(0, rest.find(':'));
        rest.remove_prefix(host.size());
    }
    std::ranges::transform(host, host.begin(), lower);
    const bool is_v6 = host.find(':') != std::string::npos;
    if (!is_v6 && host.find_first_not_of(kHostCharacters) != std::string::npos) return {};
    if (rest.empty()) return host;
    if (!rest.starts_with(':') || rest.substr(1).find_first_not_of("0123456789") != std::string_view::npos) return {};
    return host;
}

}  // namespace mainstay::wire
