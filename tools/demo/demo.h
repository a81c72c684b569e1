/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEMO_H
#define DEMO_H

#include <stdint.h>

#include "handover.h"

/*
 * The demo is two processes. Side A owns GPU A, the picture and the result; it
 * starts side B, which owns GPU B and gets everything else through a socket.
 */

/* the file descriptor at which side B finds its end of the socket */
#define SIDE_B_SOCKET	3

/* the argument that makes the program side B */
#define SIDE_B_ARGUMENT	"--side-b"

/* with which of its buffers side A does something wrong, to see that the check behind it notices */
enum part {
	NOTHING,
	/* when it has drawn the picture, for side B */
	PICTURE,
	/* when it reads the target, after side B has drawn */
	RESULT,
};

struct options {
	/* NULL: the test card */
	const char *image;
	const char *out;
	/* NULL: none */
	const char *timeline;
	/* indices of the two GPUs; the same twice is allowed */
	uint32_t gpu_a, gpu_b;
	/* flip a bit */
	enum part spoil;
	/* leave DMA_BUF_IOCTL_SYNC out */
	enum part unsynced;
	/* do what comes after this hand-over before waiting for it; 0: nothing */
	enum handover early;
	/*
	 * Begin what this one is about only after so many ms, or when the other
	 * side has gone ahead without it, which it does only with @early.
	 */
	enum handover late;
	uint32_t late_ms;
	/* how long to wait for the other side's next word, in seconds */
	uint32_t patience_s;
};

void side_a(const struct options *options);
void side_b(void);

#endif
