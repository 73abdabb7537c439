// Memory for zlib from the program's own heap: what it is given back is wiped where a store::wiping_scope says so. By itself zlib asks
// malloc, and leaves what it packed there. Any thread.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <new>

namespace janji {

inline void use_own_heap(z_stream& stream) {
  stream.zalloc = [](voidpf /*whose*/, uInt items, uInt size) -> voidpf { return ::operator new(std::size_t{items} * size, std::nothrow); };
  stream.zfree = [](voidpf /*whose*/, voidpf at) { ::operator delete(at); };
}

}  // namespace janji
