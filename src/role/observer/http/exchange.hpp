// What the API is asked and what it answers, apart from the connection on which it happens.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mainstay/base/generator.hpp"
#include "mainstay/wire/http_request.hpp"

namespace mainstay::role::http {

enum class Method : std::uint8_t { Get, Post };  // a HEAD is asked as a GET; the connection leaves the body out
// Mail: also retry and drop mails and events of webhooks and send tests, which root may without [api] operate.
enum class Rights : std::uint8_t { Nothing, Read, Mail, Operate };

struct Caller {
    std::string name;  // for the log: "uid 0, pid 77", "ana from 192.0.2.7"
    Rights rights = Rights::Nothing;
    bool has_own_places = false;  // among those who follow the events
};

struct Request {
    Method method = Method::Get;
    wire::HttpTarget target;
    std::string segment;  // what stands for {name} or * in the route's pattern
    std::string accept, content_type, last_event_id, host, origin, fetch_site, authorization;
    bool is_http10 = false;  // which has no Host field
    std::string body;
    Caller caller;
};

class EventFeed;

struct Answer {
    unsigned status = 200;
    std::string body;
    std::string content_type = "application/json";
    std::vector<std::pair<std::string, std::string>> fields;  // of the header, beyond those that each answer has
    std::shared_ptr<EventFeed> feed;                          // not null: a stream of events instead of the body
    // Not null: what follows the body, in pieces that are made as the client takes them.
    std::shared_ptr<Generator<std::string>> rest;
};
// The first piece as the body, and the rest as pieces where there are any.
[[nodiscard]] Answer answer_in_pieces(Generator<std::string> pieces);
// The document as text, on a line of its own; what is not UTF-8 in it becomes U+FFFD.
[[nodiscard]] std::string json_text(const nlohmann::ordered_json& document);
[[nodiscard]] Answer document(std::string body, unsigned status = 200);
[[nodiscard]] Answer json_answer(const nlohmann::ordered_json& document, unsigned status = 200);
// {"error": "...", "hint": "..."}; the only form in which something is refused.
[[nodiscard]] Answer refusal(unsigned status, std::string_view error, std::string_view hint);

// Called once, on the loop. The connection may be gone by then.
using Done = std::function<void(Answer)>;
using AtOnce = std::function<Answer(const Request&)>;
using Later =
    std::function<void(const Request&, Done)>;  // must call Done within kRelayedWithin, or the client gets 504

struct Route {
    Method method = Method::Get;
    std::string_view pattern;  // "/api/v1/status", "/ready/vrrp/{name}" (one segment), "/page/*" (one or more)
    Rights needs = Rights::Read;
    std::variant<AtOnce, Later> handle;
    // Media types of its answers, of which the client must accept one. Empty: the handler looks at Accept itself.
    std::vector<std::string_view> produces = {"application/json"};
};

// The bounds of the API. Each is counted when it is hit (Counters), and the counters are in the status.

// Root at the control socket has as many places of its own as all others together.
inline constexpr std::size_t kConnectionsMax = 64;             // of one listener; further ones are closed at once
inline constexpr std::size_t kConnectionsOfSourceMax = 16;     // of one address, or one account at the control socket
inline constexpr std::size_t kStreamsMax = 16;                 // of events, over all listeners
inline constexpr std::size_t kHeaderBytesMax = 8 * 1024;       // the request line with all fields
inline constexpr std::size_t kTargetBytesMax = 2 * 1024;       //
inline constexpr std::size_t kBodyBytesMax = 16 * 1024;        //
inline constexpr std::size_t kReasonBytesMax = 256;            // of maintenance, as mainstayctl has it
inline constexpr std::size_t kLingerBytesMax = 1 << 20;        // read and thrown away behind a refused request
inline constexpr std::size_t kEventsOfAnswerMax = 1000;        // the highest `limit`, and its default
inline constexpr std::size_t kEventsOfPieceMax = 100;          // that are written to a stream at once
inline constexpr std::chrono::seconds kRequestWithin{5};       // from the connection to the end of the request
inline constexpr std::chrono::seconds kAnswerWithin{10};       // also for a piece of a stream
inline constexpr std::chrono::seconds kRelayedWithin{20};      // for the load balancing process to answer
inline constexpr std::chrono::seconds kHeartbeatEvery{15};     // of a stream without events
inline constexpr std::chrono::milliseconds kAcceptPause{200};  // out of descriptors: the connection stays pending

}  // namespace mainstay::role::http
