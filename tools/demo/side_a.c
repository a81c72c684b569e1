// SPDX-License-Identifier: GPL-2.0-only
/*
 * Side A: owns the picture, both buffers and the result.
 */
#define _GNU_SOURCE
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/buffer.h"
#include "../common/card.h"
#include "../common/gpu.h"
#include "../common/picture.h"
#include "../common/png_file.h"
#include "demo.h"
#include "fail.h"
#include "table.h"
#include "turn.h"
#include "wire.h"

#define MAX_SIDE	8192
/* rows and bytes that software renderers may touch at once, beyond a picture's edge */
#define TILE		64

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
	int socket;
};

/* side B while it runs, for stop_side_b() at exit */
static pid_t side_b_pid;

static void stop_side_b(void)
{
	if (!side_b_pid)
		return;
	kill(side_b_pid, SIGKILL);
	waitpid(side_b_pid, NULL, 0);
}

/* why side B is gone without having said so */
static void __attribute__((noreturn)) fail_for_side_b(void)
{
	pid_t pid = side_b_pid;
	int status;

	side_b_pid = 0;
	if (waitpid(pid, &status, 0) != pid)
		fail("process B is gone");
	if (WIFSIGNALED(status))
		fail("process B was killed by signal %d (%s)", WTERMSIG(status),
		     strsignal(WTERMSIG(status)));
	fail("process B left early, with exit code %d", WEXITSTATUS(status));
}

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

