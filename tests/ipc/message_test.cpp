#include "mainstay/ipc/message.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mainstay/ipc/channel.hpp"

using namespace mainstay;
using namespace mainstay::ipc;

TEST_CASE("a message crosses the channel with its descriptor") {
    auto channel = make_channel();
    REQUIRE(channel);
    auto memfd = make_channel();

    REQUIRE(send_message(channel->first.get(), Prepare{7}, memfd->first.get()));
    auto got = receive_message(channel->second.get());

    REQUIRE(got);
    REQUIRE(got->has_value());
    auto& received = std::get<Received>(**got);
    CHECK(std::get<Prepare>(received.message).generation == 7);
    CHECK(received.descriptor);
}

TEST_CASE("every kind of message survives its encoding") {
    const RunScript sent{3, "vrrp_script/chk", "queue", {"INSTANCE", "VI_1"}};

    const auto got = decode_message(encode_message(sent));

    REQUIRE(got);
    const auto& back = std::get<RunScript>(*got);
    CHECK(back.request == 3);
    CHECK(back.key == "vrrp_script/chk");
    CHECK(back.extra == std::vector<std::string>{"INSTANCE", "VI_1"});
    CHECK(std::holds_alternative<Stop>(*decode_message(encode_message(Stop{}))));
}

TEST_CASE("what the reader is to do arrives whole") {
    RoleStartup sent;
    sent.config_path = "/etc/ha.conf";
    sent.mail_keep_seconds = 77;
    sent.strict = true;
    sent.dry_run = RoleStartup::DryRunAs::Json;
    sent.run_lvs = false;

    const auto got = decode_message(encode_message(sent));

    REQUIRE(got);
    CHECK(std::get<RoleStartup>(*got).config_path == "/etc/ha.conf");
    CHECK(std::get<RoleStartup>(*got).mail_keep_seconds == 77);
    CHECK(std::get<RoleStartup>(*got).strict);
    CHECK(std::get<RoleStartup>(*got).dry_run == RoleStartup::DryRunAs::Json);
    CHECK(!std::get<RoleStartup>(*got).run_lvs);
}

TEST_CASE("the question what a reload would do, and its answer, arrive whole") {
    const auto question = decode_message(encode_message(DryRun{true}));
    const auto answer = decode_message(encode_message(DryRunDone{2, "busy"}));

    REQUIRE(question);
    CHECK(std::get<DryRun>(*question).as_json);
    REQUIRE(answer);
    CHECK(std::get<DryRunDone>(*answer).exit_code == 2);
    CHECK(std::get<DryRunDone>(*answer).problem == "busy");
}

TEST_CASE("a message of an unknown kind is distinguished from garbage") {
    const std::vector<std::byte> future{std::byte{200}, std::byte{0}};
    const std::vector<std::byte> cut{std::byte{0}, std::byte{8}};

    CHECK(decode_message(future).error().code() == Errc::Unsupported);
    CHECK(decode_message(cut).error().code() == Errc::Invalid);
    CHECK(decode_message({}).error().code() == Errc::Invalid);
}

TEST_CASE("an empty queue is nothing, a closed peer is Closed, a full queue is a counted limit") {
    auto channel = make_channel();
    CHECK_FALSE(receive_message(channel->second.get())->has_value());

    Result<void> sent;
    int count = 0;
    while (sent && count < 100000) {
        sent = send_message(channel->first.get(), RunScript{1, std::string(1000, 'x'), "", {}});
        ++count;
    }
    CHECK(sent.error().code() == Errc::Limit);

    channel->first.reset();
    bool closed = false;
    while (!closed) {
        auto got = receive_message(channel->second.get());
        REQUIRE(got);
        REQUIRE(got->has_value());
        closed = std::holds_alternative<Closed>(**got);
    }
    CHECK(closed);
}

TEST_CASE("an empty message is not the end of the connection") {
    auto ends = make_channel();
    REQUIRE(ends);
    REQUIRE(::send(ends->second.get(), "", 0, MSG_NOSIGNAL) == 0);
    const auto got = receive_message(ends->first.get());
    REQUIRE_FALSE(got);
    CHECK(got.error().code() == Errc::Invalid);
    ends->second.reset();
    const auto closed = receive_message(ends->first.get());
    REQUIRE(closed);
    REQUIRE(closed->has_value());
    CHECK(std::holds_alternative<Closed>(**closed));
}
