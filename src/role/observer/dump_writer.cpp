#include "dump_writer.hpp"

#include <csignal>
#include <utility>

#include "mainstay/bfd/configured.hpp"

namespace mainstay::role {

std::vector<Dump> dumps_of(int signal, const report::DumpSource& source) {
    using What = ipc::DumpText::What;
    std::vector<Dump> files;
    if (signal == SIGUSR1) {
        // Exporters wait for the first one.
        if (!source.config.instances.empty()) files.push_back({What::Data, report::dump_data(source)});
        if (source.bfd != nullptr && !bfd::configured_sessions(source.config).empty())
            files.push_back({What::DataBfd, report::dump_bfd_data(source)});
        files.push_back({What::DataParent, report::dump_parent_data(source)});
    } else if (signal == SIGRTMIN + 2) {
        if (auto text = report::dump_json(source); !text.empty()) files.push_back({What::Json, std::move(text)});
    } else {
        files.push_back({What::Stats, report::dump_stats(source)});
    }
    return files;
}

DumpWriter::DumpWriter(boost::asio::io_context& loop, Log& log) : background_{loop}, log_{log} {}

void DumpWriter::write(UniqueFd line, std::vector<Dump> dumps) {
    if (!line) return log_.error("no dump is made: the supervisor is another version's and hands out no files");
    if (busy_->exchange(true)) return log_.error("no dump is made: the disk has not taken the former one yet");
    struct Job {
        UniqueFd line;
        std::vector<Dump> dumps;
        std::vector<std::string> problems;
    };
    const auto job = std::make_shared<Job>(std::move(line), std::move(dumps));
    const auto started = background_.run(
        [job, busy = busy_] {
            DumpLine files{job->line.get()};
            for (const Dump& dump : job->dumps)
                if (const auto written = files.write(dump); !written) job->problems.push_back(written.error().text());
            *busy = false;  // before the supervisor may ask for the next one
            files.end();
        },
        [this, job] {
            for (const auto& problem : job->problems) log_.error("dump file: {}", problem);
        });
    if (started) return;
    *busy_ = false;
    log_.error("no dump is made: {}", started.error().text());
}

}  // namespace mainstay::role
