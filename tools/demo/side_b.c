// SPDX-License-Identifier: GPL-2.0-only
/*
 * Side B: another process, with another GPU. All it has is one end of a socket.
 */
#include <drm/vprime_drm.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "../common/buffer.h"
#include "../common/gpu.h"
#include "../common/picture.h"
#include "access.h"
#include "demo.h"
#include "draw.h"
#include "fail.h"
#include "table.h"
#include "turn.h"
#include "wire.h"

/* a buffer that came through the socket */
struct received {
	struct wire_image image;
	struct buffer buffer;
};

struct side_b {
	struct wire_task task;
	char render[GPU_PATH];
	/* the render node, for this program's own view of the buffers */
	int gpu;
	/* with a GPU that snoops that is the CPU's view, and needs brackets; else the GPU's */
	bool snoops;
	/* the render node once more, for Mesa */
	int mesa_gpu;
	struct drawing *drawing;
	/* the picture as side A has read it, by a way that has no GPU in it */
	struct picture reference;
	struct received picture, target;
	/* sync_files of side A's fences */
	int drawn, cleared;
	/* while this side reads the picture */
	struct fence reading;
};

static void send_message(const struct message *message, int fd)
{
	/* side A is gone, and has said why if there was anything to say */
	if (wire_send(SIDE_B_SOCKET, message, fd))
		exit(1);
}

static void send_word(enum message_kind kind)
{
	const struct message message = { .kind = kind };

	send_message(&message, -1);
}

static void send_row(const struct wire_row *row)
{
	struct message message = { .kind = MESSAGE_ROW, .row = *row };

	message.row.side = 1;
	send_message(&message, -1);
}

static void send_fence(const struct fence *fence)
{
	const struct message message = {
		.kind = MESSAGE_FENCE,
		.fence = { .handover = fence->handover, .made_ns = fence->made_ns },
	};

	send_message(&message, fence->sync);
}

static int expect(enum message_kind kind, struct message *message)
{
	int fd, error = wire_receive(SIDE_B_SOCKET, message, &fd);

	if (error == -EPIPE)
		exit(1);
	if (error)
		fail("side B: socket: %s", strerror(-error));
	if (message->kind != (uint32_t)kind ||
	    (fd < 0) != (kind == MESSAGE_TASK || kind == MESSAGE_EARLY))
		fail("side B: message %u came where %d should", message->kind, kind);
	return fd;
}

static int expect_fence(enum handover handover)
{
	struct message message;
	int sync = expect(MESSAGE_FENCE, &message);

	if (message.fence.handover != (uint32_t)handover)
		fail("side B: the fence of '%s' came where that of '%s' should",
		     handover_name(message.fence.handover), handover_name(handover));
	return sync;
}

/* until then side A says no word, but that it has not waited for this */
static void delay(const struct side_b *b, enum handover handover)
{
	struct message message;

	if (b->task.late == (uint32_t)handover &&
	    !wait_poll(SIDE_B_SOCKET, POLLIN, b->task.late_ms))
		expect(MESSAGE_EARLY, &message);
}

static void open_gpu(struct side_b *b)
{
	struct drm_vprime_get_param coherent = { .param = DRM_VPRIME_PARAM_COHERENT };
	struct gpu gpus[GPU_MAX];
	int count = gpu_list("vprime", gpus), i;

	for (i = 0; i < count; i++)
		if (gpus[i].index == b->task.gpu)
			break;
	if (i >= count)
		fail("side B: vprime%u is gone", b->task.gpu);
	memcpy(b->render, gpus[i].render, sizeof(b->render));
	b->gpu = gpu_open(b->render);
	if (b->gpu < 0)
		fail("%s: %s", b->render, strerror(-b->gpu));
	if (drmIoctl(b->gpu, DRM_IOCTL_VPRIME_GET_PARAM, &coherent))
		fail("vprime%u: whether it snoops: %s", b->task.gpu, strerror(errno));
	b->snoops = coherent.value;
}

static void receive_reference(struct side_b *b)
{
	struct message message;
	int fd = expect(MESSAGE_REFERENCE, &message);
	struct picture *reference = &b->reference;

	reference->width = message.image.width;
	reference->height = message.image.height;
	reference->pitch = message.image.pitch;
	/* private: a sealed memfd cannot be mapped shared before Linux 6.7 */
	reference->pixels = mmap(NULL, reference->pitch * reference->height, PROT_READ,
				 MAP_PRIVATE, fd, 0);
	if (reference->pixels == MAP_FAILED)
		fail("side B: reference: %s", strerror(errno));
	close(fd);
}

