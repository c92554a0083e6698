// What the floors share: servers in C with nothing but what the kernel costs, for the benchmarks to compare with.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void fail(const char *what) {
  perror(what);
  exit(1);
}

// A socket on a port of 127.0.0.1 that the system chooses.
static int bound(int type) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, type, 0);
  if (fd < 0 || bind(fd, (void *)&address, sizeof address)) fail("bind");
  return fd;
}

// Tells the benchmark the port, and ends with it.
static void ready(int fd) {
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  if (getsockname(fd, (void *)&address, &length)) fail("getsockname");
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  printf("listening %d\n", ntohs(address.sin_port));
  fflush(stdout);
}

// A connection without Nagle's algorithm.
static inline int accepted(int listener, int flags) {
  int fd = accept4(listener, 0, 0, flags), on = 1;
  if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

static inline void watch(int poll, int operation, int fd, uint32_t events, void *data) {
  struct epoll_event event = {.events = events, .data.ptr = data};
  if (epoll_ctl(poll, operation, fd, &event)) fail("epoll_ctl");
}
