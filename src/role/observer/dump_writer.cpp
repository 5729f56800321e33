#include "dump_writer.hpp"

#include <pthread.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <csignal>
#include <mutex>
#include <system_error>
#include <thread>

#include "mainstay/bfd/configured.hpp"

namespace mainstay::role {

namespace asio = boost::asio;

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

// The way back to the loop, which may no longer exist when a thread ends.
struct DumpWriter::Outlet {
    std::mutex mutex;
    asio::io_context* loop = nullptr;
    Log* log = nullptr;  // only used on the loop
    std::atomic<bool> busy = false;

    void log_problem(std::string problem) {
        const std::lock_guard guard{mutex};
        if (loop != nullptr)
            asio::post(*loop, [to = log, problem = std::move(problem)] { to->error("dump file: {}", problem); });
    }
};

DumpWriter::DumpWriter(asio::io_context& loop, Log& log) : log_{log}, outlet_{std::make_shared<Outlet>()} {
    outlet_->loop = &loop;
    outlet_->log = &log;
}

DumpWriter::~DumpWriter() {
    const std::lock_guard guard{outlet_->mutex};
    outlet_->loop = nullptr;
}

void DumpWriter::write(UniqueFd line, std::vector<Dump> dumps) {
    if (!line) return log_.error("no dump is made: the supervisor is another version's and hands out no files");
    if (outlet_->busy.exchange(true)) return log_.error("no dump is made: the disk has not taken the former one yet");
    // The process's signals are for the loop's thread: the new one starts with all of them blocked.
    sigset_t all{}, before{};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        std::thread{[line = std::move(line), dumps = std::move(dumps), outlet = outlet_]() mutable {
            DumpLine files{line.get()};
            for (const Dump& dump : dumps)
                if (const auto written = files.write(dump); !written) outlet->log_problem(written.error().text());
            outlet->busy = false;  // before the supervisor may ask for the next one
            files.end();
        }}.detach();
    } catch (const std::system_error& problem) {
        outlet_->busy = false;
        log_.error("no dump is made: cannot start a thread: {}", problem.what());
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace mainstay::role
