// Loads a TCP echo server on 127.0.0.1 and checks every byte that comes back.
//
//   loadgen echo    PORT CONNECTIONS SIZE IN_FLIGHT WARMUP SECONDS   messages echoed, a closed loop on every connection
//   loadgen length  PORT CONNECTIONS SIZE IN_FLIGHT WARMUP SECONDS   the same with messages behind 4 bytes of length
//   loadgen lines   PORT CONNECTIONS SIZE IN_FLIGHT WARMUP SECONDS   the same with lines; SIZE is that on the wire
//   loadgen rate    PORT CONNECTIONS SIZE RATE WARMUP SECONDS        messages echoed, RATE a second in all, however slow the server
//   loadgen connect PORT CONNECTIONS SIZE WARMUP SECONDS             connections made, echoed once and ended by both sides
//   loadgen idle    PORT CONNECTIONS SIZE                            each echoed once, then kept open until stdin ends
//   loadgen idleLines PORT CONNECTIONS SIZE                          the same with a line
//
// It prints one line of JSON: what was counted after the warm-up, latencies in microseconds, and errors. At a fixed rate, a
// latency begins when the message was due, so that a server that stalls is not spared what would have come meanwhile.
#define _GNU_SOURCE
#include "loadgen.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

typedef struct {
  int fd;
  uint32_t events;
  int ending;
  // Bytes: to be sent in all, sent, and received.
  uint64_t queued, sent, received;
  // When each message in flight was sent, or was due, in a ring; and how many messages were sent and have come back.
  double *sentAt;
  uint64_t begun, messages;
} connection;

static int poll_fd;
static int port;
static size_t size;
static int inFlight = 1;
// Messages a second in all, or 0: every echo is followed by the next message at once.
static double rate = 0;
static uint64_t count = 0, lost = 0, errors = 0;
static connection *connections;

static struct sockaddr_in address(uint32_t host, int port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(host)};
}

static void watch(connection *c, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  if (epoll_ctl(poll_fd, operation, c->fd, &event)) fail("epoll_ctl");
  c->events = events;
}

// Sends what is queued, as far as the kernel takes it. 0: the connection is broken.
static int flush(connection *c) {
  while (c->sent < c->queued) {
    size_t length = c->queued - c->sent < PIECE ? c->queued - c->sent : PIECE;
    ssize_t n = send(c->fd, pattern + c->sent % period, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) return 0;
    c->sent += n;
  }
  uint32_t events = EPOLLIN | (c->sent < c->queued ? EPOLLOUT : 0);
  if (events != c->events) watch(c, EPOLL_CTL_MOD, events);
  return 1;
}

// Receives and checks. -1: the connection is broken; 0: nothing there, or the end, as `ended` says.
static ssize_t take(connection *c, int *ended) {
  static unsigned char buffer[256 * 1024];
  ssize_t n = recv(c->fd, buffer, sizeof buffer, MSG_DONTWAIT);
  *ended = n == 0;
  if (n < 0) return errno == EAGAIN ? 0 : -1;
  for (ssize_t at = 0; at < n;) {
    size_t length = n - at < PIECE ? n - at : PIECE;
    if (memcmp(buffer + at, pattern + c->received % period, length)) errors++;
    at += length;
    c->received += length;
  }
  if (c->received > c->sent) errors++;
  return n;
}

