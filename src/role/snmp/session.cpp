#include "session.hpp"

// The library's headers compile only in this order.
// clang-format off
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>
#include <net-snmp/agent/agent_callbacks.h>
// clang-format on

#include <algorithm>

namespace mainstay::role {

namespace {

using report::Oid;
using report::SnmpTrap;
using report::SnmpValue;

// The library's oid type is wider than a sub-identifier, which has 32 bits.
Oid from_library(const oid* name, std::size_t length) {
    Oid result(length);
    std::ranges::transform(name, name + length, result.begin(),
                           [](oid part) { return static_cast<std::uint32_t>(part); });
    return result;
}
std::vector<oid> to_library(const Oid& name) { return {name.begin(), name.end()}; }

bool is_below(const Oid& root, const Oid& name) {
    return name.size() >= root.size() && std::equal(root.begin(), root.end(), name.begin());
}

// A value encoded for the library, to be added to a list of variables or set in one variable.
struct Encoded {
    u_char type = ASN_NULL;
    std::vector<u_char> bytes;
};

template <class T>
Encoded encoded(u_char type, T value) {
    Encoded result{type, std::vector<u_char>(sizeof value)};
    std::memcpy(result.bytes.data(), &value, sizeof value);
    return result;
}

Encoded encode(const SnmpValue& value) {
    using Type = SnmpValue::Type;
    const auto octets = [&](u_char type) { return Encoded{type, {value.octets.begin(), value.octets.end()}}; };
    switch (value.type) {
        case Type::Integer:
            return encoded(ASN_INTEGER, static_cast<long>(static_cast<std::int32_t>(value.number)));
        case Type::Octets:
            return octets(ASN_OCTET_STR);
        case Type::IpAddress:
            return octets(ASN_IPADDRESS);
        case Type::Counter32:
            return encoded(ASN_COUNTER, static_cast<u_long>(value.number));
        case Type::Gauge32:
            return encoded(ASN_GAUGE, static_cast<u_long>(value.number));
        case Type::TimeTicks:
            return encoded(ASN_TIMETICKS, static_cast<u_long>(value.number));
        case Type::Counter64: {
            counter64 wide{};
            wide.high = static_cast<u_long>(value.number >> 32);
            wide.low = static_cast<u_long>(value.number & 0xffff'ffff);
            return encoded(ASN_COUNTER64, wide);
        }
        case Type::ObjectId: {
            const auto parts = to_library(value.oid);
            Encoded result{ASN_OBJECT_ID, std::vector<u_char>(parts.size() * sizeof(oid))};
            std::memcpy(result.bytes.data(), parts.data(), result.bytes.size());
            return result;
        }
    }
    return {};
}

int library_error(SnmpRefusal refusal) {
    switch (refusal.why) {
        case SnmpRefusal::Why::NotWritable:
            return SNMP_ERR_NOTWRITABLE;
        case SnmpRefusal::Why::WrongValue:
            return SNMP_ERR_WRONGVALUE;
        case SnmpRefusal::Why::NoAccess:
            return SNMP_ERR_NOACCESS;
    }
    return SNMP_ERR_GENERR;
}

SnmpValue asked_value(const netsnmp_variable_list& variable) {
    SnmpValue value;
    if (variable.type == ASN_INTEGER && variable.val.integer != nullptr)
        value.number = static_cast<std::uint64_t>(*variable.val.integer);
    else
        value.type = SnmpValue::Type::Octets;  // no writable column has this type, so it is refused
    return value;
}

}  // namespace

struct SnmpSession::Impl {
    explicit Impl(Log& to) : log{to} {}

    Log& log;
    Calls calls;
    std::vector<Oid> roots;
    bool connected = false;

