// SPDX-License-Identifier: GPL-2.0-only
/*
 * The processes and GPUs of a run: their coming and going, and talking to them.
 */
#define _GNU_SOURCE	/* sched_setaffinity */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"
#include "vp_test.h"

#define PARAMETERS	"/sys/module/vprime/parameters/"

/*
 * Where nothing runs but us, nothing will come of waiting: it hangs when it was so at so many looks, one a second. A
 * step may take as long as it wants on a machine with other things to do, but no process runs for so many looks.
 */
#define IDLE_LOOKS	20
#define LOOKS		400

void fz_fail(struct fz_run *run, const char *format, ...)
{
	va_list list;

	if (run->failed)
		return;
	run->failed = true;
	va_start(list, format);
	vsnprintf(run->why, sizeof(run->why), format, list);
	va_end(list);
}

static void add_to_hash(struct fz_run *run, uint64_t value)
{
	run->hash = (run->hash ^ value) * 0x100000001b3ull;
	run->hash ^= run->hash >> 29;
}

bool fz_want(struct fz_run *run, const char *what, int64_t got, int64_t want)
{
	char got_name[64] = "", want_name[64] = "";

	run->did = true;
	add_to_hash(run, (uint64_t)got);
	if (got == want)
		return true;
	if (got < 0 && got > -200)
		snprintf(got_name, sizeof(got_name), " (%s)",
			 strerror((int)-got));
	if (want < 0 && want > -200)
		snprintf(want_name, sizeof(want_name), " (%s)",
			 strerror((int)-want));
	fz_fail(run, "%s: got %lld%s, expected %lld%s", what, (long long)got,
		got_name, (long long)want, want_name);
	return false;
}

/* ---- orders ---- */

/* How it has looked while an answer did not come. */
struct fz_patience {
	unsigned int looks, idle;
};

/* An order without what only some have. */
#define HEAD	offsetof(struct fz_order, data)

void fz_send(struct fz_run *run, unsigned int proc, struct fz_order *order)
{
	struct fz_box *box = run->proc[proc].box;

	memcpy(&box->order, order, HEAD + order->size);
	fz_box_set(box, FZ_ORDERED);
}

/* Processes that run or could run, and kernel threads: with us. */
static unsigned int running(void)
{
	FILE *file = fopen("/proc/stat", "re");
	unsigned int count = 0;
	char line[4096];

	igt_assert(file);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "procs_running %u", &count);
	fclose(file);
	igt_assert(count);
	return count;
}

/* Another second has passed: does it hang? */
static bool hangs(struct fz_patience *patience)
{
	patience->idle += running() == 1;
	return patience->idle >= IDLE_LOOKS || ++patience->looks >= LOOKS;
}

int64_t fz_answer(struct fz_run *run, unsigned int proc, struct fz_order *order)
{
	struct fz_box *box = run->proc[proc].box;
	struct fz_patience patience = {};

	while (!fz_box_wait(box, FZ_ANSWERED, 1)) {
		if (hangs(&patience)) {
			fz_fail(run, "process %u does not answer: idle at %u looks of %u",
				proc, patience.idle, patience.looks);
			return -EIO;
		}
	}
	/* Only these have more to say. */
	memcpy(order, &box->order,
	       box->order.command == FZ_BURST ? sizeof(*order) :
	       HEAD + (box->order.command == FZ_IOCTL ? box->order.size : 0));
	return order->ret;
}

int64_t fz_call(struct fz_run *run, unsigned int proc, struct fz_order *order)
{
	fz_send(run, proc, order);
	return run->failed ? -EIO : fz_answer(run, proc, order);
}

int64_t fz_ioctl_(struct fz_run *run, unsigned int proc, int fd,
		  unsigned long request, void *arg, size_t size)
{
	struct fz_order order = {
		.command = FZ_IOCTL, .fd = fd, .request = request,
		.size = (unsigned int)size,
	};
	int64_t ret;

	igt_assert_lte(size, sizeof(order.data));
	memcpy(order.data, arg, size);
	ret = fz_call(run, proc, &order);
	memcpy(arg, order.data, size);
	return ret;
}

int64_t fz_close_fd(struct fz_run *run, unsigned int proc, int fd)
{
	struct fz_order order = { .command = FZ_CLOSE, .fd = fd };

	return fz_call(run, proc, &order);
}

