// Asio's and Beast's functions that are no templates, compiled once: the flags that cmake/JanjiTargets.cmake gives to all
// leave them out of everybody else.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
