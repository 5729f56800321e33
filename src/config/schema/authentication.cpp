// Rows of the schema: authentication of adverts.
#include "setters.hpp"

namespace mainstay::config {
namespace {

constexpr KeywordSpec kAuthenticationRows[]{
    row(Block::Authentication, "auth_type", args::with_choices(args::words(1, 1), "PASS|AH"), "PASS|AH", "none",
        "Authentication type; v2 only; AH IPv4 only.", {.set = set_auth_type}),
    row(Block::Authentication, "auth_pass", args::words(1, 1), "<string, only first 8 bytes used>",
        "required with auth_type", "Password, zero padded to 8 bytes.",
        {.set = set_auth_pass, .secret = true, .example = "auth_pass secret"}),
    row(Block::AuthHmac, keyword::key, args::line(Block::HmacKey),
        "<id 1..255> <secret | hex:<digits> | file:<path>>, 32..64 bytes", "required", "Add a key.",
        {.repeat = Repeat::Accumulates, .secret = true, .example = "key 1 file:/etc/keepalived/vrrp.key"}),
    row(Block::HmacKey, "<id>", args::option(args::integer(1, 255)), "<id 1..255>", "required",
        "Number of the key, the same on all routers."),
    row(Block::HmacKey, "<secret>", args::option(args::words(1, 1)),
        "<secret | hex:<digits> | file:<path>>, 32..64 bytes", "required",
        "The key, in plain text, in hexadecimal digits or in a file of its own.", {.secret = true}),
    row(Block::AuthHmac, keyword::active_key, args::integer(1, 255), "<id 1..255>", "required",
        "Key used to send; unknown id disables the extension."),
    row(Block::AuthHmac, keyword::time_window, args::whole_seconds(1, 300), "<int seconds 1..300>",
        "3 x advert_int, within 5..300", "Accepted clock difference for anti_replay time."),
    row(Block::AuthHmac, keyword::anti_replay, args::one_of("time|monotonic"), "time|monotonic", "time",
        "Replay protection style."),
    row(Block::AuthHmac, keyword::mode, args::one_of("enforce|permissive|receive-only"),
        "enforce|permissive|receive-only", "enforce", "Accept unauthenticated packets or send none."),
};

}  // namespace

std::span<const KeywordSpec> authentication_rows() { return kAuthenticationRows; }

}  // namespace mainstay::config
