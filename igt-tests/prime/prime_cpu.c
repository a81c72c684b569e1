// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPU access, DMA_BUF_IOCTL_SYNC: whose it is while it is open, also when its
 * process does not live to end it. (prime_cpu_fence has what it waits for.)
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Beginning and ending CPU access to a dma-buf");

#define SIZE		(4 * VP_PAGE)
#define RW		(PROT_READ | PROT_WRITE)
#define READ		DMA_BUF_SYNC_READ
#define WRITE		DMA_BUF_SYNC_WRITE

struct scene {
	int gpu;
	uint32_t handle;
	int dmabuf;
	uint64_t id;
};

static struct scene prepare(unsigned int gpu)
{
	struct scene scene = { .gpu = vp_open(gpu) };

	scene.handle = vp_create(scene.gpu, SIZE);
	scene.dmabuf = vp_export(scene.gpu, scene.handle);
	scene.id = vp_id(scene.gpu, scene.handle);
	return scene;
}

static void let_go(struct scene *scene)
{
	close(scene->dmabuf);
	close(scene->gpu);
}

static unsigned int open_accesses(const struct scene *scene)
{
	return vp_watch(scene->id)->cpu_open;
}

static void assert_no_access(const struct scene *scene)
{
	igt_assert_eq(open_accesses(scene), 0);
	igt_assert_eq(vp_watch(scene->id)->n_cpu, 0);
	igt_assert_eq(vp_watch(scene->id)->violations, 0);
}

static void counts_per_buffer(void)
{
	struct scene one = prepare(0), two = prepare(1);
	int again = dup(one.dmabuf);

	vp_sync_start(one.dmabuf, READ);
	vp_sync_start(two.dmabuf, WRITE);
	igt_assert_eq(open_accesses(&one), 1);
	igt_assert_eq(open_accesses(&two), 1);
	/* Another descriptor of the same buffer is the same buffer. */
	vp_sync_end(again, READ);
	igt_assert_eq(open_accesses(&one), 0);
	igt_assert_eq(open_accesses(&two), 1);
	vp_sync_end(two.dmabuf, WRITE);
	assert_no_access(&one);
	assert_no_access(&two);
	close(again);
	let_go(&one);
	let_go(&two);
}

/* A thread has one access open however often it began, until its first end. */
static void begun_again(void)
{
	struct scene scene = prepare(0);
	enum { TIMES = 5 };

	for (unsigned int i = 0; i < TIMES; i++) {
		vp_sync_start(scene.dmabuf, i & 1 ? READ : WRITE);
		igt_assert_eq(open_accesses(&scene), 1);
		igt_assert_eq(vp_watch(scene.id)->n_cpu, 1);
	}
	igt_assert_eq(strcmp(vp_watch(scene.id)->cpu[0].access, "read-write"),
		      0);
	/* Each begin may have its end; one more is too many. */
	for (unsigned int i = 0; i < TIMES; i++) {
		vp_sync_end(scene.dmabuf, READ);
		assert_no_access(&scene);
	}
	vp_sync_end(scene.dmabuf, READ);
	igt_assert_eq(vp_watch_violations(scene.id, "end-without-begin"), 1);
	let_go(&scene);
}

/* A library brackets within a program's bracket, beside another process's. */
static void begun_again_beside_another(void)
{
	struct scene scene = prepare(0);
	pid_t other = vp_start_access("other", scene.dmabuf, READ, 1);

	vp_sync_start(scene.dmabuf, READ);
	vp_sync_start(scene.dmabuf, READ);
	igt_assert_eq(open_accesses(&scene), 2);
	for (unsigned int i = 0; i < 2; i++) {
		vp_sync_end(scene.dmabuf, READ);
		igt_assert_eq(open_accesses(&scene), 1);
		igt_assert_eq(vp_watch(scene.id)->cpu[0].pid, other);
	}
	igt_assert_eq(vp_watch(scene.id)->violations, 0);
	vp_kill(other);
	let_go(&scene);
}

static void ended_by_thread(void)
{
	struct scene scene = prepare(0);

	vp_sync_start(scene.dmabuf, READ);
	vp_sync_in_thread(scene.dmabuf, DMA_BUF_SYNC_END | READ);
	assert_no_access(&scene);

	/* The other way round, and the thread is no more. */
	vp_sync_in_thread(scene.dmabuf, DMA_BUF_SYNC_START | WRITE);
	igt_assert_eq(open_accesses(&scene), 1);
	igt_assert_eq(vp_watch(scene.id)->cpu[0].pid, getpid());
	vp_sync_end(scene.dmabuf, WRITE);
	assert_no_access(&scene);
	let_go(&scene);
}