static struct wire_row load(struct side_a *a)
{
	struct wire_row row = table_row(-1, "%s", a->options->image ? "load picture" :
					"draw test card");
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
	return row;
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

static void find_gpus(struct side_a *a)
{
	struct gpu gpus[GPU_MAX];
	int count = gpu_list("vprime", gpus);

	memcpy(a->render, find_gpu(gpus, count, a->options->gpu_a)->render, sizeof(a->render));
	/* better said now than by side B half way through */
	find_gpu(gpus, count, a->options->gpu_b);
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

/* the picture's buffer is a dumb one, as Mesa's and any compositor's are */
static void share_picture(struct side_a *a)
{
	struct wire_row row = table_row((int)a->options->gpu_a,
					"allocate, export, copy picture in");
	const struct picture *reference = &a->reference;
	char text[GROUPED];
	uint32_t y;

	must(a, buffer_create_dumb(a->gpu, reference->width, reference->height, &a->picture),
	     "create dumb buffer");
	must(a, buffer_export(&a->picture), "export");
	check_fd_size(a, &a->picture);
	must(a, buffer_map(&a->picture), "map");
	a->in_picture = (struct picture){
		.pixels = a->picture.map,
		.width = reference->width,
		.height = reference->height,
		.pitch = a->picture.pitch,
	};

	must(a, buffer_begin(&a->picture, BUFFER_WRITE), "begin of CPU access");
	for (y = 0; y < reference->height; y++)
		memcpy(picture_row(&a->in_picture, y), picture_row(reference, y),
		       reference->pitch);
	if (a->options->spoil == SPOIL_PICTURE)
		picture_row(&a->in_picture, reference->height / 2)[reference->width / 2] ^= 1;
	must(a, buffer_end(&a->picture, BUFFER_WRITE), "end of CPU access");

	table_check(&row, "fd of %s bytes, pitch %u", grouped(a->picture.size, text),
		    a->picture.pitch);
	table_print(&row);
}

static uint32_t expected_pixel(const struct side_a *a, uint32_t x, uint32_t y)
{
	uint32_t source_x, source_y;

	turn_source(&a->turn, x, y, &source_x, &source_y);
	return picture_row(&a->reference, source_y)[source_x];
}

static uint32_t round_up(uint32_t value, uint32_t to)
{
	return (value + to - 1) / to * to;
}

/*
 * The target's layout is our own, made by GEM_CREATE: rows padded, and rows to
 * spare, because Mesa's software renderer writes back whole tiles. What is in it
 * at first is the opposite of what must be in it at last, so that a pixel that
 * nobody draws is wrong for certain.
 */
static void share_target(struct side_a *a)
{
	struct wire_row row = table_row((int)a->options->gpu_a, "allocate, export target");
	const struct turn *turn = &a->turn;
	uint32_t pitch = round_up(turn->width, TILE) * 4, x, y;
	char text[GROUPED];

	must(a, buffer_create(a->gpu, (uint64_t)pitch * round_up(turn->height, TILE), &a->target),
	     "create buffer");
	must(a, buffer_export(&a->target), "export");
	check_fd_size(a, &a->target);
	must(a, buffer_map(&a->target), "map");
	a->in_target = (struct picture){
		.pixels = a->target.map,
		.width = turn->width,
		.height = turn->height,
		.pitch = pitch,
	};

	must(a, buffer_begin(&a->target, BUFFER_WRITE), "begin of CPU access");
	for (y = 0; y < turn->height; y++)
		for (x = 0; x < turn->width; x++)
			picture_row(&a->in_target, y)[x] = ~expected_pixel(a, x, y);
	must(a, buffer_end(&a->target, BUFFER_WRITE), "end of CPU access");

	table_check(&row, "fd of %s bytes, pitch %u", grouped(a->target.size, text), pitch);
	table_print(&row);
}

/* side B is this program again: it shares no memory and no file with this process */
static void start_side_b(struct side_a *a)
{
	pid_t parent = getpid();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		fail("socket: %s", strerror(errno));
	side_b_pid = fork();
	if (side_b_pid < 0) {
		side_b_pid = 0;
		fail("fork: %s", strerror(errno));
	}
	if (!side_b_pid) {
		/* not to outlive side A, whatever happens to it */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		if (ends[1] == SIDE_B_SOCKET)
			fcntl(ends[1], F_SETFD, 0);
		else
			dup2(ends[1], SIDE_B_SOCKET);
		close_range(SIDE_B_SOCKET + 1, ~0u, 0);
		execl("/proc/self/exe", program_invocation_short_name, SIDE_B_ARGUMENT, NULL);
		_exit(127);
	}
	atexit(stop_side_b);
	close(ends[1]);
	a->socket = ends[0];
}

static void send_message(const struct side_a *a, const struct message *message, int fd)
{
	int error = wire_send(a->socket, message, fd);

	if (error == -EPIPE || error == -ECONNRESET)
		fail_for_side_b();
	if (error)
		fail("socket: %s", strerror(-error));
}

static void send_image(const struct side_a *a, enum message_kind kind,
		       const struct picture *picture, int fd)
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

	send_message(a, &message, fd);
}

static void send_all(const struct side_a *a)
{
	struct message message = {
		.kind = MESSAGE_TASK,
		.task = { .gpu = a->options->gpu_b, .from = a->options->gpu_a },
	};

	send_message(a, &message, -1);
	send_image(a, MESSAGE_REFERENCE, &a->reference, a->reference_fd);
	send_image(a, MESSAGE_PICTURE, &a->in_picture, a->picture.dmabuf);
	send_image(a, MESSAGE_TARGET, &a->in_target, a->target.dmabuf);
}

static void wait_for_side_b(const struct side_a *a)
{
	struct message message;
	int fd, error, status;

	for (;;) {
		error = wire_receive(a->socket, &message, &fd);
		if (error == -EPIPE)
			fail_for_side_b();
		if (error)
			fail("socket: %s", strerror(-error));
		if (message.kind == MESSAGE_ROW)
			table_print(&message.row);
		else if (message.kind == MESSAGE_FAILED)
			fail("%s", message.text);
		else
			break;
	}
	if (waitpid(side_b_pid, &status, 0) != side_b_pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status)) {
		side_b_pid = 0;
		fail("process B was done, but did not end well");
	}
	side_b_pid = 0;
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

static void check_target(struct side_a *a)
{
	struct wire_row row = table_row((int)a->options->gpu_a, "read target through its mapping");
	const struct turn *turn = &a->turn;
	uint32_t x, y, got = 0;
	char text[GROUPED];
	bool wrong;

	must(a, buffer_begin(&a->target, BUFFER_READ | BUFFER_WRITE), "begin of CPU access");
	if (a->options->spoil == SPOIL_RESULT)
		picture_row(&a->in_target, turn->height / 2)[turn->width / 2] ^= 1;
	wrong = find_wrong(a, &x, &y);
	if (wrong)
		got = picture_row(&a->in_target, y)[x];

	/* an access that is begun is ended, whatever it has shown */
	must(a, buffer_end(&a->target, BUFFER_READ | BUFFER_WRITE), "end of CPU access");
	if (wrong)
		fail("vprime%u: the result is wrong at %u,%u: expected 0x%08x, got 0x%08x",
		     a->options->gpu_a, x, y, expected_pixel(a, x, y), got);
	table_check(&row, "%s pixels, all as worked out",
		    grouped((uint64_t)turn->width * turn->height, text));
	table_print(&row);
}

static void write_result(struct side_a *a)
{
	struct wire_row row = table_row(-1, "write %.41s", basename(a->options->out));
	char why[PNG_FILE_WHY], text[GROUPED];
	size_t bytes;
	int result;

	must(a, buffer_begin(&a->target, BUFFER_READ), "begin of CPU access");
	result = png_file_write(a->options->out, &a->in_target, &bytes, why);
	must(a, buffer_end(&a->target, BUFFER_READ), "end of CPU access");
	if (result)
		fail("%s", why);
	table_check(&row, "%ux%u, %s bytes", a->turn.width, a->turn.height, grouped(bytes, text));
	table_print(&row);
}

void side_a(const struct options *options)
{
	struct side_a a = {
		.options = options,
		.picture = BUFFER_NONE,
		.target = BUFFER_NONE,
	};
	struct wire_row row;

	row = load(&a);
	find_gpus(&a);
	a.gpu = gpu_open(a.render);
	if (a.gpu < 0)
		fail("%s: %s", a.render, strerror(-a.gpu));
	/* only now is there a table to begin: the usual failures are one line */
	table_print(&row);
	share_picture(&a);
	share_target(&a);

	start_side_b(&a);
	send_all(&a);
	wait_for_side_b(&a);

	check_target(&a);
	write_result(&a);

	close(a.socket);
	buffer_close(&a.target);
	buffer_close(&a.picture);
	munmap(a.reference.pixels, a.reference.pitch * a.reference.height);
	close(a.reference_fd);
	close(a.gpu);
}
