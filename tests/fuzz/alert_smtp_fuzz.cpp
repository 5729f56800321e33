// What a mail server answers, to the check and to who sends the mails. In whatever pieces the bytes come, they mean the
// same, and no more than a bounded part of them is kept.
//
// tools/fuzz builds it with clang's -fsanitize=fuzzer. Elsewhere replay.hpp brings a main.
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "alert/smtp_session.hpp"
#include "mainstay/alert/smtp_transcript.hpp"
#include "mainstay/wire/smtp_reply.hpp"
#include "replay.hpp"
#include "require.hpp"

using namespace mainstay;
using fuzz::require;

namespace {

// Calls with one piece after another, of lengths that the bytes themselves choose.
template <class Take>
void in_pieces(std::string_view input, Take take) {
    for (std::size_t at = 0; at < input.size();) {
        const std::size_t piece = 1 + static_cast<unsigned char>(input[at]) % 7;
        if (!take(input.substr(at, piece))) return;
        at += piece;
    }
}

void try_reply(std::string_view input) {
    wire::SmtpReplyReader whole, pieces;
    const auto at_once = whole.feed(input);
    std::optional<wire::SmtpReply> at_last;
    in_pieces(input, [&](std::string_view piece) { return !(at_last = pieces.feed(piece)); });
    require(at_once.has_value() == at_last.has_value());
    if (!at_once) return;
    require(at_once->sound == at_last->sound && at_once->code == at_last->code && at_once->text == at_last->text);
    require(at_once->text.size() <= wire::kSmtpLineMax && at_once->code <= 999);
}

void try_dialogue(std::string_view input) {
    alert::SmtpDialogue whole, pieces;
    for (auto* dialogue : {&whole, &pieces}) dialogue->sent("MAIL FROM:<a@example.com>\r\n");
    for (auto* dialogue : {&whole, &pieces}) dialogue->sent("RCPT TO:<b@example.com>\r\n");
    whole.received(input);
    in_pieces(input, [&](std::string_view piece) { return pieces.received(piece), true; });
    const std::vector<std::string> recipients{"b@example.com"};
    const auto one = whole.outcome(recipients, "it ended"), other = pieces.outcome(recipients, "it ended");
    require(one.reached == other.reached && one.accepted == other.accepted && one.never == other.never);
    require(one.text == other.text && one.text.size() <= alert::kReplyLineBytesMax);
}

// What an operator is shown: bounded, without control characters, and never with the password.
void try_transcript(std::string_view input) {
    alert::SmtpTranscript whole, pieces;
    for (auto* transcript : {&whole, &pieces}) transcript->begin("bob", "250 ok");
    whole.received(input);
    in_pieces(input, [&](std::string_view piece) { return pieces.received(piece), true; });
    require(whole.after(0) == pieces.after(0));
    whole.sent(input);
    whole.noted(input);
    whole.message(input.size());
    for (const auto& line : whole.after(0)) {
        require(line.size() <= alert::kTranscriptLineBytesMax + 2);
        require(line.find("250 ok") == std::string::npos && line.find("MjUwIG9r") == std::string::npos);
        for (const char c : line) require(static_cast<unsigned char>(c) >= ' ');
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input{reinterpret_cast<const char*>(data), size};
    try_reply(input);
    try_dialogue(input);
    try_transcript(input);
    return 0;
}

#ifdef MAINSTAY_FUZZ_REPLAY
int main(int argc, char** argv) {
    constexpr int kRounds = 100'000;
    return fuzz::replay(argc, argv, kRounds, [](std::mt19937& random) {
        static constexpr const char* kParts[]{"220", "250", "-",     " ",    "\r\n", "\n",
                                              "ok",  "5",   "421 x", "550-", "\r",   "354 go"};
        std::string bytes;
        for (auto parts = random() % 14; parts > 0; --parts) {
            if (random() % 8 == 0)
                bytes += static_cast<char>(random());
            else
                bytes += kParts[random() % std::size(kParts)];
        }
        if (random() % 64 == 0) bytes.insert(random() % (bytes.size() + 1), std::string(600, 'x'));
        return bytes;
    });
}
#endif
