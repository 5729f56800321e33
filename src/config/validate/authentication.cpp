#include "validate.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "mainstay/config/keywords.hpp"

namespace mainstay::config {
namespace {

constexpr std::size_t kLeast = 32, kMost = 64;  // bytes of a key
constexpr std::streamsize kMostFile = 1024;     // bytes of a key file
constexpr std::string_view kHex = "hex:", kFile = "file:";

std::string hex_of(std::string_view bytes) {
    std::string text{kHex};
    for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
    return text;
}

// A regular file alone: a FIFO would hold up the reader.
std::optional<std::string> contents_of(const std::filesystem::path& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) return std::nullopt;
    std::ifstream file{path, std::ios::binary};
    std::string text(kMostFile, '\0');
    if (!file.read(text.data(), kMostFile) && !file.eof()) return std::nullopt;
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

bool exposed(const std::filesystem::path& path) {
    using std::filesystem::perms;
    std::error_code error;
    const auto facts = std::filesystem::status(path, error);
    return !error && (facts.permissions() & (perms::group_read | perms::others_read)) != perms::none;
}

class HmacCheck {
public:
    HmacCheck(ParseContext& r, InstanceDraft& draft, Section& block)
        : r_{r}, i_{draft}, name_{draft.model.name}, block_{block} {}

    // False: the extension cannot be used.
    bool run() {
        std::erase_if(block_.sections, [this](Section& line) { return line.keyword == keyword::key && !usable(line); });
        const auto active = value_of(block_.values, keyword::active_key);
        if (active && ids_.contains(*active)) return true;
        auto& d = error(active ? fmt::format("auth_hmac has no usable key {}, which active_key selects", *active)
                               : std::string{"auth_hmac has no active_key"});
        d.effect = "adverts are sent and accepted without HMAC";
        d.fix = "select one of the keys: active_key 1";
        return false;
    }

private:
    Diagnostic& error(const std::string& text) {
        return r_.diag.error(Code::AuthenticationIncomplete, i_.name, fmt::format("({}) {}", name_, text));
    }

    bool refused(std::int64_t id, const std::string& why) {
        error(fmt::format("key {} of auth_hmac {}", id, why)).effect = "the key is ignored";
        return false;
    }

    bool usable(Section& line) {
        const auto id = value_of(line.values, keyword::id);
        const auto words = value_of(line.values, keyword::secret);
        if (!id || !words || words->empty()) return false;  // reported with the line
        if (ids_.contains(*id)) return refused(*id, "is defined twice: the first one is used");
        std::string text = words->front();
        if (text.starts_with(kFile) && !from_file(*id, text)) return false;
        std::size_t size = text.size();
        if (text.starts_with(kHex)) {
            const std::string_view digits = std::string_view{text}.substr(kHex.size());
            if (digits.size() % 2 != 0 || digits.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos)
                return refused(*id, "does not consist of pairs of hexadecimal digits");
            size = digits.size() / 2;
        }
        const bool unread = text.starts_with(kFile);
        if (!unread && (size < kLeast || size > kMost))
            return refused(*id, fmt::format("has {} bytes; it needs {} to {}", size, kLeast, kMost));
        for (KeywordValue& value : line.values)
            if (value.keyword == keyword::secret) value.data = WordList{text};
        ids_.insert(*id);
        return true;
    }

    bool from_file(std::int64_t id, std::string& text) {
        const std::string path = text.substr(kFile.size());
        const auto contents = contents_of(path);
        if (!contents) return refused(id, fmt::format("cannot be read from {}", path));
        if (exposed(path)) {
            auto& d =
                r_.diag.add(Severity::Error, Rank::Security, Code::ScriptInsecure, i_.name,
                            fmt::format("({}) key file {} can be read by its group or by everybody", name_, path));
            d.effect = "the key is used; others may be able to read it";
            d.fix = fmt::format("chmod 600 {}", path);
        }
        std::string_view held = *contents;
        if (held.ends_with('\n')) held.remove_suffix(1);
        if (held.ends_with('\r')) held.remove_suffix(1);
        text = held.starts_with(kHex) ? std::string{held} : hex_of(held);
        return true;
    }

    ParseContext& r_;
    InstanceDraft& i_;
    const std::string& name_;
    Section& block_;
    std::set<std::int64_t> ids_;
};

void resolve_password(ParseContext& r, InstanceDraft& draft) {
    Instance& m = draft.model;
    constexpr std::string_view kWithout = "adverts are sent and accepted without authentication";
    const auto reported = [&](std::string_view keyword) {
        return r.reported_of(Block::Instance, draft.index, keyword);
    };
    const auto text = [&](std::string_view what) { return fmt::format("({}) {}", m.name, what); };
    const auto drop = [&](Code code, std::string_view what) {
        r.diag.error(code, draft.authentication, text(what)).effect = kWithout;
        m.auth_type = AuthType::None;
    };
    Diagnostic* refused = reported("auth_pass");
    if (m.auth_type == AuthType::None) {
        if (!m.auth_pass.empty() && reported("auth_type") == nullptr) {
            auto& d = r.diag.advise(Code::AuthenticationIncomplete, draft.authentication,
                                    text("auth_pass is given, but auth_type is not"));
            d.effect = kWithout;
            d.fix = "add `auth_type PASS` on all routers of the pair at the same time, or delete the block";
        }
    } else if (m.strict) {
        drop(Code::StrictMode, "strict mode does not allow authentication");
    } else if (m.version == 3) {
        drop(Code::AuthenticationUnused, "VRRP version 3 has no authentication");
    } else if (m.auth_type == AuthType::Ah && m.family == Family::V6) {
        drop(Code::AuthenticationUnused, "auth_type AH is for IPv4 only");
    } else if (m.auth_pass.empty() && refused != nullptr) {
        if (refused->severity != Severity::Fatal) refused->effect = fmt::format("there is no password: {}", kWithout);
        m.auth_type = AuthType::None;
    } else if (m.auth_pass.empty()) {
        drop(Code::AuthenticationIncomplete, "auth_type is given, but auth_pass is not");
    }
    if (m.auth_type == AuthType::None) m.auth_pass.clear();
}

void resolve_hmac(ParseContext& r, InstanceDraft& draft) {
    Instance& m = draft.model;
    if (find_section(m.more->sections, keyword::auth_hmac) == nullptr) return;
    auto& sections = m.more.edit().sections;
    const auto block = std::ranges::find(sections, "auth_hmac", &Section::keyword);
    if (!HmacCheck{r, draft, *block}.run()) {
        sections.erase(block);
        return;
    }
    if (m.auth_type == AuthType::None) return;
    r.diag
        .error(Code::AuthenticationUnused, draft.authentication,
               fmt::format("({}) authentication cannot be combined with auth_hmac", m.name))
        .effect = "auth_hmac alone is used";
    m.auth_type = AuthType::None;
    m.auth_pass.clear();
}

}  // namespace

void resolve_authentication(ParseContext& r, InstanceDraft& draft) {
    resolve_password(r, draft);
    resolve_hmac(r, draft);
}

}  // namespace mainstay::config
