// Mails about events, in keepalived's wording. Pure: values in, RFC 5322 text out.
//
// A Mail holds what is to be told (its items) and to whom; its text is made when it is sent, so that several waiting
// mails can be merged into one digest. Nothing in an event can add a header or a recipient: control characters become
// blanks, what is not ASCII is encoded, over-long text is cut.
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
    std::string subject;  // with "[router_id] " in front
    std::string body;     // one line, with keepalived's arrows
    WallTime at;
    bool operator==(const MailItem&) const = default;
};

struct Mail {
    std::string id;  // letters, digits, '.' and '-': names the spool file and the Message-ID
    std::string from;
    std::vector<std::string> to;
    std::string router_id;
    std::vector<MailItem> items;      // one: a plain mail; more: a digest
    std::uint64_t unlisted = 0;       // items that a digest had no room for
    WallTime queued;                  // when it was written to the spool; filled in by the caller
    std::vector<std::string> merged;  // ids of the mails that this digest stands for
    bool operator==(const Mail&) const = default;
};

// What the host contributes.
struct MailHost {
    std::string host_name;
    int utc_offset_s = 0;  // of local time, for the Date header
};

// One event as a mail. The same event gives the same id, so that spooling it twice leaves one mail.
[[nodiscard]] Mail compose(const Event& event, const config::Global& global, const MailHost& host);
// A mail from the daemon about itself: lost events, a full spool. `text` is the subject behind the router id.
[[nodiscard]] Mail compose_notice(const std::string& id, const std::string& text, const std::string& body, WallTime at,
                                  const config::Global& global, const MailHost& host);
// One mail that stands for all of `mails` (at least one; same sender and recipients), as old as the newest of them.
// Items beyond kDigestItemsMax are counted.
[[nodiscard]] Mail merge(const std::vector<Mail>& mails);

// The whole message, lines ended by CRLF, dots not stuffed.
[[nodiscard]] std::string render_message(const Mail& mail, const MailHost& host);

// "Fri, 20 Nov 2026 08:37:46 +0000"; offsets beyond a day are taken as 0.
[[nodiscard]] std::string rfc5322_date(WallTime at, int utc_offset_s);

}  // namespace mainstay::alert
