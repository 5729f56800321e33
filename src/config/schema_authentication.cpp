// Rows of the schema: authentication of adverts.
#include "rows.hpp"

namespace mainstay::config {
namespace {

constexpr Row kRows[]{
    {.blocks = Block::Authentication,
     .name = "auth_type",
     .args = args::words(1, 1),
     .form = "PASS|AH",
     .default_text = "none",
     .help = "Authentication type; v2 only; AH IPv4 only.",
     .set = set_auth_type},
    {.blocks = Block::Authentication,
     .name = "auth_pass",
     .args = args::words(1, 1),
     .form = "<string, only first 8 bytes used>",
     .default_text = "required with auth_type",
     .help = "Password, zero padded to 8 bytes.",
     .set = set_auth_pass,
     .example = "auth_pass secret"},
    {.blocks = Block::AuthHmac,
     .name = "key",
     .args = args::line(Block::HmacKey),
     .form = "<id 1..255> <secret | hex:<digits> | file:<path>>, 32..64 bytes",
     .default_text = "required",
     .help = "Add a key.",
     .repeat = Repeat::Accumulates,
     .secret = true},
    {.blocks = Block::HmacKey,
     .name = "<id>",
     .args = args::option(args::integer(1, 255)),
     .form = "<id 1..255>",
     .default_text = "required",
     .help = "Number of the key, the same on all routers."},
    {.blocks = Block::HmacKey,
     .name = "<secret>",
     .args = args::option(args::words(1, 1)),
     .form = "<secret | hex:<digits> | file:<path>>, 32..64 bytes",
     .default_text = "required",
     .help = "The key, in plain text, in hexadecimal digits or in a file of its own.",
     .secret = true},
    {.blocks = Block::AuthHmac,
     .name = "active_key",
     .args = args::integer(1, 255),
     .form = "<id 1..255>",
     .default_text = "required",
     .help = "Key used to send; unknown id disables the extension."},
    {.blocks = Block::AuthHmac,
     .name = "time_window",
     .args = args::whole_seconds(1, 300),
     .form = "<int seconds 1..300>",
     .default_text = "3 x advert_int, within 5..300",
     .help = "Accepted clock difference for anti_replay time."},
    {.blocks = Block::AuthHmac,
     .name = "anti_replay",
     .args = args::one_of("time|monotonic"),
     .form = "time|monotonic",
     .default_text = "time",
     .help = "Replay protection style."},
    {.blocks = Block::AuthHmac,
     .name = "mode",
     .args = args::one_of("enforce|permissive|receive-only"),
     .form = "enforce|permissive|receive-only",
     .default_text = "enforce",
     .help = "Accept unauthenticated packets or send none."},
};

}  // namespace

std::span<const Row> authentication_rows() { return kRows; }

}  // namespace mainstay::config
