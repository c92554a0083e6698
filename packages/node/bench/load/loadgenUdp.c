// Loads a UDP echo server on 127.0.0.1, checks every datagram that comes back, and counts those that do not.
//
//   loadgenUdp PORT CLIENTS SIZE IN_FLIGHT WARMUP SECONDS
//
// It prints one line of JSON: what was counted after the warm-up, latencies in microseconds, losses and errors.
#define _GNU_SOURCE
#include "loadgen.h"
#include <arpa/inet.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

// A datagram that has not come back after this time is lost.
static const double patience = 0.25;

// A datagram begins with these; the rest is the pattern from position `sequence` on.
typedef struct {
  uint32_t slot;
  uint32_t sequence;
} header;

typedef struct {
  uint32_t sequence;
  double sentAt;
} slot;

typedef struct {
  int fd;
  slot *slots;
} client;

static size_t size;
static uint32_t nextSequence = 1;
static uint64_t count = 0, lost = 0, errors = 0;

static void sendIn(client *c, uint32_t i, double time) {
  static unsigned char datagram[PIECE];
  header head = {.slot = i, .sequence = nextSequence++};
  c->slots[i] = (slot){.sequence = head.sequence, .sentAt = time};
  memcpy(datagram, &head, sizeof head);
  memcpy(datagram + sizeof head, pattern + head.sequence % period, size - sizeof head);
  // What the kernel does not take counts as lost, once its time has come.
  if (send(c->fd, datagram, size, 0) < 0 && errno != EAGAIN) errors++;
}

static void receiveAll(client *c, uint32_t inFlight) {
  static unsigned char datagram[PIECE];
  ssize_t n;
  while ((n = recv(c->fd, datagram, sizeof datagram, 0)) >= 0) {
    header head;
    memcpy(&head, datagram, sizeof head);
    if (n != (ssize_t)size || head.slot >= inFlight ||
        memcmp(datagram + sizeof head, pattern + head.sequence % period, size - sizeof head)) {
      errors++;
      continue;
    }
    // One that was given up already.
    if (c->slots[head.slot].sequence != head.sequence) continue;
    double time = now();
    if (counting) {
      latency(time - c->slots[head.slot].sentAt);
      count++;
    }
    sendIn(c, head.slot, time);
  }
  if (errno != EAGAIN) errors++;
}

int main(int argc, char **argv) {
  if (argc != 7) {
    fprintf(stderr, "usage: loadgenUdp PORT CLIENTS SIZE IN_FLIGHT WARMUP SECONDS\n");
    return 2;
  }
  struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
  target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int n = atoi(argv[2]);
  size = strtoul(argv[3], 0, 10);
  uint32_t inFlight = atoi(argv[4]);
  makePattern();
  measure(atof(argv[5]), atof(argv[6]));
  if (size < sizeof(header) || size > PIECE) return fprintf(stderr, "SIZE is 8 to 65536 bytes\n"), 2;

  int poll_fd = epoll_create1(0);
  client *clients = calloc(n, sizeof *clients);
  for (int i = 0; i < n; i++) {
    clients[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (clients[i].fd < 0 || connect(clients[i].fd, (void *)&target, sizeof target)) fail("connect");
    clients[i].slots = calloc(inFlight, sizeof(slot));
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, clients[i].fd, &event)) fail("epoll_ctl");
    for (uint32_t j = 0; j < inFlight; j++) sendIn(&clients[i], j, now());
  }

  struct epoll_event events[64];
  double nextSearch = now() + patience;
  while (tick()) {
    int ready = epoll_wait(poll_fd, events, 64, 10);
    for (int i = 0; i < ready; i++) receiveAll(&clients[events[i].data.u32], inFlight);
    double time = now();
    if (time < nextSearch) continue;
    nextSearch = time + patience / 4;
    for (int i = 0; i < n; i++) {
      for (uint32_t j = 0; j < inFlight; j++) {
        if (time - clients[i].slots[j].sentAt < patience) continue;
        if (counting) lost++;
        sendIn(&clients[i], j, time);
      }
    }
  }
  report(now() - begin, count, lost, errors);
  return 0;
}
