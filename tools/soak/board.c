// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory that all processes of the soak share.
 */
#define _GNU_SOURCE
#include <err.h>
#include <stddef.h>
#include <sys/mman.h>

#include "board.h"

const char *const kind_names[KINDS + 1] = {
	[KIND_OPEN] = "open GPU",
	[KIND_CREATE] = "create",
	[KIND_EXPORT] = "export",
	[KIND_IMPORT] = "import",
	[KIND_MAP] = "map",
	[KIND_WRITE] = "CPU writes",
	[KIND_READ] = "CPU reads",
	[KIND_POKE] = "GPU writes",
	[KIND_PEEK] = "GPU reads",
	[KIND_SEND] = "send",
	[KIND_RECEIVE] = "receive",
	[KIND_ATTACH] = "fence on buffer",
	[KIND_FENCE] = "fence as sync_file",
	[KIND_SIGNAL] = "signal",
	[KIND_CANCEL] = "destroy timeline",
	[KIND_FORGET] = "forget to signal",
	[KIND_WAIT] = "wait for fence",
	[KIND_CROWD] = "many readers",
	[KIND_MOVE] = "move",
	[KIND_STAY] = "not moved, in use",
	[KIND_REVOKE] = "revoke",
	[KIND_FOREIGN] = "import into vgem",
	[KIND_UNPLUG] = "unplug",
	[KIND_PLUG] = "plug in",
	[KIND_KILL] = "kill and replace",
	[KIND_REST] = "nothing",
};

const char *const way_names[WAYS] = {
	[WAY_GEM_WAIT] = "GEM_WAIT",
	[WAY_POLL_DMABUF] = "poll on dma-buf",
	[WAY_POLL_SYNC] = "poll on sync_file",
	[WAY_CPU_ACCESS] = "DMA_BUF_IOCTL_SYNC",
	[WAY_GPU_ACCESS] = "peek or poke",
	[WAY_SYNCOBJ] = "syncobj",
};

const char *const spoil_names[SPOILS] = {
	[SPOIL_NOTHING] = "nothing",
	[SPOIL_BYTE] = "byte",
	[SPOIL_EARLY] = "early",
	[SPOIL_LEAK] = "leak",
	[SPOIL_GROWTH] = "growth",
	[SPOIL_DEATH] = "death",
	[SPOIL_HANG] = "hang",
};

struct board *board_make(void)
{
	/* populated, as it would otherwise look like memory that is being leaked */
	struct board *board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (board == MAP_FAILED)
		err(1, "shared memory");
	return board;
}

uint64_t board_done(const struct board *board, enum kind kind)
{
	uint64_t done = 0;

	for (unsigned int i = 0; i < board->workers; i++)
		done += board->places[i].done[kind];
	return done;
}
