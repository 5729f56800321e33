// What the files of keepalived_check.data share. Pure.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dump_text.hpp"
#include "mainstay/lvs/followed.hpp"
#include "mainstay/report/dumps.hpp"
#include "mainstay/vrrp/trackers.hpp"

namespace mainstay::report {

// A server as configured and as it is now.
struct DumpedServer {
    const config::VirtualServer& service;
    const config::RealServer& config;
    const ServerStatus* status = nullptr;  // none: the role has not told of it
};

// Services with their states, and the files that checks follow, worked out once for a dump.
class LvsView {
public:
    explicit LvsView(const DumpSource& source);  // which must outlive it

    [[nodiscard]] const config::Config& config() const { return config_; }
    // By the service's position in the configuration. Null: the role has not told of it.
    [[nodiscard]] const ServiceStatus* status(std::size_t service) const { return states_[service]; }
    [[nodiscard]] std::vector<DumpedServer> servers(std::size_t service) const;
    [[nodiscard]] const std::vector<vrrp::FileTracker>& files() const { return files_; }
    // Of a FILE_CHECK: its own, or that of the block which names the file.
    [[nodiscard]] lvs::FileRule rule(const config::Checker& check) const;

private:
    const config::Config& config_;
    std::vector<const ServiceStatus*> states_;
    std::map<std::size_t, config::VirtualServer> in_force_;  // services with servers of files or DNS names
    std::vector<vrrp::FileTracker> files_;
};

// Lines at one margin.
class MarginLines {
public:
    template <class T>
    void line(std::string_view name, const T& value) {
        put_line(out_, "   ", name, value);
    }
    void text(std::string_view words) { out_.append("   ").append(words).append("\n"); }
    void further(std::string_view words) { text(fmt::format("  {}", words)); }  // belongs to the line before
    [[nodiscard]] std::string take() { return std::move(out_); }

private:
    std::string out_;
};

[[nodiscard]] inline const char* on_or_off(bool on) { return on ? "ON" : "OFF"; }
[[nodiscard]] std::string text_of(const lvs::FileRule& rule);  // "2 reverse"

// dump_checkers.cpp: the sections behind the topology.
[[nodiscard]] std::string checker_sections(const LvsView& view);

}  // namespace mainstay::report
