// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel notes each place of instrumented code that this task comes by,
 * while it is in a system call. Only the module's is, in the debug kernel.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/kcov.h>

#include "cover.h"
#include "vp_igt.h"

#define KCOV_PATH	"/sys/kernel/debug/kcov"
#define ENTRIES		(1u << 18)
/* Of a table of places, at most half of it full. */
#define PLACES		(1u << 16)

static int kcov = -1;
static uint64_t *trace;
static uint64_t places[PLACES];
static unsigned int count;

bool fc_cover_begin(void)
{
	kcov = open(KCOV_PATH, O_RDWR | O_CLOEXEC);
	if (kcov < 0)
		return false;
	igt_assert_eq(ioctl(kcov, KCOV_INIT_TRACE, (unsigned long)ENTRIES), 0);
	trace = mmap(NULL, ENTRIES * sizeof(*trace), PROT_READ | PROT_WRITE,
		     MAP_SHARED, kcov, 0);
	igt_assert(trace != MAP_FAILED);
	igt_assert_eq(ioctl(kcov, KCOV_ENABLE, KCOV_TRACE_PC), 0);
	memset(places, 0, sizeof(places));
	count = 0;
	return true;
}

void fc_cover_end(void)
{
	ioctl(kcov, KCOV_DISABLE, 0);
	munmap(trace, ENTRIES * sizeof(*trace));
	close(kcov);
	kcov = -1;
}

void fc_cover_reset(void)
{
	__atomic_store_n(trace, 0, __ATOMIC_RELAXED);
}

/* Was it not there yet? */
static bool add_place(uint64_t place)
{
	unsigned int at = (unsigned int)((place * 0x9e3779b97f4a7c15ull) >> 48);

	while (places[at] && places[at] != place)
		at = (at + 1) % PLACES;
	if (places[at] || count >= PLACES / 2)
		return false;
	places[at] = place;
	count++;
	return true;
}

unsigned int fc_cover_new(void)
{
	uint64_t n = __atomic_load_n(trace, __ATOMIC_RELAXED);
	unsigned int found = 0;

	for (uint64_t i = 1; i <= n && i < ENTRIES; i++)
		found += add_place(trace[i]);
	return found;
}

unsigned int fc_cover_count(void)
{
	return count;
}
