// etcd's v3 API over JSON: everything below a prefix is read, then a watch from the next revision says when to read
// again.
#include <fmt/format.h>

#include <optional>
#include <utility>

#include "discover.hpp"
#include "discover_http.hpp"

namespace mainstay::cli {
namespace {

constexpr std::chrono::milliseconds kGather{50};  // changes that come together are read together
constexpr std::size_t kLineBytesMax = 1U << 20U;  // of a watch's answer: a longer line is a change in any case

class EtcdSource final : public RegistrySource {
public:
    EtcdSource(DiscoverOptions options, EtcdOptions etcd)
        : options_{std::move(options)}, etcd_{std::move(etcd)}, http_{options_.tls} {}

    Result<config::DiscoveredServers> next() override {
        auto servers = ask();
        if (!servers) {
            revision_ = 0;
            token_.clear();
            url_ = (url_ + 1) % options_.urls.size();
        }
        return servers;
    }

private:
    Result<config::DiscoveredServers> ask() {
        if (revision_ > 0)
            if (auto waited = wait_for_change(); !waited) return error_of(waited);
        if (auto known = authenticate(); !known) return error_of(known);
        auto answer = post("/v3/kv/range", config::etcd_range_request(etcd_.prefix));
        if (!answer) return error_of(answer);
        auto read = config::read_etcd_range(*answer, options_.port);
        if (!read) return error_of(read);
        revision_ = read->revision;
        return std::move(read->servers);
    }

    // Until something changes, the history is compacted, or the wait is over: then everything is read again.
    Result<void> wait_for_change() {
        std::string line;
        std::optional<Error> problem;
        bool changed = false;
        RegistryRequest request{.url = options_.urls[url_] + "/v3/watch",
                                .headers = headers(),
                                .body = config::etcd_watch_request(etcd_.prefix, revision_ + 1),
                                .within = options_.wait,
                                .piece = [&](std::string_view piece) {
                                    line += piece;
                                    for (std::size_t end = 0; (end = line.find('\n')) != std::string::npos;) {
                                        const auto note =
                                            config::read_etcd_watch(std::string_view{line}.substr(0, end));
                                        if (!note) problem = note.error();
                                        changed = changed || (note && *note != config::EtcdNote::Nothing);
                                        line.erase(0, end + 1);
                                    }
                                    return !changed && !problem && line.size() <= kLineBytesMax;
                                }};
        const auto reply = http_.perform(request);
        if (!reply) return error_of(reply);
        if (problem) return std::unexpected{*problem};
        if (reply->status != 200) return fail(Errc::Io, fmt::format("etcd answers {} to the watch", reply->status));
        if (!reply->cut) return fail(Errc::Io, "etcd ended the watch");
        if (changed) pause_for(kGather);
        return {};
    }

    Result<void> authenticate() {
        if (options_.secret_file.empty() || !token_.empty()) return {};
        const auto secret = secret_of(options_.secret_file);
        if (!secret) return error_of(secret);
        const std::size_t colon = secret->find(':');
        if (colon == std::string::npos) return fail(Errc::Invalid, options_.secret_file + " is not NAME:PASSWORD");
        auto answer = post("/v3/auth/authenticate",
                           config::etcd_token_request(secret->substr(0, colon), secret->substr(colon + 1)));
        if (!answer) return error_of(answer);
        auto token = config::read_etcd_token(*answer);
        if (!token) return error_of(token);
        token_ = std::move(*token);
        return {};
    }

    std::vector<std::string> headers() const {
        std::vector<std::string> lines{"Content-Type: application/json"};
        if (!token_.empty()) lines.push_back("Authorization: " + token_);
        return lines;
    }

    // The body of the answer; of one that is no 200 as well, if it says why.
    Result<std::string> post(std::string_view path, std::string body) {
        auto reply = http_.perform(
            {.url = fmt::format("{}{}", options_.urls[url_], path), .headers = headers(), .body = std::move(body)});
        if (!reply) return error_of(reply);
        if (reply->status != 200 && reply->body.find('{') == std::string::npos)
            return fail(Errc::Io, fmt::format("etcd answers {}", reply->status));
        return std::move(reply->body);
    }

    const DiscoverOptions options_;
    const EtcdOptions etcd_;
    RegistryHttp http_;
    std::size_t url_ = 0;
    std::int64_t revision_ = 0;  // of the last answer; 0: none
    std::string token_;
};

}  // namespace

std::unique_ptr<RegistrySource> etcd_source(const DiscoverOptions& options, EtcdOptions etcd) {
    return std::make_unique<EtcdSource>(options, std::move(etcd));
}

}  // namespace mainstay::cli
