// SPDX-License-Identifier: GPL-2.0-only
/*
 * The soak's course: work, a break in which all is looked at, and so on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/clock.h"
#include "crew.h"
#include "fail.h"
#include "gpus.h"
#include "soak.h"

#define NS		1000000000ull
#define LONGEST_WARM_UP	60
#define KILL_MS		2000
/* fewer make no trend; a slow machine may need more than its time for them */
#define FEWEST_LOOKS	4
/* what the growth of a spoilt soak is: so many packets of so many bytes a look at the workers */
#define PACKETS		512
#define PACKET		2048

/* Packets that nobody takes in are memory of the kernel's that no count of ours knows. */
static void grow(void)
{
	static int box[2] = { -1, -1 };
	static const char packet[PACKET];
	int bytes = 1 << 30;

	if (box[0] < 0 &&
	    (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, box) ||
	     setsockopt(box[1], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes))))
		fail("a socket: %s", strerror(errno));
	for (int i = 0; i < PACKETS; i++)
		if (send(box[1], packet, PACKET, MSG_DONTWAIT) != PACKET)
			fail("a socket: %s", strerror(errno));
}

static void work_until(struct soak *soak, uint64_t until_ns)
{
	struct board *board = soak->board;
	unsigned int random = board->seed + soak->look_count;

	while (clock_ns() < until_ns) {
		uint64_t left_ms = (until_ns - clock_ns()) / 1000000;

		crew_watch(board, left_ms < KILL_MS ? (unsigned int)left_ms : KILL_MS);
		if (board->spoil == SPOIL_GROWTH)
			grow();
		if (left_ms > KILL_MS)
			crew_kill(board, (unsigned int)rand_r(&random) % board->workers);
	}
}

/* All stop and let go, and what is left then is looked at. */
static void look(struct soak *soak)
{
	struct memory *looks;

	crew_order(soak->board, ORDER_HALT);
	crew_order(soak->board, ORDER_DRAIN);
	counts_check(&soak->counts, soak->patience_s * 1000 / 12);
	violations_check(&soak->violations);

	looks = reallocarray(soak->looks, soak->look_count + 1, sizeof(*looks));
	if (!looks)
		fail("no memory");
	soak->looks = looks;
	looks[soak->look_count++] = memory_look();
	report_line(soak);
}

/*
 * What is spoilt on purpose has to come up; when it does is up to chance and to the
 * machine. Growth and leaks are looked for at the end.
 */
static bool is_over(const struct soak *soak, uint64_t end_ns)
{
	switch (soak->board->spoil) {
	case SPOIL_BYTE:
	case SPOIL_EARLY:
	case SPOIL_DEATH:
	case SPOIL_HANG:
		return false;
	default:
		return clock_ns() >= end_ns && soak->look_count >= FEWEST_LOOKS;
	}
}

static void find_vgem(struct board *board)
{
	struct gpu gpus[GPU_MAX];

	if (gpu_list("vgem", gpus) > 0)
		snprintf(board->vgem, sizeof(board->vgem), "%s", gpus[0].render[0] ?
			 gpus[0].render : gpus[0].primary);
}

void soak_run(struct soak *soak)
{
	struct board *board = soak->board;
	uint64_t interval_ns = soak->minutes ? 60 * NS : soak->seconds * NS / 10;
	uint64_t warm_up_ns = soak->seconds * NS / 10, next_ns, end_ns;

	if (warm_up_ns > LONGEST_WARM_UP * NS)
		warm_up_ns = LONGEST_WARM_UP * NS;
	find_vgem(board);
	gpus_make(board);
	soak->counts = counts_read("counts");
	soak->violations = counts_read("violations");
	printf("soak: %u processes for %u s, %d GPUs, of which %d come and go%s\n", board->workers,
	       soak->seconds, GPUS, GPUS - GPU_GOING, board->vgem[0] ? ", and vgem" : "");

	soak->start_ns = clock_ns();
	end_ns = soak->start_ns + soak->seconds * NS;
	crew_start(board, soak->patience_s);
	for (next_ns = soak->start_ns + warm_up_ns; ; next_ns = clock_ns() + interval_ns) {
		work_until(soak, next_ns);
		look(soak);
		if (is_over(soak, end_ns))
			break;
		crew_order(board, ORDER_WORK);
	}
	crew_dismiss(board);
	counts_check(&soak->counts, soak->patience_s * 1000 / 12);
	report(soak);
}
