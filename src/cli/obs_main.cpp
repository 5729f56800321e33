// mainstayd-obs: the observer, an executable of its own so that no other role loads libcurl. Started by mainstayd.
#include <unistd.h>

#include "mainstay/role/observer/role.hpp"

int main() {
    const int code = mainstay::role::run_role(mainstay::role::observer_traits(), mainstay::role::make_observer_role);
    // A delivery's thread may still be in the resolver: nothing is torn down under it.
    ::_exit(code);
}
