// SPDX-License-Identifier: GPL-2.0-only
/*
 * Side B: another process, with another GPU. All it has is one end of a socket.
 */
#include <drm/vprime_drm.h>
#include <errno.h>
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
	/* the picture as side A has read it, by a way that has no GPU in it */
	struct picture reference;
	struct received picture, target;
};

static void send_row(const struct wire_row *row)
{
	struct message message = { .kind = MESSAGE_ROW, .row = *row };

	if (wire_send(SIDE_B_SOCKET, &message, -1))
		exit(1);
}

static int expect(enum message_kind kind, struct message *message)
{
	int fd, error = wire_receive(SIDE_B_SOCKET, message, &fd);

	/* side A is gone, and has said why if there was anything to say */
	if (error == -EPIPE)
		exit(1);
	if (error)
		fail("side B: socket: %s", strerror(-error));
	if (message->kind != (uint32_t)kind || (fd < 0) != (kind == MESSAGE_TASK))
		fail("side B: message %u came where %d should", message->kind, kind);
	return fd;
}

static void open_gpu(struct side_b *b)
{
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
	struct wire_row row = table_row((int)b->task.gpu, "import both into process %d",
					(int)getpid());
	struct drm_vprime_gem_info info;
	int gpus;

	receive_buffer(b, MESSAGE_PICTURE, &b->picture);
	receive_buffer(b, MESSAGE_TARGET, &b->target);
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

static void compare(struct side_b *b)
{
	struct wire_row row = table_row((int)b->task.gpu, "read through its own mapping");
	const struct wire_image *image = &b->picture.image;
	struct buffer *buffer = &b->picture.buffer;
	uint32_t x, y, got = 0;
	char text[GROUPED];
	struct picture seen;
	bool wrong;
	int error;

	if (image->width != b->reference.width || image->height != b->reference.height)
		fail("side B: picture and reference differ in size");
	error = buffer_map(buffer);
	if (!error)
		error = buffer_begin(buffer, BUFFER_READ);
	if (error)
		fail("vprime%u: map: %s", b->task.gpu, strerror(-error));

	seen = (struct picture){
		.pixels = (uint32_t *)((char *)buffer->map + image->offset),
		.width = image->width,
		.height = image->height,
		.pitch = image->pitch,
	};
	wrong = find_wrong(b, &seen, &x, &y);
	if (wrong)
		got = picture_row(&seen, y)[x];

	/* an access that is begun is ended, whatever it has shown */
	error = buffer_end(buffer, BUFFER_READ);
	if (error)
		fail("vprime%u: end of CPU access: %s", b->task.gpu, strerror(-error));
	if (wrong)
		fail("vprime%u: the picture is wrong at %u,%u: expected 0x%08x, got 0x%08x",
		     b->task.gpu, x, y, picture_row(&b->reference, y)[x], got);
	table_check(&row, "%s pixels, all as sent",
		    grouped((uint64_t)seen.width * seen.height, text));
	send_row(&row);
}

static void draw(struct side_b *b)
{
	const struct wire_image *image = &b->picture.image, *target = &b->target.image;
	struct turn turn = turn_plan(image->width, image->height);
	struct drawing *drawing;
	struct wire_row row;
	char text[GROUPED];
	int gpu, error;
	bool drawn;

	/*
	 * Mesa gets a file of its own: in one and the same file its import would
	 * give it our handles, and it would close them under us.
	 */
	row = table_row((int)b->task.gpu, "import into Mesa, GBM and EGL");
	gpu = gpu_open(b->render);
	if (gpu < 0)
		fail("%s: %s", b->render, strerror(-gpu));
	drawing = drawing_open(gpu);
	drawing_source(drawing, image, b->picture.buffer.dmabuf);
	drawing_target(drawing, target, b->target.buffer.dmabuf);
	table_check(&row, "%.64s", drawing_renderer(drawing));
	send_row(&row);

	if (turn.width != target->width || turn.height != target->height)
		fail("side B: the target should be %ux%u", turn.width, turn.height);

	/*
	 * Mesa's software renderer works on its mapping of the buffers without
	 * a word to the kernel, so the word is ours to say.
	 */
	row = table_row((int)b->task.gpu, "draw: turned by 90 degrees, size x%u/%u", turn.up,
			turn.down);
	error = buffer_begin(&b->picture.buffer, BUFFER_READ);
	if (!error)
		error = buffer_begin(&b->target.buffer, BUFFER_READ | BUFFER_WRITE);
	if (error)
		fail("vprime%u: begin of drawing: %s", b->task.gpu, strerror(-error));
	drawn = drawing_run(drawing, &turn);
	error = buffer_end(&b->target.buffer, BUFFER_READ | BUFFER_WRITE);
	if (!error)
		error = buffer_end(&b->picture.buffer, BUFFER_READ);
	if (error)
		fail("vprime%u: end of drawing: %s", b->task.gpu, strerror(-error));
	if (!drawn)
		fail("vprime%u: GL could not draw", b->task.gpu);
	table_check(&row, "%s pixels drawn",
		    grouped((uint64_t)target->width * target->height, text));
	send_row(&row);

	drawing_close(drawing);
	close(gpu);
}

void side_b(void)
{
	struct message message = { .kind = MESSAGE_DONE };
	struct side_b b = { .gpu = -1 };

	fail_to(SIDE_B_SOCKET);

	expect(MESSAGE_TASK, &message);
	b.task = message.task;
	open_gpu(&b);
	receive_reference(&b);
	import(&b);
	compare(&b);
	draw(&b);

	buffer_close(&b.target.buffer);
	buffer_close(&b.picture.buffer);
	munmap(b.reference.pixels, b.reference.pitch * b.reference.height);
	close(b.gpu);

	message.kind = MESSAGE_DONE;
	wire_send(SIDE_B_SOCKET, &message, -1);
}
