// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which step comes next: drawn from a seed, among what there is. Nearly all
 * name something that is there, because a call for nothing tests little.
 */
#include <string.h>

#include "draw.h"
#include "vp_test.h"

/*
 * In so many steps a fence is signalled if it is not by chance: none expires, also where each takes thirty times as
 * long as on an idle machine.
 */
#define FENCE_LIFE		500
#define FENCE_LIFE_TOGETHER	100

/* Of so many times that a process is drawn which waits, it dies once. */
#define WAITER_LIFE	300

struct fz_run *fz_in;
struct fz_step *fz_out;

struct fz_random *fz_dice_from;

void *fz_any(const struct fz_vec *vec)
{
	return vec->n ? vec->at[fz_below(fz_dice_from, vec->n)] : NULL;
}

unsigned int fz_dice(unsigned int limit)
{
	return fz_below(fz_dice_from, limit);
}

bool fz_maybe(unsigned int percent)
{
	return fz_chance(fz_dice_from, percent);
}

/* Mostly 0: right. Else one of the ways in which it can be wrong. */
uint32_t fz_how(unsigned int ways)
{
	return fz_maybe(6) ? 1 + fz_dice(ways) : 0;
}

struct fz_fd *fz_any_fd(enum fz_fd_kind kind)
{
	struct fz_vec *fds = &fz_in->proc[fz_out->proc].fds;

	for (int tries = 0; tries < 12 && fds->n; tries++) {
		struct fz_fd *fd = fz_any(fds);

		if (kind != FZ_KINDS && fd->kind != kind)
			continue;
		/* Newer kernels let a grace period pass for another user. */
		if (fd->kind == FZ_FILE && fd->file->user != fz_out->proc &&
		    !fz_maybe(2))
			continue;
		return fd;
	}
	return NULL;
}

bool fz_draw_fd(enum fz_fd_kind kind)
{
	struct fz_fd *fd = fz_any_fd(kind);

	if (fd)
		fz_out->arg[0] = fd->id;
	return fd;
}

/* A file of the process, and one of its handles. */
struct fz_handle *fz_draw_handle(void)
{
	struct fz_fd *fd = fz_any_fd(FZ_FILE);
	struct fz_handle *handle = fd ? fz_any(&fd->file->handles) : NULL;

	if (!handle)
		return NULL;
	fz_out->arg[0] = fd->id;
	fz_out->arg[1] = handle->id;
	return handle;
}

/* What a step makes more of, and what there may be of that. */
enum makes {
	NOTHING,
	A_DESCRIPTOR,
	A_LETTER,
	A_MAPPING,
	A_BUFFER,
	A_FENCE,
};

#define MAX_FDS		40	/* of a process */
#define MAX_LETTERS	6
#define MAX_MAPS	24
#define MAX_BUFFERS	60
#define MAX_FENCES	40

