// Which of the files that a configuration names accounts other than root may change, and which secrets they may read:
// warnings of the configuration test.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
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

// Whether accounts that a file is not meant for may change it, or read it, and the command that ends this.

// Of a file: nobody's secret; not for everybody, though a group may read it; for its owner alone.
enum class Secrecy : std::uint8_t { None, NotForEverybody, OwnerOnly };

struct Exposure {
    bool is_reading = false;  // else its change
    std::string problem;      // "everybody can change /etc/ha.conf (mode 0666)"
    std::string fix;          // "chmod o-w /etc/ha.conf"
};

// Looks at the file, at each folder on the way to it and at each symbolic link there. Root and `account`, who uses the
// file, may change it. A sticky folder (/tmp) protects what is in it from all but its owner; with `may_grow`, files
// that others add to the file's own folder are used as well, from which the sticky bit does not protect. None: nobody
// else may, or it cannot be looked at. Access control lists are not looked at, but for the group's bits that they set.
[[nodiscard]] std::optional<Exposure> exposure_of(const std::string& path, const Account& account, Secrecy secrecy,
                                                  bool may_grow);

}  // namespace mainstay::kernel
