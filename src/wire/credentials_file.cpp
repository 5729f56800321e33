#include "mainstay/wire/credentials_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "mainstay/base/error.hpp"

namespace mainstay::wire {
namespace {

constexpr std::string_view kLineBlanks = " \t\r";
constexpr std::size_t kHashBytes = 32, kSaltBytesMin = 8, kSaltBytesMax = 64;
// Bounds of scrypt's work: 128 MB of memory at most, which is what its parameters cost.
constexpr std::uint64_t kCostMax = 1 << 17, kBlockMax = 16, kParallelMax = 4, kMemoryMax = 128 << 20;

std::string_view cut_at(std::string_view& text, std::string_view marks) {
    const auto at = text.find_first_of(marks);
    const auto part = text.substr(0, at);
    text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
    return part;
}

std::string_view next_word(std::string_view& line) {
    const auto first = line.find_first_not_of(kLineBlanks);
    line = first == std::string_view::npos ? std::string_view{} : line.substr(first);
    return cut_at(line, kLineBlanks);
}

template <class T>
std::optional<T> number_of(std::string_view text, int base = 10) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::vector<std::byte> bytes_of_hex(std::string_view hex) {
    std::vector<std::byte> bytes;
    for (; hex.size() >= 2; hex.remove_prefix(2)) {
        const auto value = number_of<std::uint8_t>(hex.substr(0, 2), 16);
        if (!value) return {};
        bytes.push_back(std::byte{*value});
    }
    return hex.empty() ? bytes : std::vector<std::byte>{};
}

bool take_password(Credential& credential, std::string_view rest) {
    const auto cost = number_of<std::uint64_t>(cut_at(rest, ":"));
    const auto block = number_of<std::uint64_t>(cut_at(rest, ":"));
    const auto parallel = number_of<std::uint64_t>(cut_at(rest, ":"));
    credential.salt = bytes_of_hex(cut_at(rest, ":"));
    credential.hash = bytes_of_hex(rest);
    if (!cost || !block || !parallel) return false;
    credential.cost = *cost, credential.block = *block, credential.parallel = *parallel;
    const bool power_of_two = *cost > 1 && (*cost & (*cost - 1)) == 0;
    return power_of_two && *cost <= kCostMax && *block >= 1 && *block <= kBlockMax && *parallel >= 1 &&
           *parallel <= kParallelMax && *cost * *block * 128 <= kMemoryMax && credential.salt.size() >= kSaltBytesMin &&
           credential.salt.size() <= kSaltBytesMax && credential.hash.size() == kHashBytes;
}

bool take_hash(Credential& credential, std::string_view text) {
    constexpr std::string_view kToken = "token:sha256:", kPassword = "password:scrypt:";
    if (text.starts_with(kPassword)) return take_password(credential, text.substr(kPassword.size()));
    if (!text.starts_with(kToken)) return false;
    credential.is_token = true;
    credential.hash = bytes_of_hex(text.substr(kToken.size()));
    return credential.hash.size() == kHashBytes;
}

std::optional<std::int64_t> end_of_day(std::string_view text) {
    using namespace std::chrono;
    const auto y = number_of<int>(cut_at(text, "-"));
    const auto m = number_of<unsigned>(cut_at(text, "-"));
    const auto d = number_of<unsigned>(text);
    constexpr int kFirstYear = 1970, kLastYear = 9999;
    if (!y || !m || !d || *y < kFirstYear || *y > kLastYear || *m > 12 || *d > 31) return std::nullopt;
    const year_month_day date{year{*y}, month{*m}, day{*d}};
    if (!date.ok()) return std::nullopt;
    return duration_cast<seconds>((sys_days{date} + days{1}).time_since_epoch()).count();
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= kCredentialNameMax && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    });
}

// What is wrong with the line; null: nothing.
const char* take_line(std::string_view line, Credential& credential) {
    const auto name = next_word(line);
    if (!is_name(name)) return "a name has 1 to 64 letters, digits, '.', '_' and '-'";
    credential.name = name;
    const auto role = next_word(line);
    if (role != "read" && role != "operate") return "the role is read or operate";
    credential.operate = role == "operate";
    if (!take_hash(credential, next_word(line))) return "the hash is none that mainstayctl api credential makes";
    const auto until = next_word(line);
    if (until.empty()) return nullptr;
    const auto end = until.starts_with("until=") ? end_of_day(until.substr(6)) : std::nullopt;
    if (!end || !next_word(line).empty()) return "behind the hash there is until=YYYY-MM-DD or nothing";
    credential.until_unix_s = *end;
    return nullptr;
}

}  // namespace

CredentialsFile credentials_file(std::string_view text) {
    CredentialsFile file;
    for (std::size_t number = 1; !text.empty(); ++number) {
        std::string_view line = cut_at(text, "\n");
        std::string_view look = line;
        const auto first = next_word(look);
        if (first.empty() || first.starts_with('#')) continue;
        Credential credential;
        const char* problem = take_line(line, credential);
        if (problem == nullptr &&
            std::ranges::find(file.credentials, credential.name, &Credential::name) != file.credentials.end())
            problem = "the name is there already";
        if (problem == nullptr && file.credentials.size() >= kCredentialsMax) problem = "there are more than 1000";
        if (problem == nullptr)
            file.credentials.push_back(std::move(credential));
        else if (file.problems.size() < kCredentialsMax)
            file.problems.push_back(fmt::format("line {}: {}", number, problem));
    }
    return file;
}

std::optional<Endpoint> listening_endpoint(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto port = number_of<std::uint16_t>(text.substr(colon + 1));
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    const auto address = IpAddress::parse(host);
    if (!address || !port || *port == 0 || address->is_v6() != bracketed) return std::nullopt;
    return Endpoint{*address, *port};
}

bool is_loopback(const IpAddress& address) {
    if (address.is_v4()) return address.v4_host_order() >> 24U == 127;
    return address == IpAddress::parse("::1");
}

}  // namespace mainstay::wire
