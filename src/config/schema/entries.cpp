// Parses lines of value blocks (virtual addresses, trackers, peers), and small grammars that several keywords share.
#include <array>
#include <bit>
#include <utility>

#include "config/schema/setters.hpp"
#include "config/schema/value_store.hpp"
#include "mainstay/config/keywords.hpp"

namespace mainstay::config {
namespace {

constexpr std::size_t kMostLabelBytes = 15;  // IFNAMSIZ - 1

std::optional<std::uint8_t> scope_of(std::string_view word) {
    static constexpr std::array<std::pair<std::string_view, std::uint8_t>, 5> kScopes{
        {{"global", 0}, {"site", 200}, {"link", 253}, {"host", 254}, {"nowhere", 255}}};
    for (const auto& [name, number] : kScopes)
        if (name == word) return number;
    constexpr std::int64_t kMost = 255;
    const auto number = number_of_any_base(word);
    if (number && *number <= kMost) return static_cast<std::uint8_t>(*number);
    return std::nullopt;
}

// "24" of "24;". An address is no number: a netmask stands there.
std::optional<std::int64_t> leading_number(std::string_view word, std::int64_t low, std::int64_t high) {
    if (IpAddress::parse(word)) return std::nullopt;
    return whole_number(split_number(word).number, low, high);
}

// keepalived (2.2.7): such a number is used when it runs, and refused at -t.
Diagnostic& say_behind(ParseContext& r, Mark mark, std::string_view what, std::string_view word,
                       std::string_view behind, std::int64_t number) {
    auto& d = r.diag.warn(Code::NotANumber, mark,
                          fmt::format("{} needs a number, got '{}': '{}' follows it", what, word, behind));
    d.effect = fmt::format("{} is used, as keepalived does when it runs", number);
    return d;
}

std::optional<Prefix> read_prefix(ParseContext& r, Mark mark, std::string_view word) {
    const std::size_t slash = word.find('/');
    const auto address = IpAddress::parse(word.substr(0, slash));
    if (!address) {
        auto& d = r.diag.error(Code::NotAnAddress, mark, fmt::format("'{}' is not an IP address", word));
        d.effect = "the line is ignored";
        if (word.ends_with(',') || word.ends_with(';'))
            d.fix = "one address per line, without commas";
        else if (const auto bare = in_brackets(word))
            d.fix = fmt::format("write {}{}, without brackets", bare->address, bare->behind);
        return std::nullopt;
    }
    const int most = address->is_v4() ? 32 : 128;
    Prefix prefix{*address, static_cast<std::uint8_t>(most)};
    if (slash == std::string_view::npos) return prefix;
    const std::string_view length = word.substr(slash + 1);
    if (const auto number = leading_number(length, 0, most)) {
        prefix.length = static_cast<std::uint8_t>(*number);
        if (const auto behind = split_number(length).behind; !behind.empty())
            say_behind(r, mark, fmt::format("the prefix length of {}", word.substr(0, slash)), length, behind, *number)
                .fix = behind == "," ? "one address per line, without commas"
                                     : fmt::format("write {}/{}", word.substr(0, slash), *number);
        return prefix;
    }
    auto& d = r.diag.error(
        Code::BadPrefix, mark,
        fmt::format("the prefix length of {} must be 0 to {}, got '{}'", word.substr(0, slash), most, length));
    d.effect = fmt::format("/{} is used", most);
    if (const auto mask = IpAddress::parse(length); mask && mask->is_v4()) {
        const int bits = std::popcount(mask->v4_host_order());
        d.fix = fmt::format("write {}/{}", word.substr(0, slash), bits);
    }
    return prefix;
}

// Parses the options of an address line. False if the line cannot be used.
class AddressOptions {
public:
    AddressOptions(ParseContext& r, const Value& v, VirtualAddress& address) : r_{r}, v_{v}, a_{address} {}

    bool read() {
        for (at_ = 1; at_ < v_.count(); ++at_)
            if (!option(v_.arg(at_))) return false;
        return true;
    }

private:
    std::string_view argument() { return v_.arg(++at_); }  // of a word that is not the last

