// Which of the files that a configuration names accounts other than root may change, and which secrets they may read:
// warnings of the configuration test.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mainstay/config/load.hpp"
#include "process.hpp"

namespace mainstay::kernel {

class ExposedFiles {
public:
    // Notes the scripts that `environment` is asked about from now on. `account`: may change the files, like root.
    ExposedFiles(config::Environment& environment, Account account);

    // Adds one warning for each cause. `settings_path`: mainstay.toml, unless the configuration has its settings.
    void report(config::Loaded& loaded, const std::string& settings_path) const;

private:
    Account account_;
    std::shared_ptr<std::vector<std::string>> scripts_ = std::make_shared<std::vector<std::string>>();
};

}  // namespace mainstay::kernel
