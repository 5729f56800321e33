// The socket to IPVS before a kernel of the test's own, which keeps what it is sent and gives it back in lists. Whether
// the real one understands it is seen in tests/lab.
#include <doctest/doctest.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "mainstay/kernel/ipvs.hpp"
#include "mainstay/kernel/link_maker.hpp"
#include "mainstay/kernel/netlink_socket.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using Kind = netlink::IpvsOperation::Kind;
using Bytes = std::vector<std::byte>;

namespace {

constexpr std::uint16_t kFamily = 0x1d;

struct FakeKernel {
    int lookups_failing = 0;                 // the family is found after so many lookups
    int lookup_error = ENOENT;               // what those before answer
    int send_error = 0;                      // why it takes nothing
    bool of_links = false;                   // it is asked to make one, which it refuses
    std::map<int, int> refused;              // errno by command
    std::vector<int> commands;               // that were sent, in their order
    std::map<int, std::vector<Bytes>> kept;  // the attributes of what was made, by the command that made it
    std::deque<Bytes> answers;

    void put(const nlmsghdr& request, int type, std::uint16_t flags, std::span<const std::byte> payload) {
        nlmsghdr header{static_cast<std::uint32_t>(sizeof header + payload.size()), static_cast<std::uint16_t>(type),
                        flags, request.nlmsg_seq, 0};
        const auto bytes = std::as_bytes(std::span{&header, 1});
        Bytes message{bytes.begin(), bytes.end()};
        message.insert(message.end(), payload.begin(), payload.end());
        message.resize(NLMSG_ALIGN(message.size()));
        answers.push_back(std::move(message));
    }
    void acknowledge(const nlmsghdr& request, int error, const char* text = nullptr) {
        nlmsgerr body{-error, request};
        const auto bytes = std::as_bytes(std::span{&body, 1});
        Bytes payload{bytes.begin(), bytes.end()};
        if (text != nullptr) {
            const nlattr said{static_cast<std::uint16_t>(sizeof said + std::strlen(text) + 1), NLMSGERR_ATTR_MSG};
            const auto header = std::as_bytes(std::span{&said, 1});
            const auto words = std::as_bytes(std::span{text, std::strlen(text) + 1});
            payload.insert(payload.end(), header.begin(), header.end());
            payload.insert(payload.end(), words.begin(), words.end());
        }
        put(request, NLMSG_ERROR, text == nullptr ? NLM_F_CAPPED : NLM_F_CAPPED | NLM_F_ACK_TLVS, payload);
    }
    void give(const nlmsghdr& request, int type, int command, std::uint16_t flags, const Bytes& attributes) {
        Bytes payload{std::byte(command), std::byte{1}, {}, {}};
        payload.insert(payload.end(), attributes.begin(), attributes.end());
        put(request, type, flags, payload);
    }
    void list(const nlmsghdr& request, int maker) {
        for (const Bytes& one : kept[maker]) give(request, kFamily, maker, NLM_F_MULTI, one);
        const int ended = 0;
        put(request, NLMSG_DONE, NLM_F_MULTI, std::as_bytes(std::span{&ended, 1}));
    }

    void take(const nlmsghdr& request, int command, Bytes attributes) {
        if (of_links) return acknowledge(request, EOPNOTSUPP, "Unknown device type");
        if (request.nlmsg_type == GENL_ID_CTRL) {
            if (--lookups_failing >= 0) return acknowledge(request, lookup_error);
            return give(request, GENL_ID_CTRL, CTRL_CMD_NEWFAMILY, 0,
                        {std::byte{6}, {}, std::byte{CTRL_ATTR_FAMILY_ID}, {}, std::byte{kFamily}, {}, {}, {}});
        }
        commands.push_back(command);
        if (const auto found = refused.find(command); found != refused.end())
            return acknowledge(request, found->second);
        switch (command) {
            case IPVS_CMD_GET_INFO:
                return give(request, kFamily, IPVS_CMD_SET_INFO, 0, {});
            case IPVS_CMD_GET_SERVICE:
                return list(request, IPVS_CMD_NEW_SERVICE);
            case IPVS_CMD_GET_DEST:
                return list(request, IPVS_CMD_NEW_DEST);
            case IPVS_CMD_GET_DAEMON:
                return list(request, IPVS_CMD_NEW_DAEMON);
            case IPVS_CMD_GET_CONFIG:
                return give(request, kFamily, IPVS_CMD_SET_CONFIG, 0, kept[IPVS_CMD_SET_CONFIG].at(0));
            case IPVS_CMD_FLUSH:
                kept.clear();
                break;
            case IPVS_CMD_DEL_DAEMON:
                if (kept[IPVS_CMD_NEW_DAEMON].empty()) return acknowledge(request, ESRCH);
                kept[IPVS_CMD_NEW_DAEMON].clear();
                break;
            default:
                for (const Bytes& one : kept[command])
                    if (one == attributes) return acknowledge(request, EEXIST);
                kept[command].push_back(std::move(attributes));
        }
        if ((request.nlmsg_flags & NLM_F_ACK) != 0) acknowledge(request, 0);
    }
};

thread_local FakeKernel* fake = nullptr;

}  // namespace

