// One blocking SMTP dialogue with libcurl. Private to the alert module.
#pragma once

#include <string>

#include "mainstay/alert/curl_session.hpp"
#include "mainstay/alert/mailer.hpp"
#include "mainstay/alert/smtp_transcript.hpp"

namespace mainstay::alert {

// The server that libcurl connects to, and the name it sends in HELO: smtp[s]://HOST:PORT/HELO.
[[nodiscard]] std::string url_of(const Transport::Server& server);

// Returns when the dialogue has ended, a step has timed out, or `stop` was called (a name lookup may go on for some
// seconds after that). `transcript`, if it is not null, gets the dialogue while it happens.
[[nodiscard]] Delivery run_session(const Transport::Server& server, const Mail& mail, const std::string& message,
                                   SessionStop& stop, SmtpTranscript* transcript = nullptr);

}  // namespace mainstay::alert