/* A thread that begins, and ends when the barrier has been passed twice. */
struct bracket {
	int dmabuf;
	int ret[2];
	pthread_barrier_t barrier;
};

static void *bracket_in_thread(void *arg)
{
	struct bracket *bracket = arg;

	bracket->ret[0] = vp_try_sync(bracket->dmabuf,
				      DMA_BUF_SYNC_START | READ);
	pthread_barrier_wait(&bracket->barrier);
	pthread_barrier_wait(&bracket->barrier);
	bracket->ret[1] = vp_try_sync(bracket->dmabuf, DMA_BUF_SYNC_END | READ);
	return NULL;
}

static void two_threads(void)
{
	struct scene scene = prepare(0);
	struct bracket bracket = { .dmabuf = scene.dmabuf };
	const struct vp_watch_buffer *buffer;
	pthread_t thread;

	pthread_barrier_init(&bracket.barrier, NULL, 2);
	igt_assert_eq(pthread_create(&thread, NULL, bracket_in_thread,
				     &bracket), 0);
	pthread_barrier_wait(&bracket.barrier);
	igt_assert_eq(open_accesses(&scene), 1);
	vp_sync_start(scene.dmabuf, WRITE);
	buffer = vp_watch(scene.id);
	igt_assert_eq(buffer->cpu_open, 2);
	igt_assert_eq(buffer->n_cpu, 2);
	for (unsigned int i = 0; i < 2; i++)
		igt_assert_eq(buffer->cpu[i].pid, getpid());

	/* Mine ends, not the other's. */
	vp_sync_end(scene.dmabuf, WRITE);
	igt_assert_eq(open_accesses(&scene), 1);
	igt_assert_eq(strcmp(vp_watch(scene.id)->cpu[0].access, "read"), 0);
	pthread_barrier_wait(&bracket.barrier);
	pthread_join(thread, NULL);
	igt_assert(!bracket.ret[0] && !bracket.ret[1]);
	assert_no_access(&scene);
	pthread_barrier_destroy(&bracket.barrier);
	let_go(&scene);
}

/*
 * Threads that begin and exit: what they left open is one access of the process,
 * so that a process has no more than threads, but for the last ones to exit.
 */
static void ended_threads(void)
{
	struct scene scene = prepare(0);
	unsigned int begun = 0;

	do {
		vp_sync_in_thread(scene.dmabuf, DMA_BUF_SYNC_START | READ);
		begun++;
	} while (begun < 50);
	vp_await((vp_sync_in_thread(scene.dmabuf, DMA_BUF_SYNC_START | READ), begun++,
		  open_accesses(&scene) < 4));
	igt_assert_lt(0, open_accesses(&scene));
	while (begun--)
		vp_sync_end(scene.dmabuf, READ);
	assert_no_access(&scene);
	let_go(&scene);
}

/* An access that is handed on is ended for its beginner. */
static void ended_by_another(void)
{
	struct scene scene = prepare(0);

	vp_sync_start(scene.dmabuf, WRITE);
	igt_fork(child, 1)
		vp_sync_end(scene.dmabuf, WRITE);
	igt_waitchildren();
	assert_no_access(&scene);
	vp_sync_end(scene.dmabuf, WRITE);
	igt_assert_eq(vp_watch_violations(scene.id, "end-without-begin"), 1);
	let_go(&scene);
}

static void assert_still_works(struct scene *scene)
{
	int other = vp_open(1);
	uint32_t handle = vp_import(other, scene->dmabuf), word = 0;
	uint32_t *map = vp_map_dmabuf(scene->dmabuf, SIZE, RW);

	vp_sync_start(scene->dmabuf, WRITE);
	map[0] = 0xfeed;
	vp_sync_end(scene->dmabuf, WRITE);
	vp_peek(other, handle, 0, &word, sizeof(word));
	igt_assert_eq(word, 0xfeedu);
	vp_unmap(map, SIZE);
	close(other);
	igt_assert_eq(open_accesses(scene), 0);
}

