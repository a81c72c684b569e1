/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between processes: a pair of sockets, words and descriptors over it; and what
 * happens to a process that touches an address.
 */
#ifndef VP_PROCESS_H
#define VP_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* No read waits for ever: it fails the subtest after VP_PATIENCE_MS. */
void vp_socketpair(int sock[2]);
void vp_send_fd(int sock, int fd);
int vp_recv_fd(int sock);
void vp_tell(int sock, char word);
char vp_hear(int sock);

/*
 * A process of that name which begins CPU access to a dma-buf so many times,
 * DMA_BUF_SYNC_* says for what, and stays like that until it is killed.
 */
pid_t vp_start_access(const char *name, int dmabuf, uint64_t access,
		      unsigned int times);
/* SIGKILL; when this returns it is no more. */
void vp_kill(pid_t process);
/* For other helpers: a child has been started, or waited for. */
void vp_started(pid_t process);
void vp_ended(pid_t process);
/* All that are left of those. */
void vp_kill_leftovers(void);

/* The signal that reading, or writing, at @addr raises; 0 when it works. */
int vp_touch(volatile void *addr, bool write);

#endif /* VP_PROCESS_H */
