// SPDX-License-Identifier: GPL-2.0-only
/*
 * A GPU goes in the middle of something: with a fence pending on its buffer,
 * with processes that wait in its ioctls or loop over them, and again and again
 * while others share.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_access.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Unplugging a GPU that is in the middle of something");

#define GPU	"going"
#define SIZE	(16 * VP_PAGE)
/* With huge pages and small ones. */
#define LARGE	(4 * VP_MIB + 5 * VP_PAGE)
#define RW	(PROT_READ | PROT_WRITE)

/* A fence on its buffer is somebody else's, and stays. */
static void fence_stays(void)
{
	int gpu = vp_config_open(GPU, ""), vgem, dmabuf;
	struct pollfd ready = { .events = POLLIN };
	uint32_t fence;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dmabuf = vp_export(gpu, vp_create_filled(gpu, SIZE, 1));
	fence = vp_fence_attach(vgem, vp_import(vgem, dmabuf), true);
	ready.fd = dmabuf;
	igt_assert_eq(poll(&ready, 1, 0), 0);
	vp_config_remove(GPU);
	close(gpu);
	igt_assert_eq(poll(&ready, 1, 100), 0);
	vp_fence_signal(vgem, fence);
	igt_assert_eq(poll(&ready, 1, VP_PATIENCE_MS), 1);
	vp_assert_shared(dmabuf, SIZE, 1, 2);
	close(dmabuf);
	close(vgem);
	vp_unload_foreign("vgem");
}

/* A process waits for a fence in the GPU that goes. */
static void while_waiting(bool poke)
{
	int gpu = vp_config_open(GPU, ""), vgem, dmabuf, sock[2];
	uint32_t handle = vp_create_filled(gpu, SIZE, 1), fence;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dmabuf = vp_export(gpu, handle);
	fence = vp_fence_attach(vgem, vp_import(vgem, dmabuf), true);
	vp_socketpair(sock);
	igt_fork(child, 1) {
		char byte = 0;
		int ret;

		vp_tell(sock[1], 'r');
		ret = poke ? vp_try_poke(gpu, handle, 0, &byte, 1) :
			     vp_try_peek(gpu, handle, 0, &byte, 1);
		vp_tell(sock[1], 'd');
		/* The GPU was gone before the fence was. */
		igt_assert_eq(ret, -ENODEV);
		igt_assert_eq(vp_try_peek(gpu, handle, 0, &byte, 1), -ENODEV);
	}
	igt_assert_eq(vp_hear(sock[0]), 'r');
	usleep(200000);
	vp_config_remove(GPU);
	/* Had that waited for the fence, it would have signalled by itself. */
	vp_fence_signal(vgem, fence);
	igt_assert_eq(vp_hear(sock[0]), 'd');
	igt_waitchildren();
	close(sock[0]);
	close(sock[1]);
	close(dmabuf);
	close(gpu);
	close(vgem);
	vp_unload_foreign("vgem");
}

struct looper {
	int (*step)(struct looper *looper);
	unsigned int index;
	int gpu;
	int dmabuf;		/* of another GPU's buffer */
	uint32_t handle;	/* of a buffer of SIZE */
	uint32_t large;
	void *data;
	unsigned int passes;
	int ret;
};

static int step_create(struct looper *looper)
{
	uint32_t handle;
	int ret = vp_try_create(looper->gpu, SIZE, 0, &handle);

	return ret ? ret : vp_try_close(looper->gpu, handle);
}

static int step_peek(struct looper *looper)
{
	return vp_try_peek(looper->gpu, looper->large, 0, looper->data, LARGE);
}

static int step_poke(struct looper *looper)
{
	return vp_try_poke(looper->gpu, looper->large, 0, looper->data, LARGE);
}

/* Fresh each time, so that it is mapped for DMA each time. */
static int step_first_peek(struct looper *looper)
{
	uint32_t handle;
	int ret = vp_try_create(looper->gpu, SIZE, 0, &handle);

	if (!ret)
		ret = vp_try_peek(looper->gpu, handle, 0, looper->data, SIZE);
	if (!ret)
		ret = vp_try_close(looper->gpu, handle);
	return ret;
}