/* What somebody had open is gone, and was reported once, in his name. */
static void assert_left_open(int log, const struct scene *scene,
			     const char *name, pid_t process)
{
	vp_await(!open_accesses(scene));
	igt_assert_eq(vp_watch(scene->id)->n_cpu, 0);
	igt_assert_eq(vp_watch_violations(scene->id, "begin-left-open"), 1);
	igt_assert_eq(vp_watch(scene->id)->violations, 1);
	vp_assert_reported(log, scene->id, "begin-left-open", "cpu", name,
			   process);
}

static void killed(unsigned int times, uint64_t access)
{
	struct scene scene = prepare(0);
	int log = vp_log_open();
	pid_t child = vp_start_access("doomed", scene.dmabuf, access, times);
	const struct vp_watch_buffer *buffer = vp_watch(scene.id);

	igt_assert_eq(buffer->cpu_open, 1);
	igt_assert_eq(buffer->n_cpu, 1);
	igt_assert_eq(buffer->cpu[0].pid, child);
	igt_assert_eq(strcmp(buffer->cpu[0].process, "doomed"), 0);
	vp_kill(child);
	assert_left_open(log, &scene, "doomed", child);
	assert_still_works(&scene);
	close(log);
	let_go(&scene);
}

/* Nobody has looked at the list meanwhile: whoever is next at it, tells. */
static void killed_unnoticed(void)
{
	struct scene scene = prepare(0);
	int log = vp_log_open();
	pid_t child = vp_start_access("doomed", scene.dmabuf, READ, 1);

	vp_kill(child);
	assert_still_works(&scene);
	assert_left_open(log, &scene, "doomed", child);
	close(log);
	let_go(&scene);
}

/* Nobody has been at the buffer meanwhile: the counts have it all the same. */
static void killed_counted(void)
{
	struct scene scene = prepare(0);
	unsigned int before = vp_watch_total("begin-left-open");
	pid_t child = vp_start_access("doomed", scene.dmabuf, READ, 1);
	long violations = vp_violations();

	vp_kill(child);
	igt_assert_eq(vp_watch_total("begin-left-open"), before + 1);
	igt_assert_eq(vp_violations(), violations + 1);

	child = vp_start_access("doomed", scene.dmabuf, READ, 1);
	vp_kill(child);
	igt_assert_eq(vp_violations(), violations + 2);
	igt_assert_eq(open_accesses(&scene), 0);
	let_go(&scene);
}

/* Its parent has not asked for its end: it has a number, and no life. */
static void zombie(void)
{
	struct scene scene = prepare(0);
	int log = vp_log_open();
	pid_t child = vp_start_access("undead", scene.dmabuf, WRITE, 1);

	igt_assert_eq(kill(child, SIGKILL), 0);
	assert_left_open(log, &scene, "undead", child);
	/* Its number is still its own. */
	vp_kill(child);
	close(log);
	let_go(&scene);
}

static void exits(void)
{
	struct scene scene = prepare(0);
	int log = vp_log_open(), status;
	pid_t child = fork();

	igt_assert_lte(0, child);
	if (!child) {
		prctl(PR_SET_NAME, "forgetful");
		_exit(vp_try_sync(scene.dmabuf, DMA_BUF_SYNC_START | READ));
	}
	igt_assert_eq(waitpid(child, &status, 0), child);
	igt_assert_eq(status, 0);
	assert_left_open(log, &scene, "forgetful", child);
	assert_still_works(&scene);
	close(log);
	let_go(&scene);
}

/* The dead and the living: only what was the dead's goes. */
static void killed_beside_others(void)
{
	struct scene scene = prepare(0);
	int log = vp_log_open();
	pid_t dies, lives;

	vp_sync_start(scene.dmabuf, READ);
	dies = vp_start_access("doomed", scene.dmabuf, WRITE, 2);
	lives = vp_start_access("lasting", scene.dmabuf, READ, 1);
	igt_assert_eq(open_accesses(&scene), 3);
	vp_kill(dies);
	igt_assert_eq(open_accesses(&scene), 2);
	igt_assert_eq(vp_watch(scene.id)->n_cpu, 2);
	for (unsigned int i = 0; i < 2; i++)
		igt_assert_neq(vp_watch(scene.id)->cpu[i].pid, dies);
	vp_sync_end(scene.dmabuf, READ);
	vp_kill(lives);
	/* One line in the log for the rule, and two in the count. */
	igt_assert_eq(open_accesses(&scene), 0);
	igt_assert_eq(vp_watch_violations(scene.id, "begin-left-open"), 2);
	igt_assert_eq(vp_logged(log, "begin-left-open", "doomed"), 1);
	close(log);
	let_go(&scene);
}