    void get(netsnmp_request_info& request) const;
    void get_next(netsnmp_request_info& request, const Oid& root) const;
};

void SnmpSession::Impl::get(netsnmp_request_info& request) const {
    auto& variable = *request.requestvb;
    const auto& view = calls.view();
    const auto found = view.find(from_library(variable.name, variable.name_length));
    if (found == view.end()) {
        netsnmp_set_request_error(nullptr, &request, SNMP_NOSUCHINSTANCE);
        return;
    }
    const auto value = encode(found->second);
    snmp_set_var_typed_value(&variable, value.type, value.bytes.data(), value.bytes.size());
}

// At the end of this subtree the variable is left unchanged, and the library continues with the next subtree.
void SnmpSession::Impl::get_next(netsnmp_request_info& request, const Oid& root) const {
    auto& variable = *request.requestvb;
    const auto& view = calls.view();
    const auto after = from_library(variable.name, variable.name_length);
    const auto found = request.inclusive != 0 ? view.lower_bound(after) : view.upper_bound(after);
    if (found == view.end() || !is_below(root, found->first)) return;
    const auto name = to_library(found->first);
    const auto value = encode(found->second);
    snmp_set_var_objid(&variable, name.data(), name.size());
    snmp_set_var_typed_value(&variable, value.type, value.bytes.data(), value.bytes.size());
}

namespace {

int on_request(netsnmp_mib_handler*, netsnmp_handler_registration* registration, netsnmp_agent_request_info* info,
               netsnmp_request_info* requests) {
    auto& impl = *static_cast<SnmpSession::Impl*>(registration->my_reg_void);
    const Oid root = from_library(registration->rootoid, registration->rootoid_len);
    for (auto* request = requests; request != nullptr; request = request->next) {
        if (request->processed != 0) continue;
        auto& variable = *request->requestvb;
        const Oid name = from_library(variable.name, variable.name_length);
        switch (info->mode) {
            case MODE_GET:
                impl.get(*request);
                break;
            case MODE_GETNEXT:
                impl.get_next(*request, root);
                break;
            case MODE_SET_RESERVE1:
                if (const auto may = impl.calls.may_set(name, asked_value(variable)); !may)
                    netsnmp_set_request_error(info, request, library_error(may.error()));
                break;
            case MODE_SET_COMMIT:
                impl.calls.set(name, asked_value(variable));
                break;
            default:
                break;
        }
    }
    return SNMP_ERR_NOERROR;
}

int on_session(int, int minor, void*, void* impl) {
    static_cast<SnmpSession::Impl*>(impl)->connected = minor == SNMPD_CALLBACK_INDEX_START;
    return 0;
}

int on_library_log(int, int, void* message, void* impl) {
    const auto* line = static_cast<const snmp_log_message*>(message);
    std::string text = line->msg != nullptr ? line->msg : "";
    while (!text.empty() && text.back() == '\n') text.pop_back();
    if (!text.empty()) static_cast<SnmpSession::Impl*>(impl)->log.debug("net-snmp: {}", text);
    return 0;
}

constexpr const char* kApplication = "mainstay";

}  // namespace

SnmpSession::SnmpSession(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}

std::unique_ptr<SnmpSession> SnmpSession::open(const std::string& socket, Log& log) {
    auto impl = std::make_unique<Impl>(log);
    snmp_disable_log();
    snmp_enable_calllog();
    snmp_register_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_LOGGING, on_library_log, impl.get());
    for (const int session : {SNMPD_CALLBACK_INDEX_START, SNMPD_CALLBACK_INDEX_STOP})
        snmp_register_callback(SNMP_CALLBACK_APPLICATION, session, on_session, impl.get());
    // The library must not read or write its own configuration files.
    for (const int nothing : {NETSNMP_DS_LIB_DONT_READ_CONFIGS, NETSNMP_DS_LIB_DONT_PERSIST_STATE,
                              NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD, NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE})
        netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, nothing, 1);
    netsnmp_enable_subagent();
    if (!socket.empty()) netsnmp_ds_set_string(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_X_SOCKET, socket.c_str());
    netsnmp_set_mib_directory("");
    init_agent(kApplication);
    init_snmp(kApplication);
    return std::unique_ptr<SnmpSession>{new SnmpSession{std::move(impl)}};
}

// The library's shutdown frees the argument of each callback that is still registered; ours is not its to free.
SnmpSession::~SnmpSession() {
    constexpr int kOnlyOurs = 1;  // the argument must match as well
    snmp_unregister_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_LOGGING, on_library_log, impl_.get(), kOnlyOurs);
    for (const int session : {SNMPD_CALLBACK_INDEX_START, SNMPD_CALLBACK_INDEX_STOP})
        snmp_unregister_callback(SNMP_CALLBACK_APPLICATION, session, on_session, impl_.get(), kOnlyOurs);
    snmp_shutdown(kApplication);
}

bool SnmpSession::connected() const { return impl_->connected; }

void SnmpSession::serve(const std::vector<Oid>& roots, Calls calls) {
    impl_->calls = std::move(calls);
    impl_->roots = roots;
    for (const auto& root : impl_->roots) {
        const auto name = to_library(root);
        auto* registration =
            netsnmp_create_handler_registration(kApplication, on_request, name.data(), name.size(), HANDLER_CAN_RWRITE);
        if (registration == nullptr) continue;
        registration->my_reg_void = impl_.get();
        if (netsnmp_register_handler(registration) != MIB_REGISTERED_OK)
            impl_->log.error("SNMP: a subtree could not be registered");
    }
}

std::vector<int> SnmpSession::descriptors() const {
    int most = 0, block = 1;
    fd_set set;
    FD_ZERO(&set);
    timeval timeout{};
    snmp_select_info(&most, &set, &timeout, &block);
    std::vector<int> list;
    for (int fd = 0; fd < most; ++fd)
        if (FD_ISSET(fd, &set)) list.push_back(fd);
    return list;
}

void SnmpSession::process() {
    while (agent_check_and_process(0) > 0) {
    }
    run_alarms();
}

void SnmpSession::notify(const SnmpTrap& trap) {
    netsnmp_variable_list* variables = nullptr;
    const oid kTrapOid[] = {1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0};
    const auto what = to_library(trap.oid);
    snmp_varlist_add_variable(&variables, kTrapOid, std::size(kTrapOid), ASN_OBJECT_ID,
                              reinterpret_cast<const u_char*>(what.data()), what.size() * sizeof(oid));
    for (const auto& [name, object] : trap.objects) {
        const auto parts = to_library(name);
        const auto value = encode(object);
        snmp_varlist_add_variable(&variables, parts.data(), parts.size(), value.type, value.bytes.data(),
                                  value.bytes.size());
    }
    send_v2trap(variables);
    snmp_free_varbind(variables);
}

}  // namespace mainstay::role