static int step_export(struct looper *looper)
{
	int fd = vp_try_export(looper->gpu, looper->handle,
			       DRM_CLOEXEC | DRM_RDWR);

	return fd < 0 ? fd : close(fd);
}

/* One handle for all threads: another one may just have closed it. */
static int step_import(struct looper *looper)
{
	uint32_t handle;
	int ret = vp_try_import(looper->gpu, looper->dmabuf, &handle);

	if (ret)
		return ret;
	ret = vp_try_close(looper->gpu, handle);
	return ret == -EINVAL ? 0 : ret;
}

static int step_map(struct looper *looper)
{
	uint64_t offset;
	volatile char *map;
	int ret = vp_try_mmap_offset(looper->gpu, looper->handle, 0, &offset);

	if (!ret)
		ret = vp_try_mmap(looper->gpu, offset, SIZE, RW, MAP_SHARED,
				  (void **)&map);
	if (ret)
		return ret;
	for (size_t at = 0; at < SIZE; at += VP_PAGE)
		map[at] = map[at];
	return munmap((void *)map, SIZE);
}

static int step_dumb(struct looper *looper)
{
	struct vp_dumb dumb;
	int ret = vp_try_create_dumb(looper->gpu, 64, 64, 32, &dumb);

	return ret ? ret : vp_try_destroy_dumb(looper->gpu, dumb.handle);
}

static int step_open(struct looper *looper)
{
	int fd = vp_try_open_node(looper->index, VP_RENDER, O_RDWR);

	if (fd == -ENOENT || fd == -ENXIO)
		return -ENODEV;
	return fd < 0 ? fd : close(fd);
}

static void *loop(void *arg)
{
	struct looper *looper = arg;

	do {
		looper->ret = looper->step(looper);
		__atomic_fetch_add(&looper->passes, 1, __ATOMIC_RELAXED);
	} while (!looper->ret);
	return NULL;
}

static void wait_for_pass(struct looper *looper)
{
	while (!__atomic_load_n(&looper->passes, __ATOMIC_RELAXED))
		usleep(1000);
}

/* @threads of them loop over one ioctl, or several, when the GPU goes. */
static void in_the_middle(int (*const *steps)(struct looper *), int threads)
{
	enum { ROUNDS = 10, MAX_THREADS = 16 };
	struct looper *loopers = calloc(MAX_THREADS, sizeof(*loopers));
	long violations = vp_violations();
	int other = vp_open(0), dmabuf, kept;
	pthread_t ids[MAX_THREADS];
	unsigned int passes = 0;

	igt_assert(loopers);
	dmabuf = vp_export(other, vp_create_filled(other, SIZE, 1));
	for (int round = 0; round < ROUNDS; round++) {
		unsigned int index = vp_config_plug(GPU, round & 1 ?
						    "dma_bits=32 max_segment=4096 coherent=0" :
						    "");
		int gpu = vp_open(index);
		uint32_t handle = vp_create_filled(gpu, SIZE, 2);
		uint32_t large = vp_create(gpu, LARGE);

		kept = vp_export(gpu, handle);
		for (int i = 0; i < threads; i++) {
			free(loopers[i].data);
			loopers[i] = (struct looper){
				steps[i], index, gpu, dmabuf, handle, large,
				calloc(1, LARGE), 0, 0,
			};
			igt_assert(loopers[i].data);
			igt_assert_eq(pthread_create(&ids[i], NULL, loop,
						     &loopers[i]), 0);
		}
		for (int i = 0; i < threads; i++)
			wait_for_pass(&loopers[i]);
		usleep(3000 * (unsigned int)round);
		vp_config_remove(GPU);
		for (int i = 0; i < threads; i++) {
			pthread_join(ids[i], NULL);
			igt_assert_eq(loopers[i].ret, -ENODEV);
			passes += loopers[i].passes;
		}
		close(gpu);
		vp_assert_shared(kept, SIZE, 2, 3);
		close(kept);
	}
	igt_info("%u ioctls\n", passes);
	igt_assert_lt(ROUNDS * (unsigned int)threads, passes);
	igt_assert_eq(vp_violations(), violations);
	for (int i = 0; i < threads; i++)
		free(loopers[i].data);
	free(loopers);
	close(dmabuf);
	close(other);
}

