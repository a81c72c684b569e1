// SPDX-License-Identifier: GPL-2.0-only
/*
 * A step of several processes at the same time: each works on the same buffer,
 * in ways that must all succeed in whatever order they come, and writes a part of
 * it that is its own. What is in the buffer afterwards is predictable again.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "vp_test.h"

/* Descriptors of the process, as numbers; what it lacks it gets for the time. */
struct part {
	unsigned int proc;
	int gpu, dmabuf;
	bool lent_gpu, lent_dmabuf;
	bool odd;			/* the GPU does not snoop */
	struct fz_file *file;		/* NULL: lent */
	struct fz_handle *handle;	/* NULL: it has to import it */
};

/* Parts meet where a line of a cache ends: what is within one nobody promises. */
static uint64_t part_at(const struct fz_buf *buf, unsigned int i,
			unsigned int count)
{
	return buf->size * i / count / 64 * 64;
}

static struct fz_buf *burst_buffer(const struct fz_run *run, uint32_t id)
{
	struct fz_buf *buf;

	fz_each(buf, &run->bufs)
		if (buf->id == id && buf->maker == FZ_OURS && !buf->revoked &&
		    !buf->pins && buf->number && buf->kbuf &&
		    !buf->kbuf->limbo && buf->kbuf->writable &&
		    !fz_busy(buf, true))
			return buf;
	return NULL;
}

static bool is_taken(const struct part *parts, unsigned int count,
		     const struct fz_file *file)
{
	for (unsigned int i = 0; i < count; i++)
		if (parts[i].file == file)
			return true;
	return false;
}

static struct fz_fd *dmabuf_of(const struct fz_run *run, unsigned int proc,
			       const struct fz_buf *buf)
{
	struct fz_fd *fd;

	fz_each(fd, &run->proc[proc].fds)
		if (fd->kind == FZ_DMABUF && fd->kbuf == buf->kbuf)
			return fd;
	return NULL;
}

/* From one that has it, through the socket. */
static int lend_dmabuf(struct fz_run *run, unsigned int from,
		       const struct fz_fd *fd, unsigned int to)
{
	struct fz_order order = {
		.command = FZ_MAIL, .fd = fd->fd,
		.a = { (uint64_t)run->proc[to].mail[0] },
	};

	if (!fz_want(run, "send", fz_call(run, from, &order), 0))
		return -1;
	order = (struct fz_order){
		.command = FZ_FETCH, .fd = run->proc[to].mail[1],
	};
	return (int)fz_call(run, to, &order);
}

static int lend_gpu(struct fz_run *run, unsigned int proc, bool *odd)
{
	struct fz_order order = { .command = FZ_OPEN, .size = FZ_NAME };
	unsigned int gpu = proc % (FZ_GPUS - 1);

	if (!run->gpu[gpu].inst)
		gpu = 0;
	if (!run->gpu[gpu].inst)
		return -1;
	*odd = !run->gpu[gpu].inst->coherent;
	memcpy(order.data, run->gpu[gpu].inst->path[0], FZ_NAME);
	return (int)fz_call(run, proc, &order);
}

/* With a file that nobody else uses now. */
static bool take_part(struct fz_run *run, unsigned int proc,
		      const struct fz_buf *buf, unsigned int holder,
		      struct part *parts, unsigned int count)
{
	struct fz_fd *has = dmabuf_of(run, proc, buf), *fd;
	struct part *part = &parts[count];

	*part = (struct part){ .proc = proc, .gpu = -1 };
	fz_each(fd, &run->proc[proc].fds)
		if (fd->kind == FZ_FILE && fd->file->inst &&
		    !fd->file->inst->gone && fd->file->user == proc &&
		    !is_taken(parts, count, fd->file)) {
			part->gpu = fd->fd;
			part->file = fd->file;
			part->odd = !fd->file->inst->coherent;
		}
	if (part->file)
		part->handle = fz_handle_of(part->file, buf);
	if ((part->handle && part->handle->view->read_only) ||
	    (!has && run->proc[proc].letters.n))
		return false;
	if (has)
		part->dmabuf = has->fd;
	else
		part->dmabuf = lend_dmabuf(run, holder,
					   dmabuf_of(run, holder, buf), proc);
	part->lent_dmabuf = !has;
	if (!part->file)
		part->gpu = lend_gpu(run, proc, &part->odd);
	part->lent_gpu = !part->file;
	if (part->gpu >= 0 && part->dmabuf >= 0)
		return true;
	fz_fail(run, "process %u cannot take part: %d, %d", proc, part->gpu,
		part->dmabuf);
	return false;
}

