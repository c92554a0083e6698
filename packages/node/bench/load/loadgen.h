// What the load generators share: a clock, the server's CPU time, the bytes to send, latencies, and how a result is printed.
#include <dirent.h>
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

// Nanoseconds that the threads of the process SERVER_PID have run (proc(5)), or 0 where that is unknown.
static double serverCpu(void) {
  const char *pid = getenv("SERVER_PID");
  char path[300];
  snprintf(path, sizeof path, "/proc/%s/task", pid ? pid : "none");
  DIR *tasks = opendir(path);
  if (!tasks) return 0;
  double sum = 0;
  for (struct dirent *task; (task = readdir(tasks));) {
    snprintf(path, sizeof path, "/proc/%s/task/%s/schedstat", pid, task->d_name);
    FILE *file = task->d_name[0] == '.' ? 0 : fopen(path, "r");
    double nanoseconds = 0;
    if (file && fscanf(file, "%lf", &nanoseconds) == 1) sum += nanoseconds;
    if (file) fclose(file);
  }
  closedir(tasks);
  return sum;
}

// The measurement: `tick`, called again and again, begins it once the warm-up is over, and says when it ends.
//
// Its length is that of the server's CPU time, where that is known, so that a machine that is busy with other programs
// measures longer and not less. It takes eight times as long at most. With `inWallTime` it is that of the clock. Without an
// answer it goes on for ten seconds.
static double begin, end;
static int counting = 0;
static int inWallTime = 0;
static double cpuAtBegin;
static uint64_t measured = 0;

static void measure(double warmup, double seconds) {
  begin = now() + warmup;
  end = begin + seconds;
}

// 0: the measurement is over.
static int tick(void) {
  static double started = 0, startedCpu, warmup, seconds, next;
  double time = now();
  if (started == 0) {
    startedCpu = inWallTime ? 0 : serverCpu();
    if (startedCpu == 0) inWallTime = 1;
    started = time, warmup = begin - time, seconds = end - begin;
  }
  if (time < next) return 1;
  next = inWallTime ? 0 : time + 0.002;
  double cpu = inWallTime ? 0 : serverCpu();
  double done = inWallTime ? time - started : (cpu - startedCpu) / 1e9;
  if (!counting && (done >= warmup || time - started >= 8 * warmup)) {
    counting = 1;
    begin = time;
    cpuAtBegin = inWallTime ? serverCpu() : cpu;
    startedCpu = cpu;
    return 1;
  }
  if (!counting) return 1;
  done = inWallTime ? time - begin : (cpu - startedCpu) / 1e9;
  if (measured == 0) return time - begin < 10;
  return done < seconds && time - begin < 8 * seconds;
}

// Latencies in microseconds; the last bucket takes what is longer.
#define BUCKETS 200000
static uint32_t latencies[BUCKETS];

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

// Prints what was counted; `cpu` in microseconds of the server.
static void report(double seconds, uint64_t count, uint64_t lost, uint64_t errors) {
  double cpu = counting ? (serverCpu() - cpuAtBegin) / 1000 : 0;
  printf("{\"seconds\":%.6f,\"count\":%llu,\"cpu\":%.1f,\"p50\":%d,\"p99\":%d,\"lost\":%llu,\"errors\":%llu}\n", seconds,
         (unsigned long long)count, cpu, percentile(0.5), percentile(0.99), (unsigned long long)lost,
         (unsigned long long)errors);
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}
