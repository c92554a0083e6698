// Echoes TLS by OpenSSL, on one thread. Usage: tls CHAIN KEY
#include "floor.h"
#include <openssl/ssl.h>

// A record at a time is read, and written before the next is read.
typedef struct {
  int fd;
  SSL *ssl;
  uint32_t events;
  int length;
  char buffer[16 * 1024];
} connection;

static void finish(connection *c) {
  close(c->fd);
  SSL_free(c->ssl);
  free(c);
}

static int isWanting(connection *c, int result, uint32_t *events) {
  int why = SSL_get_error(c->ssl, result);
  *events = why == SSL_ERROR_WANT_WRITE ? EPOLLOUT : EPOLLIN;
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

static void echo(int poll, connection *c) {
  uint32_t events;
  for (;;) {
    if (c->length == 0) {
      int n = SSL_read(c->ssl, c->buffer, sizeof c->buffer);
      if (n <= 0) {
        if (isWanting(c, n, &events)) break;
        if (SSL_get_error(c->ssl, n) == SSL_ERROR_ZERO_RETURN) SSL_shutdown(c->ssl);
        return finish(c);
      }
      c->length = n;
    }
    int n = SSL_write(c->ssl, c->buffer, c->length);
    if (n <= 0) {
      if (isWanting(c, n, &events)) break;
      return finish(c);
    }
    c->length = 0;
  }
  if (events == c->events) return;
  c->events = events;
  watch(poll, EPOLL_CTL_MOD, c->fd, events, c);
}

int main(int argc, char **argv) {
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  if (argc != 3 || SSL_CTX_use_certificate_chain_file(context, argv[1]) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, argv[2], SSL_FILETYPE_PEM) != 1) {
    fprintf(stderr, "usage: tls CHAIN KEY\n");
    return 2;
  }
  int listener = bound(SOCK_STREAM), poll = epoll_create1(0);
  if (listen(listener, 4096)) fail("listen");
  watch(poll, EPOLL_CTL_ADD, listener, EPOLLIN, 0);
  ready(listener);
  signal(SIGPIPE, SIG_IGN);
  struct epoll_event events[256];
  for (;;) {
    int count = epoll_wait(poll, events, 256, -1);
    for (int i = 0; i < count; i++) {
      connection *c = events[i].data.ptr;
      if (c) {
        echo(poll, c);
        continue;
      }
      int fd = accepted(listener, SOCK_NONBLOCK);
      if (fd < 0) continue;
      c = calloc(1, sizeof *c);
      c->fd = fd;
      c->ssl = SSL_new(context);
      SSL_set_fd(c->ssl, fd);
      SSL_set_accept_state(c->ssl);
      watch(poll, EPOLL_CTL_ADD, fd, c->events = EPOLLIN, c);
    }
  }
}