static bool is_asleep(pid_t pid)
{
	char path[40], text[200] = "", *state;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	state = strrchr(text, ')');
	return state && state[1] && state[2] == 'S';
}

void fz_settle(struct fz_run *run, unsigned int proc)
{
	int64_t next = vp_in_ms(1000);
	struct fz_patience patience = {};

	while (!is_asleep(run->proc[proc].pid)) {
		if (vp_now_ns() > next) {
			if (hangs(&patience)) {
				fz_fail(run, "process %u neither waits nor answers",
					proc);
				return;
			}
			next = vp_in_ms(1000);
		}
		sched_yield();
	}
}

/* ---- processes ---- */

void fz_spawn(struct fz_run *run, unsigned int proc)
{
	struct fz_proc *p = &run->proc[proc];

	fflush(NULL);
	p->pid = fork();
	igt_assert_lte(0, p->pid);
	if (!p->pid)
		fz_serve(p->box);
	vp_started(p->pid);
	p->alive = true;
}

/* Whoever looks at the list has the accesses of the dead ended first. */
static void read_buffers(struct fz_run *run)
{
	char text[4096];

	lseek(run->buffers, 0, SEEK_SET);
	while (read(run->buffers, text, sizeof(text)) > 0)
		;
}

void fz_kill(struct fz_run *run, unsigned int proc)
{
	struct fz_proc *p = &run->proc[proc];

	if (!p->alive)
		return;
	vp_kill(p->pid);
	p->box->state = FZ_EMPTY;
	fz_proc_end(run, proc);
	/* Those that waited for its fences do not see what follows. */
	fz_look_after_waiting(run);
	if (fz_cpu_end_all(run, proc))
		read_buffers(run);
}

/* Once for the program; processes that are forked later have them as well. */
static struct fz_box *boxes(void)
{
	static struct fz_box *all;

	if (!all)
		all = mmap(NULL, FZ_PROCS * sizeof(*all),
			   PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			   -1, 0);
	igt_assert(all != MAP_FAILED);
	return all;
}

static void open_proc(struct fz_run *run, unsigned int proc)
{
	struct fz_proc *p = &run->proc[proc];

	p->box = &boxes()[proc];
	p->box->state = FZ_EMPTY;
	vp_socketpair(p->mail);
}

static void close_proc(struct fz_run *run, unsigned int proc)
{
	struct fz_proc *p = &run->proc[proc];

	fz_kill(run, proc);
	while (p->letters.n) {
		struct fz_fd *fd = p->letters.at[0];

		fz_remove(&p->letters, fd);
		fz_drop(run, fd->kind, fd->what);
		free(fd);
	}
	fz_vec_free(&p->letters);
	fz_vec_free(&p->fds);
	fz_vec_free(&p->maps);
	close(p->mail[0]);
	close(p->mail[1]);
}

/* ---- GPUs ---- */

/* What is not said is the same for all; fences must not expire meanwhile. */
static const char *const settings[FZ_GPUS] = {
	"fence_timeout_ms=60000",
	"fence_timeout_ms=60000 max_segment=4096 coherent=0",
	"fence_timeout_ms=60000 dma_bits=32",
	"fence_timeout_ms=60000 coherent=0",
	"fence_timeout_ms=60000 max_segment=8192 syncobj_timeline=0",
};

static void gpu_name(const struct fz_run *run, unsigned int gpu,
		     char name[FZ_NAME])
{
	snprintf(name, FZ_NAME, "fuzz%u-%u", run->options.label, gpu);
}

bool fz_plug(struct fz_run *run, unsigned int gpu)
{
	char name[FZ_NAME], path[300];
	struct fz_inst *inst;

	if (gpu >= FZ_GPUS || run->gpu[gpu].inst)
		return false;
	gpu_name(run, gpu, name);
	inst = fz_inst_new(vp_config_plug(name, settings[gpu]));
	inst->limited = strstr(settings[gpu], "dma_bits");
	inst->short_segments = strstr(settings[gpu], "max_segment");
	inst->coherent = !strstr(settings[gpu], "coherent=0");
	inst->timelines = !strstr(settings[gpu], "syncobj_timeline=0");
	for (int node = VP_RENDER; node <= VP_PRIMARY; node++) {
		if (vp_node_path(inst->index, node, path, sizeof(path)))
			fz_fail(run, "GPU %u has no node %d", gpu, node);
		snprintf(inst->path[node], FZ_NAME, "%.*s", FZ_NAME - 1, path);
	}
	run->gpu[gpu].inst = inst;
	return true;
}

