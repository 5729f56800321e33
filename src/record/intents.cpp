#include "mainstay/record/intents.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "mainstay/vrrp/fact_state.hpp"
#include "mainstay/wire/vrrp.hpp"
#include "mainstay/wire/vrrp_auth.hpp"

namespace mainstay::record {

namespace {

constexpr std::uint64_t kMultiplier = 0x9e37'79b9'7f4a'7c15;
constexpr std::size_t kChecksumLength = 2;

constexpr std::array<std::string_view, 14> kKinds{
    "SendAdvert",        "AddAddresses",  "RemoveAddresses",    "ChangeAddresses", "RestoreAddress",
    "SendGratuitousArp", "RunScript",     "Announce",           "WriteLog",        "AnnounceAddress",
    "SetRouting",        "RemoveRouting", "SetStaticAddresses", "HandOverEnded"};
static_assert(kKinds.size() == std::variant_size_v<vrrp::Intent>);
constexpr std::array<std::string_view, 6> kJudgeKinds{"StartCheck", "CancelCheck",  "Announce",
                                                      "WriteLog",   "TableChanged", "CountConnections"};
static_assert(kJudgeKinds.size() == std::variant_size_v<lvs::Intent>);

std::span<const std::string_view> kinds_of(Machine machine) {
    return machine == Machine::Judge ? std::span<const std::string_view>{kJudgeKinds} : kKinds;
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
    return std::rotl((hash ^ word) * kMultiplier, 29) ^ hash >> 32;
}

// The bytes of a payload that no secret changes.
void put_payload(ByteWriter& out, std::span<const std::byte> payload, const vrrp::SendAdvert& advert) {
    out(payload.size());
    if (advert.protocol == wire::kAhProtocol && payload.size() >= wire::kAhLength) {
        out.raw(payload.first(wire::kAhLength - wire::kAhIcvLength));
        payload = payload.subspan(wire::kAhLength);
    }
    if (payload.size() < wire::kVrrpHeaderLength) return out.raw(payload);
    const auto version = static_cast<std::uint8_t>(std::to_integer<std::uint8_t>(payload[0]) >> 4);
    const Family family = advert.source.family();
    const std::size_t length = wire::vrrp_length(version, family, std::to_integer<std::size_t>(payload[3]));
    if (length > payload.size()) return out.raw(payload);
    const bool has_password = version == 2 && family == Family::V4;
    const bool trails = payload.size() == length + wire::kTrailerLength;
    out.raw(payload.first(wire::kVrrpChecksumAt));
    if (!has_password && !trails) out.raw(payload.subspan(wire::kVrrpChecksumAt, kChecksumLength));
    const std::size_t end = length - (has_password ? wire::kVrrpAuthLength : 0);
    out.raw(payload.subspan(wire::kVrrpHeaderLength, end - wire::kVrrpHeaderLength));
    if (trails) out.raw(payload.subspan(length, wire::kTrailerLength - wire::kTrailerHmacLength));
}

void put(ByteWriter& out, const vrrp::SendAdvert& i) {
    out(i.instance, i.interface, i.source, i.destinations, i.ttl, i.system_hop_limit, i.protocol, i.ip_id);
    for (const auto& payload : i.payloads) put_payload(out, payload, i);
}
void put(ByteWriter& out, const vrrp::AddAddresses& i) { out(i.instance, i.announced); }
void put(ByteWriter& out, const vrrp::RemoveAddresses& i) { out(i.instance, i.addresses); }
void put(ByteWriter& out, const vrrp::ChangeAddresses& i) { out(i.instance, i.added, i.removed); }
void put(ByteWriter& out, const vrrp::RestoreAddress& i) { out(i.instance, i.interface, i.prefix); }
void put(ByteWriter& out, const vrrp::SetRouting& i) { out(i.owner, i.how, i.positions, i.entries); }
void put(ByteWriter& out, const vrrp::RemoveRouting& i) { out(i.owner, i.entries); }
void put(ByteWriter& out, const vrrp::SetStaticAddresses& i) {
    for (const auto& address : i.addresses)
        out(address.prefix, address.dev, address.label, address.scope, address.no_track, address.noprefixroute);
}
void put(ByteWriter& out, const vrrp::SendGratuitousArp& i) { out(i.instance, i.rounds, i.begun); }
void put(ByteWriter& out, const vrrp::AnnounceAddress& i) { out(i.interface, i.address); }
void put(ByteWriter& out, const vrrp::RunScript& i) { out(i.script, i.run); }
void put(ByteWriter& out, const Event& e) {
    out(e.kind, e.name, e.parent, e.transition, e.detail, e.reason, e.priority, e.notify, e.mail);
}
void put(ByteWriter& out, const vrrp::Announce& i) { put(out, i.event); }
void put(ByteWriter& out, const vrrp::HandOverEnded& i) { out(i.instance, i.how, i.master, i.after); }
void put(ByteWriter& out, const vrrp::WriteLog& i) { out(i.line.level, i.line.text); }

void put(ByteWriter& out, const lvs::StartCheck& i) { out(i.checker); }
void put(ByteWriter& out, const lvs::CancelCheck& i) { out(i.checker); }
void put(ByteWriter& out, const lvs::Announce& i) { put(out, i.event); }
void put(ByteWriter& out, const lvs::WriteLog& i) { out(i.line.level, i.line.text); }
void put(ByteWriter& out, const lvs::TableChanged& i) { out(i.service); }
void put(ByteWriter& out, const lvs::CountConnections& i) { out(i.service); }

}  // namespace

std::uint64_t hash_of(std::span<const std::byte> bytes, std::uint64_t start) {
    std::uint64_t hash = mix(start + kMultiplier, bytes.size());
    for (; bytes.size() >= sizeof(std::uint64_t); bytes = bytes.subspan(sizeof(std::uint64_t))) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), sizeof word);
        hash = mix(hash, word);
    }
    std::uint64_t last = 0;
    if (!bytes.empty()) std::memcpy(&last, bytes.data(), bytes.size());
    hash = mix(hash, last);
    return hash ^ hash >> 29;
}

