// SPDX-License-Identifier: GPL-2.0-only
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vp_access.h"
#include "vp_fence.h"
#include "vp_igt.h"
#include "vp_race.h"

#define POLL_US		500

struct vp_race *vp_race_begin(void)
{
	struct vp_race *race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	igt_assert(race != MAP_FAILED);
	return race;
}

/* They run until they are stopped: one that has ended has failed. */
static bool somebody_ended(void)
{
	siginfo_t info = {};

	waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
	return info.si_pid;
}

void vp_race_wait(struct vp_race *race, unsigned int count, uint32_t rounds)
{
	uint64_t end = vp_now_ms() + VP_PATIENCE_MS;
	uint32_t goal[VP_RACE_MAX];

	for (unsigned int i = 0; i < count; i++)
		goal[i] = race->rounds[i] + rounds;
	for (unsigned int i = 0; i < count; i++) {
		while ((int32_t)(race->rounds[i] - goal[i]) < 0) {
			igt_assert_f(vp_now_ms() < end,
				     "process %u stands still at round %u\n", i,
				     race->rounds[i]);
			igt_assert_f(!somebody_ended(), "a process failed\n");
			usleep(POLL_US);
		}
	}
}

void vp_race_end(struct vp_race *race)
{
	igt_assert_eq(munmap(race, sizeof(*race)), 0);
}
