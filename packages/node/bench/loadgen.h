// What the load generators share: a clock, the bytes to send, latencies, and how a result is printed.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// Bytes at stream position p are PATTERN[p % PERIOD]: a lost, doubled or swapped byte shows. What lies behind the period
// repeats its beginning, so that every piece is contiguous.
#define MAX_PERIOD 65521
#define PIECE 65536
static size_t period = MAX_PERIOD;
static unsigned char pattern[MAX_PERIOD + PIECE];

static void repeatPattern(void) {
  for (size_t i = period; i < MAX_PERIOD + PIECE; i++) pattern[i] = pattern[i - period];
}

static void makePattern(void) {
  uint32_t x = 2463534242u;
  for (size_t i = 0; i < period; i++) {
    x ^= x << 13, x ^= x >> 17, x ^= x << 5;
    pattern[i] = (unsigned char)x;
  }
  repeatPattern();
}

// Makes whole messages of the pattern: each behind 4 bytes of length, the most significant first.
static void makeLengthPrefixed(size_t size) {
  period = MAX_PERIOD / size * size;
  for (size_t at = 0; at < period; at += size)
    for (int i = 0; i < 4; i++) pattern[at + i] = (unsigned char)((size - 4) >> (24 - 8 * i));
  repeatPattern();
}

// Makes lines of the pattern, in ASCII.
static void makeLines(size_t size) {
  period = MAX_PERIOD / size * size;
  for (size_t i = 0; i < period; i++) pattern[i] = i % size == size - 1 ? '\n' : ' ' + pattern[i] % 95;
  repeatPattern();
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

// Latencies in microseconds; the last bucket takes what is longer.
#define BUCKETS 200000
static uint32_t latencies[BUCKETS];
static uint64_t measured = 0;

static void latency(double seconds) {
  double us = seconds * 1e6;
  latencies[us >= BUCKETS ? BUCKETS - 1 : (size_t)us]++;
  measured++;
}

static int percentile(double share) {
  uint64_t below = (uint64_t)(measured * share), seen = 0;
  for (int us = 0; us < BUCKETS; us++)
    if ((seen += latencies[us]) > below) return us;
  return 0;
}

static void report(double seconds, uint64_t count, uint64_t lost, uint64_t errors) {
  printf("{\"seconds\":%.6f,\"count\":%llu,\"p50\":%d,\"p99\":%d,\"lost\":%llu,\"errors\":%llu}\n", seconds,
         (unsigned long long)count, percentile(0.5), percentile(0.99), (unsigned long long)lost,
         (unsigned long long)errors);
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}
