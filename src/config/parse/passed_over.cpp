#include "passed_over.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <utility>

namespace mainstay::config {
namespace {

constexpr std::size_t kMostNamed = 500;  // in one message

// "10.0.0.1 80" as the endpoint's text, whatever else as it stands.
std::string endpoint_name(const Statement& s) {
    std::string as_written;
    for (std::size_t i = 1; i < s.words.size(); ++i)
        as_written += fmt::format("{}{}", i == 1 ? "" : " ", s.words[i].text);
    if (s.words.size() < 2) return as_written;
    if (s.words[1].text == "fwmark" && s.words.size() > 2) return fmt::format("FWM {}", s.words[2].text);
    const auto address = IpAddress::parse(s.words[1].text);
    if (!address) return as_written;
    const auto port = s.words.size() > 2 ? whole_number(s.words[2].text, 0, 65535) : std::optional<std::int64_t>{0};
    return port ? Endpoint{*address, static_cast<std::uint16_t>(*port)}.to_string() : as_written;
}

}  // namespace

std::string describe(const Lost& lost) {
    constexpr std::string_view kKinds[]{"virtual_server", "real_server", "vrrp_instance", "address"};
    return fmt::format("{} {}", kKinds[static_cast<std::size_t>(lost.kind)], lost.name);
}

void PassedOver::announce(const Statement& opener, std::size_t entry) {
    announce(entry);
    take(opener);
}

void PassedOver::announce(std::size_t entry) {
    announced_ = true;
    entry_ = entry;
    next_ = Holds::Anything;
}

void PassedOver::line_alone(const Statement& s, std::size_t entry) {
    entry_ = entry;
    take(s);
    announced_ = false;
}

void PassedOver::open() {
    if (!announced_ && inside_.empty()) return;
    const std::size_t entry = announced_ ? entry_ : inside_.back().entry;
    announced_ = false;
    inside_.push_back({std::exchange(next_, Holds::Anything), entry});
}

void PassedOver::words(const Statement& s, bool opens) {
    if (inside_.empty() || s.words.empty()) return;
    next_ = Holds::Anything;
    entry_ = inside_.back().entry;
    if (inside_.back().holds == Holds::Addresses) {
        if (const auto prefix = Prefix::parse(s.words[0].text)) add(Lost::Kind::Address, prefix->to_string());
    } else if (opens) {
        take(s);
    }
}

void PassedOver::close() {
    if (!inside_.empty()) inside_.pop_back();
}

void PassedOver::take(const Statement& s) {
    if (s.words.empty()) return;
    const std::string_view keyword = s.words[0].text;
    next_ = Holds::Anything;
    if (keyword == "virtual_server") {
        add(Lost::Kind::Service, endpoint_name(s));
        next_ = Holds::Service;
    } else if (keyword == "real_server") {
        add(Lost::Kind::Server, endpoint_name(s));
    } else if (keyword == "vrrp_instance" && s.words.size() > 1) {
        add(Lost::Kind::Instance, std::string{s.words[1].text});
    } else if (keyword == "virtual_ipaddress" || keyword == "virtual_ipaddress_excluded") {
        next_ = Holds::Addresses;
    }
}

void PassedOver::something_is_read() {
    if (inside_.empty() || inside_.back().entry >= r_.diag.entries().size()) return;
    r_.diag.entries()[inside_.back().entry].diagnostic.effect =
        "what belongs outside of all blocks is read, as keepalived does";
}

bool PassedOver::in_service() const {
    return std::ranges::find(inside_, Holds::Service, &Inside::holds) != inside_.end();
}

void PassedOver::add(Lost::Kind kind, std::string name) {
    if (r_.lost.size() >= kMostLost) return;
    r_.lost.push_back({{kind, std::move(name)}, entry_, kind != Lost::Kind::Server || !in_service()});
}

void PassedOver::report() {
    std::map<std::size_t, std::vector<std::string>> named;
    for (const auto& [lost, entry, worth_naming] : r_.lost)
        if (worth_naming) named[entry].push_back(describe(lost));
    for (auto& [entry, names] : named) {
        if (entry >= r_.diag.entries().size()) continue;
        const std::size_t more = names.size() - std::min(names.size(), kMostNamed);
        names.resize(names.size() - more);
        r_.diag.entries()[entry].diagnostic.effect +=
            fmt::format("; lost with it: {}{}", fmt::join(names, ", "),
                        more == 0 ? std::string{} : fmt::format(" and {} more", more));
    }
}

}  // namespace mainstay::config
