// SPDX-License-Identifier: GPL-2.0-only
/*
 * Side A: owns the picture, both buffers and the result.
 */
#define _GNU_SOURCE
#include <drm/vprime_drm.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "../common/buffer.h"
#include "../common/card.h"
#include "../common/gpu.h"
#include "../common/picture.h"
#include "../common/png_file.h"
#include "access.h"
#include "demo.h"
#include "draw.h"
#include "fail.h"
#include "peer.h"
#include "table.h"
#include "timeline.h"
#include "turn.h"
#include "wire.h"

#define MAX_SIDE	8192

struct side_a {
	const struct options *options;
	char render[GPU_PATH];
	int gpu;
	/* the picture as read, in a memfd that nobody can write to any more */
	int reference_fd;
	struct picture reference;
	struct turn turn;
	struct buffer picture, target;
	/* how the two lie in their buffers */
	struct picture in_picture, in_target;
	/* the fences for what is drawn into them first, and when those were made */
	struct fence drawn, cleared;
	struct peer b;
};

/* a picture's memory: a memfd, so that side B can be given it too */
static void make_reference(struct side_a *a, uint32_t width, uint32_t height)
{
	struct picture *reference = &a->reference;
	size_t size;

	reference->width = width;
	reference->height = height;
	reference->pitch = (size_t)width * 4;
	size = reference->pitch * height;
	a->reference_fd = memfd_create("picture", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (a->reference_fd < 0 || ftruncate(a->reference_fd, (off_t)size))
		fail("memory for the picture: %s", strerror(errno));
	reference->pixels = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
				 a->reference_fd, 0);
	if (reference->pixels == MAP_FAILED)
		fail("memory for the picture: %s", strerror(errno));
}

