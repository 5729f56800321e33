#include "operator_queue.hpp"

#include <span>

#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/shared.hpp"

namespace mainstay::role {

std::uint64_t OperatorQueue::add(Reply reply) {
    if (waiting_.size() >= kMost) {
        reply({0, kRefused, "too many commands wait for their outcome: try again later"}, -1);
        return 0;
    }
    const auto number = next_++;
    waiting_.emplace(number, Waiting{std::move(reply), std::chrono::steady_clock::now() + answer_within_});
    if (waiting_.size() == 1) arm();
    return number;
}

std::uint64_t OperatorQueue::add(UniqueFd client) {
    return add([to = std::move(client)](const ipc::InstanceAnswered& done, int text) {
        [[maybe_unused]] const auto sent = ipc::send_message(to.get(), done, text);  // the client may have gone
    });
}

void OperatorQueue::answer(const ipc::InstanceAnswered& done, int text) {
    const auto found = waiting_.find(done.request);
    if (found == waiting_.end()) return;
    Reply reply = std::move(found->second.reply);
    waiting_.erase(found);
    reply(done, text);
}

void OperatorQueue::answer_text(std::uint64_t request, std::int32_t exit_code, const std::string& text) {
    const auto memory = ipc::make_sealed_memfd("answer", std::as_bytes(std::span{text}));
    if (!memory) return refuse(request, memory.error().text());
    answer({request, exit_code, {}}, memory->get());
}

void OperatorQueue::fail_all(const std::string& problem) {
    while (!waiting_.empty()) refuse(waiting_.begin()->first, problem);
}

void OperatorQueue::arm() {
    if (waiting_.empty()) return;
    limit_.expires_at(waiting_.begin()->second.until);
    limit_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        while (!waiting_.empty() && waiting_.begin()->second.until <= std::chrono::steady_clock::now())
            refuse(waiting_.begin()->first, "the VRRP process does not answer; see the log");
        arm();
    });
}

}  // namespace mainstay::role
