// The same of Asio's TLS, for the programs that link OpenSSL.
#include <utility>  // Boost 1.74 forgets it

#include <boost/asio/ssl/impl/src.hpp>
