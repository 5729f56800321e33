// A test mail that an operator sends through the relays now, past the spool and the other mails.
//
// As with any mail, the next relay gets it if one cannot be reached. It is not tried again. One test at a time; the
// last one stays readable until the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mailer.hpp"
#include "mainstay/base/lifetime.hpp"
#include "smtp_transcript.hpp"
#include "webhooks.hpp"

namespace mainstay::alert {

class RelayTest {
public:
    // `transport` writes its dialogues to `transcript`, and delivers nothing else. Both outlive this.
    RelayTest(Transport& transport, SmtpTranscript& transcript) : transport_{transport}, transcript_{transcript} {}

    struct Progress {
        std::uint64_t number = 0;  // of the test; 0: there has been none
        bool running = false;
        bool delivered = false;          // a relay took it for all recipients
        std::string outcome;             // for people; empty while it runs
        std::size_t next = 0;            // how many lines there are
        std::vector<std::string> lines;  // those after `known`
    };
    // `accepted` is called when a relay has taken it for all recipients. Errc::Limit: another test runs.
    [[nodiscard]] Result<void> start(TestMail test, std::function<void()> accepted = {});
    [[nodiscard]] Progress progress(std::size_t known) const;

private:
    void try_next_relay();
    void ended(const Delivery& delivery);
    void finish(bool delivered, std::string outcome);

    Transport& transport_;
    SmtpTranscript& transcript_;
    TestMail test_;
    std::function<void()> accepted_;
    std::size_t relay_ = 0;
    std::uint64_t number_ = 0;
    bool running_ = false, delivered_ = false;
    std::string outcome_;
    // A delivery may end after this object is destroyed.
    Lifetime lifetime_;
};

// A marked test event that an operator sends to webhooks now, past the spool and the other events. One test at a time;
// the last one stays readable until the next.
class HookTest {
public:
    using Progress = RelayTest::Progress;  // delivered: each of the webhooks accepted it
    // `transport` outlives this.
    explicit HookTest(HookTransport& transport) : transport_{transport} {}

    // Errc::Limit: another test runs; Errc::Invalid: no webhook.
    [[nodiscard]] Result<void> start(std::vector<Webhook> webhooks, HookSender sender, WallTime at);
    [[nodiscard]] Progress progress(std::size_t known) const;

private:
    void try_next();
    void ended(const HookAnswer& answer);

    HookTransport& transport_;
    std::vector<Webhook> webhooks_;
    HookSender sender_;
    WallTime at_;
    std::size_t next_ = 0, accepted_ = 0;
    std::uint64_t number_ = 0;
    bool running_ = false;
    std::string outcome_;
    std::vector<std::string> lines_;
    // A request may end after this object is destroyed.
    Lifetime lifetime_;
};

}  // namespace mainstay::alert
