#include "mainstay/kernel/nftables.hpp"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "netlink_listener.hpp"

namespace mainstay::kernel {
namespace {

constexpr std::size_t kMostMessages = 4096;  // of one batch: a table with more than a million addresses

}  // namespace

Result<Nftables> Nftables::open() {
    if (!netlink::has_nftables()) return fail(Errc::Unsupported, "this build has no nftables");
    auto socket = NetlinkSocket::open(NETLINK_NETFILTER);
    if (!socket) return error_of(socket, "nftables");
    // A kernel without nftables refuses a whole batch; a plain query is answered by every kernel with nftables.
    std::vector<std::byte> question;
    const auto sequence = socket->take_sequences(1);
    netlink::append_generation_query(question, sequence);
    auto asked = socket->query(question, sequence, [](const netlink::Message&) { return Result<void>{}; });
    if (!asked) return error_of(asked, "nftables");
    auto listener =
        open_netlink_listener({.protocol = NETLINK_NETFILTER, .groups = {NFNLGRP_NFTABLES}, .what = "nftables"});
    if (!listener) return error_of(listener);
    return Nftables{std::move(*socket), std::move(*listener)};
}

// The sequence numbers of a batch are consecutive: the first is for its begin, the last for its end.
netlink::NftBatch Nftables::begin() {
    return {.bytes = {}, .sequence = socket_.take_sequences(kMostMessages) + 1, .count = 0};
}

Result<void> Nftables::commit(const netlink::NftBatch& batch) {
    if (batch.count == 0) return {};
    if (batch.count + 2 > kMostMessages) return fail(Errc::Limit, "nftables: too much for one transaction");
    const std::uint32_t first = batch.sequence - static_cast<std::uint32_t>(batch.count);
    std::vector<std::byte> bytes;
    netlink::append_batch_begin(bytes, first - 1);
    bytes.insert(bytes.end(), batch.bytes.begin(), batch.bytes.end());
    netlink::append_batch_end(bytes, batch.sequence);
    int refused = 0;
    std::string why;
    auto done =
        socket_.exchange_batch(bytes, first, batch.count, [&](std::size_t, const netlink::Acknowledgement& answer) {
            if (refused != 0 || answer.sys_errno == 0) return;
            refused = answer.sys_errno;
            why = answer.text;
        });
    forget_changes();
    if (!done) return error_of(done, "change nftables");
    if (refused != 0) return fail_system(why.empty() ? "change nftables" : "change nftables (" + why + ")", refused);
    return {};
}

Result<bool> Nftables::has_table(Family family, const std::string& table) {
    std::vector<std::byte> question;
    const auto sequence = socket_.take_sequences(1);
    netlink::append_table_query(question, family, table, sequence);
    auto asked = socket_.query(question, sequence, [](const netlink::Message&) { return Result<void>{}; });
    if (asked) return true;
    if (asked.error().sys_errno() == ENOENT) return false;
    return error_of(asked);
}

Result<std::optional<std::size_t>> Nftables::rules_in(Family family, const std::string& table) {
    const auto there = has_table(family, table);
    if (!there) return error_of(there);
    if (!*there) return std::nullopt;
    std::size_t rules = 0;
    auto dumped =
        socket_.dump([&](auto& out, auto sequence) { netlink::append_rule_dump(out, family, table, sequence); },
                     [&] { rules = 0; }, [&](const netlink::Message&) { return ++rules, Result<void>{}; });
    if (!dumped) return error_of(dumped);
    return rules;
}

Result<bool> Nftables::looks_like(const netlink::MarkTable& table) {
    for (const Family family : {Family::V4, Family::V6}) {
        const auto wanted =
            std::ranges::count(table.rules, family, [](const auto& rule) { return rule.first.family(); });
        const auto there = rules_in(family, table.name);
        if (!there) return error_of(there);
        // A family without rules has no table.
        if (wanted == 0 ? there->has_value() : *there != static_cast<std::size_t>(wanted)) return false;
    }
    return true;
}

Result<bool> Nftables::looks_like(const netlink::VipFilter& filter) {
    const auto rules = rules_in(filter.family, filter.table);
    if (!rules) return error_of(rules);
    if (*rules != netlink::rule_count(filter)) return false;
    for (const auto& [set, wanted] : netlink::element_counts(filter)) {
        std::size_t elements = 0;
        auto dumped = socket_.dump(
            [&](auto& out, auto sequence) {
                netlink::append_element_dump(out, filter.family, filter.table, set, sequence);
            },
            [&] { elements = 0; },
            [&](const netlink::Message& message) -> Result<void> {
                const auto count = netlink::count_elements(message);
                if (!count) return error_of(count);
                elements += *count;
                return {};
            });
        if (!dumped && dumped.error().sys_errno() == ENOENT) return false;
        if (!dumped) return error_of(dumped);
        if (elements != wanted) return false;
    }
    return true;
}

void Nftables::forget_changes() {
    std::array<char, 64> rest;  // the contents do not matter
    for (int n = 0; n < kDrainLimit; ++n)
        if (recv(listener_.get(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_TRUNC) < 0 && errno != ENOBUFS &&
            errno != EINTR)
            return;
}

}  // namespace mainstay::kernel
