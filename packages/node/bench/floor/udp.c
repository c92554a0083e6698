// Echoes UDP, with as few system calls as the kernel allows: recvmmsg(2) and sendmmsg(2).
#include "floor.h"

#define BATCH 64
#define LARGEST 2048

int main(void) {
  static char buffers[BATCH][LARGEST];
  static struct sockaddr_in sources[BATCH];
  static struct iovec pieces[BATCH];
  static struct mmsghdr messages[BATCH];
  int fd = bound(SOCK_DGRAM);
  ready(fd);
  for (;;) {
    for (int i = 0; i < BATCH; i++) {
      pieces[i] = (struct iovec){.iov_base = buffers[i], .iov_len = LARGEST};
      messages[i].msg_hdr = (struct msghdr){
          .msg_name = &sources[i], .msg_namelen = sizeof sources[i], .msg_iov = &pieces[i], .msg_iovlen = 1};
    }
    int count = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, 0);
    if (count < 0) fail("recvmmsg");
    for (int i = 0; i < count; i++) pieces[i].iov_len = messages[i].msg_len;
    for (int sent = 0; sent < count;) {
      int n = sendmmsg(fd, messages + sent, count - sent, 0);
      if (n < 0) fail("sendmmsg");
      sent += n;
    }
  }
}
