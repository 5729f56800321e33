// Files of the mail spool, which somebody may have damaged or repaired: what is accepted is a mail that can be written
// and read again, and its message has no line end but its own. So are the files of the webhooks.
//
// tools/fuzz builds it with clang's -fsanitize=fuzzer. Elsewhere replay.hpp brings a main.
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "alert/mail_text.hpp"
#include "mainstay/alert/mail.hpp"
#include "mainstay/alert/spool.hpp"
#include "mainstay/alert/webhook_spool.hpp"
#include "replay.hpp"
#include "require.hpp"

using namespace mainstay;
using fuzz::require;

namespace {

void try_file(std::string_view input) {
    const auto mail = alert::decode_mail(input);
    if (!mail) {
        require(!mail.error().text().empty());
        return;
    }
    require(mail->id.find('/') == std::string::npos && !mail->id.empty() && !mail->to.empty());
    const auto text = alert::encode_mail(*mail);
    const auto again = alert::decode_mail(text);
    require(again && alert::encode_mail(*again) == text);
    const auto message = alert::render_message(*mail, {.host_name = "lb1.example.com", .utc_offset_s = 0});
    for (std::size_t at = message.find('\n'); at != std::string::npos; at = message.find('\n', at + 1))
        require(at > 0 && message[at - 1] == '\r');
}

void try_webhooks(std::string_view input) {
    if (const auto batch = alert::decode_posts(input)) {
        require(batch->id.find('/') == std::string::npos && !batch->posts.empty());
        for (const auto& post : batch->posts)
            require((post.id + post.content_type).find_first_of("\r\n") == std::string::npos);
        const auto text = alert::encode_posts(*batch);
        const auto again = alert::decode_posts(text);
        require(again && alert::encode_posts(*again) == text);
    }
    if (const auto firing = alert::decode_firing(input)) {
        const auto text = alert::encode_firing(*firing);
        const auto again = alert::decode_firing(text);
        require(again && alert::encode_firing(*again) == text);
    }
}

void try_text(std::string_view input) {
    constexpr std::size_t kMost = 64;
    for (const auto& line : {alert::clean_line(input, kMost), alert::clean_address(input)})
        require(line.find_first_of("\r\n") == std::string::npos);
    require(alert::base64(input).size() >= input.size());
    for (const auto& one : config::mail_addresses(input).addresses) {
        require(one.address.find_first_of("\r\n") == std::string::npos);
        require(config::mail_addresses(config::to_text(one)).addresses == std::vector{one});
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input{reinterpret_cast<const char*>(data), size};
    try_file(input);
    try_webhooks(input);
    try_text(input);
    return 0;
}

#ifdef MAINSTAY_FUZZ_REPLAY
int main(int argc, char** argv) {
    constexpr int kRounds = 20'000;
    return fuzz::replay(argc, argv, kRounds, [](std::mt19937& random) {
        const std::string posts =
            R"({"format":1,"id":"a.1","webhook":"a","sequence":5,"posts":[{"id":"vrrp.1.2","object":"o",)"
            R"("content_type":"application/json","body":"{}","at_us":5}]})";
        std::string text =
            R"({"format":1,"id":"1.a","from":"a@b.c","to":["d@e.f"],"router_id":"lb1","queued_us":5,"unlisted":0,)"
            R"("merged":[],"items":[{"subject":"s","body":"b","at_us":5}]})";
        if (random() % 2 == 0) text = posts;
        for (auto slips = random() % 4; slips > 0; --slips) {
            const std::size_t at = random() % text.size();
            if (random() % 2 == 0)
                text[at] = static_cast<char>(random());
            else
                text.erase(at, random() % 8);
        }
        return text;
    });
}
#endif
