// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is in the buffers, in memory that all processes have at the same address:
 * so that comparing is one memcmp(), in whichever process.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "vp_test.h"

#define SMALL		(FZ_PAGES * VP_PAGE)
#define LARGE		(2 * VP_MIB)
#define N_SMALL		160u
#define N_LARGE		6u

uint8_t *fz_source, *fz_result;

static uint8_t *arena;
static bool used[N_SMALL + N_LARGE];

static uint8_t *place(unsigned int i)
{
	return i < N_LARGE ? arena + i * LARGE :
			     arena + N_LARGE * LARGE + (i - N_LARGE) * SMALL;
}

/* Once for the program: what a run leaves in it the next one does not look at. */
static void make_arena(void)
{
	size_t size = (N_LARGE + 2) * LARGE + N_SMALL * SMALL;

	arena = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	igt_assert(arena != MAP_FAILED);
	fz_source = place(N_LARGE + N_SMALL);
	fz_result = fz_source + LARGE;
}

void fz_memory_reset(void)
{
	if (!arena)
		make_arena();
	memset(used, 0, sizeof(used));
}

uint8_t *fz_memory_get(size_t size)
{
	unsigned int i = size > SMALL ? 0 : N_LARGE;
	unsigned int end = size > SMALL ? N_LARGE : N_LARGE + N_SMALL;

	igt_assert(fz_memory_room(size));
	while (i < end && used[i])
		i++;
	used[i] = true;
	memset(place(i), 0, size);
	return place(i);
}

void fz_memory_put(uint8_t *bytes, size_t size)
{
	size_t at = (size_t)(bytes - arena);

	if (!bytes)
		return;
	if (size > SMALL)
		used[at / LARGE] = false;
	else
		used[N_LARGE + (at - N_LARGE * LARGE) / SMALL] = false;
}

bool fz_memory_room(size_t size)
{
	unsigned int i = size > SMALL ? 0 : N_LARGE;
	unsigned int end = size > SMALL ? N_LARGE : N_LARGE + N_SMALL;

	while (i < end && used[i])
		i++;
	return i < end && size <= LARGE;
}

void fz_pattern(uint8_t *bytes, size_t size, uint32_t stamp, uint64_t offset)
{
	uint64_t word = stamp * 0x9e3779b97f4a7c15ull + offset;

	for (size_t at = 0; at < size; at += sizeof(word)) {
		size_t left = size - at;

		word = (word ^ (word >> 27)) * 0xd6e8feb86659fd93ull + 1;
		memcpy(bytes + at, &word, left < 8 ? left : 8);
	}
}

/* ---- random numbers: splitmix64 ---- */

uint64_t fz_random(struct fz_random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

unsigned int fz_below(struct fz_random *random, unsigned int limit)
{
	return limit ? (unsigned int)((fz_random(random) >> 32) * limit >> 32) :
		       0;
}

bool fz_chance(struct fz_random *random, unsigned int percent)
{
	return fz_below(random, 100) < percent;
}

/* ---- counts ---- */

static long find_count(const char *text, const char *name)
{
	size_t len = strlen(name);
	const char *line;

	for (line = text; line && *line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (!strncmp(line, name, len) && line[len] == ' ')
			return atol(line + len);
	return -1;
}

static void read_counts(struct fz_run *run, char text[1024])
{
	ssize_t len = pread(run->counts, text, 1023, 0);

	text[len > 0 ? len : 0] = '\0';
}

struct want {
	const char *name;
	long count;
};

#define N_COUNTS	10

/* Its job has it mapped, also when the GPU is gone. */
static bool is_at_work(const struct fz_run *run, const struct fz_view *view)
{
	for (unsigned int proc = 0; proc < run->procs; proc++)
		if (run->proc[proc].waiting.view == view)
			return true;
	return false;
}

static long count_mappings(const struct fz_run *run, const struct fz_buf *buf)
{
	long mappings = buf->pins;
	struct fz_view *view;

	fz_each(view, &buf->views)
		mappings += view->mapped || is_at_work(run, view);
	return mappings;
}

static void expected_counts(struct fz_run *run, struct want want[N_COUNTS])
{
	long views = 0, exports = 0, imports = 0, buffers = 0, timelines = 0;
	long mappings = 0, pins = 0, others = 0;
	struct fz_file *file;
	struct fz_buf *buf;

	fz_each(buf, &run->bufs) {
		views += buf->views.n;
		mappings += count_mappings(run, buf);
		pins += buf->pins;
		others += buf->maker == FZ_OURS ? buf->foreign : 0;
		if (buf->maker == FZ_OURS) {
			buffers++;
			exports += buf->kbuf != NULL;
		} else if (buf->views.n) {
			buffers++;
			imports++;
		}
	}
	fz_each(file, &run->files) {
		timelines += file->timelines.n + file->untold_timelines +
			     file->attached[false] + file->attached[true];
		buffers += file->untold_buffers;
		views += file->untold_buffers;
	}
	want[0] = (struct want){ "buffers", buffers };
	want[1] = (struct want){ "views", views };
	want[2] = (struct want){ "exports", exports };
	want[3] = (struct want){ "imports", imports };
	want[4] = (struct want){ "timelines", timelines };
	want[5] = (struct want){ "vmaps", 0 };
	want[6] = (struct want){ "attachments", views + others };
	want[7] = (struct want){ "mappings", mappings };
	want[8] = (struct want){ "pins", pins };
	want[9] = (struct want){ "violations", run->violations };
}

void fz_check_counts(struct fz_run *run)
{
	int64_t until = vp_in_ms(20000);
	struct want want[N_COUNTS];
	unsigned int wrong;
	char text[1024];

	if (run->has_limbo || run->failed || run->options.label)
		return;
	expected_counts(run, want);
	do {
		read_counts(run, text);
		for (wrong = 0; wrong < N_COUNTS; wrong++)
			if (find_count(text, want[wrong].name) !=
			    want[wrong].count)
				break;
		if (wrong == N_COUNTS) {
			run->did = true;
			return;
		}
		usleep(500);
	} while (vp_now_ns() < until);
	fz_want(run, want[wrong].name, find_count(text, want[wrong].name),
		want[wrong].count);
}
