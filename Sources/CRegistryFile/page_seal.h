// The seal of a page.
#pragma once
#include <stdint.h>
#include <string.h>

enum { SEAL_SIZE = 8 };

static inline uint64_t seal_word(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}

static inline uint64_t seal_turn(uint64_t value, int by) { return value << by | value >> (64 - by); }

// Four lanes side by side, because one would wait for its multiplication at each word. Every step can be undone, so two
// pages that differ within one word never have the same seal.
static inline uint64_t page_seal(uint32_t number, const uint8_t *page, int size) {
  const uint64_t factor = 0x9E3779B97F4A7C15u;
  uint64_t lanes[4] = {number + 1, 2, 3, 4};
  int words = (size - SEAL_SIZE) / 8;
  int word = 0;
  for (; word + 4 <= words; word += 4)
    for (int lane = 0; lane < 4; lane++)
      lanes[lane] = seal_turn((lanes[lane] ^ seal_word(page + 8 * (word + lane))) * factor, 29);
  for (; word < words; word++) lanes[word % 4] = seal_turn((lanes[word % 4] ^ seal_word(page + 8 * word)) * factor, 29);
  uint64_t seal = (uint64_t)number << 32 | (uint32_t)size;
  for (int lane = 0; lane < 4; lane++) seal = seal_turn((seal ^ lanes[lane]) * factor, 31);
  return seal ^ seal >> 33;
}

static inline void page_seal_write(uint32_t number, uint8_t *page, int size) {
  uint64_t seal = page_seal(number, page, size);
  for (int byte = 0; byte < SEAL_SIZE; byte++) page[size - SEAL_SIZE + byte] = (uint8_t)(seal >> (8 * byte));
}

static inline int page_seal_is_right(uint32_t number, const uint8_t *page, int size) {
  return seal_word(page + size - SEAL_SIZE) == page_seal(number, page, size);
}
