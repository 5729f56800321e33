#include "smtp_dialogue.hpp"

#include <algorithm>

#include "mainstay/base/ascii.hpp"

namespace mainstay::alert {
namespace {

constexpr std::size_t kExchangesMax = 10'000;
constexpr int kClosing = 421;  // RFC 5321 4.2.2: may come in answer to anything
constexpr int kGoOn = 354;

bool good(int code) { return code >= 200 && code < 400; }
bool permanent(int code) { return code >= 500 && code < 600; }

}  // namespace

void SmtpDialogue::sent(std::string_view bytes) {
    if (exchanges_.size() >= kExchangesMax) return;
    std::string verb{bytes.substr(0, 4)};
    std::ranges::transform(verb, verb.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    exchanges_.push_back({.verb = std::move(verb), .code = 0, .text = {}});
}

void SmtpDialogue::received(std::string_view bytes) {
    for (const char c : bytes) {
        if (c == '\n') {
            reply_line(partial_);
            partial_.clear();
        } else if (c != '\r' && partial_.size() < kReplyLineBytesMax) {
            partial_ += c;
        }
    }
}

void SmtpDialogue::reply_line(std::string_view line) {
    if (line.size() < 3 || !std::ranges::all_of(line.substr(0, 3), is_digit)) return;
    if (line.size() > 3 && line[3] == '-') return;  // more lines of this reply follow
    const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    // The message itself is no command: the reply after 354 belongs to its end.
    if (exchanges_.back().code == kGoOn) exchanges_.push_back({.verb = ".", .code = 0, .text = {}});
    exchanges_.back().code = code;
    exchanges_.back().text = line;
}

Delivery SmtpDialogue::outcome(const std::vector<std::string>& recipients, const std::string& failure) const {
    Delivery delivery{.reached = false, .accepted = {}, .never = {}, .text = failure};
    std::vector<std::string> open;
    std::size_t recipient = 0;
    const Exchange* last = nullptr;  // before QUIT, which is always sent
    for (const auto& step : exchanges_) {
        if (step.verb == "QUIT") break;
        last = &step;
        if (step.code == kClosing) {
            delivery.text = step.text;
            delivery.reached = false;
            return delivery;
        }
        const bool refused = step.code != 0 && !good(step.code);
        if (refused && step.verb != "EHLO") delivery.text = step.text;  // an old server; HELO comes next
        if (step.verb == "MAIL" && step.code != 0) {
            delivery.reached = true;  // it is taking mails; what follows is about this one
            if (permanent(step.code)) delivery.never = recipients;
        } else if (step.verb == "RCPT" && recipient < recipients.size()) {
            if (good(step.code)) open.push_back(recipients[recipient]);
            if (permanent(step.code)) delivery.never.push_back(recipients[recipient]);
            ++recipient;
        } else if ((step.verb == "DATA" || step.verb == ".") && permanent(step.code)) {
            delivery.never.insert(delivery.never.end(), open.begin(), open.end());
            open.clear();
        } else if (step.verb == "." && good(step.code)) {
            delivery.accepted = open;
        }
    }
    // An interrupted dialogue counts against the server, not against the mail.
    if (!failure.empty() && (last == nullptr || last->code == 0 || last->code == kGoOn)) delivery.reached = false;
    if (delivery.text.empty() && last != nullptr) delivery.text = last->text;
    return delivery;
}

}  // namespace mainstay::alert