static void start(connection *c, uint32_t from) {
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) fail("socket");
  int on = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  struct sockaddr_in source = address(from, 0), target = address(INADDR_LOOPBACK, port);
  if (bind(c->fd, (void *)&source, sizeof source)) fail("bind");
  if (connect(c->fd, (void *)&target, sizeof target) && errno != EINPROGRESS) fail("connect");
  c->ending = 0;
  c->queued = c->sent = c->received = c->begun = c->messages = 0;
  watch(c, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

// ---------------------------------------------------------------------------------------------------------------------

static void onEcho(connection *c) {
  int ended;
  ssize_t n = take(c, &ended);
  if (n < 0 || ended) {
    errors++;
    close(c->fd);
    c->fd = -1;
    return;
  }
  double time = now();
  while (c->received >= (c->messages + 1) * size) {
    double *sentAt = &c->sentAt[c->messages++ % inFlight];
    if (counting) {
      latency(time - *sentAt);
      count++;
    }
    if (rate > 0) continue;
    *sentAt = time;
    c->queued += size;
  }
  if (!flush(c)) errors++;
}

// Sends what is due by now, one connection after the other, and 256 messages at most; gives when the next message is due.
static double sendDue(int n, double due) {
  static uint64_t turn = 0;
  for (int i = 0; i < 256 && due <= now(); i++) {
    connection *c = &connections[turn++ % n];
    if (c->begun - c->messages < (uint64_t)inFlight) {
      c->sentAt[c->begun++ % inFlight] = due;
      c->queued += size;
      if (c->fd >= 0 && !flush(c)) errors++;
    } else if (counting) {
      lost++;
    }
    due += 1 / rate;
  }
  return due;
}

static uint32_t nextSource(void) {
  // Closed connections keep their port for a minute: a new address for each keeps ports from running out.
  static uint32_t turn = 0;
  return INADDR_LOOPBACK + 1 + turn++ % 250;
}

static void onConnect(connection *c) {
  int ended;
  ssize_t n = take(c, &ended);
  if (n >= 0 && !ended) {
    if (c->received < size) return;
    if (!c->ending) shutdown(c->fd, SHUT_WR);
    c->ending = 1;
    return;
  }
  double time = now();
  if (n < 0 || !c->ending) {
    errors++;
  } else if (counting) {
    latency(time - c->sentAt[0]);
    count++;
  }
  close(c->fd);
  c->sentAt[0] = time;
  start(c, nextSource());
  c->queued = size;
}

static void run(int n, void (*onReadable)(connection *)) {
  for (int i = 0; i < n; i++) {
    start(&connections[i], onReadable == onConnect ? nextSource() : INADDR_LOOPBACK);
    connections[i].queued = rate > 0 ? 0 : size * inFlight;
    connections[i].sentAt = malloc(inFlight * sizeof(double));
    for (int j = 0; j < inFlight; j++) connections[i].sentAt[j] = now();
  }
  struct epoll_event events[256];
  double due = now();
  while (tick()) {
    double pause = 0.02;
    if (rate > 0) {
      due = sendDue(n, due);
      pause = due - now();
    }
    struct timespec timeout = {.tv_nsec = pause > 0 ? pause * 1e9 : 0};
    int ready = epoll_pwait2(poll_fd, events, 256, &timeout, 0);
    for (int i = 0; i < ready; i++) {
      connection *c = events[i].data.ptr;
      if (events[i].events & EPOLLOUT && !flush(c)) errors++;
      if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) && c->fd >= 0) onReadable(c);
    }
  }
  report(now() - begin, count, lost, errors);
}

static void idle(int n) {
  struct sockaddr_in target = address(INADDR_LOOPBACK, port);
  unsigned char *answer = malloc(size);
  for (int i = 0; i < n; i++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) fail("socket");
    struct timeval limit = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (void *)&target, sizeof target)) fail("connect");
    if (send(fd, pattern, size, MSG_NOSIGNAL) != (ssize_t)size) fail("send");
    if (recv(fd, answer, size, MSG_WAITALL) != (ssize_t)size) fail("recv");
    if (memcmp(answer, pattern, size)) errors++;
  }
  report(1, n, 0, errors);
  fflush(stdout);
  while (getchar() != EOF) {}
}

int main(int argc, char **argv) {
  const char *mode = argc > 4 ? argv[1] : "";
  int isLength = !strcmp(mode, "length"), isLines = !strcmp(mode, "lines") || !strcmp(mode, "idleLines");
  int isRate = !strcmp(mode, "rate") && argc == 8;
  int isEcho = (isLength || !strcmp(mode, "lines") || isRate || !strcmp(mode, "echo")) && argc == 8;
  int isConnect = !strcmp(mode, "connect") && argc == 7;
  int isIdle = (!strcmp(mode, "idle") || !strcmp(mode, "idleLines")) && argc == 5;
  if (!isEcho && !isConnect && !isIdle) {
    fprintf(stderr, "usage: loadgen echo|length|lines|rate|connect|idle|idleLines PORT CONNECTIONS SIZE [IN_FLIGHT|RATE] [WARMUP SECONDS]\n");
    return 2;
  }
  makePattern();
  port = atoi(argv[2]);
  int n = atoi(argv[3]);
  size = strtoul(argv[4], 0, 10);
  if (isLength) makeLengthPrefixed(size);
  if (isLines) makeLines(size);
  if (isIdle) return idle(n), 0;
  if (isEcho) inFlight = atoi(argv[5]);
  if (isRate) {
    rate = atof(argv[5]);
    inFlight = 4096;
    inWallTime = 1;
    // The kernel may otherwise delay a timer by 50 microseconds.
    prctl(PR_SET_TIMERSLACK, 1);
  }
  measure(atof(argv[argc - 2]), atof(argv[argc - 1]));
  poll_fd = epoll_create1(0);
  connections = calloc(n, sizeof *connections);
  run(n, isEcho ? onEcho : onConnect);
  return 0;
}
