// Real servers that files list. The watcher process reads the files; what it reports may come before the configuration
// that names them, and after the one that did.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/io_context.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "guarded_source.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/lvs/judge.hpp"
#include "mainstay/lvs/named.hpp"

namespace mainstay::role {

class ServerFiles {
public:
    // `changed` is called on the loop when servers in force have changed, but not within follow().
    ServerFiles(boost::asio::io_context& loop, Log& log, GuardedSource::Clock clock, std::function<void()> changed)
        : loop_{loop}, log_{log}, clock_{std::move(clock)}, changed_{std::move(changed)} {}

    // What the watcher reports: the servers of a file, as a sealed ipc::ServerList, or why there are none.
    void on_file_read(const ipc::ServerFileRead& read, UniqueFd servers);
    // Follows the files of this configuration. The servers in force of files that it still has are kept.
    void follow(const config::Config& config);
    // As NameResolver's.
    void recall(const config::Config& config, const lvs::Memory& memory, const ipc::DiscoveredSources& saved);
    [[nodiscard]] const lvs::KnownServers* known(const lvs::NamedServers& named) const;
    void add_status(std::vector<report::DiscoveredStatus>& list) const;
    void add_saved(std::vector<ipc::DiscoveredSource>& list) const;
    void stop() { files_.clear(); }

private:
    struct File;
    using Answer = Result<lvs::KnownServers>;
    // True: the servers in force have changed.
    [[nodiscard]] static bool take(File& file, const Answer& answer);

    boost::asio::io_context& loop_;
    Log& log_;
    GuardedSource::Clock clock_;
    std::function<void()> changed_;
    std::map<std::string, std::shared_ptr<File>> files_;  // by config::key_of()
    std::map<std::string, Answer> waiting_;               // of files that the next configuration may name
    std::map<std::string, ipc::DiscoveredSource> recalled_;
};

}  // namespace mainstay::role
