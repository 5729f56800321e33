// Consul's blocking queries: the answer comes when the service's index has changed, or the wait is over.
#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "discover.hpp"
#include "discover_http.hpp"

namespace mainstay::cli {
namespace {

constexpr std::chrono::milliseconds kPace{100};  // between two answers, whatever Consul does

std::uint64_t number_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() ? number : 0;
}

class ConsulSource final : public RegistrySource {
public:
    ConsulSource(DiscoverOptions options, ConsulOptions consul)
        : options_{std::move(options)}, consul_{std::move(consul)}, http_{options_.tls} {}

    Result<config::DiscoveredServers> next() override {
        auto servers = ask();
        if (!servers) {
            index_ = 0;
            url_ = (url_ + 1) % options_.urls.size();
        }
        return servers;
    }

private:
    Result<config::DiscoveredServers> ask() {
        RegistryRequest request{.url = url(), .headers = {}, .body = {}, .within = std::chrono::seconds{10}};
        // Consul adds up to a sixteenth of the wait, so that not all clients come back at once.
        if (index_ > 0) request.within += options_.wait + options_.wait / 16;
        if (!options_.secret_file.empty()) {
            auto token = secret_of(options_.secret_file);
            if (!token) return error_of(token);
            request.headers.push_back("X-Consul-Token: " + *token);
        }
        const auto begin = std::chrono::steady_clock::now();
        const auto reply = http_.perform(request);
        if (!reply) return error_of(reply);
        if (reply->status != 200)
            return fail(
                reply->status == 403 ? Errc::Permission : Errc::Io,
                fmt::format(
                    "Consul answers {}{}", reply->status,
                    reply->status == 403 ? ": the token is missing, has ended, or may not read this service" : ""));
        if (reply->known_leader == "false" ||
            number_of(reply->last_contact) > static_cast<std::uint64_t>(consul_.max_stale.count()))
            return fail(Errc::Io, fmt::format("Consul's server has had no leader for {} ms: its answer may be old",
                                              number_of(reply->last_contact)));
        auto servers = config::read_consul_health(reply->body, consul_.selection);
        if (!servers) return servers;
        const std::uint64_t index = number_of(reply->index);
        // An index that goes backwards, or is none, begins anew: the next answer comes at once.
        index_ = index < index_ ? 0 : index;
        if (std::chrono::steady_clock::now() - begin < kPace) pause_for(index_ == 0 ? std::chrono::seconds{1} : kPace);
        return servers;
    }

    std::string url() const {
        std::string url =
            fmt::format("{}/v1/health/service/{}?stale=", options_.urls[url_], url_escaped(consul_.service));
        if (index_ > 0) url += fmt::format("&index={}&wait={}s", index_, options_.wait.count());
        for (const auto& tag : consul_.tags) url += "&tag=" + url_escaped(tag);
        if (!consul_.datacenter.empty()) url += "&dc=" + url_escaped(consul_.datacenter);
        return url;
    }

    const DiscoverOptions options_;
    const ConsulOptions consul_;
    RegistryHttp http_;
    std::size_t url_ = 0;
    std::uint64_t index_ = 0;  // of the last answer; 0: none, or it cannot be used
};

}  // namespace

std::unique_ptr<RegistrySource> consul_source(const DiscoverOptions& options, ConsulOptions consul) {
    return std::make_unique<ConsulSource>(options, std::move(consul));
}

}  // namespace mainstay::cli
