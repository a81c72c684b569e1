/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The processes that do the steps, and what they can be told.
 */
#ifndef FZ_WORKER_H
#define FZ_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum fz_command {
	FZ_IOCTL,	/* @data is the argument, and comes back */
	FZ_IOCTL_AT,	/* @a[0] is the argument's address */
	FZ_IOCTL_READ_ONLY, /* @data is, in memory that cannot be written */
	FZ_OPEN,	/* the path in @data */
	FZ_CLOSE,
	FZ_WRITE,	/* the number @a[0] into a file, whose path is in @data */
	FZ_DUP,
	FZ_SEEK,	/* returns the size */
	FZ_PIPE,	/* or whatever @a[0] says; returns a descriptor */
	FZ_MAIL,	/* @fd into the socket @a[0] */
	FZ_FETCH,	/* a descriptor from the socket @fd */
	FZ_FORK,	/* a copy that gets its orders in the box @a[0]; its pid */
	FZ_MMAP,	/* @a: offset, size, prot, flags; returns an address */
	FZ_MUNMAP,	/* @a: address, size */
	FZ_MPROTECT,	/* @a: address, size, prot */
	FZ_STORE,	/* @a: address, from where, size */
	FZ_COMPARE,	/* @a: address, with what, size */
	FZ_POLL,	/* for the events @a[0], so many ms; returns what for */
	FZ_BURST,	/* see struct fz_burst; what went wrong comes in @data */
	FZ_MAKE_UDMABUF, /* of @a[0] bytes; a descriptor */
	FZ_MAKE_HEAP,
};

/* Beyond any errno: signals that a touch raised; and where bytes differ. */
#define FZ_SIGNAL	100000
#define FZ_DIFFERS(at)	(1 + (int64_t)(at))

#define FZ_UDMABUF_NODE	"/dev/udmabuf"
#define FZ_HEAP_NODE	"/dev/dma_heap/system"

struct fz_order {
	enum fz_command command;
	int fd;
	unsigned long request;
	uint64_t a[4];
	int64_t ret;
	unsigned int size;		/* of @data */
	unsigned char data[192];
};

/*
 * Where a process gets its orders and leaves its answers, in memory that is shared
 * with it: in kernels that look on, a socket is what would take most of the time.
 */
struct fz_box {
	uint32_t state;
	struct fz_order order;
};

enum {
	FZ_EMPTY,
	FZ_ORDERED,
	FZ_ANSWERED,
};

void fz_box_set(struct fz_box *box, uint32_t state);
/* Until it is in that state; 0 seconds: for ever. False: it did not come to it. */
bool fz_box_wait(struct fz_box *box, uint32_t state, unsigned int seconds);

/*
 * What each of several processes does at the same time to one buffer, over and
 * over: all of it must work, whatever the others do. The bytes from @begin to
 * @end are its own.
 */
struct fz_burst {
	int gpu, dmabuf;		/* descriptors */
	uint32_t handle;		/* at @gpu, or 0: it imports the dma-buf */
	uint32_t rounds, stamp;
	uint32_t bracketed;		/* what the CPU does is, by begin and end */
	uint64_t seed;
	uint64_t begin, end, size;
	uint64_t number;		/* of the buffer, to have it moved */
	int move;			/* the descriptor for that */
	int processor;			/* to go back to */
};

/* Do what is ordered, for ever. */
void fz_serve(struct fz_box *box) __attribute__((noreturn));
/* In burst.c: 0, or what went wrong, also in words. */
int64_t fz_burst(const struct fz_burst *burst, char *what, size_t size);

#endif /* FZ_WORKER_H */
