#include "mainstay/config/mail_address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include "mainstay/base/text.hpp"

namespace mainstay::config {
namespace {

bool is_gap(char c) { return c == ' ' || c == '\t'; }
bool is_control_byte(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }
bool is_beyond_ascii(char c) { return static_cast<unsigned char>(c) >= 0x80; }  // RFC 6531
// RFC 5322 3.2.3: what stands in a name and before an @ without quotes.
bool is_atext(char c) {
    return is_letter(c) || is_digit(c) || is_beyond_ascii(c) ||
           std::string_view{"!#$%&'*+-/=?^_`{|}~"}.find(c) != std::string_view::npos;
}

bool good_domain(std::string_view domain) {
    if (domain.starts_with('[') && domain.ends_with(']'))  // [192.0.2.1], [IPv6:2001:db8::1]
        return domain.size() > 2 && std::ranges::all_of(domain.substr(1, domain.size() - 2), [](char c) {
                   return is_letter(c) || is_digit(c) || c == '.' || c == ':';
               });
    const auto of_label = [](char c) {
        return is_letter(c) || is_digit(c) || is_beyond_ascii(c) || c == '-' || c == '_';
    };
    return std::ranges::all_of(domain, [&](char c) { return of_label(c) || c == '.'; }) && !domain.starts_with('.') &&
           !domain.ends_with('.') && domain.find("..") == std::string_view::npos;
}

bool good_local(std::string_view local) {
    if (local.size() > 2 && local.starts_with('"') && local.ends_with('"'))
        return local.substr(1, local.size() - 2).find_first_of("\"\\<>") == std::string_view::npos;
    return std::ranges::all_of(local, [](char c) { return is_atext(c) || c == '.'; });
}

// What is wrong with it; null: nothing.
const char* fault_of_address(std::string_view address) {
    if (address.empty()) return "it is empty";
    if (std::ranges::any_of(address, is_control_byte)) return "it has a control character";
    if (address.size() > kMailAddressBytesMax) return "it is longer than 254 bytes";
    const std::size_t at = address.rfind('@');
    const std::string_view local = address.substr(0, at);
    if (at == std::string_view::npos)
        return good_local(local) ? nullptr : "it has no @, and a character that no mailbox has";
    const std::string_view domain = address.substr(at + 1);
    if (local.empty()) return "nothing stands before the @";
    if (domain.empty()) return "nothing stands behind the @";
    if (local.front() != '"' && local.find('@') != std::string_view::npos) return "it has two @";
    if (!good_local(local)) return "a character before the @ needs quotes";
    return good_domain(domain) ? nullptr : "what stands behind the @ is no domain";
}

struct MailToken {
    enum class Kind : std::uint8_t { Word, Quoted, Angle, Comma } kind = Kind::Word;
    std::string text;  // without quotes, escapes and angle brackets
    std::size_t at = 0, length = 0;
};

class MailReader {
public:
    MailReader(std::string_view text, std::size_t offset, bool inside)
        : text_{text}, offset_{offset}, inside_{inside} {}

    MailAddresses run() {
        if (const auto control = std::ranges::find_if(text_, [](char c) { return is_control_byte(c) && c != '\t'; });
            control != text_.end()) {
            problem({.text = std::string{text_}, .at = 0, .length = text_.size()}, "it has a control character");
            return std::move(read_);
        }
        if (!split()) return std::move(read_);
        has_angle_ = std::ranges::any_of(tokens_, [](const MailToken& t) { return t.kind == MailToken::Kind::Angle; });
        for (std::size_t i = 0; i < tokens_.size(); ++i) take(i);
        if (read_.addresses.empty() && read_.problems.empty())
            problem({.at = 0, .length = text_.size()}, "it is empty");
        return std::move(read_);
    }

private:
    void problem(const MailToken& token, std::string_view why) {
        read_.problems.push_back({offset_ + token.at, std::max<std::size_t>(token.length, 1),
                                  fmt::format("{} is no mail address: {}", plain_quote(token.text), why)});
    }

    // False: a quote or a bracket is open, which was reported.
    bool split() {
        std::size_t at = 0;
        while (at < text_.size()) {
            const char c = text_[at];
            const std::size_t from = at;
            if (is_gap(c)) {
                ++at;
                continue;
            }
            MailToken token{.kind = MailToken::Kind::Word, .text = {}, .at = from, .length = 1};
            if (c == ',') {
                token.kind = MailToken::Kind::Comma;
                ++at;
            } else if (c == '"') {
                if (!quoted(at, token)) return open(token, "a quote is not closed");
            } else if (c == '<') {
                const std::size_t close = text_.find('>', at);
                if (close == std::string_view::npos) return open(token, "a < is not closed");
                token.kind = MailToken::Kind::Angle;
                token.text = trimmed(text_.substr(at + 1, close - at - 1));
                at = close + 1;
            } else {
                word(at, token);
            }
            token.length = at - from;
            tokens_.push_back(std::move(token));
        }
        return true;
    }

    bool open(MailToken token, const char* why) {
        token.text = text_.substr(token.at);
        token.length = text_.size() - token.at;
        problem(token, why);
        return false;
    }

    static std::string_view trimmed(std::string_view text) {
        while (!text.empty() && is_gap(text.front())) text.remove_prefix(1);
        while (!text.empty() && is_gap(text.back())) text.remove_suffix(1);
        return text;
    }

    void word(std::size_t& at, MailToken& token) {
        while (at < text_.size() && !is_gap(text_[at]) && std::string_view{",\"<"}.find(text_[at]) == std::string::npos)
            token.text += text_[at++];
    }