// In place of the C library's, for all that is linked into the test program.
extern "C" ssize_t sendmsg(int, const msghdr* message, int) {
    if (fake->send_error != 0) return errno = fake->send_error, -1;
    const auto* bytes = static_cast<const std::byte*>(message->msg_iov->iov_base);
    const std::size_t size = message->msg_iov->iov_len;
    nlmsghdr header{};
    for (std::size_t at = 0; at + sizeof header <= size; at += NLMSG_ALIGN(header.nlmsg_len)) {
        std::memcpy(&header, bytes + at, sizeof header);
        const auto* begin = bytes + at + sizeof header;
        fake->take(header, std::to_integer<int>(*begin), {begin + GENL_HDRLEN, bytes + at + header.nlmsg_len});
    }
    return static_cast<ssize_t>(size);
}

extern "C" ssize_t recvmsg(int, msghdr* message, int) {
    if (fake->answers.empty()) return errno = EAGAIN, -1;
    const Bytes answer = std::move(fake->answers.front());
    fake->answers.pop_front();
    std::memcpy(message->msg_iov->iov_base, answer.data(), answer.size());
    return static_cast<ssize_t>(answer.size());
}

namespace {

struct WithKernel {
    FakeKernel kernel;
    WithKernel() { fake = &kernel; }
    WithKernel(const WithKernel&) = delete;
    WithKernel& operator=(const WithKernel&) = delete;
    ~WithKernel() { fake = nullptr; }
};

netlink::IpvsService service(std::uint16_t port) {
    netlink::IpvsService made;
    made.key = {Family::V4, 0, 6, IpAddress::parse("10.0.0.1").value(), port};
    made.scheduler = "wrr";
    return made;
}

netlink::IpvsDestination server(const char* address) {
    netlink::IpvsDestination made;
    made.endpoint = {IpAddress::parse(address).value(), 8080};
    made.forwarding = 3;
    made.weight = 7;
    return made;
}

}  // namespace

TEST_CASE("IPVS is looked for three times, because the first makes the kernel load it") {
    for (const int failing : {0, 1, 2}) {
        WithKernel with;
        with.kernel.lookups_failing = failing;
        CHECK(IpvsSocket::open().has_value());
        CHECK(with.kernel.commands == std::vector<int>{IPVS_CMD_GET_INFO});
    }
    WithKernel with;
    with.kernel.lookups_failing = 9;
    const auto none = IpvsSocket::open();
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().code() == Errc::Unsupported);
    CHECK(none.error().text() == "IPVS: the kernel has no IPVS: load its module with `modprobe ip_vs`");
}

TEST_CASE("a lookup of IPVS that fails for another reason than its absence is reported, and not tried again") {
    WithKernel with;
    with.kernel.lookups_failing = 1;
    with.kernel.lookup_error = EIO;
    const auto failed = IpvsSocket::open();
    REQUIRE_FALSE(failed.has_value());
    CHECK(failed.error().sys_errno() == EIO);
    CHECK(failed.error().text().starts_with("IPVS: netlink request"));
    CHECK(with.kernel.commands.empty());
}

TEST_CASE("a process without the right to use IPVS is refused with the name of that right") {
    WithKernel with;
    with.kernel.refused[IPVS_CMD_GET_INFO] = EPERM;
    const auto refused = IpvsSocket::open();
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code() == Errc::Permission);
    CHECK(refused.error().sys_errno() == EPERM);
    CHECK(refused.error().text().starts_with("IPVS refuses this process: it needs CAP_NET_ADMIN"));
    with.kernel.refused[IPVS_CMD_GET_INFO] = EIO;
    CHECK(IpvsSocket::open().error().sys_errno() == EIO);
}

