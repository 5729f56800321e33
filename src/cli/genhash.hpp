// genhash: the MD5 digest of a page, as HTTP_GET and SSL_GET compute it. The program of that name, and the daemon with
// --genhash as its first option.
#pragma once

namespace mainstay::cli {

// Whether the daemon was called to be genhash.
[[nodiscard]] bool is_genhash(int argc, char** argv);
// keepalived's options. Prints the digest on stdout; 0. Without an answer: 1, and why on stderr.
[[nodiscard]] int run_genhash(int argc, char** argv);

}  // namespace mainstay::cli