    bool quoted(std::size_t& at, MailToken& token) {
        const std::size_t from = at++;
        while (at < text_.size() && text_[at] != '"') {
            if (text_[at] == '\\' && at + 1 < text_.size()) ++at;
            token.text += text_[at++];
        }
        if (at >= text_.size()) return false;
        ++at;
        if (at < text_.size() && text_[at] == '@') {  // "john doe"@example.org
            token.text = text_.substr(from, at - from);
            word(at, token);
        } else {
            token.kind = MailToken::Kind::Quoted;
        }
        return true;
    }

    // Whether a < of the same address follows: the words before it are its name.
    [[nodiscard]] bool is_of_name(std::size_t i) const {
        for (++i; i < tokens_.size(); ++i) {
            if (tokens_[i].kind == MailToken::Kind::Angle) return true;
            if (tokens_[i].kind == MailToken::Kind::Comma || is_address(tokens_[i])) return false;
        }
        return false;
    }
    [[nodiscard]] static bool is_address(const MailToken& token) {
        return token.kind == MailToken::Kind::Word && token.text.find('@') != std::string::npos;
    }

    void take(std::size_t i) {
        const MailToken& token = tokens_[i];
        if (token.kind == MailToken::Kind::Angle) return angle(token);
        if (token.kind == MailToken::Kind::Comma) return;
        if (!is_address(token) && is_of_name(i)) {
            name_ += (name_.empty() ? "" : " ") + token.text;
            return;
        }
        if (token.kind == MailToken::Kind::Quoted && !inside_) {  // "Duty Admin <duty@example.org>", one word of a file
            auto inner = MailReader{text_.substr(token.at + 1, token.length - 2), offset_ + token.at + 1, true}.run();
            std::ranges::move(inner.addresses, std::back_inserter(read_.addresses));
            std::ranges::move(inner.problems, std::back_inserter(read_.problems));
            return;
        }
        if (!is_address(token) && has_angle_)
            return problem(token, "it has no @; a name with a comma needs quotes: \"Doe, Jane\" <jane@example.org>");
        if (!is_address(token) && inside_ && tokens_.size() > 1) return problem(token, "it has no @");
        add(token, {});
    }

    void angle(const MailToken& token) {
        const std::string given = std::exchange(name_, {});
        std::string name{trimmed(given)};
        if (name.size() > kMailNameBytesMax) return problem(token, "its name is longer than 255 bytes");
        add(token, std::move(name));
    }

    void add(const MailToken& token, std::string name) {
        if (const char* fault = fault_of_address(token.text); fault != nullptr) return problem(token, fault);
        read_.addresses.push_back({token.text, std::move(name)});
    }

    std::string_view text_;
    std::size_t offset_;
    bool inside_;  // quotes
    bool has_angle_ = false;
    std::vector<MailToken> tokens_;
    std::string name_;
    MailAddresses read_;
};

}  // namespace

std::string to_text(const MailAddress& address) {
    if (address.name.empty()) return address.address;
    if (std::ranges::all_of(address.name, [](char c) { return is_atext(c) || c == ' '; }) &&
        address.name.find("  ") == std::string::npos)
        return fmt::format("{} <{}>", address.name, address.address);
    std::string quoted;
    for (const char c : address.name) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return fmt::format("\"{}\" <{}>", quoted, address.address);
}

MailAddresses mail_addresses(std::string_view text) { return MailReader{text, 0, false}.run(); }

namespace {

struct Scheme {
    std::string_view name;
    MailRelay::Tls tls;
    std::uint16_t port;
};
constexpr std::array kSchemes{Scheme{"smtp://", MailRelay::Tls::Off, 25},
                              Scheme{"starttls://", MailRelay::Tls::StartTls, 587},
                              Scheme{"smtps://", MailRelay::Tls::Implicit, 465}};

std::unexpected<Error> wrong(std::string_view text, const char* what) {
    return fail(Errc::Invalid, "the relay \"" + std::string{text} + "\" " + what);
}

}  // namespace

Result<MailRelay> mail_relay(std::string_view text) {
    const auto* const scheme =
        std::ranges::find_if(kSchemes, [text](const Scheme& one) { return text.starts_with(one.name); });
    if (scheme == kSchemes.end()) return wrong(text, "must begin with smtp://, starttls:// or smtps://");
    std::string_view rest = text.substr(scheme->name.size());
    const bool bracketed = rest.starts_with('[');
    const auto end = bracketed ? rest.find(']') : rest.find(':');
    if (bracketed && end == std::string_view::npos) return wrong(text, "has no ] after its address");
    MailRelay relay{.host = std::string{rest.substr(bracketed ? 1 : 0, bracketed ? end - 1 : end)},
                    .port = scheme->port,
                    .tls = scheme->tls};
    const bool good = bracketed ? relay.host.find_first_not_of("0123456789abcdefABCDEF:.") == std::string::npos
                                : std::ranges::all_of(relay.host, is_of_host);
    if (relay.host.empty() || relay.host.size() > kHostBytesMax || !good) return wrong(text, "names no host");
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + (bracketed ? 1 : 0));
    if (rest.empty()) return relay;
    const char* const last = rest.data() + rest.size();
    const auto [stop, error] = std::from_chars(rest.data() + 1, last, relay.port);
    if (rest.front() != ':' || rest.size() < 2 || error != std::errc{} || stop != last || relay.port == 0)
        return wrong(text, "must end with a port from 1 to 65535");
    return relay;
}

}  // namespace mainstay::config