TEST_CASE("operations are sent in order; what is refused is named, what was there already is counted") {
    WithKernel with;
    auto ipvs = IpvsSocket::open().value();
    const std::uint64_t before = ipvs.sendmsg_total();
    netlink::IpvsService nameless = service(81);
    nameless.scheduler = "";
    with.kernel.refused[IPVS_CMD_DEL_DEST] = EINVAL;
    const auto done = ipvs.perform({{Kind::AddService, service(80), {}},
                                    {Kind::DeleteDestination, service(80), server("10.1.1.1")},
                                    {Kind::AddService, nameless, {}},
                                    {Kind::AddDestination, service(80), server("10.1.1.2")},
                                    {Kind::AddService, service(80), {}}});
    REQUIRE(done.has_value());
    CHECK(done->forgiven == 1);
    CHECK(done->sendmsg_calls == 1);
    CHECK(ipvs.sendmsg_total() == before + 1);
    REQUIRE(done->failures.size() == 2);
    CHECK(done->failures[0].index == 1);
    CHECK(done->failures[0].sys_errno == EINVAL);
    CHECK(done->failures[1].index == 2);
    CHECK(done->failures[1].sys_errno == EINVAL);
    CHECK_FALSE(done->failures[1].text.empty());
    CHECK(with.kernel.commands == std::vector<int>{IPVS_CMD_GET_INFO, IPVS_CMD_NEW_SERVICE, IPVS_CMD_DEL_DEST,
                                                   IPVS_CMD_NEW_DEST, IPVS_CMD_NEW_SERVICE});

    CHECK(ipvs.perform({{Kind::AddService, nameless, {}}})->sendmsg_calls == 0);
    CHECK(ipvs.perform({})->sendmsg_calls == 0);
}

TEST_CASE("many operations go in batches of 256, and a failure keeps its place among them") {
    WithKernel with;
    auto ipvs = IpvsSocket::open().value();
    std::vector<netlink::IpvsOperation> many;
    for (std::uint16_t i = 0; i < 600; ++i)
        many.push_back({Kind::AddService, service(static_cast<std::uint16_t>(i + 1)), {}});
    many[599].service.scheduler = "";
    many[300].service.scheduler = "";
    const auto done = ipvs.perform(many);
    REQUIRE(done.has_value());
    CHECK(done->sendmsg_calls == 3);
    REQUIRE(done->failures.size() == 2);
    CHECK(done->failures[0].index == 300);
    CHECK(done->failures[1].index == 599);
    CHECK(ipvs.services()->size() == 598);
}

TEST_CASE("services and destinations come back as they were made, and a list that fails says which") {
    WithKernel with;
    auto ipvs = IpvsSocket::open().value();
    CHECK(ipvs.services()->empty());
    CHECK(ipvs.destinations(service(80).key)->empty());
    REQUIRE(ipvs.perform({{Kind::AddService, service(80), {}},
                          {Kind::AddService, service(81), {}},
                          {Kind::AddDestination, service(80), server("10.1.1.2")}})
                ->failures.empty());
    const auto services = ipvs.services().value();
    REQUIRE(services.size() == 2);
    CHECK(services[0].service == service(80));
    CHECK(services[1].service == service(81));
    const auto destinations = ipvs.destinations(service(80).key).value();
    REQUIRE(destinations.size() == 1);
    CHECK(destinations[0].destination == server("10.1.1.2"));

    with.kernel.refused = {{IPVS_CMD_GET_SERVICE, EIO}, {IPVS_CMD_GET_DEST, EIO}, {IPVS_CMD_GET_DAEMON, EIO}};
    CHECK(ipvs.services().error().text().starts_with("list the IPVS services"));
    CHECK(ipvs.destinations(service(80).key).error().text().starts_with("list the destinations of TCP 10.0.0.1:80"));
    CHECK(ipvs.destinations({}).error().text().starts_with("list the IPVS destinations"));
    CHECK(ipvs.daemons().error().text().starts_with("list the IPVS sync daemons"));

    with.kernel.refused.clear();
    CHECK(ipvs.flush().has_value());
    CHECK(ipvs.services()->empty());
    with.kernel.refused = {{IPVS_CMD_FLUSH, EPERM}};
    CHECK(ipvs.flush().error().sys_errno() == EPERM);
    CHECK(ipvs.flush().error().text().starts_with("flush the IPVS table"));
}

TEST_CASE("an entry that cannot be read makes no list, and odd timeouts are none") {
    WithKernel with;
    auto ipvs = IpvsSocket::open().value();
    const Bytes odd{std::byte{1}, {}};
    with.kernel.kept = {{IPVS_CMD_NEW_SERVICE, {odd}},
                        {IPVS_CMD_NEW_DEST, {odd}},
                        {IPVS_CMD_NEW_DAEMON, {odd}},
                        {IPVS_CMD_SET_CONFIG, {odd}}};
    const auto text = [](const auto& answer) { return answer ? std::string{} : answer.error().text(); };
    CHECK(text(ipvs.services()).starts_with("list the IPVS services: "));
    CHECK(text(ipvs.destinations(service(80).key)).starts_with("list the destinations of TCP 10.0.0.1:80: "));
    CHECK(text(ipvs.daemons()).starts_with("list the IPVS sync daemons: "));
    CHECK_FALSE(ipvs.timeouts().has_value());
}