/* from here on it is evidence */
static void seal_reference(struct side_a *a)
{
	struct picture *reference = &a->reference;
	size_t size = reference->pitch * reference->height;

	munmap(reference->pixels, size);
	if (fcntl(a->reference_fd, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
		fail("sealing the picture: %s", strerror(errno));
	/* private: a sealed memfd cannot be mapped shared before Linux 6.7 */
	reference->pixels = mmap(NULL, size, PROT_READ, MAP_PRIVATE, a->reference_fd, 0);
	if (reference->pixels == MAP_FAILED)
		fail("memory for the picture: %s", strerror(errno));
}

static void read_image(struct side_a *a)
{
	const char *path = a->options->image;
	char why[PNG_FILE_WHY];
	uint32_t width, height;
	struct png_file *file = png_file_open(path, &width, &height, why);

	if (!file)
		fail("%s", why);
	if (width > MAX_SIDE || height > MAX_SIDE)
		fail("%s: %ux%u is larger than %dx%d", path, width, height, MAX_SIDE, MAX_SIDE);
	make_reference(a, width, height);
	if (png_file_read(file, &a->reference, why))
		fail("%s", why);
	png_file_close(file);
}

static void load(struct side_a *a)
{
	const char *what = a->options->image ? "load picture" : "draw test card";
	struct wire_row row = table_row(-1, what, "%s", what);
	char text[GROUPED];

	if (a->options->image) {
		read_image(a);
	} else {
		make_reference(a, CARD_WIDTH, CARD_HEIGHT);
		card_draw(&a->reference);
	}
	seal_reference(a);
	a->turn = turn_plan(a->reference.width, a->reference.height);
	table_check(&row, "%ux%u, %s pixels", a->reference.width, a->reference.height,
		    grouped((uint64_t)a->reference.width * a->reference.height, text));
	table_print(&row);
}

static const struct gpu *find_gpu(const struct gpu *gpus, int count, uint32_t index)
{
	int i;

	for (i = 0; i < count; i++)
		if (gpus[i].index == index && *gpus[i].render)
			return &gpus[i];
	if (count == -EACCES)
		fail("no permission to open the GPUs: be root, or in the group render");
	if (count <= 0)
		fail("no vprime GPU here; load the module: modprobe vprime");
	fail("no vprime%u here, only %d vprime GPU%s; load the module with more: "
	     "modprobe vprime gpus=%u", index, count, count == 1 ? "" : "s", index + 1);
}

static void open_gpu(struct side_a *a)
{
	struct gpu gpus[GPU_MAX];
	int count = gpu_list("vprime", gpus);

	memcpy(a->render, find_gpu(gpus, count, a->options->gpu_a)->render, sizeof(a->render));
	/* better said now than by side B half way through */
	find_gpu(gpus, count, a->options->gpu_b);
	a->gpu = gpu_open(a->render);
	if (a->gpu < 0)
		fail("%s: %s", a->render, strerror(-a->gpu));
}

static void must(const struct side_a *a, int error, const char *what)
{
	if (error)
		fail("vprime%u: %s: %s", a->options->gpu_a, what, strerror(-error));
}

/* the fd's own size, as an importer that trusts nobody looks it up */
static void check_fd_size(const struct side_a *a, const struct buffer *buffer)
{
	off_t size = lseek(buffer->dmabuf, 0, SEEK_END);

	if (size < 0 || (uint64_t)size != buffer->size)
		fail("vprime%u: export: the fd should have %llu bytes, got %lld",
		     a->options->gpu_a, (unsigned long long)buffer->size, (long long)size);
}

static uint32_t round_up(uint32_t value, uint32_t to)
{
	return (value + to - 1) / to * to;
}

static void export_and_map(struct side_a *a, struct buffer *buffer)
{
	must(a, buffer_export(buffer), "export");
	check_fd_size(a, buffer);
	/* what is mapped through the GPU can be what the GPU sees; this is the CPU's */
	must(a, buffer_map_dmabuf(buffer), "map");
}

/* the picture's buffer is a dumb one, as Mesa's and any compositor's are */
static void make_picture(struct side_a *a)
{
	const struct picture *reference = &a->reference;

	must(a, buffer_create_dumb(a->gpu, reference->width, reference->height, &a->picture),
	     "create dumb buffer");
	export_and_map(a, &a->picture);
	a->in_picture = (struct picture){
		.pixels = a->picture.map,
		.width = reference->width,
		.height = reference->height,
		.pitch = a->picture.pitch,
	};
}

/*
 * The target's layout is our own, made by GEM_CREATE: rows padded, and rows to
 * spare, because Mesa's software renderer writes back whole tiles.
 */
static void make_target(struct side_a *a)
{
	const struct turn *turn = &a->turn;
	uint32_t pitch = round_up(turn->width, DRAWING_TILE) * 4;

	must(a, buffer_create(a->gpu, (uint64_t)pitch * round_up(turn->height, DRAWING_TILE),
			      &a->target), "create buffer");
	export_and_map(a, &a->target);
	a->in_target = (struct picture){
		.pixels = a->target.map,
		.width = turn->width,
		.height = turn->height,
		.pitch = pitch,
	};
}

/*
 * Both buffers, with nothing in them but a fence on each. The CPU access for
 * what will be drawn has to be begun before that: it would wait for the fence.
 */
static void make_buffers(struct side_a *a)
{
	struct wire_row row = table_row((int)a->options->gpu_a, "make buffers",
					"make and export two, each with a fence");
	char picture[GROUPED], target[GROUPED];

	make_picture(a);
	make_target(a);
	if (a->options->unsynced != PICTURE)
		access_begin(a->options->gpu_a, &a->picture, BUFFER_WRITE);
	access_begin(a->options->gpu_a, &a->target, BUFFER_WRITE);
	a->drawn = fence_make(PICTURE_DRAWN, a->options->gpu_a, &a->picture);
	a->cleared = fence_make(TARGET_CLEARED, a->options->gpu_a, &a->target);
	table_check(&row, "fds of %s and %s bytes", grouped(a->picture.size, picture),
		    grouped(a->target.size, target));
	table_print(&row);
}

/* after what side B has been at meanwhile */
static void print(struct side_a *a, const struct wire_row *row)
{
	peer_drain(&a->b);
	table_print(row);
}

static void delay(struct side_a *a, enum handover handover)
{
	if (a->options->late == handover)
		peer_delay(&a->b, a->options->late_ms);
}

static void draw_picture(struct side_a *a)
{
	const struct picture *reference = &a->reference;
	struct wire_row row;
	char text[GROUPED];
	uint32_t y;

	delay(a, PICTURE_DRAWN);
	row = table_row((int)a->options->gpu_a, "draw picture", "draw picture");
	for (y = 0; y < reference->height; y++)
		memcpy(picture_row(&a->in_picture, y), picture_row(reference, y),
		       reference->pitch);
	if (a->options->spoil == PICTURE)
		picture_row(&a->in_picture, reference->height / 2)[reference->width / 2] ^= 1;
	if (a->options->unsynced != PICTURE)
		access_end(a->options->gpu_a, &a->picture, BUFFER_WRITE);
	table_check(&row, "%s pixels, pitch %u",
		    grouped((uint64_t)reference->width * reference->height, text),
		    a->picture.pitch);
	fence_signal(&a->drawn);
	print(a, &row);
}

static uint32_t expected_pixel(const struct side_a *a, uint32_t x, uint32_t y)
{
	uint32_t source_x, source_y;

	turn_source(&a->turn, x, y, &source_x, &source_y);
	return picture_row(&a->reference, source_y)[source_x];
}

/*
 * What is in the target at first is the opposite of what must be in it at last,
 * so that a pixel that nobody draws is wrong for certain.
 */
static void clear_target(struct side_a *a)
{
	const struct turn *turn = &a->turn;
	struct wire_row row;
	char text[GROUPED];
	uint32_t x, y;

	delay(a, TARGET_CLEARED);
	row = table_row((int)a->options->gpu_a, "clear target", "clear target");
	for (y = 0; y < turn->height; y++)
		for (x = 0; x < turn->width; x++)
			picture_row(&a->in_target, y)[x] = ~expected_pixel(a, x, y);
	access_end(a->options->gpu_a, &a->target, BUFFER_WRITE);
	table_check(&row, "%s pixels, each the opposite",
		    grouped((uint64_t)turn->width * turn->height, text));
	fence_signal(&a->cleared);
	print(a, &row);
}

static void send_image(struct side_a *a, enum message_kind kind, const struct picture *picture,
		       int fd)
{
	struct message message = {
		.kind = kind,
		.image = {
			.width = picture->width,
			.height = picture->height,
			.pitch = (uint32_t)picture->pitch,
			.fourcc = DRM_FORMAT_ARGB8888,
			.modifier = DRM_FORMAT_MOD_LINEAR,
		},
	};

	peer_send(&a->b, &message, fd);
}

static void send_fence(struct side_a *a, const struct fence *fence)
{
	struct message message = {
		.kind = MESSAGE_FENCE,
		.fence = { .handover = fence->handover, .made_ns = fence->made_ns },
	};

	peer_send(&a->b, &message, fence->sync);
}

static void send_task(struct side_a *a)
{
	const struct options *options = a->options;
	struct message message = {
		.kind = MESSAGE_TASK,
		.task = {
			.gpu = options->gpu_b,
			.from = options->gpu_a,
			.early = options->early,
			.late = options->late,
			.late_ms = options->late_ms,
			.patience_s = options->patience_s,
		},
	};

	peer_send(&a->b, &message, -1);
}

static void send_buffers(struct side_a *a)
{
	send_image(a, MESSAGE_REFERENCE, &a->reference, a->reference_fd);
	send_image(a, MESSAGE_PICTURE, &a->in_picture, a->picture.dmabuf);
	send_fence(a, &a->drawn);
	send_image(a, MESSAGE_TARGET, &a->in_target, a->target.dmabuf);
	send_fence(a, &a->cleared);
}

/* the first pixel of the target that is not as it must be; false if there is none */
static bool find_wrong(const struct side_a *a, uint32_t *x, uint32_t *y)
{
	for (*y = 0; *y < a->turn.height; ++*y) {
		const uint32_t *got = picture_row(&a->in_target, *y);

		for (*x = 0; *x < a->turn.width; ++*x)
			if (got[*x] != expected_pixel(a, *x, *y))
				return true;
	}
	return false;
}

/* @bracket: CPU access begins and ends as it should; to begin waits for fences, too */
static void check_target(struct side_a *a, bool bracket)
{
	struct wire_row row = table_row((int)a->options->gpu_a, "check target",
					"read target through its mapping");
	const struct turn *turn = &a->turn;
	uint32_t x, y, got = 0;
	char text[GROUPED];
	bool wrong;

	if (bracket)
		access_begin(a->options->gpu_a, &a->target, BUFFER_READ | BUFFER_WRITE);
	if (a->options->spoil == RESULT)
		picture_row(&a->in_target, turn->height / 2)[turn->width / 2] ^= 1;
	wrong = find_wrong(a, &x, &y);
	if (wrong)
		got = picture_row(&a->in_target, y)[x];

	if (bracket)
		access_end(a->options->gpu_a, &a->target, BUFFER_READ | BUFFER_WRITE);
	if (wrong)
		fail("vprime%u: the result is wrong at %u,%u: expected 0x%08x, got 0x%08x",
		     a->options->gpu_a, x, y, expected_pixel(a, x, y), got);
	table_check(&row, "%s pixels, all as worked out",
		    grouped((uint64_t)turn->width * turn->height, text));
	print(a, &row);
}

/*
 * Whoever knows nothing of side B's fence meets it on the buffer: there it is
 * until it has signalled.
 */
static void check_busy(struct side_a *a, int sync)
{
	struct drm_vprime_gem_wait wait = { .handle = a->target.handle };
	struct pollfd signalled = { .fd = sync, .events = POLLIN };

	if (!drmIoctl(a->gpu, DRM_IOCTL_VPRIME_GEM_WAIT, &wait)) {
		if (poll(&signalled, 1, 0) != 1)
			fail("vprime%u: the target is idle, but '%s' has not signalled",
			     a->options->gpu_a, handover_name(TARGET_DRAWN));
	} else if (errno != ETIME) {
		fail("vprime%u: GEM_WAIT: %s", a->options->gpu_a, strerror(errno));
	}
}

/* explicitly: by what side B has sent for it */
static void wait_for_target(struct side_a *a)
{
	int sync = peer_sync(&a->b, TARGET_DRAWN);
	struct wire_row row;
	const char *wrong;

	check_busy(a, sync);
	if (a->options->early == TARGET_DRAWN)
		check_target(a, false);
	row = wait_row(TARGET_DRAWN, a->options->gpu_a);
	wrong = wait_done(&row, a->options->gpu_b, sync,
			  wait_poll(sync, POLLIN, a->options->patience_s * 1000));
	if (wrong)
		peer_fail(&a->b, wrong);
	print(a, &row);
}

/* so different from the picture that side B would notice it anywhere */
static void draw_next_picture(struct side_a *a)
{
	struct wire_row row = table_row((int)a->options->gpu_a, "draw next one",
					"draw the next picture over it");
	char text[GROUPED];
	uint32_t x, y;

	for (y = 0; y < a->reference.height; y++)
		for (x = 0; x < a->reference.width; x++)
			picture_row(&a->in_picture, y)[x] = ~picture_row(&a->reference, y)[x];
	table_check(&row, "%s pixels, each the opposite",
		    grouped((uint64_t)a->reference.width * a->reference.height, text));
	print(a, &row);
}

/* implicitly: beginning CPU access to write waits for all who read or write */
static void wait_for_picture(struct side_a *a)
{
	const struct message early = { .kind = MESSAGE_EARLY };
	int sync = peer_sync(&a->b, PICTURE_READ);
	struct wire_row row;
	const char *wrong;

	if (a->options->early == PICTURE_READ) {
		draw_next_picture(a);
		peer_send(&a->b, &early, -1);
	}
	row = wait_row(PICTURE_READ, a->options->gpu_a);
	wrong = wait_done(&row, a->options->gpu_b, sync, access_try(&a->picture, BUFFER_WRITE));
	if (wrong)
		peer_fail(&a->b, wrong);
	print(a, &row);
	draw_next_picture(a);
	access_end(a->options->gpu_a, &a->picture, BUFFER_WRITE);
}

static void write_result(struct side_a *a)
{
	struct wire_row row = table_row(-1, "write PNG", "write %.41s",
					basename(a->options->out));
	char why[PNG_FILE_WHY], text[GROUPED];
	size_t bytes;
	int result;

	access_begin(a->options->gpu_a, &a->target, BUFFER_READ);
	result = png_file_write(a->options->out, &a->in_target, &bytes, why);
	access_end(a->options->gpu_a, &a->target, BUFFER_READ);
	if (result)
		fail("%s", why);
	table_check(&row, "%ux%u, %s bytes", a->turn.width, a->turn.height, grouped(bytes, text));
	table_print(&row);
}

static void fill_lane(struct timeline *timeline, unsigned int side, uint32_t gpu, char letter,
		      int pid)
{
	struct timeline_lane *lane = &timeline->lanes[side];

	snprintf(lane->device, sizeof(lane->device), "vprime%u", gpu);
	snprintf(lane->process, sizeof(lane->process), "process %c, pid %d", letter, pid);
}

static void fill_fence(struct timeline *timeline, enum handover handover, unsigned int side,
		       uint64_t made_ns)
{
	timeline->fences[handover - 1] = (struct timeline_fence){
		.lane = side,
		.name = handover_name(handover),
		.usage = handover_usage(handover),
		.made_ns = made_ns,
	};
}

static void write_timeline(struct side_a *a, int b_pid)
{
	struct wire_row row = table_row(-1, "", "write %.41s", basename(a->options->timeline));
	struct timeline timeline = { .fence_count = HANDOVERS };
	char why[SVG_WHY], text[GROUPED];
	const struct wire_row *rows;
	unsigned int count, i;
	size_t bytes;

	fill_lane(&timeline, 0, a->options->gpu_a, 'A', (int)getpid());
	fill_lane(&timeline, 1, a->options->gpu_b, 'B', b_pid);
	fill_fence(&timeline, PICTURE_DRAWN, 0, a->drawn.made_ns);
	fill_fence(&timeline, TARGET_CLEARED, 0, a->cleared.made_ns);
	fill_fence(&timeline, PICTURE_READ, 1, a->b.made_ns[PICTURE_READ]);
	fill_fence(&timeline, TARGET_DRAWN, 1, a->b.made_ns[TARGET_DRAWN]);
	rows = table_rows(&count);
	for (i = 0; i < count; i++) {
		struct timeline_bar *bar = &timeline.bars[timeline.bar_count++];

		bar->lane = rows[i].side;
		snprintf(bar->label, sizeof(bar->label), "%s", rows[i].label);
		bar->begin_ns = rows[i].begin_ns;
		bar->end_ns = rows[i].end_ns;
		bar->fence = rows[i].fence;
		if (bar->fence)
			timeline.fences[bar->fence - 1].signalled_ns = rows[i].signalled_ns;
	}
	if (timeline_write(&timeline, a->options->timeline, &bytes, why))
		fail("%s", why);
	table_check(&row, "%u fences, %u steps, %s bytes", timeline.fence_count,
		    timeline.bar_count, grouped(bytes, text));
	table_print(&row);
}

void side_a(const struct options *options)
{
	struct side_a a = {
		.options = options,
		.picture = BUFFER_NONE,
		.target = BUFFER_NONE,
	};
	int b_pid;

	open_gpu(&a);
	/* Mesa takes its time to start, so side B is there before it is needed */
	peer_start(&a.b, options->patience_s);
	b_pid = peer_pid();
	send_task(&a);
	load(&a);
	peer_hear(&a.b, MESSAGE_READY);

	make_buffers(&a);
	send_buffers(&a);
	/*
	 * Nothing depends on that. It is so that side B has the buffer before
	 * there is anything in it, in each run and not only in most.
	 */
	peer_hear(&a.b, MESSAGE_IMPORTED);
	draw_picture(&a);
	clear_target(&a);
	wait_for_target(&a);
	wait_for_picture(&a);
	check_target(&a, options->unsynced != RESULT);
	peer_end(&a.b);

	write_result(&a);
	if (options->timeline)
		write_timeline(&a, b_pid);

	buffer_close(&a.target);
	buffer_close(&a.picture);
	munmap(a.reference.pixels, a.reference.pitch * a.reference.height);
	close(a.reference_fd);
	close(a.gpu);
}
