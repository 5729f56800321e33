#include <utility>

#include "dbus_service.hpp"

namespace mainstay::role {

namespace {

class NoDbus final : public DbusService {
public:
    explicit NoDbus(Log& log) : log_{log} {}
    void configure(const config::Config& config) override {
        if (report::dbus_names(config).enabled && !std::exchange(logged_, true))
            log_.warning("enable_dbus has no effect: this mainstay was built without D-Bus (-Ddbus=enabled)");
    }
    bool settled() const override { return true; }
    void emit(const Event&) override {}
    void emit_reloaded() override {}
    void stop() override {}

private:
    Log& log_;
    bool logged_ = false;
};

}  // namespace

std::unique_ptr<DbusService> make_dbus_service(boost::asio::io_context&, Log& log, DbusService::Calls) {
    return std::make_unique<NoDbus>(log);
}

}  // namespace mainstay::role
