// The host that mails are sent from.
#pragma once

#include "mainstay/alert/mail.hpp"

namespace mainstay::alert {

inline const MailHost kHost{.host_name = "vm", .utc_offset_s = 0};

}  // namespace mainstay::alert
