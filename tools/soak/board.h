/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SOAK_BOARD_H
#define SOAK_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../common/gpu.h"

/*
 * What all processes of the soak see: who does what, which fences were promised
 * and when they are due, which GPUs there are just now. In memory that they
 * share, so that what a process did outlives it when it is killed.
 */

#define MAX_WORKERS	64
/* so many fences back, a worker's promises are remembered */
#define PROMISES	256
/* so many deaths back, and so many times back that a GPU went */
#define PAST		16
#define GPUS		6
/* ids of buffers for those who move them */
#define IDS		64

/* what a worker does, and how often is counted */
enum kind {
	KIND_OPEN, KIND_CREATE, KIND_EXPORT, KIND_IMPORT, KIND_MAP, KIND_WRITE, KIND_READ,
	KIND_POKE, KIND_PEEK, KIND_SEND, KIND_RECEIVE, KIND_ATTACH, KIND_FENCE, KIND_SIGNAL,
	KIND_CANCEL, KIND_FORGET, KIND_WAIT, KIND_CROWD, KIND_MOVE, KIND_STAY, KIND_REVOKE, KIND_FOREIGN,
	KIND_UNPLUG, KIND_PLUG, KIND_KILL,
	KINDS,
	/* not counted */
	KIND_REST = KINDS,
};

/* how it waits for a fence */
enum way {
	WAY_GEM_WAIT, WAY_POLL_DMABUF, WAY_POLL_SYNC, WAY_CPU_ACCESS, WAY_GPU_ACCESS, WAY_SYNCOBJ,
	WAYS,
};

extern const char *const kind_names[KINDS + 1];
extern const char *const way_names[WAYS];

/* what the workers are told */
enum order {
	ORDER_WORK,
	ORDER_HALT,	/* begin nothing that others would have to end */
	ORDER_DRAIN,	/* take in what has been sent, and let go of everything */
	ORDER_END,
	ORDERS,
};

/* what is done wrong, to see that it is noticed */
enum spoil {
	SPOIL_NOTHING,
	SPOIL_BYTE,	/* a bit of a buffer flips */
	SPOIL_EARLY,	/* a fence signals before the buffer is written */
	SPOIL_LEAK,	/* a buffer is kept when all should have been let go of */
	SPOIL_GROWTH,	/* the kernel is made to need more and more memory */
	SPOIL_DEATH,	/* a worker ends by itself */
	SPOIL_HANG,	/* a worker waits for what never comes */
	SPOILS,
};

extern const char *const spoil_names[SPOILS];

/** struct promise - a fence, and when it is to signal; its maker's to write */
struct promise {
	/** @serial: which one of the maker's, 0 while the rest is being written */
	_Atomic uint64_t serial;
	/** @due_ns: when its maker was about to have it signal, 0 before */
	_Atomic uint64_t due_ns;
	/** @done_ns: when it had to have signalled, 0 before */
	_Atomic uint64_t done_ns;
};

/** struct end - how a process ended; the supervisor's to write */
struct end {
	/** @killed_ns: when it was killed, 0 before */
	_Atomic uint64_t killed_ns;
	/** @reaped_ns: when it was no more, with all its files closed, 0 before */
	_Atomic uint64_t reaped_ns;
};

/** struct lateness - waits for fences that had not signalled when they began */
struct lateness {
	_Atomic uint64_t waits;
	/** @longest_ns: from when the fence was due to when the wait was over */
	_Atomic uint64_t longest_ns;
};

/** struct place - a worker's, and that of who comes after it when it was killed */
struct place {
	_Atomic pid_t process;
	/** @generation: how many have had the place before */
	_Atomic uint32_t generation;
	/** @steps: grows with everything it does; a hang is where it does not */
	_Atomic uint64_t steps;
	/** @doing: an enum kind */
	_Atomic int doing;
	/** @heard: the last order that it has carried out */
	_Atomic uint32_t heard;
	_Atomic uint64_t last_serial;
	_Atomic uint64_t done[KINDS];
	struct lateness late[WAYS];
	struct promise promises[PROMISES];
	struct end ends[PAST];
};

/** struct board_gpu - one that is made with configfs, perhaps coming and going */
struct board_gpu {
	/** @epoch: even while it is plugged in, and another one each time */
	_Atomic uint32_t epoch;
	/** @went: nothing is left of the epochs up to this one */
	_Atomic uint32_t went;
	/** @gone_ns: when the last epochs began to end */
	_Atomic uint64_t gone_ns[PAST];
	/** @path: its render node, where the epoch is even */
	char path[GPU_PATH];
	uint32_t timeout_ms;
};

struct board {
	/** @order: an enum order, and how many came before, times ORDERS */
	_Atomic uint32_t order;
	enum spoil spoil;
	unsigned int workers;
	uint32_t seed;
	struct board_gpu gpus[GPUS];
	/** @vgem: a node of the kernel's own vgem, empty when there is none */
	char vgem[GPU_PATH];
	_Atomic uint64_t ids[IDS];
	/** @failed: who comes first may write why */
	_Atomic int failed;
	_Atomic int failed_worker;
	char failure[400];
	struct place places[MAX_WORKERS];
};

/** board_make() - in memory that processes share which are forked later */
struct board *board_make(void);

/** board_done() - how often that was done, by all who had the place */
uint64_t board_done(const struct board *board, enum kind kind);

#endif
