// Loads a chat on 127.0.0.1 and looks at every line that comes back.
//
//   chatload fan  PORT RECEIVERS DEAF IN_FLIGHT WARMUP SECONDS   one room: one sender, so many who read, so many who do not
//   chatload idle PORT CLIENTS                                   connected and greeted, then kept open until stdin ends
//
// The sender keeps IN_FLIGHT lines on their way: it sends the next when one has come back to it. A delivery is a line at a
// receiver. It prints one line of JSON: deliveries after the warm-up, latencies in microseconds, and errors: lines that
// came out of order or damaged, and connections that broke.
#define _GNU_SOURCE
#include "../../node/bench/load/loadgen.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

// A line as it is sent: a number, the time, and padding.
#define LINE 64
// Lines are looked at closely at every so many receivers.
#define SAMPLE 10

typedef struct {
  int fd;
  int sampled, sender;
  // What came of a line that is not whole.
  char rest[512];
  size_t length;
  uint64_t next;
  // Lines of the sender that have come back to it, and not been followed by others yet.
  int back;
} client;

static int port;
static int poll_fd;
static uint64_t count = 0, errors = 0, sent = 0;

static int dial(uint32_t from, int receive) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) fail("socket");
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive > 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive);
  struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(from)};
  struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (bind(fd, (void *)&source, sizeof source)) fail("bind");
  if (connect(fd, (void *)&target, sizeof target)) fail("connect");
  return fd;
}

static void say(int fd, const char *text, size_t length) {
  if (send(fd, text, length, MSG_NOSIGNAL) != (ssize_t)length) errors++;
}

// Reads until this text has come.
static void expect(int fd, const char *text) {
  static char seen[1 << 20];
  size_t length = 0;
  while (length < sizeof seen - 1) {
    ssize_t n = recv(fd, seen + length, sizeof seen - 1 - length, 0);
    if (n <= 0) fail("the server hung up");
    length += n;
    seen[length] = 0;
    if (strstr(seen, text)) return;
  }
  fprintf(stderr, "it did not say %s\n", text);
  exit(1);
}

// Sends so many lines in one piece.
static void speak(client *c, int lines) {
  static char text[4096 * LINE];
  for (int i = 0; i < lines; i++) {
    char *line = text + i * LINE;
    int length = snprintf(line, LINE, "#%llu %.6f ", (unsigned long long)sent++, now());
    memset(line + length, 'x', LINE - length);
    line[LINE - 1] = '\n';
  }
  say(c->fd, text, lines * LINE);
}

// Looks at a line: `<sender> #NUMBER TIME xxx`. Others, such as that somebody left, are no deliveries.
static void look(client *c, char *line, double time) {
  char *text = strstr(line, "> #");
  if (!text) return;
  char *after;
  uint64_t number = strtoull(text + 3, &after, 10);
  if (number != c->next) errors++;
  c->next = number + 1;
  double at = strtod(after, &after);
  if (strspn(after, " x") != strlen(after)) errors++;
  if (counting) latency(time - at);
  c->back++;
}

static void onReadable(client *c) {
  static char buffer[256 * 1024 + 1];
  ssize_t n = recv(c->fd, buffer, sizeof buffer - 1, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) {
    errors++;
    epoll_ctl(poll_fd, EPOLL_CTL_DEL, c->fd, NULL);
    return;
  }
  double time = now();
  char *at = buffer, *stop = buffer + n;
  for (char *newline; (newline = memchr(at, '\n', stop - at)); at = newline + 1) {
    if (counting && !c->sender) count++;
    if (!c->sampled) continue;
    *newline = 0;
    if (c->length > 0) {
      size_t length = newline - at + 1;
      if (c->length + length > sizeof c->rest) fail("a line is too long");
      memcpy(c->rest + c->length, at, length);
      look(c, c->rest, time);
      c->length = 0;
    } else {
      look(c, at, time);
    }
  }
  if (c->sampled && at < stop) {
    if (c->length + (stop - at) > sizeof c->rest) fail("a line is too long");
    memcpy(c->rest + c->length, at, stop - at);
    c->length += stop - at;
  }
  if (c->sender && c->back > 0) speak(c, c->back);
  c->back = 0;
}

static client *enter(int index, uint32_t from, int deaf) {
  client *c = calloc(1, sizeof *c);
  char text[64];
  c->fd = dial(from, deaf ? 4096 : 0);
  int length = snprintf(text, sizeof text, "/nick n%d\n/join bench\n/ping in%d\n", index, index);
  say(c->fd, text, length);
  return c;
}

// Nobody waits for another to be in: what all are told of all is told in few pieces.
static void expectIn(client *c, int index) {
  char text[32];
  snprintf(text, sizeof text, "pong in%d\n", index);
  expect(c->fd, text);
}

static void fan(int receivers, int deaf, int inFlight, double warmup, double seconds) {
  poll_fd = epoll_create1(0);
  int all = receivers + 1;
  client **clients = calloc(all, sizeof *clients);
  for (int i = 0; i < deaf; i++) expectIn(enter(all + i, INADDR_LOOPBACK + 1 + i % 250, 1), all + i);
  for (int i = 0; i < all; i++) clients[i] = enter(i, INADDR_LOOPBACK + 1 + i % 250, 0);
  for (int i = 0; i < all; i++) {
    client *c = clients[i];
    expectIn(c, i);
    c->sender = i == all - 1;
    c->sampled = c->sender || i % SAMPLE == 0;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event)) fail("epoll_ctl");
  }
  struct epoll_event events[256];
  // What was told while all came in is read first.
  for (int quiet = 0; quiet < 3;) {
    int ready = epoll_wait(poll_fd, events, 256, 50);
    for (int i = 0; i < ready; i++) onReadable(events[i].data.ptr);
    quiet = ready == 0 ? quiet + 1 : 0;
  }
  measure(warmup, seconds);
  speak(clients[all - 1], inFlight);
  while (tick()) {
    int ready = epoll_wait(poll_fd, events, 256, 20);
    for (int i = 0; i < ready; i++) onReadable(events[i].data.ptr);
  }
  report(now() - begin, count, 0, errors);
}

static void idle(int n) {
  for (int i = 0; i < n; i++) {
    int fd = dial(INADDR_LOOPBACK + 1 + i % 250, 0);
    say(fd, "/ping in\n", 9);
    expect(fd, "pong in\n");
  }
  report(1, n, 0, errors);
  fflush(stdout);
  while (getchar() != EOF) {}
}

int main(int argc, char **argv) {
  const char *mode = argc > 3 ? argv[1] : "";
  if (!strcmp(mode, "fan") && argc == 8) {
    port = atoi(argv[2]);
    fan(atoi(argv[3]), atoi(argv[4]), atoi(argv[5]), atof(argv[6]), atof(argv[7]));
  } else if (!strcmp(mode, "idle") && argc == 4) {
    port = atoi(argv[2]);
    idle(atoi(argv[3]));
  } else {
    fprintf(stderr, "usage: chatload fan PORT RECEIVERS DEAF IN_FLIGHT WARMUP SECONDS | chatload idle PORT CLIENTS\n");
    return 2;
  }
  return 0;
}