static void receive_buffer(struct side_b *b, enum message_kind kind, struct received *received)
{
	struct message message;
	int fd = expect(kind, &message), error;
	const struct wire_image *image = &message.image;

	error = buffer_import(b->gpu, fd, &received->buffer);
	if (error)
		fail("vprime%u: import: %s", b->task.gpu, strerror(-error));
	if (image->offset + (uint64_t)image->pitch * image->height > received->buffer.size)
		fail("vprime%u: import: %ux%u do not fit into %llu bytes", b->task.gpu,
		     image->width, image->height, (unsigned long long)received->buffer.size);
	received->image = *image;
}

/* what GPU B says of the buffer must be what really happened to it */
static struct drm_vprime_gem_info check_info(const struct side_b *b,
					     const struct received *received)
{
	struct drm_vprime_gem_info info = { .handle = received->buffer.handle };
	uint64_t gpus = 1ull << b->task.gpu | 1ull << b->task.from;
	char origin[DRM_VPRIME_NAME_LEN];

	if (drmIoctl(b->gpu, DRM_IOCTL_VPRIME_GEM_INFO, &info))
		fail("vprime%u: buffer info: %s", b->task.gpu, strerror(errno));
	snprintf(origin, sizeof(origin), "vprime%u", b->task.from);
	if (strncmp(info.origin, origin, sizeof(origin)))
		fail("vprime%u: the buffer should come from %s, got %.*s", b->task.gpu, origin,
		     DRM_VPRIME_NAME_LEN, info.origin);
	if (info.size != received->buffer.size)
		fail("vprime%u: the buffer should have %llu bytes, got %llu", b->task.gpu,
		     (unsigned long long)received->buffer.size, (unsigned long long)info.size);
	if ((info.attached_gpus & gpus) != gpus)
		fail("vprime%u: the buffer should be on GPUs 0x%llx, got 0x%llx", b->task.gpu,
		     (unsigned long long)gpus, (unsigned long long)info.attached_gpus);
	if (b->task.gpu != b->task.from && !(info.flags & DRM_VPRIME_INFO_IMPORTED))
		fail("vprime%u: the buffer should be marked as imported", b->task.gpu);
	return info;
}

static void import(struct side_b *b)
{
	struct drm_vprime_gem_info info;
	struct wire_row row;
	int gpus;

	/* the others come right after it */
	receive_reference(b);
	row = table_row((int)b->task.gpu, "import buffers", "import both into process %d",
			(int)getpid());
	receive_buffer(b, MESSAGE_PICTURE, &b->picture);
	b->drawn = expect_fence(PICTURE_DRAWN);
	receive_buffer(b, MESSAGE_TARGET, &b->target);
	b->cleared = expect_fence(TARGET_CLEARED);
	check_info(b, &b->target);
	info = check_info(b, &b->picture);
	gpus = __builtin_popcountll(info.attached_gpus);
	table_check(&row, "allocated on %s, now on %d GPU%s", info.origin, gpus,
		    gpus == 1 ? "" : "s");
	send_row(&row);
}

/* the first pixel that is not as sent; false if there is none */
static bool find_wrong(const struct side_b *b, const struct picture *seen, uint32_t *x,
		       uint32_t *y)
{
	for (*y = 0; *y < seen->height; ++*y) {
		const uint32_t *got = picture_row(seen, *y);
		const uint32_t *expected = picture_row(&b->reference, *y);

		if (!memcmp(got, expected, (size_t)seen->width * 4))
			continue;
		for (*x = 0; *x < seen->width; ++*x)
			if (got[*x] != expected[*x])
				return true;
	}
	return false;
}

static void begin(const struct side_b *b, const struct received *received, unsigned int access)
{
	if (b->snoops)
		access_begin(b->task.gpu, &received->buffer, access);
}

static void end(const struct side_b *b, const struct received *received, unsigned int access)
{
	if (b->snoops)
		access_end(b->task.gpu, &received->buffer, access);
}

/* how it lies in this side's mapping */
static struct picture mapped(const struct received *received)
{
	const struct wire_image *image = &received->image;

	return (struct picture){
		.pixels = (uint32_t *)((char *)received->buffer.map + image->offset),
		.width = image->width,
		.height = image->height,
		.pitch = image->pitch,
	};
}

/* @waited: CPU access begins and ends as it should; else it would wait, too */
static void check_picture(struct side_b *b, bool waited)
{
	struct wire_row row = table_row((int)b->task.gpu, "check picture",
					"read picture through its own mapping");
	struct picture seen = mapped(&b->picture);
	uint32_t x, y, got = 0;
	char text[GROUPED];
	bool wrong;

	if (waited)
		begin(b, &b->picture, BUFFER_READ);
	wrong = find_wrong(b, &seen, &x, &y);
	if (wrong)
		got = picture_row(&seen, y)[x];

	if (waited)
		end(b, &b->picture, BUFFER_READ);
	if (wrong)
		fail("vprime%u: the picture is wrong at %u,%u: expected 0x%08x, got 0x%08x",
		     b->task.gpu, x, y, picture_row(&b->reference, y)[x], got);
	table_check(&row, "%s pixels, all as sent",
		    grouped((uint64_t)seen.width * seen.height, text));
	send_row(&row);
}

