// Mails about events, in keepalived's wording. Pure: values in, RFC 5322 text out.
//
// A Mail holds its items and recipients; its text is made when it is sent, so that several waiting mails can be merged
// into one digest. Nothing in an event can add a header or a recipient: control characters become blanks, non-ASCII
// text is encoded, over-long text is truncated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/event.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::alert {

inline constexpr std::size_t kSubjectBytesMax = 900;  // RFC 5322 2.1.1: a line has at most 998
inline constexpr std::size_t kBodyLineBytesMax = 900;
inline constexpr std::size_t kDigestItemsMax = 500;  // further ones are counted, not listed

struct MailItem {
    std::string subject;  // begins with "[router_id] "
    std::string body;     // a line with keepalived's arrows; where known, a second one with the reason
    WallTime at;
    bool operator==(const MailItem&) const = default;
};

struct Mail {
    std::string id;  // letters, digits, '.' and '-': names the spool file and the Message-ID
    config::MailAddress from;
    std::vector<config::MailAddress> to;
    std::string router_id;
    std::vector<MailItem> items;      // one: a plain mail; more: a digest
    std::uint64_t unlisted = 0;       // items beyond kDigestItemsMax
    WallTime queued;                  // when it was written to the spool; filled in by the caller
    std::vector<std::string> merged;  // ids of the mails that this digest replaces
    bool operator==(const Mail&) const = default;
};

// The host's data for a mail.
struct MailHost {
    std::string host_name;
    int utc_offset_s = 0;  // of local time, for the Date header
};

// One event as a mail. The same event gives the same id, so that spooling it twice leaves one mail.
[[nodiscard]] Mail compose(const Event& event, const config::Global& global, const MailHost& host);
// A mail from the daemon about itself: lost events, a full spool. `text` is the subject after the router id.
[[nodiscard]] Mail compose_notice(const std::string& id, const std::string& text, const std::string& body, WallTime at,
                                  const config::Global& global, const MailHost& host);
// One digest that replaces all of `mails` (at least one; same sender and recipients), with the date of the newest.
// Items beyond kDigestItemsMax are only counted.
[[nodiscard]] Mail merge(const std::vector<Mail>& mails);

[[nodiscard]] std::string subject_of(const Mail& mail);
// Of the envelope (RFC 5321 2.3.1): without names.
[[nodiscard]] std::vector<std::string> envelope_of(const std::vector<config::MailAddress>& to);
// With names, for people.
[[nodiscard]] std::vector<std::string> texts_of(const std::vector<config::MailAddress>& to);
// The whole message, with CRLF line ends and without dot-stuffing.
[[nodiscard]] std::string render_message(const Mail& mail, const MailHost& host);

// "Fri, 20 Nov 2026 08:37:46 +0000"; offsets beyond a day count as 0.
[[nodiscard]] std::string rfc5322_date(WallTime at, int utc_offset_s);

}  // namespace mainstay::alert
