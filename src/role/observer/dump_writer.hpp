// Writes dump files, in a thread: the disk may be slow. Each file is opened by the supervisor's side, which gets
// nothing from here but the names of files and a word when one is whole.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "mainstay/alert/background.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/report/dumps.hpp"
#include "role/common/dump_line.hpp"

namespace mainstay::role {

// The files of one of keepalived's signals: data, statistics, JSON, or statistics that begin anew afterwards.
[[nodiscard]] std::vector<Dump> dumps_of(int signal, const report::DumpSource& source);

class DumpWriter {
public:
    DumpWriter(boost::asio::io_context& loop, Log& log);

    // `line`: where the files are handed out. While a former dump is being written, there is no other.
    void write(UniqueFd line, std::vector<Dump> dumps);

private:
    alert::Background background_;
    Log& log_;
    std::shared_ptr<std::atomic<bool>> busy_ = std::make_shared<std::atomic<bool>>(false);  // a thread may outlive this
};

}  // namespace mainstay::role