/* implicitly: this GPU waits for all who write the buffer, whoever they are */
static void wait_for_picture(struct side_b *b)
{
	struct drm_vprime_gem_wait wait = { .handle = b->picture.buffer.handle };
	struct wire_row row;
	const char *wrong;
	int error;

	error = buffer_map(&b->picture.buffer);
	if (!error)
		error = buffer_map(&b->target.buffer);
	if (error)
		fail("vprime%u: map: %s", b->task.gpu, strerror(-error));
	if (b->picture.image.width != b->reference.width ||
	    b->picture.image.height != b->reference.height)
		fail("side B: picture and reference differ in size");

	send_word(MESSAGE_IMPORTED);
	if (b->task.early == PICTURE_DRAWN) {
		check_picture(b, false);
		send_word(MESSAGE_EARLY);
	}
	row = wait_row(PICTURE_DRAWN, b->task.gpu);
	wait.timeout_ns = (int64_t)(row.begin_ns + b->task.patience_s * 1000000000ull);
	error = drmIoctl(b->gpu, DRM_IOCTL_VPRIME_GEM_WAIT, &wait) ? -errno : 0;
	wrong = wait_done(&row, b->task.from, b->drawn, error);
	if (wrong)
		fail("%s", wrong);
	send_row(&row);

	/* until this side has no more use for the picture */
	b->reading = fence_make(PICTURE_READ, b->task.gpu, &b->picture.buffer);
	send_fence(&b->reading);
	check_picture(b, true);
}

/*
 * Mesa gets a file of its own: in one and the same file its import would give
 * it our handles, and it would close them under us.
 *
 * It also draws something right away, with buffers of its own. Its software
 * renderer compiles code for what it draws when it draws that for the first
 * time, which takes longer than the drawing, and nobody is to wait for that.
 */
static void start_mesa(struct side_b *b)
{
	struct wire_row row = table_row((int)b->task.gpu, "start Mesa", "start Mesa, GBM and EGL");
	struct wire_image source = { .width = 100, .height = 75, .fourcc = DRM_FORMAT_ARGB8888 };
	struct turn turn = turn_plan(source.width, source.height);
	struct wire_image target = {
		.width = turn.width, .height = turn.height, .fourcc = DRM_FORMAT_ARGB8888,
	};
	struct buffer buffers[2] = { BUFFER_NONE, BUFFER_NONE };
	int error;

	b->mesa_gpu = gpu_open(b->render);
	if (b->mesa_gpu < 0)
		fail("%s: %s", b->render, strerror(-b->mesa_gpu));
	b->drawing = drawing_open(b->mesa_gpu);

	error = buffer_create_dumb(b->gpu, source.width, source.height, &buffers[0]);
	if (!error)
		error = buffer_create_dumb(b->gpu, target.width + DRAWING_TILE,
					   target.height + DRAWING_TILE, &buffers[1]);
	if (!error)
		error = buffer_export(&buffers[0]);
	if (!error)
		error = buffer_export(&buffers[1]);
	if (error)
		fail("vprime%u: buffers to start Mesa with: %s", b->task.gpu, strerror(-error));
	source.pitch = buffers[0].pitch;
	target.pitch = buffers[1].pitch;
	drawing_source(b->drawing, &source, buffers[0].dmabuf);
	drawing_target(b->drawing, &target, buffers[1].dmabuf);
	access_begin(b->task.gpu, &buffers[0], BUFFER_READ);
	access_begin(b->task.gpu, &buffers[1], BUFFER_READ | BUFFER_WRITE);
	if (!drawing_run(b->drawing, &turn))
		fail("vprime%u: GL could not draw", b->task.gpu);
	access_end(b->task.gpu, &buffers[1], BUFFER_READ | BUFFER_WRITE);
	access_end(b->task.gpu, &buffers[0], BUFFER_READ);
	drawing_drop(b->drawing);
	buffer_close(&buffers[0]);
	buffer_close(&buffers[1]);

	table_check(&row, "%.64s", drawing_renderer(b->drawing));
	send_row(&row);
}

