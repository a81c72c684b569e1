/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPRIMECTL_HOLDERS_H
#define VPRIMECTL_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* room for a process's name */
#define HOLDER_NAME	64

/** enum hold_kind - what a process can have that keeps something of vprime's */
enum hold_kind {
	/** @HOLD_NODE: a descriptor of a DRM node; the number is the minor */
	HOLD_NODE,
	/** @HOLD_NODE_MAPPING: a mapping of a DRM node; the number is the minor */
	HOLD_NODE_MAPPING,
	/** @HOLD_DMABUF: a descriptor of a dma-buf; the number is its inode */
	HOLD_DMABUF,
	/** @HOLD_MAPPING: a mapping of a dma-buf; the number is its inode */
	HOLD_MAPPING,
	/** @HOLD_SYNC_FILE: a sync_file; the number is of its fences, the name of their driver */
	HOLD_SYNC_FILE,
	/** @HOLD_SYNCOBJ: a descriptor of a syncobj */
	HOLD_SYNCOBJ,
	/** @HOLD_DEBUGFS: a file of vprime's in debugfs, the name is its path */
	HOLD_DEBUGFS,
	/** @HOLD_SOCKET: a socket; the number is of descriptors in it that nobody has received */
	HOLD_SOCKET,
};

/** struct hold - one of them */
struct hold {
	enum hold_kind kind;
	pid_t pid;
	/** @process: its name, without odd characters */
	char process[HOLDER_NAME];
	uint64_t number;
	/** @name: of a dma-buf the exporter's name; see the kinds */
	char name[HOLDER_NAME];
};

/** struct holds - all of them, in the order of processes */
struct holds {
	struct hold *list;
	size_t count;
	/** @hidden: processes that could not be looked at, as they are other users' */
	unsigned int hidden;
};

/**
 * holds_find() - look through the descriptors and mappings of processes in /proc
 * @pid: the process, or 0 for all but this one
 */
struct holds holds_find(pid_t pid);

void holds_free(struct holds *holds);

#endif
