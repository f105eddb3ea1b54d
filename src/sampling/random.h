// Random numbers as a pure function of where they are used: no state, so any order of computation draws
// alike.
#pragma once

#include <array>
#include <cstdint>

namespace continuo {

// Philox4x32 with ten rounds: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

// What a number is for: numbers of different streams have nothing to do with each other.
enum class RandomStream : std::uint8_t { draw, exclusion };

// A number in [0, 1), a multiple of 2^-53. Key: seed; counter: position (low, high), sample (low, high); each
// stream has two of the four words.
double uniform(std::uint64_t seed, std::uint64_t sample, std::uint64_t position,
               RandomStream stream = RandomStream::draw);

}  // namespace continuo
