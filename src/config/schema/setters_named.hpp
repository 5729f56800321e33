// real_server_dns and real_server_file, while they are read: a real server without an address.
#pragma once

#include <string_view>

#include "config/schema/parse_context.hpp"

namespace mainstay::config {

// Why this cannot be asked for; empty: it can.
[[nodiscard]] std::string_view dns_name_problem(std::string_view name);
void begin_named_servers(ParseContext& r, const Value& v);
void begin_file_servers(ParseContext& r, const Value& v);
[[nodiscard]] bool is_named(const RealServer& server);
[[nodiscard]] bool is_srv(const RealServer& server);
[[nodiscard]] bool is_file(const RealServer& server);
// The port is that of each server of the answer, where it may differ from the service's.
[[nodiscard]] bool answer_has_port(const ServerDraft& server);
// Of the addresses that are asked for.
[[nodiscard]] Family named_family(const RealServer& server, Family of_service);
// Why it cannot be used; empty: it can.
[[nodiscard]] std::string_view named_problem(const RealServer& server, Family of_service);

}  // namespace mainstay::config
