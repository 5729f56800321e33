// The state of mails and webhooks for status, metrics and page.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mainstay::report {

// What has become of the mails, for the state document.
struct MailCounters {
    std::uint64_t queued = 0, sent = 0, failed = 0, digests = 0, retries = 0, refused_by_spool = 0, unsaved = 0;
};

// What has become of the events for webhooks, for the state document.
struct WebhookStatus {
    std::string name;
    std::uint64_t queued = 0, sent = 0, failed = 0, retries = 0, dropped = 0;
    std::string problem;  // why the last attempt failed; empty after a success
};
struct WebhooksStatus {
    std::uint64_t unsaved = 0;  // files of events that are in memory only
    std::string disk_problem;   // why the spool cannot be written; empty: it can
    std::vector<WebhookStatus> receivers;
};

}  // namespace mainstay::report
