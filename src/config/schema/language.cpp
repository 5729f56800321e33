// Rows of the schema: what the snapshot resolver reads.
#include "setters.hpp"

namespace mainstay::config {
namespace {

constexpr KeywordSpec kLanguageRows[]{
    row(Block::Language, "include", args::entry(), "<path or glob, braces allowed>", "",
        "Read matching files at this point; missing or unreadable files are only logged.",
        {.example = "include /etc/keepalived/conf.d/*.conf"}),
    row(Block::Language, "includer", args::entry(), "<path or glob>", "",
        "Like include, but unreadable, directory or executable match is an error.",
        {.example = "includer /etc/keepalived/conf.d/*.conf"}),
    row(Block::Language, "includem", args::entry(), "<path or glob>", "",
        "includer, plus error when a non-wildcard name has no match.",
        {.example = "includem /etc/keepalived/services.conf"}),
    row(Block::Language, "includew", args::entry(), "<path or glob>", "",
        "includem, plus error when even a wildcard matches nothing.",
        {.example = "includew /etc/keepalived/conf.d/*.conf"}),
    row(Block::Language, "includeb", args::entry(), "<path or glob>", "",
        "includer, plus error unless every brace alternative matches.",
        {.example = "includeb /etc/keepalived/{vrrp,lvs}.conf"}),
    row(Block::Language, "includea", args::entry(), "<path or glob>", "", "All include checks together.",
        {.example = "includea /etc/keepalived/services.conf"}),
    row(Block::Language, "@<id>", args::entry(), "@<id> <rest of line>", "",
        "Keep the line only when <id> equals the -i config id.", {.example = "@lvs1 priority 150"}),
    row(Block::Language, "@^<id>", args::entry(), "@^<id> <rest of line>", "",
        "Keep the line only when <id> differs from the config id.", {.example = "@^lvs1 priority 100"}),
    row(Block::Language, "$NAME=", args::entry(), "$NAME=<text to end of line>, trailing \\ continues", "",
        "Define a textual macro; use as $NAME or ${NAME}.", {.example = "$VIP=192.0.2.10"}),
    row(Block::Language, "~SEQ", args::entry(), "~SEQ(<var>, [<start>,[<step>,]] <end>) <text>", "",
        "Repeat text for each number, setting $var.",
        {.example = "~SEQ(N, 1, 3) real_server 192.0.2.$N 80 { TCP_CHECK { } }"}),
    row(Block::Language, "~SEQx", args::entry(), "~SEQx(<var>, [<start>,[<step>,]] <end>) <text>", "",
        "Same as ~SEQ with values in lower-case hex, non-negative only.", {.example = "~SEQx(N, 10, 12) 2001:db8::$N"}),
    row(Block::Language, "~LST", args::entry(), "~LST(<var>|{v1,v2..}, val|{a,b..}, ...) <text>", "",
        "Repeat text for each tuple, setting one or more variables.",
        {.example = "~LST(IP, 192.0.2.21, 192.0.2.22) real_server $IP 80 { TCP_CHECK { } }"}),
    row(Block::Language, "${_PWD}", args::entry(), "", "", "Directory of the file being parsed.",
        {.example = "include ${_PWD}/services.conf"}),
    row(Block::Language, "${_INSTANCE}", args::entry(), "", "",
        "The config id (-i option, else host name up to first dot).", {.example = "router_id ${_INSTANCE}"}),
    row(Block::Language, "${_RANDOM}", args::entry(), "${_RANDOM [<min> [<max>]]}", "0 32767",
        "Random integer in the closed range.", {.example = "interval ${_RANDOM 5 10}"}),
    row(Block::Language, "${_ENV}", args::entry(), "${_ENV <name>}", "",
        "Value of an environment variable, empty if unset.", {.example = "router_id ${_ENV HOSTNAME}"}),
    row(Block::Language, "${_HASH}", args::entry(), "", "", "A literal # character.",
        {.example = "auth_pass a${_HASH}b"}),
    row(Block::Language, "${_BANG}", args::entry(), "", "", "A literal ! character.",
        {.example = "auth_pass a${_BANG}b"}),
};

}  // namespace

std::span<const KeywordSpec> language_rows() { return kLanguageRows; }

}  // namespace mainstay::config