void fz_unplug(struct fz_run *run, unsigned int gpu)
{
	struct fz_inst *inst = run->gpu[gpu].inst;
	struct fz_file *file;
	struct fz_view *view;
	struct fz_buf *buf;
	char name[FZ_NAME];

	if (!inst)
		return;
	gpu_name(run, gpu, name);
	vp_config_remove(name);
	run->gpu[gpu].inst = NULL;
	inst->gone = true;
	for (unsigned int proc = 0; proc < run->procs; proc++) {
		struct fz_waiting *waiting = &run->proc[proc].waiting;

		if (waiting->view && waiting->view->inst == inst)
			waiting->inst_gone = run->now;
	}
	fz_each(file, &run->files)
		if (file->inst == inst)
			fz_file_fences_end(run, file, -ENODEV);
	fz_each(buf, &run->bufs)
		fz_each(view, &buf->views)
			if (view->inst == inst)
				view->mapped = false;
	fz_inst_put(inst);
}

/* ---- runs ---- */

/*
 * One process works at a time, so they all get the same processor: handing over
 * is then ten times as fast. Bursts are not held to that.
 */
static void use_processor(int which)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (which < 0 || cpu == which)
			CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static int open_debugfs(const char *name, int flags)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), FZ_DEBUGFS "%s", name);
	fd = open(path, flags | O_CLOEXEC);
	igt_assert_f(fd >= 0, "%s: %s\n", path, strerror(errno));
	return fd;
}

static bool is_enforced(void)
{
	FILE *file = fopen(PARAMETERS "enforce_read_only", "re");
	int c = file ? fgetc(file) : 'N';

	if (file)
		fclose(file);
	return c == 'Y';
}

void fz_start(struct fz_run *run, const struct fz_options *options)
{
	memset(run, 0, sizeof(*run));
	run->options = *options;
	run->procs = options->procs;
	igt_assert(run->procs >= 1 && run->procs <= FZ_PROCS);
	vp_counts();		/* mounts debugfs */
	run->enforced = is_enforced();
	run->dma_debug = access("/sys/kernel/debug/dma-api", F_OK) == 0;
	run->move = open_debugfs("move", O_WRONLY);
	run->revoke = open_debugfs("revoke", O_WRONLY);
	run->counts = open_debugfs("counts", O_RDONLY);
	run->buffers = open_debugfs("buffers", O_RDONLY);
	fz_memory_reset();
	fz_find_vgem(run);
	run->violations = vp_violations();
	run->processor = (int)(options->seed + options->label) % 2;
	use_processor(run->processor);
	/* The last one is plugged in by a step. */
	for (unsigned int gpu = 0; gpu + 1 < FZ_GPUS; gpu++)
		if (!(options->no_gpus >> gpu & 1))
			fz_plug(run, gpu);
	for (unsigned int proc = 0; proc < run->procs; proc++)
		open_proc(run, proc);
	/* One place is free, for a fork. */
	for (unsigned int proc = 0; proc < run->procs; proc++)
		if ((proc + 1 < run->procs || run->procs < 3) &&
		    !(options->no_procs >> proc & 1))
			fz_spawn(run, proc);
}

void fz_end(struct fz_run *run)
{
	for (unsigned int proc = 0; proc < run->procs; proc++)
		close_proc(run, proc);
	for (unsigned int gpu = 0; gpu < FZ_GPUS; gpu++)
		fz_unplug(run, gpu);
	/* What is left only polls have held, and their fences have ended. */
	if (!run->failed && run->has_limbo)
		fz_leave_limbo(run);
	if (!run->failed && (run->bufs.n || run->files.n || run->pending.n))
		fz_fail(run, "the model itself leaks: %u buffers, %u files, %u fences",
			run->bufs.n, run->files.n, run->pending.n);
	use_processor(-1);
	fz_vec_free(&run->bufs);
	fz_vec_free(&run->files);
	fz_vec_free(&run->pending);
	close(run->move);
	close(run->revoke);
	close(run->counts);
	close(run->buffers);
}