    bool option(std::string_view word) {
        const Mark mark = v_.arg_mark(at_);
        const bool broadcasts = word == "brd" || word == "broadcast";
        const bool for_v4 = word == "label" || word == "scope" || broadcasts;
        if ((for_v4 || word == "dev") && at_ + 1 == v_.count()) {
            return lacks_value(word, mark);
        }
        if (for_v4 && !a_.prefix.address.is_v4()) {
            const std::string_view value = argument();
            if (word == "scope") return scope_of_v6(value, mark), true;
            unusable(mark, fmt::format("{} is for IPv4 addresses only", word), "the word is ignored");
            return true;
        }
        if (word == "dev") {
            if (!a_.dev.empty()) {
                auto& d = r_.diag.error(Code::GivenTwice, mark, "dev was given before in this line");
                d.effect = "the address is ignored, as keepalived does";
                d.fix = "an address is on one interface: delete one of the two";
                return false;
            }
            a_.dev = argument();
            if (a_.dev.empty())
                r_.diag.warn(Code::EmptyValue, mark, "dev has an empty value").effect =
                    "the interface of the instance is used";
        } else if (word == "label") {
            a_.label = argument();
            if (a_.label.empty())
                r_.diag.advise(Code::EmptyValue, mark, "label has an empty value").effect = "no label is set";
            if (a_.label.size() > kMostLabelBytes) {
                r_.diag
                    .error(Code::TooLong, mark,
                           fmt::format("label {} is longer than {} characters", a_.label, kMostLabelBytes))
                    .effect = "the address is not used";
                return false;
            }
        } else if (word == "scope") {
            const std::string_view name = argument();
            if (const auto scope = scope_of(name)) {
                a_.scope = *scope;
            } else if (!name.empty() && (name.front() < '0' || name.front() > '9')) {  // of rt_scopes, perhaps
                keep_name(name, v_.arg_mark(at_));
            } else
                unusable(mark, fmt::format("unknown scope '{}'", name), "scope global is used");
        } else if (broadcasts) {
            return broadcast(mark);
        } else if (word == "no_track") {
            a_.no_track = true;
        } else if (word == "noprefixroute") {
            a_.noprefixroute = true;
        } else if (const KeywordSpec* row = find_option(Block::VirtualAddresses, word); row != nullptr) {
            return other(*row, mark);
        } else {
            unknown_option(word, mark);
        }
        return true;
    }

    // A prefix length or a mask as a word of its own, or a second address?
    void unknown_option(std::string_view word, Mark mark) {
        if (v_.word.ends_with(',') && IpAddress::parse(word.substr(0, word.find_first_of("/,")))) return;  // told
        auto& d = unusable(mark, fmt::format("'{}' is not an option of an address", word), "the word is ignored");
        const bool names_mask = (word == "netmask" || word == "mask") && at_ + 1 < v_.count();
        const auto mask = IpAddress::parse(names_mask ? v_.arg(++at_) : word);
        const std::string_view first = v_.word.substr(0, v_.word.find('/'));
        if (const auto near = nearest_option(Block::VirtualAddresses, word); !near.empty())
            d.fix = fmt::format("did you mean `{}`?", near);
        else if (mask && mask->is_v4() && std::has_single_bit(~mask->v4_host_order() + 1U))
            d.fix = fmt::format("write {}/{}", first, std::popcount(mask->v4_host_order()));
        else if (word.starts_with('/') && at_ == 1)
            d.fix = fmt::format("write {}{}, without a blank", first, word);
        else if (!names_mask && IpAddress::parse(word.substr(0, word.find('/'))))
            d.fix = "one address per line";
    }

    // Programs that write configurations (neutron) say it of each address; keepalived mentions it, and counts it in its
    // exit code, unless it is the usual one.
    void scope_of_v6(std::string_view name, Mark mark) {
        if (scope_of(name) == 0) return;
        r_.diag.add(Severity::Note, Rank::Config, Code::UnknownWord, mark, "scope is for IPv4 addresses only").effect =
            "the word is ignored";
    }

    void keep_name(std::string_view name, Mark mark) {
        a_.more.edit().values.push_back({"scope", WordList{std::string{name}}});
        r_.named_numbers.push_back({find_option(Block::VirtualAddresses, "scope"), std::string{name}, mark});
    }

    // keepalived: a bad one costs the address.
    bool broadcast(Mark mark) {
        const std::string_view word = argument();
        if (word == "+")
            a_.broadcast_all_ones = true;
        else if (word == "-")
            a_.broadcast_all_zeros = true;
        else if (const auto address = IpAddress::parse(word); address && address->is_v4())
            a_.broadcast = *address;
        else {
            unusable(mark, fmt::format("broadcast needs an IPv4 address, + or -, got '{}'", word),
                     "the address is ignored, as keepalived does");
            return false;
        }
        return true;
    }

    Diagnostic& unusable(Mark mark, std::string message, std::string effect) {
        auto& d = r_.diag.error(Code::UnknownWord, mark, std::move(message));
        d.effect = std::move(effect);
        return d;
    }
    // An option without a member in the model.
    bool other(const KeywordSpec& row, Mark mark) {
        Value value{.row = row, .statement = v_.statement, .first = v_.first + at_ + 1};
        if (value.count() == 0 && row.args.words_min != 0) return lacks_value(row.name, mark);
        if (read_value(r_, value)) keep(r_, a_.more.edit().values, value);
        at_ = std::max(at_, value.stop - v_.first - 1);
        return true;
    }
    // keepalived: it costs the address.
    bool lacks_value(std::string_view word, Mark mark) {
        r_.diag.error(Code::MissingWord, mark, fmt::format("{} has no value", word)).effect = "the address is ignored";
        return false;
    }

