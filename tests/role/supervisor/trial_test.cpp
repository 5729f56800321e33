// The trial of an upgrade, in a process of its own: what it can load of a running daemon, and what it refuses.
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "../../needs.hpp"
#include "mainstay/config/members.hpp"
#include "mainstay/ipc/hand_over.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/ipc/status.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "stage.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

struct Trial {
    // The number under which the program finds this descriptor.
    int with(UniqueFd fd) {
        const int number = 20 + static_cast<int>(owned.size());
        descriptors.emplace_back(fd.get(), number);
        owned.push_back(std::move(fd));
        return number;
    }
    int snapshot() {
        auto memory = ipc::encode_sealed("config", config::Config{});
        REQUIRE(memory);
        return with(std::move(*memory));
    }
    // A state block with what `publish` writes, if anything.
    int block(const std::function<void(ipc::StateBlock&)>& publish = {}) {
        auto memory = ipc::make_memfd("block", ipc::kStateBlockBytes);
        REQUIRE(memory);
        auto block = ipc::StateBlock::map(memory->get(), true);
        REQUIRE(block);
        if (publish) publish(*block);
        return with(std::move(*memory));
    }
    template <class Status>
    int block_of(const Status& written) {
        return block([&](ipc::StateBlock& to) { REQUIRE(to.publish(encode(written))); });
    }
    void add(Kind kind, int snapshot_at, int block_at) {
        trial.parts.push_back({static_cast<std::uint8_t>(kind), snapshot_at, block_at});
    }
    // What it finds; "none": it ended without an answer.
    std::string verdict(const ipc::Message& orders) {
        auto line = ipc::make_channel();
        REQUIRE(line);
        auto all = descriptors;
        all.emplace_back(line->second.get(), ipc::inherited::kControl);
        const auto pid =
            kernel::spawn_role({.executable = stage.at("mainstayd-trial"), .argv = {"x"}, .descriptors = all});
        REQUIRE(pid);
        line->second.reset();
        REQUIRE(ipc::send_message(line->first.get(), orders));
        const auto checked = answer<ipc::UpgradeChecked>(line->first);
        int end = 0;
        REQUIRE(::waitpid(*pid, &end, 0) == *pid);
        status = WIFEXITED(end) ? WEXITSTATUS(end) : 1000 + WTERMSIG(end);
        if (!checked) return "none";
        version = checked->version;
        return checked->problem;
    }
    std::string verdict() { return verdict(trial); }

    Stage stage;  // for its folder of programs
    ipc::UpgradeTrial trial{.format = ipc::kHandOverFormat, .parts = {}};
    std::vector<UniqueFd> owned;
    std::vector<std::pair<int, int>> descriptors;
    int status = -1;
    std::string version;
};

const std::vector<std::byte> kGarbage(3, std::byte{0xff});

}  // namespace

TEST_CASE("a daemon whose configurations and states can be read can be continued" * mainstay::test::kNeedsRoot) {
    Trial t;
    t.add(Kind::Vrrp, t.snapshot(), t.block_of(report::VrrpStatus{}));
    t.add(Kind::Lvs, t.snapshot(), t.block_of(report::LvsStatus{}));
    t.add(Kind::Bfd, t.snapshot(), t.block_of(report::BfdStatus{}));
    t.add(Kind::Observer, -1, t.block());  // nothing was published
    t.add(Kind::Snmp, -1, t.block([](ipc::StateBlock& to) { REQUIRE(to.publish(kGarbage)); }));  // it has no state
    CHECK(t.verdict() == "");
    CHECK(t.status == 0);
    CHECK_FALSE(t.version.empty());
}

TEST_CASE("a hand-over of another format is refused" * mainstay::test::kNeedsRoot) {
    Trial t;
    t.trial.format = 2;
    CHECK(t.verdict() == "the running daemon hands over in format 2, this program reads format 1");
    CHECK(t.status == 0);
}

TEST_CASE("a configuration that cannot be read is named" * mainstay::test::kNeedsRoot) {
    Trial damaged, open;
    auto garbage = ipc::make_sealed_memfd("x", kGarbage);
    damaged.add(Kind::Lvs, damaged.with(std::move(*garbage)), -1);
    CHECK(damaged.verdict().find("configuration of mainstayd-lvs") != std::string::npos);
    auto unsealed = ipc::make_memfd("x", 10);
    open.add(Kind::Vrrp, open.with(std::move(*unsealed)), -1);
    CHECK(open.verdict().find("configuration of mainstayd-vrrp") != std::string::npos);
}

TEST_CASE("a state that cannot be read is named, of each role that has one" * mainstay::test::kNeedsRoot) {
    for (const auto& [kind, name] : {std::pair{Kind::Vrrp, "mainstayd-vrrp"},
                                     {Kind::Lvs, "mainstayd-lvs"},
                                     {Kind::Bfd, "mainstayd-bfd"},
                                     {Kind::Observer, "mainstayd-obs"}}) {
        Trial t;
        t.add(kind, -1, t.block([](ipc::StateBlock& to) { REQUIRE(to.publish(kGarbage)); }));
        CHECK(t.verdict().find(std::string{"state of "} + name) != std::string::npos);
    }
    Trial small;
    auto memory = ipc::make_memfd("x", 10);
    small.add(Kind::Vrrp, -1, small.with(std::move(*memory)));
    CHECK(small.verdict().find("state of mainstayd-vrrp") != std::string::npos);
}

TEST_CASE("a new program without its roles is refused" * mainstay::test::kNeedsRoot) {
    for (const char* name :
         {"mainstayd-vrrp", "mainstayd-lvs", "mainstayd-bfd", "mainstayd-obs", "mainstayd-read", "mainstayd-track"}) {
        Trial t;
        std::filesystem::remove(t.stage.at(name));
        const auto problem = t.verdict();
        CHECK(problem.starts_with("program /"));
        CHECK(problem.find(name) != std::string::npos);
    }
    Trial snmp;
    std::filesystem::remove(snmp.stage.at("mainstayd-snmp"));  // which may be missing
    CHECK(snmp.verdict() == "");
}

TEST_CASE("orders that are none end the trial without a verdict" * mainstay::test::kNeedsRoot) {
    Trial t;
    CHECK(t.verdict(ipc::Stop{}) == "none");
    CHECK(t.status == 1);
}
