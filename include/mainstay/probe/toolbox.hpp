// What the checks of one configuration share: the TLS context of the SSL block, and compiled patterns.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/config/model.hpp"
#include "regex.hpp"
#include "tls.hpp"

namespace mainstay::probe {

[[nodiscard]] bool uses_tls(const config::Checker& checker);
// Whether checks of this service need a toolbox.
[[nodiscard]] bool needs_tools(const config::VirtualServer& service);

class Toolbox {
public:
    explicit Toolbox(const config::Config& config);

    // An error when the SSL block cannot be used: the checks that need it cannot be run.
    [[nodiscard]] const Result<std::shared_ptr<const TlsClient>>& tls();
    // Null: the URL has no regex. An error: the pattern is invalid.
    [[nodiscard]] Result<std::shared_ptr<const Regex>> regex(const config::HttpUrl& url);
    // Parts of the configuration that no check can use, for the log.
    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }

private:
    TlsMaterial material_;
    std::unique_ptr<Result<std::shared_ptr<const TlsClient>>> tls_;  // created on first use
    std::map<std::string, Result<std::shared_ptr<const Regex>>> patterns_;
    std::vector<std::string> problems_;
};

}  // namespace mainstay::probe
