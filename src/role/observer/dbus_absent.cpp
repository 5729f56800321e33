#include <utility>

#include "dbus_service.hpp"

namespace mainstay::role {

namespace {

class NoDbus final : public DbusService {
public:
    explicit NoDbus(Log& log) : log_{log} {}
    void configure(const config::Config& config) override {
        if (report::dbus_names(config).enabled && !std::exchange(told_, true))
            log_.warning("enable_dbus has no effect: this mainstay was built without D-Bus (-Ddbus=enabled)");
    }
    bool settled() const override { return true; }
    void tell(const Event&) override {}
    void tell_reloaded() override {}
    void stop() override {}

private:
    Log& log_;
    bool told_ = false;
};

}  // namespace

std::unique_ptr<DbusService> make_dbus_service(boost::asio::io_context&, Log& log, DbusService::Calls) {
    return std::make_unique<NoDbus>(log);
}

}  // namespace mainstay::role