static void import_into_mesa(struct side_b *b)
{
	struct wire_row row = table_row((int)b->task.gpu, "import into Mesa",
					"import both into Mesa");

	drawing_source(b->drawing, &b->picture.image, b->picture.buffer.dmabuf);
	drawing_target(b->drawing, &b->target.image, b->target.buffer.dmabuf);
	table_check(&row, "as EGLImages");
	send_row(&row);
}

static void mesa_draws(struct side_b *b)
{
	const struct wire_image *image = &b->picture.image, *target = &b->target.image;
	struct turn turn = turn_plan(image->width, image->height);
	struct wire_row row = table_row((int)b->task.gpu, "Mesa draws",
					"draw: turned by 90 degrees, size x%u/%u", turn.up,
					turn.down);
	char text[GROUPED];

	if (turn.width != target->width || turn.height != target->height)
		fail("side B: the target should be %ux%u", turn.width, turn.height);
	if (!drawing_run(b->drawing, &turn))
		fail("vprime%u: GL could not draw", b->task.gpu);
	table_check(&row, "%s pixels drawn",
		    grouped((uint64_t)target->width * target->height, text));
	send_row(&row);
}

/* implicitly, and as an event loop does it: until all are done who use the buffer */
static void wait_for_target(struct side_b *b)
{
	struct wire_row row;
	const char *wrong;

	if (b->task.early == TARGET_CLEARED) {
		mesa_draws(b);
		send_word(MESSAGE_EARLY);
	}
	row = wait_row(TARGET_CLEARED, b->task.gpu);
	wrong = wait_done(&row, b->task.from, b->cleared,
			  wait_poll(b->target.buffer.dmabuf, POLLOUT,
				    b->task.patience_s * 1000));
	if (wrong)
		fail("%s", wrong);
	send_row(&row);
}

/*
 * Mesa's software renderer works on its mapping of the buffers without a word
 * to the kernel, so the word is ours to say; before the fence, for which it
 * would wait.
 */
static void draw(struct side_b *b)
{
	struct fence drawn;

	begin(b, &b->picture, BUFFER_READ);
	begin(b, &b->target, BUFFER_READ | BUFFER_WRITE);
	drawn = fence_make(TARGET_DRAWN, b->task.gpu, &b->target.buffer);
	send_fence(&drawn);
	delay(b, TARGET_DRAWN);
	if (b->task.early != TARGET_CLEARED)
		mesa_draws(b);
	end(b, &b->target, BUFFER_READ | BUFFER_WRITE);
	end(b, &b->picture, BUFFER_READ);
	fence_signal(&drawn);
}

/*
 * What was drawn is compared with what it was drawn from, in the shared buffer:
 * so the picture has to be there still. Side A may read the target meanwhile.
 */
static void check_drawing(struct side_b *b)
{
	struct wire_row row = table_row((int)b->task.gpu, "check drawing",
					"compare target with picture");
	struct picture picture = mapped(&b->picture), target = mapped(&b->target);
	struct turn turn = turn_plan(picture.width, picture.height);
	uint32_t x = 0, y, source_x, source_y, expected = 0, got = 0;
	char text[GROUPED];

	begin(b, &b->picture, BUFFER_READ);
	begin(b, &b->target, BUFFER_READ);
	for (y = 0; y < target.height && got == expected; y++)
		for (x = 0; x < target.width && got == expected; x++) {
			turn_source(&turn, x, y, &source_x, &source_y);
			expected = picture_row(&picture, source_y)[source_x];
			got = picture_row(&target, y)[x];
		}
	end(b, &b->target, BUFFER_READ);
	end(b, &b->picture, BUFFER_READ);
	if (got != expected)
		fail("vprime%u: the drawing is wrong at %u,%u: the picture has 0x%08x, got 0x%08x",
		     b->task.gpu, x - 1, y - 1, expected, got);
	table_check(&row, "%s pixels, all as in the picture",
		    grouped((uint64_t)target.width * target.height, text));
	send_row(&row);
}

void side_b(void)
{
	struct message message;
	struct side_b b = { .gpu = -1 };

	fail_to(SIDE_B_SOCKET);

	expect(MESSAGE_TASK, &message);
	b.task = message.task;
	open_gpu(&b);
	start_mesa(&b);
	send_word(MESSAGE_READY);

	import(&b);
	wait_for_picture(&b);
	import_into_mesa(&b);
	wait_for_target(&b);
	draw(&b);
	delay(&b, PICTURE_READ);
	check_drawing(&b);
	fence_signal(&b.reading);

	drawing_close(b.drawing);
	close(b.mesa_gpu);
	buffer_close(&b.target.buffer);
	buffer_close(&b.picture.buffer);
	munmap(b.reference.pixels, b.reference.pitch * b.reference.height);
	close(b.gpu);
	send_word(MESSAGE_DONE);
}