/* Eight processes share, 400 times a GPU goes under them and comes back. */
#define CYCLES		400
#define CYCLES_DEBUG	100
#define MEMBERS		8
#define GOING		3
#define MAX_HOPS	6

struct tally {
	unsigned long sent, received, looks, vanished;
};

struct circle {
	atomic_bool stop;
	struct tally tally[MEMBERS];
};

struct member {
	int in, out;
	uint32_t random;
	struct tally *tally;
};

struct parcel {
	uint32_t seed;
	uint32_t hops;
};

static uint32_t any(struct member *me, uint32_t below)
{
	me->random = me->random * 1664525u + 1013904223u;
	return (me->random >> 8) % below;
}

/* Of the errnos of an ioctl only this one says that the GPU is gone. */
static bool there(struct member *me, int ret)
{
	if (ret == -ENODEV) {
		me->tally->vanished++;
		return false;
	}
	igt_assert_f(ret >= 0, "%s\n", strerror(-ret));
	return true;
}

/* Any GPU; less than 0 when it is just not there. */
static int open_any(struct member *me)
{
	int fd = vp_try_open_node(any(me, VP_DEFAULT_GPUS + GOING),
				  any(me, 2) ? VP_RENDER : VP_PRIMARY, O_RDWR);

	if (fd == -ENOENT || fd == -ENXIO)
		fd = -ENODEV;
	there(me, fd);
	return fd;
}

static void sync_cpu(int dmabuf, uint64_t flags)
{
	igt_assert_eq(vp_try_sync(dmabuf, flags), 0);
}