/*
 * The dma-buf goes with its last descriptor: nobody can end the access now,
 * although the buffer is still there, in a mapping.
 */
static void last_fd_closed(void)
{
	struct scene scene = prepare(0);
	void *map = vp_map(scene.gpu, scene.handle, SIZE, RW);
	char name[17] = "";
	int log;

	vp_be_another();
	prctl(PR_GET_NAME, name);
	/* A file remembers the dma-buf for as long as it has the handle. */
	vp_close(scene.gpu, scene.handle);
	vp_sync_start(scene.dmabuf, WRITE);
	log = vp_log_open();
	vp_fill(map, SIZE, 1);
	igt_assert_eq(open_accesses(&scene), 1);
	close(scene.dmabuf);
	assert_left_open(log, &scene, name, getpid());
	igt_assert(!vp_watch(scene.id)->exported);
	vp_assert_pattern(map, SIZE, 1);
	vp_unmap(map, SIZE);
	close(log);
	close(scene.gpu);
}

static void last_of_all_closed(void)
{
	struct scene scene = prepare(0);
	unsigned int before = vp_watch_total("begin-left-open");
	int log = vp_log_open();
	char words[64];

	vp_be_another();
	close(scene.gpu);
	vp_sync_start(scene.dmabuf, READ);
	close(scene.dmabuf);
	igt_assert(!vp_watch_listed(scene.id));
	igt_assert_eq(vp_watch_total("begin-left-open"), before + 1);
	snprintf(words, sizeof(words), "buffer %llu of",
		 (unsigned long long)scene.id);
	igt_assert_eq(vp_logged(log, "begin-left-open", words), 1);
	close(log);
}

static void end_without_begin(void)
{
	struct scene scene = prepare(0);

	vp_sync_end(scene.dmabuf, WRITE);
	igt_assert_eq(open_accesses(&scene), 0);
	igt_assert_eq(vp_watch_violations(scene.id, "end-without-begin"), 1);
	/* It is not borrowed from those to come. */
	vp_sync_start(scene.dmabuf, READ);
	igt_assert_eq(open_accesses(&scene), 1);
	vp_sync_end(scene.dmabuf, READ);
	vp_sync_end(scene.dmabuf, READ);
	igt_assert_eq(open_accesses(&scene), 0);
	igt_assert_eq(vp_watch_violations(scene.id, "end-without-begin"), 2);
	assert_still_works(&scene);
	let_go(&scene);
}

/* A round of brackets, some within others, in several processes. */
static void work_in_brackets(int dmabuf, uint32_t *map, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		vp_sync_start(dmabuf, READ);
		if (i & 1) {
			vp_sync_start(dmabuf, DMA_BUF_SYNC_RW);
			(*(volatile uint32_t *)map)++;
			vp_sync_end(dmabuf, DMA_BUF_SYNC_RW);
		}
		vp_sync_end(dmabuf, READ);
	}
}

static void many_processes(void)
{
	enum { PROCESSES = 8, ROUNDS = 200 };
	struct scene scene = prepare(0);
	uint32_t *map = vp_map_dmabuf(scene.dmabuf, SIZE, RW);
	const struct vp_watch_buffer *buffer;
	int sock[2];

	vp_socketpair(sock);
	igt_fork(child, PROCESSES) {
		work_in_brackets(scene.dmabuf, map, ROUNDS);
		/* All at the same time, once. */
		vp_sync_start(scene.dmabuf, READ);
		vp_tell(sock[1], 'o');
		igt_assert_eq(vp_hear(sock[1]), 'c');
		vp_sync_end(scene.dmabuf, READ);
		work_in_brackets(scene.dmabuf, map, ROUNDS);
	}
	for (int i = 0; i < PROCESSES; i++)
		igt_assert_eq(vp_hear(sock[0]), 'o');
	buffer = vp_watch(scene.id);
	igt_assert_eq(buffer->cpu_open, PROCESSES);
	igt_assert_eq(buffer->n_cpu, PROCESSES);
	for (int i = 0; i < PROCESSES; i++)
		for (int j = 0; j < i; j++)
			igt_assert_neq(buffer->cpu[i].pid, buffer->cpu[j].pid);
	for (int i = 0; i < PROCESSES; i++)
		vp_tell(sock[0], 'c');
	igt_waitchildren();
	assert_no_access(&scene);
	vp_unmap(map, SIZE);
	close(sock[0]);
	close(sock[1]);
	let_go(&scene);
}