static const struct chooser {
	const char *op;
	unsigned int weight;
	bool (*draw)(void);
	enum makes makes;
} choosers[] = {
	{ "open", 20, fz_draw_open, NOTHING },
	{ "other", 4, fz_draw_other, A_DESCRIPTOR },
	{ "close", 90, fz_draw_any_fd, NOTHING },
	{ "dup", 10, fz_draw_any_fd, A_DESCRIPTOR },
	{ "send", 50, fz_draw_send, A_LETTER },
	{ "receive", 60, fz_draw_receive, A_DESCRIPTOR },
	{ "fork", 4, fz_draw_fork, NOTHING },
	{ "kill", 4, fz_draw_kill, NOTHING },
	{ "spawn", 1, fz_draw_spawn, NOTHING },
	{ "plug", 4, fz_draw_plug, NOTHING },
	{ "unplug", 1, fz_draw_unplug, NOTHING },
	{ "counts", 5, fz_draw_nothing, NOTHING },
	{ "create", 40, fz_draw_create, A_BUFFER },
	{ "dumb", 10, fz_draw_dumb, A_BUFFER },
	{ "gem-close", 45, fz_draw_gem_close, NOTHING },
	{ "info", 40, fz_draw_handle_how2, NOTHING },
	{ "export", 70, fz_draw_export, A_DESCRIPTOR },
	{ "import", 60, fz_draw_import, NOTHING },
	{ "move", 25, fz_draw_buffer, NOTHING },
	{ "revoke", 2, fz_draw_buffer, NOTHING },
	{ "mmap", 50, fz_draw_mmap, A_MAPPING },
	{ "mmap-dmabuf", 40, fz_draw_mmap_dmabuf, A_MAPPING },
	{ "munmap", 60, fz_draw_any_map, NOTHING },
	{ "mprotect", 15, fz_draw_mprotect, NOTHING },
	{ "write", 110, fz_draw_touch, NOTHING },
	{ "check", 160, fz_draw_touch, NOTHING },
	{ "peek", 70, fz_draw_gpu_access, NOTHING },
	{ "poke", 60, fz_draw_gpu_access, NOTHING },
	{ "access", 70, fz_draw_access, NOTHING },
	{ "seek", 4, fz_draw_dmabuf, NOTHING },
	{ "attach", 40, fz_draw_attach, A_FENCE },
	{ "signal", 40, fz_draw_signal, NOTHING },
	{ "wait", 30, fz_draw_attach, NOTHING },
	{ "timeline", 12, fz_draw_timeline, NOTHING },
	{ "timeline-destroy", 3, fz_draw_on_timeline, NOTHING },
	{ "fence", 50, fz_draw_on_timeline, A_FENCE },
	{ "timeline-signal", 25, fz_draw_timeline_signal, NOTHING },
	{ "poll", 15, fz_draw_events, NOTHING },
	{ "poll-sync", 10, fz_draw_sync, NOTHING },
	{ "sync-info", 25, fz_draw_sync, NOTHING },
	{ "get-sync", 20, fz_draw_sync_flags, A_DESCRIPTOR },
	{ "put-sync", 20, fz_draw_put_sync, NOTHING },
	{ "merge", 15, fz_draw_merge, A_DESCRIPTOR },
	{ "syncobj", 15, fz_draw_syncobj, NOTHING },
	{ "syncobj-destroy", 8, fz_draw_syncobj_how, NOTHING },
	{ "syncobj-export", 10, fz_draw_syncobj_how, A_DESCRIPTOR },
	{ "syncobj-import", 12, fz_draw_syncobj_import, NOTHING },
	{ "syncobj-get-sync", 15, fz_draw_syncobj_how, A_DESCRIPTOR },
	{ "syncobj-put-sync", 40, fz_draw_syncobj_put, NOTHING },
	{ "syncobj-wait", 25, fz_draw_syncobj_wait, NOTHING },
	{ "syncobj-reset", 3, fz_draw_syncobj_how, NOTHING },
	{ "syncobj-signal", 4, fz_draw_syncobj_how, NOTHING },
	{ "point-signal", 12, fz_draw_point, NOTHING },
	{ "point-wait", 40, fz_draw_point_flags, NOTHING },
	{ "point-query", 30, fz_draw_point_query, NOTHING },
	{ "transfer", 50, fz_draw_transfer, NOTHING },
	{ "vgem-open", 4, fz_draw_vgem_open, A_DESCRIPTOR },
	{ "vgem-create", 12, fz_draw_vgem_create, A_BUFFER },
	{ "allocate", 6, fz_draw_allocate, A_BUFFER },
	{ "block", 25, fz_draw_block, NOTHING },
	{ "burst", 4, fz_draw_burst, NOTHING },
	{ "wrong", 15, fz_draw_wrong, NOTHING },
};

static unsigned int total_weight(void)
{
	static unsigned int total;

	if (!total)
		for (size_t i = 0; i < VP_ARRAY_SIZE(choosers); i++)
			total += choosers[i].weight;
	return total;
}

/* Of those that are many at a time, most in runs that are about these. */
static const struct chooser *choose_burst(void)
{
	for (size_t i = 0; i < VP_ARRAY_SIZE(choosers); i++)
		if (!strcmp(choosers[i].op, "burst"))
			return &choosers[i];
	return NULL;
}

static const struct chooser *choose(void)
{
	unsigned int at = fz_dice(total_weight()), i = 0;

	while (at >= choosers[i].weight)
		at -= choosers[i++].weight;
	return &choosers[i];
}

/* A hundred others could be done instead, in kernels that look on. */
static bool takes_long(const char *op)
{
	static const char *const ops[] = { "fork", "kill", "unplug" };

	for (size_t i = 0; i < VP_ARRAY_SIZE(ops); i++)
		if (!strcmp(op, ops[i]))
			return true;
	return false;
}

/* A process that has the file open and can be told. */
static struct fz_fd *who_has(struct fz_file *file, unsigned int *proc)
{
	struct fz_fd *fd;