    ParseContext& r_;
    const Value& v_;
    VirtualAddress& a_;
    std::size_t at_ = 1;
};

}  // namespace

std::optional<VirtualAddress> read_virtual_address(ParseContext& r, const Value& v) {
    const auto prefix = read_prefix(r, v.mark, v.word);
    if (!prefix) return std::nullopt;
    VirtualAddress address{.prefix = *prefix};
    if (!AddressOptions{r, v, address}.read()) return std::nullopt;
    const auto peer = value_of(address.more->values, keyword::peer);
    if (peer && peer->family() != address.prefix.address.family()) {
        r.diag
            .error(Code::FamilyMismatch, v.mark,
                   fmt::format("the peer {} is not of the family of {}", peer->to_string(), v.word))
            .effect = "the address has no peer";
        drop_value(address.more.edit().values, keyword::peer);
    }
    if (is_given(address.more->values, keyword::peer)) {
        // keepalived: the prefix length is then the peer's, which is a single address (2.2.7).
        const std::uint8_t whole = address.prefix.address.is_v4() ? 32 : 128;
        if (v.word.find('/') != std::string_view::npos)
            r.diag.error(Code::BadPrefix, v.mark, fmt::format("{} has a peer: its prefix length has no effect", v.word))
                .effect = fmt::format("/{} is used", whole);
        address.prefix.length = whole;
    }
    return address;
}

std::optional<InBrackets> in_brackets(std::string_view word) {
    const std::size_t end = word.find(']');
    if (!word.starts_with('[') || end == std::string_view::npos || !IpAddress::parse(word.substr(1, end - 1)))
        return std::nullopt;
    return InBrackets{word.substr(1, end - 1), word.substr(end + 1)};
}

std::optional<AddressAndPort> read_address_and_port(ParseContext& r, const Value& v, std::size_t at,
                                                    std::string_view what, std::string_view effect) {
    const std::string_view word = v.arg(at);
    const auto bad = [&](Mark mark, std::string message) -> Diagnostic& {
        auto& d = r.diag.error(Code::NotAnAddress, mark, std::move(message));
        d.effect = effect;
        return d;
    };
    const std::size_t slash = word.find('/');
    auto address = IpAddress::parse(word.substr(0, slash));
    if (!address) {
        auto& d = bad(v.arg_mark(at), fmt::format("{} needs an IP address, got '{}'", what, word));
        if (const auto bare = in_brackets(word); bare && bare->behind.starts_with(':'))
            d.fix = fmt::format("write `{} {} {}`: no brackets, a blank between address and port", v.row.name,
                                bare->address, bare->behind.substr(1));
        else if (bare)
            d.fix = fmt::format("write {}, without brackets", bare->address);
        else if (const std::size_t colon = word.rfind(':');
                 colon != std::string_view::npos && IpAddress::parse(word.substr(0, colon)))
            d.fix = fmt::format("write `{} {} {}`: a blank between address and port", v.row.name, word.substr(0, colon),
                                word.substr(colon + 1));
        else if (!word.empty() && word.find_first_not_of("0123456789.:") != std::string_view::npos)
            d.fix = "host names are not resolved here";
        return std::nullopt;
    }
    // keepalived removes any suffix; /32 and /128 mean the same as none.
    if (slash != std::string_view::npos && word.substr(slash) != (address->is_v4() ? "/32" : "/128")) {
        auto& d = r.diag.advise(Code::BadPrefix, v.arg_mark(at),
                                fmt::format("{} is a single address: {} is ignored", what, word.substr(slash)));
        d.fix = fmt::format("write {}", word.substr(0, slash));
    }
    AddressAndPort found{*address, std::nullopt};
    if (v.count() > at + 1) {
        constexpr std::int64_t kMostPort = 65535;
        const std::string_view given = v.arg(at + 1);
        const auto port = leading_number(given, 0, kMostPort);
        if (const auto behind = split_number(given).behind; port && !behind.empty())
            say_behind(r, v.arg_mark(at + 1), fmt::format("the port of {}", what), given, behind, *port);
        if (!port) {
            bad(v.arg_mark(at + 1), fmt::format("the port of {} must be 0 to 65535, got {}", what, v.arg(at + 1)))
                .code = static_cast<std::uint16_t>(Code::OutOfRange);
            return std::nullopt;
        }
        found.port = static_cast<std::uint16_t>(*port);
    }
    return found;
}

}  // namespace mainstay::config
