// Asks a server by HTTP/1.1 on connections that are kept, a closed loop on each.
//
//   loadgenHttp get PORT CONNECTIONS WARMUP SECONDS
//
// It counts bytes instead of parsing them, so that the server is what is measured: all responses are as long as the first,
// and begin with the status line of a success. It prints the line of JSON that loadgen prints.
#define _GNU_SOURCE
#include "loadgen.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char request[] = "GET /hello HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n";
static const char success[] = "HTTP/1.1 200 OK\r\n";

typedef struct {
  int fd;
  size_t received;
  double sentAt;
} connection;

static size_t responseLength = 0;
static uint64_t count = 0, errors = 0;

static void ask(connection *c) {
  c->received = 0;
  c->sentAt = now();
  // The send buffer is empty: it takes a request whole.
  if (send(c->fd, request, sizeof request - 1, MSG_NOSIGNAL) != sizeof request - 1) errors++;
}

// The length of a response, or 0 while it is not all here.
static size_t lengthOf(const char *response, size_t received) {
  const char *end = strstr(response, "\r\n\r\n"), *field = strcasestr(response, "\r\ncontent-length: ");
  if (!end || !field || field > end) return 0;
  size_t length = end + 4 - response + strtoul(field + 18, 0, 10);
  return received >= length ? length : 0;
}

static void onResponse(connection *c) {
  static char buffer[64 * 1024 + 1];
  ssize_t n = recv(c->fd, buffer, sizeof buffer - 1, 0);
  if (n <= 0) {
    if (n == 0 || errno != EAGAIN) errors++, close(c->fd);
    return;
  }
  buffer[n] = 0;
  if (c->received == 0 && strncmp(buffer, success, sizeof success - 1)) errors++;
  c->received += n;
  // The first response of all is short enough to arrive in one piece.
  if (responseLength == 0 && !(responseLength = lengthOf(buffer, c->received))) errors++;
  if (c->received < responseLength) return;
  if (c->received > responseLength) errors++;
  if (counting) {
    latency(now() - c->sentAt);
    count++;
  }
  ask(c);
}

static int dial(connection *c, int port) {
  struct sockaddr_in target = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int on = 1;
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (c->fd < 0 || connect(c->fd, (void *)&target, sizeof target)) fail("connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return c->fd;
}

int main(int argc, char **argv) {
  if (argc != 6 || strcmp(argv[1], "get")) {
    fprintf(stderr, "usage: loadgenHttp get PORT CONNECTIONS WARMUP SECONDS\n");
    return 2;
  }
  int port = atoi(argv[2]), n = atoi(argv[3]);
  connection *connections = calloc(n, sizeof *connections);
  int poll = epoll_create1(0);
  measure(atof(argv[4]), atof(argv[5]));
  for (int i = 0; i < n; i++) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, dial(&connections[i], port), &event)) fail("epoll_ctl");
    ask(&connections[i]);
  }
  struct epoll_event events[256];
  while (tick()) {
    int ready = epoll_wait(poll, events, 256, 10);
    for (int i = 0; i < ready; i++) onResponse(events[i].data.ptr);
  }
  report(now() - begin, count, 0, errors);
  return 0;
}
