#include "dbus_service.hpp"

#include <poll.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <optional>
#include <system_error>
#include <vector>

#include "mainstay/base/lifetime.hpp"
#include "mainstay/base/text.hpp"
#include "mainstay/kernel/clock.hpp"
#include "role/common/cancel.hpp"

namespace mainstay::role {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::chrono::seconds kFirstPause{1}, kLongestPause{60};
constexpr int kMessagesAtOnce = 256;  // then the observer's other work gets its turn

struct SlotDeleter {
    void operator()(sd_bus_slot* slot) const { sd_bus_slot_unref(slot); }
};
struct BusDeleter {
    void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
};

class SystemBus final : public DbusService {
public:
    SystemBus(asio::io_context& loop, Log& log, Calls calls)
        : loop_{loop}, log_{log}, calls_{std::move(calls)}, pause_{loop}, timeout_{loop} {}
    ~SystemBus() override { leave(); }

    void configure(const config::Config& config) override;
    bool settled() const override { return !bus_ || named_; }
    void emit(const Event& event) override;
    void emit_reloaded() override {
        if (started_) emit_moment(report::DbusMoment::Reloaded);
    }
    void stop() override;

    // The object of an instance, which sd-bus passes to getters and methods.
    struct Object {
        SystemBus* service = nullptr;
        std::string instance;
    };
    void called(ipc::ControlRequest::What what, const std::string& instance = {}) {
        calls_.ask({.what = what, .instance = instance, .by = "DBus"});
    }
    [[nodiscard]] report::DbusState state_of(const std::string& instance) const { return calls_.state(instance); }
    void name_answer(const sd_bus_error* error);

private:
    void connect();
    int export_objects();
    void lost(const char* what, int error);
    void leave();
    void pump();
    void arm();
    void wait(asio::posix::stream_descriptor::wait_type what, bool& waiting);
    void emit(const report::DbusSignal& signal);
    void emit_moment(report::DbusMoment moment) { emit(report::dbus_signal(names_, moment)); }

