#include "server_files.hpp"

#include <algorithm>

#include "mainstay/ipc/shared.hpp"

namespace mainstay::role {

struct ServerFiles::File {
    File(boost::asio::io_context& loop, Log& log, const std::string& path, const GuardedSource::Clock& clock,
         std::function<void()> changed)
        : source{loop, log, kFileWords, path, clock, std::move(changed)} {}
    GuardedSource source;
    config::DiscoveryRules rules;       // of all services that have the file
    std::vector<std::string> services;  // their names
};

namespace {

std::string saved_name(const std::string& key) { return "file\n" + key; }

// The watcher may have been taken over: nothing that a file cannot say is believed.
bool is_possible(const lvs::KnownServers& servers) {
    return servers.size() <= config::kServersPerFileMax &&
           std::ranges::all_of(servers, [](const lvs::KnownServer& server) {
               return !server.address.empty() && server.weight.value_or(0) <= config::kLabelWeightMax;
           });
}

Result<lvs::KnownServers> read_list(const UniqueFd& sealed) {
    const auto bytes = ipc::read_memfd(sealed.get(), ipc::kServerListBytesMax);
    auto list = bytes ? decode<ipc::ServerList>(*bytes) : error_of(bytes);
    if (!list) return error_of(list, "the watcher's list");
    if (!is_possible(list->servers)) return fail(Errc::Invalid, "the watcher's list has impossible servers");
    return std::move(list->servers);
}

}  // namespace

void ServerFiles::on_file_read(const ipc::ServerFileRead& read, UniqueFd servers) {
    Answer answer = read.problem.empty() ? read_list(servers) : Answer{fail(Errc::Invalid, read.problem)};
    const auto found = files_.find(read.source);
    if (found == files_.end()) {
        waiting_.insert_or_assign(read.source, std::move(answer));
        return;
    }
    if (take(*found->second, answer)) changed_();
}

bool ServerFiles::take(File& file, const Answer& answer) {
    if (answer) return file.source.answer(*answer);
    file.source.fail(answer.error().text());
    return false;
}

void ServerFiles::recall(const config::Config& config, const lvs::Memory& memory, const ipc::DiscoveredSources& saved) {
    for (const auto& service : config.virtual_servers) {
        const auto found = std::ranges::find(memory, lvs::identity_of(service), &lvs::ServiceMemory::identity);
        for (const auto& named : lvs::named_servers(service)) {
            if (!named.file) continue;
            const std::string key = config::key_of(*named.file);
            auto crashed =
                found == memory.end() ? std::nullopt : std::optional{lvs::remembered(*found, service, named)};
            if (auto before = servers_before(saved, saved_name(key), std::move(crashed));
                before && is_possible(before->servers))
                recalled_[key] = std::move(*before);
        }
    }
}

void ServerFiles::follow(const config::Config& config) {
    auto before = std::exchange(files_, {});
    for (const auto& service : config.virtual_servers) {
        for (const auto& named : lvs::named_servers(service)) {
            if (!named.file) continue;
            const std::string key = config::key_of(*named.file);
            auto& file = files_[key];
            const bool again = file != nullptr;  // also used by another service
            if (const auto old = before.find(key); !again && old != before.end()) file = old->second;
            if (file == nullptr) {
                file = std::make_shared<File>(loop_, log_, config::name_of(*named.file), clock_, changed_);
                if (const auto known = recalled_.find(key); known != recalled_.end())
                    file->source.recall(known->second);
            }
            if (!again) file->services.clear();
            file->services.push_back(config::service_name(service));
            file->rules = again ? config::strictest(file->rules, named.rules) : named.rules;
        }
    }
    recalled_.clear();
    for (const auto& [key, file] : files_) {
        file->source.set_rules(file->rules);
        if (const auto answer = waiting_.find(key); answer != waiting_.end())
            static_cast<void>(take(*file, answer->second));
    }
    waiting_.clear();
}

const lvs::KnownServers* ServerFiles::known(const lvs::NamedServers& named) const {
    const auto found = named.file ? files_.find(config::key_of(*named.file)) : files_.end();
    return found == files_.end() ? nullptr : &found->second->source.servers();
}

void ServerFiles::add_status(std::vector<report::DiscoveredStatus>& list) const {
    for (const auto& [key, file] : files_) list.emplace_back(file->source.status()).services = file->services;
}

void ServerFiles::add_saved(std::vector<ipc::DiscoveredSource>& list) const {
    for (const auto& [key, file] : files_) list.push_back(file->source.saved(saved_name(key)));
}

}  // namespace mainstay::role
