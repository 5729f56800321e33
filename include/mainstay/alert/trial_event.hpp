// A marked test event that an operator sends to webhooks now, past the spool and the other events. One test at a time;
// the last one stays readable until the next.
#pragma once

#include <string>
#include <vector>

#include "mainstay/base/lifetime.hpp"
#include "trial_mail.hpp"
#include "webhooks.hpp"

namespace mainstay::alert {

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