static void cpu_writes(int dmabuf, void *map, uint32_t seed)
{
	sync_cpu(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	vp_fill(map, SIZE, seed);
	sync_cpu(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
}

static void cpu_reads(struct member *me, int dmabuf, void *map, uint32_t seed)
{
	sync_cpu(dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ);
	vp_assert_pattern(map, SIZE, seed);
	sync_cpu(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	me->tally->looks++;
}

/* By the GPU if it lasts, else by the CPU: the dma-buf is always there. */
static void write_pixels(struct member *me, int gpu, uint32_t handle,
			 int dmabuf, uint32_t seed)
{
	uint32_t pixels[SIZE / 4];
	void *map;

	if (gpu >= 0 && any(me, 2)) {
		vp_fill(pixels, SIZE, seed);
		if (there(me, vp_try_poke(gpu, handle, 0, pixels, SIZE)))
			return;
	}
	map = vp_map_dmabuf(dmabuf, SIZE, RW);
	cpu_writes(dmabuf, map, seed);
	vp_unmap(map, SIZE);
}

static void read_pixels(struct member *me, int gpu, uint32_t handle, int dmabuf,
			uint32_t seed)
{
	uint32_t pixels[SIZE / 4];
	uint64_t offset;
	void *map;

	if (gpu >= 0 && there(me, vp_try_peek(gpu, handle, 0, pixels, SIZE))) {
		vp_assert_pattern(pixels, SIZE, seed);
		me->tally->looks++;
	}
	if (gpu >= 0 &&
	    there(me, vp_try_mmap_offset(gpu, handle, 0, &offset)) &&
	    there(me, vp_try_mmap(gpu, offset, SIZE, RW, MAP_SHARED, &map))) {
		cpu_reads(me, dmabuf, map, seed);
		vp_unmap(map, SIZE);
	}
	if (gpu < 0 || !any(me, 4)) {
		map = vp_map_dmabuf(dmabuf, SIZE, PROT_READ);
		cpu_reads(me, dmabuf, map, seed);
		vp_unmap(map, SIZE);
	}
}

union parcel_control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

static void send_parcel(struct member *me, int dmabuf, struct parcel parcel)
{
	union parcel_control control = {};
	struct iovec data = { &parcel, sizeof(parcel) };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(dmabuf));
	memcpy(CMSG_DATA(header), &dmabuf, sizeof(dmabuf));
	if (sendmsg(me->out, &message, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	    sizeof(parcel))
		me->tally->sent++;
	else	/* the neighbour's box is full */
		igt_assert_eq(errno, EAGAIN);
}

/* Less than 0 when none has come. */
static int recv_parcel(struct member *me, struct parcel *parcel)
{
	union parcel_control control = {};
	struct iovec data = { parcel, sizeof(*parcel) };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	int fd;

	if (recvmsg(me->in, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 0) {
		igt_assert_eq(errno, EAGAIN);
		return -1;
	}
	header = CMSG_FIRSTHDR(&message);
	igt_assert(header && header->cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	me->tally->received++;
	return fd;
}

static void make_and_send(struct member *me)
{
	struct parcel parcel = { .seed = me->random };
	int gpu = open_any(me), dmabuf;
	uint32_t handle;

	if (gpu < 0)
		return;
	if (!there(me, vp_try_create(gpu, SIZE, 0, &handle)))
		goto out;
	dmabuf = vp_try_export(gpu, handle, DRM_CLOEXEC | DRM_RDWR);
	if (!there(me, dmabuf))
		goto out;
	write_pixels(me, gpu, handle, dmabuf, parcel.seed);
	read_pixels(me, gpu, handle, dmabuf, parcel.seed);
	if (any(me, 2))
		there(me, vp_try_close(gpu, handle));
	send_parcel(me, dmabuf, parcel);
	close(dmabuf);
out:
	close(gpu);
}

/* Look at what came, change it, and give it on. */
static bool receive_and_forward(struct member *me)
{
	struct parcel parcel;
	int dmabuf = recv_parcel(me, &parcel), gpu, again;
	uint32_t handle = 0;

	if (dmabuf < 0)
		return false;
	gpu = open_any(me);
	if (gpu >= 0 && !there(me, vp_try_import(gpu, dmabuf, &handle))) {
		close(gpu);
		gpu = -1;
	}
	read_pixels(me, gpu, handle, dmabuf, parcel.seed);
	if (++parcel.hops < MAX_HOPS) {
		parcel.seed = me->random;
		write_pixels(me, gpu, handle, dmabuf, parcel.seed);
		again = gpu < 0 ? -ENODEV :
			vp_try_export(gpu, handle, DRM_CLOEXEC | DRM_RDWR);
		if (there(me, again)) {
			igt_assert_eq(vp_dmabuf_id(again),
				      vp_dmabuf_id(dmabuf));
			close(dmabuf);
			dmabuf = again;
		}
		send_parcel(me, dmabuf, parcel);
	}
	if (gpu >= 0)
		close(gpu);
	close(dmabuf);
	return true;
}

static void take_part(struct circle *circle, struct member *me)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The unplugging is not to wait for us where processors are few. */
	igt_assert_eq(nice(5), 5);
	while (!atomic_load(&circle->stop)) {
		make_and_send(me);
		while (receive_and_forward(me) && any(me, 4))
			;
	}
}

/* All have sent, received and looked, and the GPUs have gone under some. */
static bool all_had_something(const struct circle *circle)
{
	unsigned long vanished = 0;

	for (int i = 0; i < MEMBERS; i++) {
		const struct tally *one = &circle->tally[i];

		if (!one->sent || !one->received || !one->looks)
			return false;
		vanished += one->vanished;
	}
	return vanished;
}

static void plug_cycles(void)
{
	static const char *const settings[] = {
		"", "dma_bits=32 max_segment=4096", "coherent=0",
		"dma_bits=32 coherent=0 syncobj=0",
	};
	struct circle *circle = mmap(NULL, sizeof(*circle), RW,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int cycles = vp_kernel_is_debug() ? CYCLES_DEBUG : CYCLES;
	long violations = vp_violations();
	struct tally all = {};
	char name[GOING][8];
	int sock[MEMBERS][2];
	uint64_t began;

	igt_assert(circle != MAP_FAILED);
	for (int i = 0; i < GOING; i++) {
		snprintf(name[i], sizeof(name[i]), "gpu%d", i);
		vp_config_plug(name[i], "");
	}
	for (int i = 0; i < MEMBERS; i++)
		vp_socketpair(sock[i]);
	igt_fork(child, MEMBERS) {
		struct member me = {
			.in = sock[child][0],
			.out = sock[(child + 1) % MEMBERS][1],
			.random = 1000u * (uint32_t)child,
			.tally = &circle->tally[child],
		};

		take_part(circle, &me);
	}

	began = vp_now_ms();
	for (unsigned int cycle = 0; cycle < cycles || !all_had_something(circle);
	     cycle++) {
		const char *gpu = name[cycle % GOING];

		/* Once by its attribute, once with its folder. */
		if (cycle / GOING & 1) {
			vp_config_disable(gpu);
			vp_config_enable(gpu);
		} else {
			vp_config_remove(gpu);
			vp_config_plug(gpu, settings[cycle / (2 * GOING) % 4]);
		}
	}
	igt_info("%u cycles in %.1f s\n", cycles,
		 (double)(vp_now_ms() - began) / 1e3);
	igt_info("vprime-number plug-cycles %u\n", cycles);
	atomic_store(&circle->stop, true);
	igt_waitchildren();

	for (int i = 0; i < MEMBERS; i++) {
		struct tally *one = &circle->tally[i];

		igt_info("process %d: %lu sent, %lu received, %lu looks, GPU gone %lu times\n",
			 i, one->sent, one->received, one->looks,
			 one->vanished);
		igt_assert_neq(one->sent, 0);
		igt_assert_neq(one->received, 0);
		igt_assert_neq(one->looks, 0);
		all.vanished += one->vanished;
		close(sock[i][0]);
		close(sock[i][1]);
	}
	/* Otherwise nothing has been seen of the unplugging. */
	igt_assert_neq(all.vanished, 0);
	igt_assert_eq(vp_violations(), violations);
	for (int i = 0; i < GOING; i++)
		vp_config_remove(name[i]);
	munmap(circle, sizeof(*circle));
}

static int (*const all_steps[])(struct looper *) = {
	step_create, step_peek, step_poke, step_first_peek, step_export,
	step_import, step_map, step_dumb, step_open,
};

static void middle_subtest(const char *what, int (*step)(struct looper *))
{
	char name[64];

	snprintf(name, sizeof(name), "in-the-middle-%s", what);
	igt_describe("A GPU goes under two threads that loop over this: success, then ENODEV");
	vp_subtest(name) {
		int (*const steps[])(struct looper *) = { step, step };

		in_the_middle(steps, 2);
	}
}

igt_main
{
	igt_describe("vgem's fence on a removed GPU's buffer is waited for as before");
	vp_subtest("fence-stays")
		fence_stays();

	igt_describe("A GPU goes while a process waits for a fence to read");
	vp_subtest("while-waiting-peek")
		while_waiting(false);

	igt_describe("A GPU goes while a process waits for a fence to write");
	vp_subtest("while-waiting-poke")
		while_waiting(true);

	middle_subtest("create", step_create);
	middle_subtest("peek", step_peek);
	middle_subtest("poke", step_poke);
	middle_subtest("first-peek", step_first_peek);
	middle_subtest("export", step_export);
	middle_subtest("import", step_import);
	middle_subtest("map", step_map);
	middle_subtest("dumb", step_dumb);
	middle_subtest("open", step_open);

	igt_describe("A GPU goes under nine threads, each with an ioctl of its own");
	vp_subtest("in-the-middle-all")
		in_the_middle(all_steps, VP_ARRAY_SIZE(all_steps));

	igt_describe("Eight processes share while a GPU goes and comes back, 400 times");
	vp_subtest("plug-cycles")
		plug_cycles();
}
