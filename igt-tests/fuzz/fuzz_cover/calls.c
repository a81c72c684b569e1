// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls with arguments of any kind. Each argument of an ioctl is described field
 * by field, and a field filled in from a word: mostly with something that makes
 * sense, such as a handle that an earlier call has given, else with the word
 * itself.
 */
#define _GNU_SOURCE	/* mremap */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "cover.h"
#include "fields.h"
#include "vp_sw_sync.h"
#include "vp_test.h"

#define MAX_THINGS	24
#define MEMORY		(256 * VP_KIB)

/* What earlier calls of the program have given. */
static struct {
	uint64_t at[MAX_THINGS];
	unsigned int n;
} things[FC_THINGS];

static struct map {
	uint8_t *at;
	size_t size;
} maps[MAX_THINGS];

static unsigned int n_maps;
static char paths[4][300];
static int debugfs[2];
static uint8_t *memory;
static sigjmp_buf touched;

static void on_fault(int sig)
{
	siglongjmp(touched, sig);
}

static void on_alarm(int sig)
{
	(void)sig;	/* it has ended a wait */
}

static void keep(enum fc_thing thing, uint64_t value)
{
	if (things[thing].n < MAX_THINGS)
		things[thing].at[things[thing].n++] = value;
	else if (thing <= FC_LAST_FD)
		close((int)value);
}

static uint64_t pick(enum fc_thing thing, uint32_t word)
{
	if (!things[thing].n || word % 16 == 15)
		return word >> 8;
	return things[thing].at[(word >> 8) % things[thing].n];
}

/* Any descriptor: mostly of the kind that the call is for. */
static int pick_fd(enum fc_thing thing, uint32_t word)
{
	if (word % 32 == 31)
		thing = word / 32 % (FC_LAST_FD + 1);
	if (!things[thing].n)
		return -1;
	return (int)things[thing].at[(word >> 8) % things[thing].n];
}

static uint64_t fill_size(uint32_t word)
{
	static const uint64_t odd[] = {
		0, 1, 4095, 4097, 2 * VP_MIB, UINT64_MAX, 1ull << 40,
		INT64_MAX, UINT32_MAX,
	};

	if (word % 8 == 7)
		return odd[(word >> 3) % VP_ARRAY_SIZE(odd)];
	return (1 + (word >> 3) % 16) * VP_PAGE;
}

static uint64_t fill_offset(uint32_t word)
{
	if (word % 16 == 15)
		return -(uint64_t)(word >> 4);
	return word % 16 < 8 ? (word >> 4) % (32 * VP_PAGE) : 0;
}

static uint64_t fill_flags(uint32_t word)
{
	return word % 8 == 7 ? 1ull << (word >> 3) % 32 : (word >> 3) % 4;
}

static int64_t fill_time(uint32_t word)
{
	if (word % 4 == 3)
		return INT64_MAX;
	return word % 4 == 2 ? -(int64_t)word : vp_now_ns() + word % 8000000;
}

static uint64_t fill(enum fc_field_kind kind, uint32_t word)
{
	switch (kind) {
	case FC_HANDLE:
		return pick(FC_HANDLES, word);
	case FC_TIMELINE:
		return pick(FC_TIMELINES, word);
	case FC_FENCE:
		return pick(FC_FENCES, word);
	case FC_SYNCOBJ:
		return pick(FC_SYNCOBJS, word);
	case FC_DMABUF_FD:
		return (uint64_t)pick_fd(FC_DMABUF, word);
	case FC_SYNC_FD:
		return (uint64_t)pick_fd(FC_SYNC, word);
	case FC_FLAGS:
		return fill_flags(word);
	case FC_PAD:
		return word % 32 == 31 ? word : 0;
	case FC_SIZE:
		return fill_size(word);
	case FC_OFFSET:
		return fill_offset(word);
	case FC_SMALL:
		return word % 16 == 15 ? word : word / 16 % 12;
	case FC_TIME:
		return (uint64_t)fill_time(word);
	case FC_MEMORY:
		return word % 16 == 15 ? word : (uintptr_t)memory;
	case FC_NAME:
		return 0x0065646f63ull ^ (word % 8 == 7 ? word : 0);
	default:
		return word;
	}
}