	for (*proc = 0; *proc < fz_in->procs; (*proc)++) {
		if (!fz_in->proc[*proc].alive || fz_in->proc[*proc].blocked)
			continue;
		fz_each(fd, &fz_in->proc[*proc].fds)
			if (fd->kind == FZ_FILE && fd->file == file)
				return fd;
	}
	return NULL;
}

/*
 * What this process has to do before another can have the file: unmap it, take it
 * out of its mail, or die when it waits.
 */
static bool draw_from(const struct fz_proc *proc, const struct fz_file *file)
{
	struct fz_fd *fd;
	struct fz_map *map;

	fz_each(map, &proc->maps)
		if (map->file == file) {
			fz_out->arg[0] = map->id;
			fz_out->op = (uint8_t)fz_op_find(proc->blocked ?
							 "kill" : "munmap");
			return true;
		}
	fz_each(fd, &proc->letters)
		if (fd->what == file) {
			fz_out->op = (uint8_t)fz_op_find(proc->blocked ?
							 "kill" : proc->alive ?
							 "receive" : "spawn");
			return true;
		}
	/* It has it open and cannot be told, so it waits. */
	fz_each(fd, &proc->fds)
		if (fd->what == file) {
			fz_out->op = (uint8_t)fz_op_find("kill");
			return true;
		}
	return false;
}

/* A file that nobody has open who can be told. */
static bool fz_draw_delivery(const struct fz_file *file)
{
	for (unsigned int proc = 0; proc < fz_in->procs; proc++) {
		fz_out->proc = (uint8_t)proc;
		if (draw_from(&fz_in->proc[proc], file))
			return true;
	}
	return false;
}

/* The oldest fence is signalled when it is due. */
static bool fz_draw_due(void)
{
	unsigned int life = fz_in->options.together ? FENCE_LIFE_TOGETHER :
						      FENCE_LIFE;
	struct fz_fence *fence;
	unsigned int proc;
	struct fz_fd *fd;

	if (!fz_in->pending.n)
		return false;
	fence = fz_in->pending.at[0];
	if (fz_in->now < fence->born + life)
		return false;
	fd = who_has(fence->file, &proc);
	if (!fd)
		return fz_draw_delivery(fence->file);
	fz_out->proc = (uint8_t)proc;
	fz_out->arg[0] = fd->id;
	if (fence->timeline) {
		fz_out->op = (uint8_t)fz_op_find("timeline-signal");
		fz_out->arg[1] = fence->timeline->id;
		fz_out->arg[2] = (uint32_t)fence->seqno;
	} else {
		fz_out->op = (uint8_t)fz_op_find("signal");
		fz_out->arg[1] = fence->id;
	}
	return true;
}

/* Limits are for drawing only: with fewer steps, each can still be done. */
static bool is_enough(enum makes makes)
{
	const struct fz_proc *proc = &fz_in->proc[fz_out->proc];

	switch (makes) {
	case NOTHING:
		return false;
	case A_LETTER:
		return fz_in->proc[fz_out->arg[1]].letters.n >= MAX_LETTERS;
	case A_MAPPING:
		return proc->maps.n >= MAX_MAPS;
	case A_BUFFER:
		return fz_in->bufs.n >= MAX_BUFFERS || proc->fds.n >= MAX_FDS;
	case A_FENCE:
		return fz_in->pending.n >= MAX_FENCES ||
		       proc->fds.n >= MAX_FDS;
	default:
		return proc->fds.n >= MAX_FDS;
	}
}

void fz_draw(struct fz_run *in, struct fz_random *random, struct fz_step *step)
{
	const struct chooser *chooser;

	fz_in = in;
	fz_dice_from = random;
	fz_out = step;
	for (;;) {
		memset(step, 0, sizeof(*step));
		if (fz_draw_due())
			return;
		memset(step, 0, sizeof(*step));
		step->proc = (uint8_t)fz_dice(fz_in->procs);
		if (!fz_in->proc[step->proc].alive)
			continue;
		if (fz_in->proc[step->proc].blocked) {
			if (fz_dice(WAITER_LIFE))
				continue;
			step->op = (uint8_t)fz_op_find("kill");
			return;
		}
		chooser = fz_in->options.together && fz_maybe(10) ?
			  choose_burst() : choose();
		if (fz_in->options.slow && takes_long(chooser->op) &&
		    !fz_maybe(30))
			continue;
		if (!chooser->draw() || is_enough(chooser->makes))
			continue;
		step->op = (uint8_t)fz_op_find(chooser->op);
		return;
	}
}
