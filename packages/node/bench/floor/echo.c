// Echoes TCP, on one thread.
#include "floor.h"

static void echo(int fd) {
  static char buffer[64 * 1024];
  ssize_t length = recv(fd, buffer, sizeof buffer, 0);
  if (length <= 0) {
    close(fd);
    return;
  }
  for (ssize_t at = 0; at < length;) {
    ssize_t sent = send(fd, buffer + at, length - at, MSG_NOSIGNAL);
    if (sent < 0) {
      close(fd);
      return;
    }
    at += sent;
  }
}

int main(void) {
  int listener = bound(SOCK_STREAM), poll = epoll_create1(0);
  if (listen(listener, 4096)) fail("listen");
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[256];
  if (epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event)) fail("epoll_ctl");
  ready(listener);
  for (;;) {
    int count = epoll_wait(poll, events, 256, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd != listener) {
        echo(fd);
        continue;
      }
      event.data.fd = accepted(listener, 0);
      if (event.data.fd >= 0 && epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event)) fail("epoll_ctl");
    }
  }
}
