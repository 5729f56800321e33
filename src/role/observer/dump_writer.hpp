// Writes dump files, in a thread: the disk may be slow. Each file is opened by the supervisor's side, which gets
// nothing from here but the names of files and a word when one is whole.
#pragma once

#include <boost/asio/io_context.hpp>
#include <utility>

#include <memory>
#include <string>
#include <vector>

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
    DumpWriter(const DumpWriter&) = delete;
    DumpWriter& operator=(const DumpWriter&) = delete;
    ~DumpWriter();  // a thread that still writes loses its way to the log, nothing else

    // `line`: where the files are handed out. While a former dump is being written, there is no other.
    void write(UniqueFd line, std::vector<Dump> dumps);

private:
    struct Outlet;
    Log& log_;
    std::shared_ptr<Outlet> outlet_;
};

}  // namespace mainstay::role
