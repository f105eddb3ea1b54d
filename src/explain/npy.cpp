#include <bit>
#include <cstring>

#include "explain/canvases.h"

namespace continuo::explain {

static_assert(std::endian::native == std::endian::little);

std::string npy(const Grid& grid) {
  std::string header =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", grid.rows, grid.cols);
  // Magic, version and length take 10 bytes; the whole is a multiple of 64 and ends in a newline.
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string out("\x93NUMPY\x01\x00", 8);
  out += static_cast<char>(header.size() & 0xff);
  out += static_cast<char>(header.size() >> 8);
  out += header;
  const std::size_t at = out.size();
  out.resize(at + grid.values.size() * sizeof(float));
  std::memcpy(out.data() + at, grid.values.data(), grid.values.size() * sizeof(float));
  return out;
}

}  // namespace continuo::explain
