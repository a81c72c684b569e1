/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEMO_H
#define DEMO_H

#include <stdint.h>

/*
 * The demo is two processes. Side A owns GPU A, the picture and the result; it
 * starts side B, which owns GPU B and gets everything else through a socket.
 */

/* the file descriptor at which side B finds its end of the socket */
#define SIDE_B_SOCKET	3

/* the argument that makes the program side B */
#define SIDE_B_ARGUMENT	"--side-b"

/* which pixel to spoil, to see that the check behind it notices */
enum spoil {
	SPOIL_NOTHING,
	/* one in the shared buffer, after the picture went in */
	SPOIL_PICTURE,
	/* one in the target, after side B has drawn */
	SPOIL_RESULT,
};

struct options {
	/* NULL: the test card */
	const char *image;
	const char *out;
	/* indices of the two GPUs; the same twice is allowed */
	uint32_t gpu_a, gpu_b;
	enum spoil spoil;
};

void side_a(const struct options *options);
void side_b(void);

#endif
