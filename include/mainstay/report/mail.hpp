// What has become of the mails, for the state document.
#pragma once

#include <cstdint>

namespace mainstay::report {

struct MailCounters {
    std::uint64_t queued = 0, sent = 0, failed = 0, digests = 0, retries = 0, refused_by_spool = 0, unsaved = 0;
};

}  // namespace mainstay::report