    asio::io_context& loop_;
    Log& log_;
    Calls calls_;
    asio::steady_timer pause_, timeout_;
    std::chrono::seconds next_pause_ = kFirstPause;
    report::DbusNames names_;
    report::DbusObjects shown_;
    std::map<std::string, Object> objects_;                         // by path
    std::vector<std::unique_ptr<sd_bus_slot, SlotDeleter>> slots_;  // they keep the objects exported
    std::unique_ptr<sd_bus, BusDeleter> bus_;
    std::optional<asio::posix::stream_descriptor> ready_;
    bool started_ = false;  // under these names VrrpStarted was sent: somebody may count on the next signals
    bool reading_ = false, writing_ = false, named_ = false, logged_ = false, pumping_ = false;
    std::uint64_t lost_signals_ = 0;  // since one was sent
    Lifetime lifetime_;               // of this connection
};

// ---- callbacks of sd-bus; all run on the loop, from pump() ----

int on_vrrp_method(sd_bus_message* call, void* data, sd_bus_error*) {
    using What = ipc::ControlRequest::What;
    const std::string_view method = sd_bus_message_get_member(call);
    const What what = method == "ReloadConfig"      ? What::Reload
                      : method == "PrintStats"      ? What::PrintStats
                      : method == "PrintStatsClear" ? What::PrintStatsClear
                                                    : What::PrintData;
    const int answered = sd_bus_reply_method_return(call, nullptr);
    static_cast<SystemBus*>(data)->called(what);
    return answered;
}

int on_send_garp(sd_bus_message* call, void* data, sd_bus_error*) {
    const auto* object = static_cast<SystemBus::Object*>(data);
    const int answered = sd_bus_reply_method_return(call, nullptr);
    object->service->called(ipc::ControlRequest::What::SendGarp, object->instance);
    return answered;
}

int get_name(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* data, sd_bus_error*) {
    return sd_bus_message_append(reply, "(s)", static_cast<SystemBus::Object*>(data)->instance.c_str());
}

int get_state(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* data, sd_bus_error*) {
    const auto* object = static_cast<SystemBus::Object*>(data);
    const auto state = object->service->state_of(object->instance);
    return sd_bus_message_append(reply, "(us)", state.number, std::string{state.text}.c_str());
}

int on_name_answer(sd_bus_message* answer, void* data, sd_bus_error*) {
    std::uint32_t result = 0;
    const sd_bus_error* error = sd_bus_message_get_error(answer);
    sd_bus_error taken = SD_BUS_ERROR_MAKE_CONST("org.freedesktop.DBus.Error.Failed", "another process owns it");
    constexpr std::uint32_t kPrimaryOwner = 1, kAlreadyOwner = 4;
    if (error == nullptr && sd_bus_message_read(answer, "u", &result) >= 0 && result != kPrimaryOwner &&
        result != kAlreadyOwner)
        error = &taken;
    static_cast<SystemBus*>(data)->name_answer(error);
    return 0;
}

const sd_bus_vtable kVrrpTable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("PrintData", "", "", on_vrrp_method, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("PrintStats", "", "", on_vrrp_method, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("PrintStatsClear", "", "", on_vrrp_method, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ReloadConfig", "", "", on_vrrp_method, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL("VrrpStarted", "", 0),
    SD_BUS_SIGNAL("VrrpReloaded", "", 0),
    SD_BUS_SIGNAL("VrrpStopped", "", 0),
    SD_BUS_VTABLE_END,
};
const sd_bus_vtable kInstanceTable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("SendGarp", "", "", on_send_garp, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL_WITH_NAMES("VrrpStatusChange", "u", SD_BUS_PARAM(status), 0),
    SD_BUS_PROPERTY("Name", "(s)", get_name, 0, 0),
    SD_BUS_PROPERTY("State", "(us)", get_state, 0, 0),
    SD_BUS_VTABLE_END,
};

// ---- the connection ----

void SystemBus::configure(const config::Config& config) {
    auto names = report::dbus_names(config, calls_.net_namespace);
    const bool anew = names != names_;
    if (anew && !names.enabled && named_)
        stop();
    else if (anew)
        leave();
    if (anew) started_ = false;
    names_ = std::move(names);
    slots_.clear();
    objects_.clear();
    const auto before = std::exchange(shown_, report::dbus_objects(names_, config));
    for (const auto& [path, instance] : shown_.instances) objects_.try_emplace(path, Object{this, instance});
    if (anew) {
        next_pause_ = kFirstPause;
        logged_ = false;
        if (names_.enabled) connect();
    } else if (bus_) {
        for (const auto& signal : report::dbus_removals(before, shown_)) emit(signal);
        if (const int exported = export_objects(); exported < 0) lost("rejects the objects", -exported);
    }
}

void SystemBus::connect() {
    sd_bus* bus = nullptr;
    if (const int opened = sd_bus_open_system(&bus); opened < 0) return lost("cannot be reached", -opened);
    bus_.reset(bus);
    lifetime_.begin_anew();
    named_ = reading_ = writing_ = false;
    const int watched = ::dup(sd_bus_get_fd(bus));
    if (watched < 0) return lost("cannot be monitored", errno);
    ready_.emplace(loop_, watched);
    if (const int exported = export_objects(); exported < 0) return lost("rejects the objects", -exported);
    const int asked = sd_bus_request_name_async(bus, nullptr, names_.service.c_str(), 0, on_name_answer, this);
    if (asked < 0) return lost("rejects a request for a name", -asked);
    pump();
}

int SystemBus::export_objects() {
    const auto add = [this](const std::string& path, const char* interface, const sd_bus_vtable* table, void* data) {
        sd_bus_slot* slot = nullptr;
        const int added = sd_bus_add_object_vtable(bus_.get(), &slot, path.c_str(), interface, table, data);
        slots_.emplace_back(slot);
        return added;
    };
    int done = add(report::dbus_vrrp_path(names_), report::kDbusVrrpInterface, kVrrpTable, this);
    for (auto& [path, object] : objects_)
        if (done >= 0) done = add(path, report::kDbusInstanceInterface, kInstanceTable, &object);
    return done;
}

void SystemBus::name_answer(const sd_bus_error* error) {
    if (error != nullptr) {
        if (!std::exchange(logged_, true))
            log_.error(
                "D-Bus name {} not acquired: {} (is another one running, and is mainstay's policy file in "
                "/usr/share/dbus-1/system.d?); retrying",
                names_.service, error->message != nullptr ? error->message : error->name);
        // Posted, because the connection must not be closed from within its own callback.
        return asio::post(loop_, lifetime_.guard([this] { lost(nullptr, 0); }));
    }
    log_.info("Acquired DBus bus {}", names_.service);
    named_ = true;
    logged_ = false;
    next_pause_ = kFirstPause;
    started_ = true;
    emit_moment(report::DbusMoment::Started);
}

// `what` is null when the loss was logged already.
void SystemBus::lost(const char* what, int error) {
    if (what != nullptr && !std::exchange(logged_, true))
        log_.warning("the D-Bus system bus {}: {}; retrying", what, std::generic_category().message(error));
    leave();
    pause_.expires_after(next_pause_);
    next_pause_ = std::min(2 * next_pause_, kLongestPause);
    pause_.async_wait([this](error_code ec) {
        if (!ec && names_.enabled) connect();
    });
}

void SystemBus::leave() {
    lifetime_.begin_anew();
    cancel_quietly(pause_);
    cancel_quietly(timeout_);
    ready_.reset();
    slots_.clear();
    bus_.reset();
    named_ = false;
}

void SystemBus::pump() {
    if (!bus_ || pumping_) return;
    pumping_ = true;
    int done = 1;
    for (int i = 0; i < kMessagesAtOnce && done > 0; ++i) done = sd_bus_process(bus_.get(), nullptr);
    pumping_ = false;
    if (done < 0 || sd_bus_is_open(bus_.get()) <= 0) {
        const bool was_named = named_;
        if (was_named) logged_ = false;
        return lost("is gone", done < 0 ? -done : ECONNRESET);
    }
    if (done > 0) asio::post(loop_, lifetime_.guard([this] { pump(); }));
    arm();
}

void SystemBus::arm() {
    const int events = sd_bus_get_events(bus_.get());
    if (events < 0) return lost("cannot be monitored", -events);
    wait(asio::posix::stream_descriptor::wait_read, reading_);
    if ((events & POLLOUT) != 0) wait(asio::posix::stream_descriptor::wait_write, writing_);
    std::uint64_t at = 0;
    if (sd_bus_get_timeout(bus_.get(), &at) <= 0 || at == UINT64_MAX) return;
    const auto now = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(kernel::monotonic_now().time_since_epoch()).count());
    timeout_.expires_after(std::chrono::microseconds{at > now ? at - now : 0});
    timeout_.async_wait(lifetime_.when_due([this] { pump(); }));
}

void SystemBus::wait(asio::posix::stream_descriptor::wait_type what, bool& waiting) {
    if (std::exchange(waiting, true)) return;
    ready_->async_wait(what, lifetime_.guard([this, &waiting](error_code ec) {
        waiting = false;
        if (!ec) pump();
    }));
}

// ---- signals ----

void SystemBus::emit(const Event& event) {
    if (const auto signal = report::dbus_signal(shown_, event)) emit(*signal);
}

void SystemBus::emit(const report::DbusSignal& signal) {
    if (!names_.enabled) return;
    int sent = -ENOTCONN;
    if (named_ && signal.status)
        sent = sd_bus_emit_signal(bus_.get(), signal.path.c_str(), signal.interface.c_str(), signal.name.c_str(), "u",
                                  *signal.status);
    else if (named_)
        sent = sd_bus_emit_signal(bus_.get(), signal.path.c_str(), signal.interface.c_str(), signal.name.c_str(), "");
    if (sent < 0)
        ++lost_signals_;
    else if (const auto count = std::exchange(lost_signals_, 0); count > 0)
        log_.warning("{} {} lost, because the bus was away or did not read", counted(count, "D-Bus signal"),
                     count == 1 ? "was" : "were");
    if (named_) pump();
}

void SystemBus::stop() {
    emit_moment(report::DbusMoment::Stopped);
    if (named_) log_.info("Released DBus");
    names_.enabled = false;
    leave();
}

}  // namespace

std::unique_ptr<DbusService> make_dbus_service(asio::io_context& loop, Log& log, DbusService::Calls calls) {
    return std::make_unique<SystemBus>(loop, log, std::move(calls));
}

}  // namespace mainstay::role
