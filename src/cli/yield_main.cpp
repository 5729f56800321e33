// mainstayd-yield MILLISECONDS [THE SUPERVISOR'S ARGUMENTS]: takes the virtual addresses from a host whose vrrp process
// does not start again. Started by mainstayd, after so long a silence.
#include <charconv>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "mainstay/role/vrrp/role.hpp"

int main(int argc, char** argv) {
    using namespace mainstay;
    const std::string_view word = argc > 1 ? argv[1] : "";
    std::int64_t silent = 0;
    (void)std::from_chars(word.data(), word.data() + word.size(), silent);
    return role::run_role(role::address_release_traits(), [silent](role::Runtime& runtime) {
        return role::make_address_release(runtime, std::chrono::milliseconds{silent});
    });
}