static void start(struct fz_run *run, const struct fz_step *step,
		  const struct part *part, const struct fz_buf *buf,
		  unsigned int i, unsigned int count, bool bracketed)
{
	struct fz_order order = {
		.command = FZ_BURST, .size = sizeof(struct fz_burst),
	};
	struct fz_burst burst = {
		.gpu = part->gpu, .dmabuf = part->dmabuf,
		.handle = part->handle ? part->handle->value : 0,
		.rounds = step->arg[1], .stamp = step->id,
		.seed = step->id * 16ull + part->proc,
		.bracketed = bracketed,
		.begin = part_at(buf, i, count),
		.end = part_at(buf, i + 1, count),
		.size = buf->size, .number = buf->number,
		.move = run->move, .processor = run->processor,
	};

	memcpy(order.data, &burst, sizeof(burst));
	fz_send(run, part->proc, &order);
}

static void finish(struct fz_run *run, const struct fz_step *step,
		   const struct part *part, struct fz_buf *buf,
		   unsigned int i, unsigned int count)
{
	size_t begin = part_at(buf, i, count), end = part_at(buf, i + 1, count);
	struct fz_order order;
	int64_t ret = fz_answer(run, part->proc, &order);

	if (ret) {
		run->did = true;
		fz_fail(run, "process %u, among %u at the same time: %s: %lld",
			part->proc, count, (char *)order.data,
			(long long)ret);
		return;
	}
	fz_want(run, "several at a time", ret, 0);
	fz_pattern(buf->bytes + begin, end - begin, step->id, begin);
	/* It has begun and ended, which ends what it had open before. */
	buf->open[part->proc] = 0;
	if (part->lent_gpu)
		fz_want(run, "close", fz_close_fd(run, part->proc, part->gpu),
			0);
	if (part->lent_dmabuf)
		fz_want(run, "close",
			fz_close_fd(run, part->proc, part->dmabuf), 0);
}

/* burst: buffer, rounds, procs (a bit for each), plug */
void fz_do_burst(struct fz_run *run, const struct fz_step *step)
{
	struct fz_buf *buf = burst_buffer(run, step->arg[0]);
	unsigned int count = 0, holder = 0, proc;
	struct part parts[FZ_PROCS];
	bool bracketed;

	fz_about = step->arg[0];
	while (buf && holder < run->procs &&
	       (!run->proc[holder].alive || run->proc[holder].blocked ||
		!dmabuf_of(run, holder, buf)))
		holder++;
	if (!buf || holder == run->procs)
		return;
	for (proc = 0; proc < run->procs && !run->failed; proc++)
		if (run->proc[proc].alive && !run->proc[proc].blocked &&
		    (step->arg[2] >> proc & 1) &&
		    take_part(run, proc, buf, holder, parts, count))
			count++;
	if (!count || run->failed)
		return;
	bracketed = fz_has_odd_view(buf);
	for (unsigned int i = 0; i < count; i++)
		bracketed |= parts[i].odd;
	for (unsigned int i = 0; i < count; i++)
		start(run, step, &parts[i], buf, i, count, bracketed);
	/* Meanwhile a GPU comes and goes. */
	if ((step->arg[3] & 1) && run->options.plug &&
	    fz_plug(run, FZ_GPUS - 1))
		fz_unplug(run, FZ_GPUS - 1);
	for (unsigned int i = 0; i < count; i++)
		finish(run, step, &parts[i], buf, i, count);
	/* Which GPUs have it mapped now depends on who was faster. */
	if (!run->failed)
		fz_want(run, "move", fz_move(run, buf), 0);
	fz_gpu_unmap_all(buf);
	/* In the end all of it is what the CPU wrote. */
	fz_cpu_has_all(buf);
}
