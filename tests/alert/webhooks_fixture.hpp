// Webhooks over a real folder, with a transport, a log and clocks of the test.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mailer_fixture.hpp"
#include "mainstay/alert/webhooks.hpp"

namespace mainstay::alert {

using Ids = std::vector<std::string>;

struct FakeReceivers final : HookTransport {
    struct Sent {
        std::string webhook, id, body;
    };
    void post(const Webhook& webhook, const Post& post, std::function<void(HookAnswer)> end) override {
        sent.push_back({webhook.name, post.id, post.body});
        done[webhook.name] = std::move(end);
    }
    void keep_connections(const std::vector<std::string>& names) override { kept = names; }
    void answer(const std::string& webhook, int status, const std::string& text = {}) {
        auto end = std::move(done.at(webhook));
        done.erase(webhook);
        end({status, text});
    }
    [[nodiscard]] Ids ids() const {
        Ids all;
        for (const auto& one : sent) all.push_back(one.id);
        return all;
    }
    std::vector<Sent> sent;
    Ids kept;
    std::map<std::string, std::function<void(HookAnswer)>> done;
};

struct Bench {
    explicit Bench(HookBody form = HookBody::CloudEvents, SpoolLimits limits = kPostSpoolLimits)
        : body{form}, spool_limits{limits} {
        restart();
    }
    void restart() {
        hooks.reset();
        receivers.done.clear();
        auto spool = PostSpool::open(folder.path("webhooks"), spool_limits);
        REQUIRE(spool.has_value());
        hooks.emplace(std::move(*spool), receivers, log, nullptr);
        configure({webhook("a")});
    }
    [[nodiscard]] Webhook webhook(const std::string& name) const {
        return {
            .name = name, .url = "https://" + name + "/", .ca_file = {}, .headers = {}, .body = body, .problem = {}};
    }
    void configure(std::vector<Webhook> all) { hooks->configure(std::move(all), {"lb1", "R"}); }
    // The number of an event of the instance VI_<name>.
    static Event event(const std::string& name, std::uint64_t number, Transition transition = Transition::Master) {
        return {.kind = Event::Kind::Instance,
                .name = name,
                .transition = transition,
                .detail = "x",
                .at = {kWall0 + static_cast<std::int64_t>(number)},
                .number = number};
    }
    static std::string id(std::uint64_t number) {
        return fmt::format("vrrp.{}.{}", number, kWall0 + static_cast<std::int64_t>(number));
    }
    static WallTime wall(Instant now) { return {kWall0 + std::chrono::duration_cast<Micros>(now - t0).count()}; }
    void take(const std::vector<Event>& events, Instant now = t0) { hooks->take(events, wall(now)); }
    void pump(Instant now) { hooks->pump(now, wall(now)); }
    void answer(int status, Instant now, const std::string& text = {}) {
        receivers.answer("a", status, text);
        pump(now);
    }
    void deliver_all(Instant now) {
        pump(now);
        while (receivers.done.contains("a")) answer(200, now);
    }
    [[nodiscard]] report::WebhookStatus status() const { return hooks->status().at(0); }
    [[nodiscard]] std::size_t files() const {
        const auto names = folder.files("webhooks");
        return static_cast<std::size_t>(
            std::ranges::count_if(names, [](const std::string& name) { return name.ends_with(".posts"); }));
    }

    HookBody body;
    SpoolLimits spool_limits;
    TempFolder folder;
    FakeReceivers receivers;
    MemoryLog log;
    std::optional<Webhooks> hooks;
};

}  // namespace mainstay::alert
