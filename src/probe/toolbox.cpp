#include "mainstay/probe/toolbox.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "mainstay/config/keywords.hpp"

namespace mainstay::probe {
namespace {

// Everything that the compiled pattern depends on, and the matcher's offsets and inversion.
std::string key_of(const RegexWords& words) {
    std::string key =
        fmt::format("{} {} {} {} {} ", words.must_not_match, words.min_offset,
                    words.max_offset ? fmt::to_string(*words.max_offset) : "-", words.stack_start, words.stack_max);
    for (const auto& option : words.options) key += option + " ";
    return key + words.pattern;
}

}  // namespace

bool uses_tls(const config::Checker& checker) {
    using Type = config::Checker::Type;
    return checker.type == Type::Ssl ||
           (checker.type == Type::Grpc && config::flag(checker.more->values, config::keyword::tls));
}

bool needs_tools(const config::VirtualServer& service) {
    return std::ranges::any_of(service.real_servers, [](const config::RealServer& server) {
        return std::ranges::any_of(server.checkers, [](const config::Checker& checker) {
            return uses_tls(checker) || std::ranges::any_of(*checker.urls, [](const config::HttpUrl& url) {
                       return !url.digest.empty() || regex_words_of(url).has_value();
                   });
        });
    });
}

Toolbox::Toolbox(const config::Config& config) : material_{tls_material_of(config)} {
    bool any_tls = false;
    for (const auto& service : config.virtual_servers) {
        for (const auto& server : service.real_servers) {
            for (const auto& checker : server.checkers) {
                any_tls = any_tls || uses_tls(checker);
                for (const auto& url : *checker.urls) {
                    const std::size_t before = patterns_.size();
                    const auto compiled = regex(url);
                    if (!compiled && patterns_.size() > before) problems_.push_back(compiled.error().text());
                }
            }
        }
    }
    if (any_tls && !tls()) problems_.push_back(fmt::format("checks over TLS cannot be run: {}", tls().error().text()));
}

const Result<std::shared_ptr<const TlsClient>>& Toolbox::tls() {
    if (!tls_) tls_ = std::make_unique<Result<std::shared_ptr<const TlsClient>>>(TlsClient::make(material_));
    return *tls_;
}

Result<std::shared_ptr<const Regex>> Toolbox::regex(const config::HttpUrl& url) {
    const auto words = regex_words_of(url);
    if (!words) return std::shared_ptr<const Regex>{};
    const std::string key = key_of(*words);
    const auto known = patterns_.find(key);
    if (known != patterns_.end()) return known->second;
    return patterns_.emplace(key, Regex::compile(*words)).first->second;
}

}  // namespace mainstay::probe
