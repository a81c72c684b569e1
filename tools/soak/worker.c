// SPDX-License-Identifier: GPL-2.0-only
/*
 * A worker: does now this, now that, until it is told to stop or is killed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fail.h"
#include "fences.h"
#include "gpus.h"
#include "share.h"
#include "worker.h"

#define REST_US		5000

uint32_t any(struct worker *worker, uint32_t below)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 17;
	worker->random ^= worker->random << 5;
	return (worker->random >> 8) % below;
}

void begin(struct worker *worker, enum kind kind)
{
	worker->place->doing = kind;
	worker->place->steps++;
}

void done(struct worker *worker, enum kind kind)
{
	worker->place->done[kind]++;
}

/* ---- GPUs ---- */

bool file_gone(const struct worker *worker, const struct gpu_file *file)
{
	return worker->board->gpus[file->index].epoch != file->epoch;
}

void file_close(struct worker *worker, unsigned int index)
{
	struct gpu_file *file = &worker->files[index];

	if (file->fd < 0)
		return;
	if (index == GPU_HASTY)
		fences_end(worker, false);
	close(file->fd);
	if (index == GPU_HASTY)
		fences_end(worker, true);
	file->fd = -1;
}

struct gpu_file *file_open(struct worker *worker, unsigned int index)
{
	struct board_gpu *gpu = &worker->board->gpus[index];
	struct gpu_file *file = &worker->files[index];
	char path[GPU_PATH];

	/* sometimes anew, as closing is what a good deal is done at */
	if (file->fd >= 0 && (file_gone(worker, file) || !any(worker, 20) ||
			      (index == GPU_HASTY && worker->forgotten_count == FORGOTTEN)))
		file_close(worker, index);
	if (file->fd >= 0)
		return file;

	begin(worker, KIND_OPEN);
	file->epoch = gpu->epoch;
	if (file->epoch % 2)
		return NULL;
	memcpy(path, gpu->path, sizeof(path));
	path[sizeof(path) - 1] = '\0';
	/* what the path leads to is another GPU when it has gone meanwhile */
	file->fd = gpu_open(path);
	if (!file_gone(worker, file)) {
		if (file->fd < 0)
			fail("opening %s: %s", path, strerror(-file->fd));
		done(worker, KIND_OPEN);
		return file;
	}
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
	return NULL;
}

bool worked(struct worker *worker, const struct gpu_file *file, enum kind kind, int ret)
{
	if (ret >= 0) {
		done(worker, kind);
		return true;
	}
	if (ret == -ENODEV && file_gone(worker, file))
		return false;
	fail("%s: %s", worker->board->gpus[file->index].path, strerror(-ret));
}

/* ---- the day's work ---- */

/* Each of the GPUs that come and go is one worker's to plug. */
static void cycle_gpu(struct worker *worker)
{
	unsigned int gpu = GPU_GOING + any(worker, GPUS - GPU_GOING);

	if ((gpu - GPU_GOING) % worker->board->workers != worker->index)
		return;
	begin(worker, KIND_UNPLUG);
	gpus_cycle(worker->board, gpu, any(worker, 2));
	done(worker, KIND_UNPLUG);
	done(worker, KIND_PLUG);
}

static void spoil(struct worker *worker)
{
	if (worker->board->spoil == SPOIL_DEATH && worker->index == 1 && !any(worker, 100))
		_exit(3);
	if (worker->board->spoil == SPOIL_HANG && worker->index == 1 && !any(worker, 100))
		for (;;)
			pause();
}

static void work(struct worker *worker)
{
	spoil(worker);
	if (any(worker, 4) && share_next(worker))
		return;
	switch (any(worker, 8)) {
	case 0:
	case 1:
		share_move(worker);
		break;
	case 2:
		cycle_gpu(worker);
		break;
	case 3:
		share_revoke(worker);
		break;
	default:
		share_new(worker);
	}
}

/* ---- orders ---- */

static void let_go(struct worker *worker)
{
	while (share_discard(worker))
		;
	for (unsigned int i = 0; i < GPUS; i++)
		file_close(worker, i);
}

/* Returns when there is another order. */
static void carry_out(struct worker *worker, uint32_t order)
{
	if (order % ORDERS >= ORDER_DRAIN)
		let_go(worker);
	if (order % ORDERS == ORDER_END)
		_exit(0);
	worker->place->heard = order;
	while (worker->board->order == order) {
		begin(worker, KIND_REST);
		usleep(REST_US);
	}
}

void worker_run(struct board *board, unsigned int index, const int (*boxes)[2])
{
	struct place *place = &board->places[index];
	struct worker worker = {
		.board = board,
		.place = place,
		.index = index,
		.generation = place->generation,
		.boxes = boxes,
		.kept = -1,
		.pixels = malloc(LARGEST),
	};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "soak-worker");
	fail_as(board, index);
	if (!worker.pixels)
		fail("no memory");
	for (unsigned int i = 0; i < GPUS; i++)
		worker.files[i] = (struct gpu_file){ .fd = -1, .index = i };
	/* never 0, which would stay so */
	worker.random = (board->seed + index * 2654435761u + worker.generation * 40503u) | 1;
	any(&worker, 1);

	for (;;) {
		uint32_t order = board->order;

		if (order % ORDERS == ORDER_WORK)
			work(&worker);
		else
			carry_out(&worker, order);
	}
}
