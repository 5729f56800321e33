// What Boost.Asio has that is no template, compiled once (BOOST_ASIO_SEPARATE_COMPILATION).
#include <utility>  // Boost 1.74 forgets it

#include <boost/asio/impl/src.hpp>
