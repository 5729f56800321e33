#include "mainstay/wire/openssl.hpp"

#include <dlfcn.h>

namespace mainstay::wire {
namespace {

#define MAINSTAY_TEXT_OF(x) #x
#define MAINSTAY_TEXT(x) MAINSTAY_TEXT_OF(x)
// The version whose headers this was built with: the types are theirs.
constexpr const char* kLibcrypto = "libcrypto.so." MAINSTAY_TEXT(OPENSSL_SHLIB_VERSION);
constexpr const char* kLibssl = "libssl.so." MAINSTAY_TEXT(OPENSSL_SHLIB_VERSION);

// It stays loaded: OpenSSL's own tables point into it until the process ends.
void* load(const char* name) { return ::dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE); }

template <class F>
bool find(void* library, const char* name, F& function) {
    function = reinterpret_cast<F>(::dlsym(library, name));
    return function != nullptr;
}

}  // namespace

#define MAINSTAY_FIND(name) all = find(library, #name, found.name) && all;

const Libcrypto& crypto() {
    static const Libcrypto kFunctions = [] {
        Libcrypto found;
        void* library = load(kLibcrypto);
        bool all = library != nullptr;
        if (all) { MAINSTAY_LIBCRYPTO(MAINSTAY_FIND) }
        found.there = all;
        return found;
    }();
    return kFunctions;
}

const Libssl& ssl() {
    static const Libssl kFunctions = [] {
        Libssl found;
        void* library = load(kLibssl);
        bool all = library != nullptr;
        if (all) { MAINSTAY_LIBSSL(MAINSTAY_FIND) }
        found.there = all;
        return found;
    }();
    return kFunctions;
}

}  // namespace mainstay::wire