/* Some die with an access open while others come and go. */
static void many_killed(void)
{
	enum { ROUNDS = 10, DOOMED = 4 };
	struct scene scene = prepare(0);
	uint32_t *map = vp_map_dmabuf(scene.dmabuf, SIZE, RW);
	pid_t doomed[DOOMED];
	unsigned int lines;
	int log = vp_log_open();

	igt_fork(child, 2)
		work_in_brackets(scene.dmabuf, map, 2000);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < DOOMED; i++)
			doomed[i] = vp_start_access("doomed", scene.dmabuf,
						    READ, 1);
		for (int i = 0; i < DOOMED; i++)
			vp_kill(doomed[i]);
	}
	igt_waitchildren();
	igt_assert_eq(open_accesses(&scene), 0);
	igt_assert_eq(vp_watch_violations(scene.id, "begin-left-open"),
		      ROUNDS * DOOMED);
	igt_assert_eq(vp_watch(scene.id)->violations, ROUNDS * DOOMED);
	/* Each is a process of its own; the log's limit may keep some out. */
	lines = vp_logged(log, "begin-left-open", "doomed");
	igt_assert(lines > 0 && lines <= ROUNDS * DOOMED);
	assert_still_works(&scene);
	vp_unmap(map, SIZE);
	close(log);
	let_go(&scene);
}

static void death_subtests(void)
{
	igt_describe("A process is killed in a read: reported once, in its name; the buffer works on");
	vp_subtest("killed-reading")
		killed(1, READ);

	igt_describe("A process is killed in a write");
	vp_subtest("killed-writing")
		killed(1, WRITE);

	igt_describe("A process that began three times is killed: that is one access, and one report");
	vp_subtest("killed-nested")
		killed(3, DMA_BUF_SYNC_RW);

	igt_describe("Nobody looks at the list: the next to begin finds what the dead left");
	vp_subtest("killed-unnoticed")
		killed_unnoticed();

	igt_describe("Nobody looks at the list, nor begins: the counts know what the dead left");
	vp_subtest("killed-counted")
		killed_counted();

	igt_describe("A process is killed and nobody has waited for it yet");
	vp_subtest("killed-zombie")
		zombie();

	igt_describe("A process exits without an end");
	vp_subtest("exits")
		exits();

	igt_describe("What living processes have open stays open when another dies");
	vp_subtest("killed-beside-others")
		killed_beside_others();

	igt_describe("The last descriptor is closed in an access, while a mapping keeps the buffer");
	vp_subtest("last-fd-closed")
		last_fd_closed();

	igt_describe("The last descriptor is closed in an access, and the buffer goes with it");
	vp_subtest("last-of-all-closed")
		last_of_all_closed();

	igt_describe("Forty processes die in an access while two others come and go");
	vp_subtest("many-killed")
		many_killed();
}

igt_main
{
	igt_describe("Each buffer has its own accesses, whichever descriptor they come through");
	vp_subtest("counts-per-buffer")
		counts_per_buffer();

	igt_describe("A thread that begins again has one access, for all that it began for, and may end as often");
	vp_subtest("begun-again")
		begun_again();

	igt_describe("A bracket within a bracket does not end another process's");
	vp_subtest("begun-again-beside-another")
		begun_again_beside_another();

	igt_describe("Two threads of a process have an access each, and end their own");
	vp_subtest("two-threads")
		two_threads();

	igt_describe("Threads that begin and exit leave one access to their process");
	vp_subtest("ended-threads")
		ended_threads();

	igt_describe("A thread ends what another one of its process began");
	vp_subtest("ended-by-thread")
		ended_by_thread();

	igt_describe("A process ends what another one began");
	vp_subtest("ended-by-another")
		ended_by_another();

	igt_describe("An end without a begin is reported, and does not count as one");
	vp_subtest("end-without-begin")
		end_without_begin();

	igt_describe("Eight processes begin and end, within each other and all at once");
	vp_subtest("many-processes")
		many_processes();

	death_subtests();
}
