// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps about processes, descriptors and GPUs: who is there, and who has what
 * open.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vp_test.h"

static bool can_act(const struct fz_run *run, unsigned int proc)
{
	return proc < run->procs && run->proc[proc].alive &&
	       !run->proc[proc].blocked;
}

/* open: gpu, node */
void fz_do_open(struct fz_run *run, const struct fz_step *step)
{
	struct fz_order order = { .command = FZ_OPEN };
	struct fz_inst *inst = step->arg[0] < FZ_GPUS ?
			       run->gpu[step->arg[0]].inst : NULL;
	int64_t fd;

	if (!inst || !can_act(run, step->proc))
		return;
	strcpy((char *)order.data, inst->path[step->arg[1] % 2]);
	order.size = FZ_NAME;
	fd = fz_call(run, step->proc, &order);
	if (!fz_want(run, "open", fd < 0 ? fd : 0, 0))
		return;
	fz_fd_new(run, step->proc, step->id, (int)fd, FZ_FILE,
		  fz_file_new(run, step->id, inst, step->proc));
}

/* other: kind */
void fz_do_other(struct fz_run *run, const struct fz_step *step)
{
	struct fz_order order = {
		.command = FZ_PIPE, .a = { step->arg[0] },
	};
	int64_t fd;

	if (!can_act(run, step->proc))
		return;
	fd = fz_call(run, step->proc, &order);
	if (fz_want(run, "another descriptor", fd < 0 ? fd : 0, 0))
		fz_fd_new(run, step->proc, step->id, (int)fd, FZ_OTHER, NULL);
}

/* close: fd */
void fz_do_close(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_KINDS);

	if (!fd)
		return;
	if (fz_want(run, "close", fz_close_fd(run, step->proc, fd->fd), 0))
		fz_fd_close(run, step->proc, fd);
}

/* dup: fd */
void fz_do_dup(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_KINDS);
	struct fz_order order = { .command = FZ_DUP };
	int64_t new;

	if (!fd)
		return;
	order.fd = fd->fd;
	new = fz_call(run, step->proc, &order);
	if (fz_want(run, "dup", new < 0 ? new : 0, 0))
		fz_fd_new(run, step->proc, step->id, (int)new, fd->kind,
			  fd->what);
}

/* send: fd, to */
void fz_do_send(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_KINDS);
	struct fz_order order = { .command = FZ_MAIL };
	struct fz_fd *letter;
	struct fz_proc *to;

	if (!fd || step->arg[1] >= run->procs)
		return;
	to = &run->proc[step->arg[1]];
	order.fd = fd->fd;
	order.a[0] = (uint64_t)to->mail[0];
	if (!fz_want(run, "send", fz_call(run, step->proc, &order), 0))
		return;
	letter = fz_new(sizeof(*letter));
	letter->kind = fd->kind;
	letter->what = fd->what;
	fz_hold(fd->kind, fd->what);
	fz_push(&to->letters, letter);
}

/* receive: the oldest that was sent, also to who had this place before */
void fz_do_receive(struct fz_run *run, const struct fz_step *step)
{
	struct fz_order order = { .command = FZ_FETCH };
	struct fz_fd *letter;
	struct fz_proc *p;
	int64_t fd;

	if (!can_act(run, step->proc))
		return;
	p = &run->proc[step->proc];
	order.fd = p->mail[1];
	fd = fz_call(run, step->proc, &order);
	if (!p->letters.n) {
		fz_want(run, "receive of nothing", fd, -EAGAIN);
		return;
	}
	if (!fz_want(run, "receive", fd < 0 ? fd : 0, 0))
		return;
	letter = p->letters.at[0];
	fz_remove(&p->letters, letter);
	fz_fd_new(run, step->proc, step->id, (int)fd, letter->kind,
		  letter->what);
	fz_drop(run, letter->kind, letter->what);
	free(letter);
}

/* fork: to */
void fz_do_fork(struct fz_run *run, const struct fz_step *step)
{
	struct fz_order order = { .command = FZ_FORK };
	unsigned int to = step->arg[0];
	int64_t pid;

	if (!can_act(run, step->proc) || to >= run->procs ||
	    run->proc[to].alive)
		return;
	order.a[0] = (uintptr_t)run->proc[to].box;
	pid = fz_call(run, step->proc, &order);
	if (!fz_want(run, "fork", pid < 0 ? pid : 0, 0))
		return;
	run->proc[to].pid = (pid_t)pid;
	vp_started((pid_t)pid);
	fz_proc_copy(run, step->proc, to);
}

/* kill */
void fz_do_kill(struct fz_run *run, const struct fz_step *step)
{
	unsigned int alive = 0;

	for (unsigned int proc = 0; proc < run->procs; proc++)
		alive += can_act(run, proc);
	if (step->proc >= run->procs || !run->proc[step->proc].alive ||
	    alive < (run->proc[step->proc].blocked ? 1 : 2))
		return;
	run->did = true;
	fz_kill(run, step->proc);
}

/* spawn */
void fz_do_spawn(struct fz_run *run, const struct fz_step *step)
{
	if (step->proc >= run->procs || run->proc[step->proc].alive)
		return;
	run->did = true;
	fz_spawn(run, step->proc);
}

/* plug: gpu */
void fz_do_plug(struct fz_run *run, const struct fz_step *step)
{
	if (fz_plug(run, step->arg[0]))
		run->did = true;
}

/* unplug: gpu */
void fz_do_unplug(struct fz_run *run, const struct fz_step *step)
{
	if (step->arg[0] >= FZ_GPUS || !run->gpu[step->arg[0]].inst)
		return;
	run->did = true;
	fz_unplug(run, step->arg[0]);
}

/* counts */
void fz_do_counts(struct fz_run *run, const struct fz_step *step)
{
	(void)step;
	fz_check_counts(run);
}
