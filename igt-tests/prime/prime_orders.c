// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whoever lets go of a buffer first, the others keep it; and when the last one
 * has, nothing is left.
 *
 * Five hold it: the process that made it (with its handle, its descriptor and
 * its mapping, on GPU 0), and here a handle on GPU 0, a descriptor of the
 * dma-buf, a mapping, and a second handle, on GPU 1. They let go in every
 * order. After each step the pixels are checked through all that are left, and
 * one of these writes new ones for the next check.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vp_test.h"

IGT_TEST_DESCRIPTION("Letting go of a shared buffer in every order");

#define SIZE	(2 * VP_PAGE)
#define RW	(PROT_READ | PROT_WRITE)

enum holder {
	PROCESS,
	HANDLE,
	DESCRIPTOR,
	MAPPING,
	SECOND_HANDLE,
	N_HOLDERS,
};

static const char * const holder_names[] = {
	"process", "handle", "fd", "mapping", "second-handle",
};

struct scene {
	bool holds[N_HOLDERS];
	int sock;		/* to the process that made the buffer */
	int gpu0, gpu1;
	uint32_t handle, second_handle;
	int dmabuf;
	void *map;
};

/* The maker: says whether it sees the pattern of a seed, writes one, or quits. */
static void maker(int sock)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);
	void *map = vp_map(gpu, handle, SIZE, RW);

	vp_fill(map, SIZE, 0);
	vp_send_fd(sock, vp_export(gpu, handle));
	for (;;) {
		char word = vp_hear(sock), seed = vp_hear(sock);

		if (word == 'q')
			return;		/* exit closes what is open */
		if (word == 'w')
			vp_fill(map, SIZE, (uint32_t)seed);
		vp_tell(sock, vp_mismatch(map, SIZE, (uint32_t)seed) ==
			VP_INTACT ? 'y' : 'n');
	}
}

/* Have @holder read, or write, the pattern of @seed. */
static bool sees(struct scene *scene, enum holder holder, char word, char seed)
{
	void *map = scene->map;
	long mismatch;

	switch (holder) {
	case PROCESS:
		vp_tell(scene->sock, word);
		vp_tell(scene->sock, seed);
		return vp_hear(scene->sock) == 'y';
	case HANDLE:
		map = vp_map(scene->gpu0, scene->handle, SIZE, RW);
		break;
	case DESCRIPTOR:
		map = vp_map_dmabuf(scene->dmabuf, SIZE, RW);
		break;
	case SECOND_HANDLE:
		map = vp_map(scene->gpu1, scene->second_handle, SIZE, RW);
		break;
	default:
		break;
	}

	if (word == 'w')
		vp_fill(map, SIZE, (uint32_t)seed);
	mismatch = vp_mismatch(map, SIZE, (uint32_t)seed);
	if (holder != MAPPING)
		vp_unmap(map, SIZE);
	return mismatch == VP_INTACT;
}

static void let_go(struct scene *scene, enum holder holder)
{
	scene->holds[holder] = false;
	switch (holder) {
	case PROCESS:
		vp_tell(scene->sock, 'q');
		vp_tell(scene->sock, 0);
		igt_waitchildren();
		break;
	case HANDLE:
		vp_close(scene->gpu0, scene->handle);
		break;
	case DESCRIPTOR:
		close(scene->dmabuf);
		break;
	case MAPPING:
		vp_unmap(scene->map, SIZE);
		break;
	default:
		vp_close(scene->gpu1, scene->second_handle);
		break;
	}
}

static void check_holders(struct scene *scene, char seed, const char *order)
{
	for (int i = 0; i < N_HOLDERS; i++)
		if (scene->holds[i])
			igt_assert_f(sees(scene, i, 'r', seed),
				     "order %s: %s sees wrong pixels\n", order,
				     holder_names[i]);
}

static void play(const enum holder order[N_HOLDERS], int gpu0, int gpu1)
{
	struct scene scene = { .gpu0 = gpu0, .gpu1 = gpu1 };
	struct vp_counts before = vp_counts();
	char name[64] = "";
	int sock[2];
	char seed = 0;

	for (int i = 0; i < N_HOLDERS; i++) {
		strcat(name, i ? ", " : "");
		strcat(name, holder_names[order[i]]);
		scene.holds[i] = true;
	}

	vp_socketpair(sock);
	igt_fork(child, 1) {
		/* Or this end would keep the files open that the parent closes. */
		close(gpu0);
		close(gpu1);
		maker(sock[1]);
	}
	scene.sock = sock[0];
	scene.dmabuf = vp_recv_fd(sock[0]);
	scene.handle = vp_import(gpu0, scene.dmabuf);
	scene.second_handle = vp_import(gpu1, scene.dmabuf);
	scene.map = vp_map(gpu0, scene.handle, SIZE, RW);
	check_holders(&scene, seed, name);

	for (int step = 0; step < N_HOLDERS; step++) {
		/* Next to go writes last: what it wrote must outlive it. */
		igt_assert(sees(&scene, order[step], 'w', ++seed));
		let_go(&scene, order[step]);
		check_holders(&scene, seed, name);
	}

	vp_assert_counts_(&before, name);
	close(sock[0]);
	close(sock[1]);
}

/* All orders of order[at..], those before it given. */
static void permute(enum holder order[N_HOLDERS], int at, int gpu0, int gpu1)
{
	if (at == N_HOLDERS) {
		play(order, gpu0, gpu1);
		return;
	}
	for (int i = at; i < N_HOLDERS; i++) {
		enum holder swap = order[at];

		order[at] = order[i];
		order[i] = swap;
		permute(order, at + 1, gpu0, gpu1);
		order[i] = order[at];
		order[at] = swap;
	}
}

static void orders_with_first(enum holder first)
{
	enum holder order[] = {
		PROCESS, HANDLE, DESCRIPTOR, MAPPING, SECOND_HANDLE,
	};
	int gpu0 = vp_open(0), gpu1 = vp_open(1);

	order[0] = first;
	order[first] = PROCESS;
	permute(order, 1, gpu0, gpu1);
	close(gpu0);
	close(gpu1);
}

igt_main
{
	for (int first = 0; first < N_HOLDERS; first++) {
		char name[64];

		snprintf(name, sizeof(name), "%s-first", holder_names[first]);
		igt_describe("All 24 orders in which this one lets go first");
		vp_subtest(name)
			orders_with_first(first);
	}
}
