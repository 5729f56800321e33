// genhash: the MD5 digest of a page, as HTTP_GET and SSL_GET compute it.
#pragma once

namespace mainstay::cli {

// keepalived's options. Prints the digest on stdout; 0. Without an answer: 1, and why on stderr.
[[nodiscard]] int run_genhash(int argc, char** argv);

}  // namespace mainstay::cli