static void do_ioctl(const struct fc_ioctl *call, const uint32_t *word)
{
	unsigned char arg[256] = {};
	void *where = arg;
	int fd = pick_fd(call->fd, word[0]);
	uint64_t value = 0;

	for (unsigned int i = 0; i < FC_FIELDS && call->field[i].size; i++) {
		const struct fc_field *field = &call->field[i];

		value = fill(field->kind, word[1 + i % (FC_WORDS - 1)]);
		memcpy(arg + field->offset, &value, field->size);
	}
	/* Sometimes there is nothing, or it cannot be written. */
	if (word[0] % 64 == 63)
		where = (void *)8;
	if (word[0] % 64 == 62)
		where = memory + MEMORY;
	if (ioctl(fd, call->request, where) || where != arg)
		return;
	value = 0;
	if (!call->gives_size)
		return;
	memcpy(&value, arg + call->gives_at, call->gives_size);
	keep(call->gives, value);
}

static void do_mmap(const uint32_t *word)
{
	bool dmabuf = word[0] & 1;
	int fd = pick_fd(dmabuf ? FC_DMABUF : FC_GPU, word[1]);
	int prot = (int)(word[2] % 4);
	int flags = word[2] % 32 == 31 ? MAP_PRIVATE : MAP_SHARED;
	struct map *map = &maps[n_maps];
	uint64_t offset = dmabuf ? fill_offset(word[4]) & ~(VP_PAGE - 1) :
				   pick(FC_OFFSETS, word[4]) & ~(VP_PAGE - 1);

	if (n_maps == MAX_THINGS)
		return;
	map->size = (1 + word[3] % 16) * VP_PAGE;
	map->at = mmap(NULL, map->size, prot, flags, fd, (off_t)offset);
	if (map->at != MAP_FAILED)
		n_maps++;
}

static void do_touch(const uint32_t *word)
{
	volatile uint8_t *at;

	if (!n_maps)
		return;
	at = maps[word[0] % n_maps].at + word[1] % maps[word[0] % n_maps].size;
	if (sigsetjmp(touched, 1))
		return;
	if (word[2] & 1)
		*at = (uint8_t)word[3];
	else
		(void)*at;
}

static void do_remap(const uint32_t *word)
{
	struct map *map;

	if (!n_maps)
		return;
	map = &maps[word[0] % n_maps];
	if (word[1] % 4 == 0)
		mprotect(map->at, map->size, (int)(word[2] % 4));
	else if (word[1] % 4 == 1)
		madvise(map->at, map->size, (int)(word[2] % 26));
	else if (word[1] % 4 == 2 && map->size > VP_PAGE)
		munmap(map->at + (map->size -= VP_PAGE), VP_PAGE);
	else if (mremap(map->at, map->size, map->size + VP_PAGE, 0) !=
		 MAP_FAILED)
		map->size += VP_PAGE;
}

static void do_open(const uint32_t *word)
{
	int fd;

	if (word[0] % 4 == 3)
		fd = vp_try_sw_sync();
	else
		fd = open(paths[word[0] % 4], O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		keep(word[0] % 4 == 3 ? FC_SW : FC_GPU, (uint64_t)fd);
}

static void do_close(const uint32_t *word)
{
	enum fc_thing thing = word[0] % (FC_LAST_FD + 1);
	unsigned int at;

	if (!things[thing].n)
		return;
	at = word[1] % things[thing].n;
	close((int)things[thing].at[at]);
	things[thing].at[at] = things[thing].at[--things[thing].n];
}

static void do_poll(const uint32_t *word)
{
	struct pollfd asked = {
		.fd = pick_fd(word[0] % (FC_LAST_FD + 1), word[1]),
		.events = (short)(word[2] % 8),
	};

	poll(&asked, 1, (int)(word[3] % 3));
}

/* Move it, or take it away. */
static void do_debugfs(const uint32_t *word)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%llu",
			   (unsigned long long)pick(FC_NUMBERS, word[1]));

	/* Taken away, a buffer is of no use for the rest. */
	if (write(debugfs[word[0] % 8 == 7], text, (size_t)len) < 0)
		return;
}

