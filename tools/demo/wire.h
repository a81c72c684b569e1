/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEMO_WIRE_H
#define DEMO_WIRE_H

#include <stdint.h>

/*
 * What the two sides say to each other: whole messages, each with at most one
 * file descriptor, over a SOCK_SEQPACKET Unix socket.
 */

enum message_kind {
	/* A to B, in this order */
	MESSAGE_TASK,
	MESSAGE_REFERENCE,	/* with a sealed memfd: the picture, rows packed */
	MESSAGE_PICTURE,	/* with a dma-buf */
	MESSAGE_TARGET,		/* with a dma-buf */
	/* B to A */
	MESSAGE_READY,		/* to be given the buffers */
	MESSAGE_IMPORTED,	/* and now I wait */
	MESSAGE_ROW,		/* any number of them */
	MESSAGE_DONE,
	MESSAGE_FAILED,
	/* both ways */
	MESSAGE_FENCE,		/* with a sync_file: it is on its buffer */
	MESSAGE_EARLY,		/* I have not waited */
};

/** struct wire_task - what side B is told of the options */
struct wire_task {
	/** @gpu: index of the GPU that is side B's */
	uint32_t gpu;
	/** @from: index of the GPU that the buffers come from */
	uint32_t from;
	/** @early: as in struct options, and so are the following */
	uint32_t early;
	uint32_t late;
	uint32_t late_ms;
	uint32_t patience_s;
};

/** struct wire_fence - a fence that was made */
struct wire_fence {
	/** @handover: enum handover */
	uint32_t handover;
	uint32_t pad;
	uint64_t made_ns;
};

/** struct wire_image - how pixels lie in the buffer that comes with the message */
struct wire_image {
	uint32_t width;
	uint32_t height;
	/** @pitch: bytes from a row to the next */
	uint32_t pitch;
	/** @offset: bytes before the first pixel */
	uint32_t offset;
	/** @fourcc: DRM_FORMAT_* */
	uint32_t fourcc;
	uint32_t pad;
	/** @modifier: DRM_FORMAT_MOD_*, or DRM_FORMAT_MOD_INVALID if it is not known */
	uint64_t modifier;
};

/** struct wire_row - a row for the table, and a bar for the timeline */
struct wire_row {
	/** @step: what is done, on which device, and what it was checked for */
	char step[48];
	char device[24];
	char check[96];
	/** @label: in a few words; for a wait how it waits */
	char label[24];
	/** @begin_ns: of clock_ns(), which is the same in all processes */
	uint64_t begin_ns;
	uint64_t end_ns;
	/** @side: 0 for A, 1 for B */
	uint32_t side;
	/** @fence: for a wait: enum handover; else 0 */
	uint32_t fence;
	/** @signalled_ns: for a wait: when that signalled, by the kernel's word */
	uint64_t signalled_ns;
};

struct message {
	/** @kind: enum message_kind */
	uint32_t kind;
	uint32_t pad;
	union {
		struct wire_task task;
		struct wire_image image;
		struct wire_fence fence;
		struct wire_row row;
		/** @text: why, for MESSAGE_FAILED */
		char text[512];
	};
};

/**
 * wire_send() - send a message
 * @fd: a file descriptor to go with it, or -1; stays the caller's
 *
 * Returns: 0 or -errno, -EPIPE when the other side is gone.
 */
int wire_send(int socket, const struct message *message, int fd);

/**
 * wire_receive() - wait for a message
 * @fd: out: the file descriptor that came with it, or -1
 *
 * Returns: 0 or -errno, -EPIPE when the other side is gone, -EPROTO when what
 * came is no message.
 */
int wire_receive(int socket, struct message *message, int *fd);

#endif