TEST_CASE("what the kernel does not even take is reported with what it was for") {
    WithKernel with;
    auto ipvs = IpvsSocket::open().value();
    with.kernel.send_error = EIO;
    const auto text = [](const auto& answer) { return answer ? std::string{} : answer.error().text(); };
    const std::string end = ": send to netlink: Input/output error";
    CHECK(text(ipvs.perform({{Kind::AddService, service(80), {}}})) == "IPVS" + end);
    CHECK(text(ipvs.services()) == "list the IPVS services" + end);
    CHECK(text(ipvs.flush()) == "flush the IPVS table" + end);
    CHECK(text(ipvs.stop_daemon(netlink::IpvsDaemon::State::Master)) == "stop the IPVS sync daemon" + end);
    CHECK(text(ipvs.timeouts()) == "read the IPVS timeouts" + end);
    CHECK(text(ipvs.set_timeouts({.tcp = 1})) == "set the IPVS timeouts" + end);
    CHECK(text(IpvsSocket::open()) == "IPVS" + end);
}

TEST_CASE("a sync daemon is started and listed, and one that does not run is stopped without complaint") {
    WithKernel with;
    auto ipvs = IpvsSocket::open().value();
    netlink::IpvsDaemon daemon;
    daemon.interface = "eth0";
    daemon.sync_id = 51;
    REQUIRE(ipvs.start_daemon(daemon).has_value());
    REQUIRE(ipvs.daemons()->size() == 1);
    CHECK(ipvs.daemons()->at(0).interface == "eth0");
    CHECK(ipvs.daemons()->at(0).sync_id == 51);
    const auto again = ipvs.start_daemon(daemon);
    CHECK(again.error().sys_errno() == EEXIST);
    CHECK(again.error().text().starts_with("start the IPVS master sync daemon on eth0, id 51"));
    daemon.interface = "";
    CHECK(ipvs.start_daemon(daemon).error().code() == Errc::Invalid);

    with.kernel.commands.clear();
    CHECK(ipvs.stop_daemon(netlink::IpvsDaemon::State::Master).has_value());
    CHECK(with.kernel.commands == std::vector<int>{IPVS_CMD_DEL_DAEMON, IPVS_CMD_DEL_DAEMON});  // a lost answer is told
    CHECK(ipvs.daemons()->empty());
    CHECK(ipvs.stop_daemon(netlink::IpvsDaemon::State::Master).has_value());
    with.kernel.refused = {{IPVS_CMD_DEL_DAEMON, EPERM}};
    CHECK(ipvs.stop_daemon(netlink::IpvsDaemon::State::Backup).error().sys_errno() == EPERM);
    CHECK(ipvs.stop_daemon(netlink::IpvsDaemon::State::Backup).error().text().starts_with("stop the IPVS sync daemon"));
}

TEST_CASE("timeouts are set and read") {
    WithKernel with;
    auto ipvs = IpvsSocket::open().value();
    REQUIRE(ipvs.set_timeouts({.tcp = 900, .tcp_fin = 120, .udp = 300}).has_value());
    CHECK(ipvs.timeouts().value() == netlink::IpvsTimeouts{900, 120, 300});
    with.kernel.refused = {{IPVS_CMD_SET_CONFIG, EINVAL}, {IPVS_CMD_GET_CONFIG, EIO}};
    CHECK(ipvs.set_timeouts({.tcp = 1}).error().text().starts_with("set the IPVS timeouts"));
    CHECK(ipvs.timeouts().error().text().starts_with("read the IPVS timeouts"));
}

TEST_CASE("a socket that was opened elsewhere may be used again when IPVS is through with it") {
    WithKernel with;
    const auto elsewhere = NetlinkSocket::open(NETLINK_GENERIC).value();
    for (int i = 0; i < 2; ++i) {
        const auto ipvs = IpvsSocket::open(elsewhere.fd()).value();
        CHECK(ipvs.fd() != elsewhere.fd());
        CHECK(ipvs.fd() >= 0);
    }
    CHECK_FALSE(IpvsSocket::open(9'999).has_value());
}

TEST_CASE("an interface that the kernel does not make is reported in the kernel's own words") {
    WithKernel with;
    with.kernel.of_links = true;
    auto links = LinkMaker::open().value();
    const auto made = links.make({.name = "vrrp.51", .parent = 1, .hardware_address = {}});
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().text() == "make the interface vrrp.51 (Unknown device type): Operation not supported");
    CHECK(made.error().sys_errno() == EOPNOTSUPP);
}
