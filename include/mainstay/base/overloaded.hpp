// A function object of several lambdas, for std::visit.
#pragma once

namespace mainstay {

template <class... F>
struct Overloaded : F... {
    using F::operator()...;
};

}  // namespace mainstay