static void do_list(const uint32_t *word)
{
	static const char *const files[] = {
		"buffers", "fences", "counts", "violations",
	};
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/vprime/%s",
		 files[word[0] % VP_ARRAY_SIZE(files)]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && read(fd, memory, 1 + word[1] % MEMORY) > 0)
		;
	close(fd);
}

static void (*const others[])(const uint32_t *word) = {
	do_mmap, do_touch, do_touch, do_remap, do_open, do_close, do_poll,
	do_debugfs, do_list,
};

unsigned int fc_kinds(void)
{
	/* Beside them, handles and the like are made more often than used. */
	return fc_ioctl_count + VP_ARRAY_SIZE(others);
}

void fc_draw_words(struct fc_call *call)
{
	for (unsigned int i = 0; i < FC_WORDS; i++)
		call->word[i] = fc_random(0);
}

void fc_calls_begin(const unsigned int gpu[2])
{
	struct itimerval tick = { { 0, 50000 }, { 0, 50000 } };
	struct sigaction alarm = { .sa_handler = on_alarm };
	struct sigaction fault = { .sa_handler = on_fault };

	for (int i = 0; i < 4; i++)
		igt_assert_eq(vp_node_path(gpu[i & 1], i & 2 ? VP_PRIMARY :
					   VP_RENDER, paths[i],
					   sizeof(paths[i])), 0);
	/* One page more, which cannot be written, and would make a buffer. */
	memory = mmap(NULL, MEMORY + VP_PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	igt_assert(memory != MAP_FAILED);
	*(uint64_t *)(memory + MEMORY) = VP_PAGE;
	igt_assert_eq(mprotect(memory + MEMORY, VP_PAGE, PROT_READ), 0);
	debugfs[0] = open("/sys/kernel/debug/vprime/move",
			  O_WRONLY | O_CLOEXEC);
	debugfs[1] = open("/sys/kernel/debug/vprime/revoke",
			  O_WRONLY | O_CLOEXEC);
	sigaction(SIGBUS, &fault, NULL);
	sigaction(SIGSEGV, &fault, NULL);
	/* Nothing waits for longer. */
	sigaction(SIGALRM, &alarm, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
}

void fc_calls_end(void)
{
	struct itimerval never = {};

	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGBUS, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	close(debugfs[0]);
	close(debugfs[1]);
	munmap(memory, MEMORY + VP_PAGE);
}

static void clean_up(void)
{
	while (n_maps) {
		n_maps--;
		munmap(maps[n_maps].at, maps[n_maps].size);
	}
	for (unsigned int thing = 0; thing < FC_THINGS; thing++) {
		for (unsigned int i = 0;
		     i < things[thing].n && thing <= FC_LAST_FD; i++)
			close((int)things[thing].at[i]);
		things[thing].n = 0;
	}
}

void fc_run(const struct fc_program *program)
{
	for (int i = 0; i < 2; i++) {
		int gpu = open(paths[i], O_RDWR | O_CLOEXEC);

		if (gpu >= 0)
			keep(FC_GPU, (uint64_t)gpu);
	}
	for (unsigned int i = 0; i < program->n; i++) {
		const struct fc_call *call = &program->call[i];

		if (call->kind < fc_ioctl_count)
			do_ioctl(&fc_ioctls[call->kind], call->word);
		else
			others[(call->kind - fc_ioctl_count) %
			       VP_ARRAY_SIZE(others)](call->word);
	}
	clean_up();
}
