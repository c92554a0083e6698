// Loads a TLS echo server on 127.0.0.1 and checks every byte that comes back.
//
//   loadgenTls echo    PORT CONNECTIONS SIZE IN_FLIGHT WARMUP SECONDS   messages echoed, a closed loop on every connection
//   loadgenTls full    PORT CONNECTIONS WARMUP SECONDS                  full handshakes: connect, echo a byte, close
//   loadgenTls resumed PORT CONNECTIONS WARMUP SECONDS                  the same with sessions that are resumed
//
// It prints one line of JSON: what was counted after the warm-up, latencies in microseconds, and errors.
#define _GNU_SOURCE
#include "loadgen.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
  int fd;
  uint32_t events;
  SSL *ssl;
  // Whether it asked for a session to be resumed: the first of all have none.
  int isOffered;
  // Whether it has had its echo and said goodbye.
  int isEnding;
  // Bytes: to be sent in all, sent, and received.
  uint64_t queued, sent, received;
  // When each message in flight was sent, in a ring; or when the connection was opened.
  double *sentAt;
  uint64_t messages;
} connection;

static int poll_fd, port, isEcho, isResumed;
static size_t size = 1;
static int inFlight = 1;
static uint64_t count = 0, errors = 0;
static SSL_CTX *context;
static SSL_SESSION *session;

static struct sockaddr_in address(uint32_t host, int port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(host)};
}

static void start(connection *c) {
  // Closed connections keep their port for a minute: a new address for each keeps ports from running out.
  static uint32_t turn = 0;
  struct sockaddr_in source = address(INADDR_LOOPBACK + 1 + turn++ % 250, 0), target = address(INADDR_LOOPBACK, port);
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) fail("socket");
  int on = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (bind(c->fd, (void *)&source, sizeof source)) fail("bind");
  if (connect(c->fd, (void *)&target, sizeof target) && errno != EINPROGRESS) fail("connect");
  c->ssl = SSL_new(context);
  SSL_set_fd(c->ssl, c->fd);
  SSL_set_connect_state(c->ssl);
  c->isOffered = isResumed && session;
  if (c->isOffered) {
    // OpenSSL uses a session of TLS 1.3 but once.
    SSL_SESSION *copy = SSL_SESSION_dup(session);
    SSL_set_session(c->ssl, copy);
    SSL_SESSION_free(copy);
  }
  c->isEnding = 0;
  c->sent = c->received = c->messages = 0;
  c->queued = size * inFlight;
  for (int i = 0; i < inFlight; i++) c->sentAt[i] = now();
  struct epoll_event event = {.events = c->events = EPOLLIN | EPOLLOUT, .data.ptr = c};
  if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event)) fail("epoll_ctl");
}

static void broken(connection *c) {
  errors++;
  ERR_clear_error();
  close(c->fd);
  SSL_free(c->ssl);
  c->ssl = 0;
  if (!isEcho) start(c);
}

// Whether a call that did not succeed has only to be repeated later.
static int later(connection *c, int result) {
  int why = SSL_get_error(c->ssl, result);
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

// Both sides have said goodbye.
static void ended(connection *c) {
  if (counting && c->isOffered == isResumed) {
    latency(now() - c->sentAt[0]);
    count++;
    if (isResumed && !SSL_session_reused(c->ssl)) errors++;
  }
  close(c->fd);
  SSL_free(c->ssl);
  start(c);
}

static int onSession(SSL *ssl, SSL_SESSION *given) {
  (void)ssl;
  if (session) return 0;
  session = given;
  return 1;
}

static void go(connection *c) {
  static unsigned char buffer[64 * 1024];
  while (c->sent < c->queued) {
    size_t length = c->queued - c->sent < PIECE ? c->queued - c->sent : PIECE;
    int n = SSL_write(c->ssl, pattern + c->sent % period, length);
    if (n <= 0 && later(c, n)) break;
    if (n <= 0) return broken(c);
    c->sent += n;
  }
  for (;;) {
    int n = SSL_read(c->ssl, buffer, sizeof buffer);
    if (n <= 0 && later(c, n)) break;
    if (n <= 0 && c->isEnding && SSL_get_error(c->ssl, n) == SSL_ERROR_ZERO_RETURN) return ended(c);
    if (n <= 0) return broken(c);
    if (memcmp(buffer, pattern + c->received % period, n)) errors++;
    c->received += n;
    if (c->received > c->sent) errors++;
  }
  double time = now();
  while (c->received >= (c->messages + 1) * size) {
    double *sentAt = &c->sentAt[c->messages++ % inFlight];
    if (!isEcho) {
      SSL_shutdown(c->ssl);
      c->isEnding = 1;
      break;
    }
    if (counting) {
      latency(time - *sentAt);
      count++;
    }
    *sentAt = time;
    c->queued += size;
  }
  uint32_t events = EPOLLIN | (c->sent < c->queued ? EPOLLOUT : 0);
  if (events == c->events) return;
  struct epoll_event event = {.events = c->events = events, .data.ptr = c};
  if (epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &event)) fail("epoll_ctl");
}

int main(int argc, char **argv) {
  const char *mode = argc > 5 ? argv[1] : "";
  isEcho = !strcmp(mode, "echo") && argc == 8;
  isResumed = !strcmp(mode, "resumed") && argc == 6;
  if (!isEcho && !isResumed && !(!strcmp(mode, "full") && argc == 6)) {
    fprintf(stderr, "usage: loadgenTls echo|full|resumed PORT CONNECTIONS [SIZE IN_FLIGHT] WARMUP SECONDS\n");
    return 2;
  }
  makePattern();
  port = atoi(argv[2]);
  int n = atoi(argv[3]);
  if (isEcho) size = strtoul(argv[4], 0, 10), inFlight = atoi(argv[5]);
  context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, onSession);
  measure(atof(argv[argc - 2]), atof(argv[argc - 1]));
  poll_fd = epoll_create1(0);
  connection *connections = calloc(n, sizeof *connections);
  for (int i = 0; i < n; i++) {
    connections[i].sentAt = calloc(inFlight, sizeof(double));
    start(&connections[i]);
  }
  struct epoll_event events[256];
  while (tick()) {
    int ready = epoll_wait(poll_fd, events, 256, 20);
    for (int i = 0; i < ready; i++) {
      connection *c = events[i].data.ptr;
      if (c->ssl) go(c);
    }
  }
  report(now() - begin, count, 0, errors);
  return 0;
}