void SummaryBuilder::count(std::uint8_t kind) {
    ++summary_.count;
    if (summary_.run_count > 0 && summary_.runs[summary_.run_count - 1U].kind == kind)
        ++summary_.runs[summary_.run_count - 1U].count;
    else if (summary_.run_count < IntentSummary::kRunsMax)
        summary_.runs[summary_.run_count++] = {kind, 1};
}

IntentSummary summary_of(const vrrp::Intents& intents, std::vector<std::byte>& room) {
    SummaryBuilder builder{room};
    for (const auto& intent : intents)
        builder.add(static_cast<std::uint8_t>(intent.index()),
                    [&](ByteWriter& out) { std::visit([&](const auto& i) { put(out, i); }, intent); });
    return builder.summary();
}

void add(SummaryBuilder& builder, const lvs::Intents& intents) {
    for (const auto& intent : intents)
        builder.add(static_cast<std::uint8_t>(intent.index()),
                    [&](ByteWriter& out) { std::visit([&](const auto& i) { put(out, i); }, intent); });
}

IntentSummary summary_of(const lvs::Intents& intents, std::vector<std::byte>& room) {
    SummaryBuilder builder{room};
    add(builder, intents);
    return builder.summary();
}

void write(ByteWriter& out, const IntentSummary& summary) {
    out.number(summary.count);
    if (summary.count == 0) return;
    out(summary.run_count);
    for (const auto& run : std::span{summary.runs}.first(summary.run_count)) {
        out(run.kind);
        out.number(run.count);
    }
    out(summary.digest);
}

IntentSummary read_summary(ByteReader& in) {
    IntentSummary summary{.count = in.number()};
    if (summary.count == 0) return summary;
    in(summary.run_count);
    if (summary.run_count > IntentSummary::kRunsMax) in.refuse();
    if (!in.ok()) return {};
    for (auto& run : std::span{summary.runs}.first(summary.run_count)) {
        in(run.kind);
        run.count = in.number();
        if (run.kind >= kKinds.size()) in.refuse();
    }
    in(summary.digest);
    return summary;
}

std::string_view kind_name(std::uint8_t kind, Machine machine) {
    const auto kinds = kinds_of(machine);
    return kind < kinds.size() ? kinds[kind] : "?";
}

std::string describe(const IntentSummary& summary, Machine machine) {
    if (summary.count == 0) return "none";
    std::string text;
    std::uint64_t named = 0;
    for (const auto& run : std::span{summary.runs}.first(summary.run_count)) {
        text += fmt::format("{}{}{}", text.empty() ? "" : ", ", run.count > 1 ? fmt::format("{} ", run.count) : "",
                            kind_name(run.kind, machine));
        named += run.count;
    }
    if (named < summary.count) text += fmt::format(" and {} more", summary.count - named);
    return text;
}

}  // namespace mainstay::record
