// Checks of the options of single kinds of checkers.
#pragma once

#include <vector>

#include "config/parse/parse_context.hpp"

namespace mainstay::config {

// False if the check cannot be used; reported to `diag`.
[[nodiscard]] bool check_checker(Diagnoser& diag, const CheckerDraft& checker);
// The same of HTTP_GET and SSL_GET; a url without a virtualhost gets the one around it.
[[nodiscard]] bool settle_urls(Diagnoser& diag, CheckerDraft& checker, const std::string& virtualhost);
void check_pattern(ParseContext& r);  // at the end of a url block
// SMTP_CHECK with `host` blocks stands for one check per block: with its own options, the rest inherited.
void split_hosts(std::vector<CheckerDraft>& checkers);
// FILE_CHECKs and BFD_CHECKs of a track_file or a bfd_instance that the whole file does not have: left out, with a
// message each.
void drop_unfollowable(ParseContext& r, std::vector<VirtualServer>& services);

}  // namespace mainstay::config
