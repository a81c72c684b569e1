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

/* a round of it takes a hundred times as long as any other's, so there are fewer */
void measure_many(const struct subject *subject, unsigned int rounds, struct result *result)
{
	unsigned int left = (rounds + 3) / 4;
	uint32_t *handles = calloc(LATE + WINDOW / 2, sizeof(*handles));
	unsigned int alive;

	if (!handles)
		err(1, "handles");
	result->other = result->vprime = INFINITY;
	while (left--) {
		alive = 0;
		create_until(subject, handles, &alive, EARLY - WINDOW / 2);
		result->other = fmin(result->other,
				     create_until(subject, handles, &alive, EARLY + WINDOW / 2));
		create_until(subject, handles, &alive, LATE - WINDOW / 2);
		result->vprime = fmin(result->vprime,
				      create_until(subject, handles, &alive, LATE + WINDOW / 2));
		while (alive)
			drmCloseBufferHandle(subject->gpu, handles[--alive]);
	}
	free(handles);
}
