// mainstayctl migrate: what a host's keepalived set-up consists of, what will differ under mainstay, and what to do.
// migrate_facts.cpp reads the host, the evaluation here is pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mainstay/config/load.hpp"
#include "options.hpp"

namespace mainstay::cli {

struct MigrateFacts {
    std::string configuration_path;    // below the root; keepalived's own unless an option names another
    bool configuration_found = false;  // false: `loaded` is empty
    config::Loaded loaded;

    struct File {
        std::string path, text;
        bool operator==(const File&) const = default;
    };
    // /etc/default/keepalived and /etc/sysconfig/keepalived, and what the unit names as EnvironmentFile; those that
    // exist.
    std::vector<File> option_files;
    std::vector<File> units;  // keepalived.service if it is not the package's, and drop-ins in systemd's order

    bool in_place_of_keepalived = false;  // keepalived.service is that of mainstay-keepalived-compat

    std::string environment;  // of the keepalived that runs here, as /proc/PID/environ has it

    struct Script {
        std::string used_by, path;  // "vrrp_script chk"
        bool found = false;
        std::string owner, mode;         // "0:0", "0755"
        std::vector<std::string> loose;  // the script or folders above it that others than root may change
    };
    std::vector<Script> scripts;

    struct Fifo {
        std::string keyword, path;
        bool found = false;
        std::string owner, mode;
    };
    std::vector<Fifo> fifos;
};

struct MigrationReport {
    struct Difference {
        std::string what, fix;  // `fix` may be empty: nothing has to be done
        bool operator==(const Difference&) const = default;
    };
    std::vector<std::string> found;
    std::vector<Difference> differs;
    std::vector<std::string> steps;
    bool can_run = true;  // false: the configuration is missing, or mainstay refuses it
};
[[nodiscard]] MigrationReport evaluate_migration(const MigrateFacts& facts);

// keepalived's options of the option files and the unit's ExecStart, in the order in which keepalived sees them.
[[nodiscard]] std::vector<std::string> keepalived_options(const MigrateFacts& facts);

// What mainstayd makes of them. One that it refuses is left out.
[[nodiscard]] Options read_keepalived_options(std::vector<std::string> words);

// Reads files below `root` ("/" for this host) and changes nothing.
[[nodiscard]] MigrateFacts gather_migrate_facts(const std::string& root);

}  // namespace mainstay::cli
