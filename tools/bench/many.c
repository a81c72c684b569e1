// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does creating a buffer take longer the more there are?
 */
#include <err.h>
#include <math.h>
#include <stdlib.h>
#include <xf86drm.h>

#include "../common/clock.h"
#include "bench.h"

#define EARLY	1000
#define LATE	100000
/* buffers around each of the two that are timed together */
#define WINDOW	500

static double create_until(const struct subject *subject, uint32_t *handles, unsigned int *alive,
			   unsigned int until)
{
	unsigned int first = *alive;
	uint64_t start = clock_ns();
	struct buffer buffer;

	while (*alive < until) {
		create_or_die(subject, 4096, &buffer);
		handles[(*alive)++] = buffer.handle;
	}
	return (double)(clock_ns() - start) / 1e3 / (until - first);
}

void measure_many(const struct subject *subject, unsigned int rounds, double *early_us,
		  double *late_us)
{
	uint32_t *handles = calloc(LATE + WINDOW / 2, sizeof(*handles));
	unsigned int alive;

	if (!handles)
		err(1, "handles");
	*early_us = *late_us = INFINITY;
	while (rounds--) {
		alive = 0;
		create_until(subject, handles, &alive, EARLY - WINDOW / 2);
		*early_us = fmin(*early_us,
				 create_until(subject, handles, &alive, EARLY + WINDOW / 2));
		create_until(subject, handles, &alive, LATE - WINDOW / 2);
		*late_us = fmin(*late_us,
				create_until(subject, handles, &alive, LATE + WINDOW / 2));
		while (alive)
			drmCloseBufferHandle(subject->gpu, handles[--alive]);
	}
	free(handles);
}
