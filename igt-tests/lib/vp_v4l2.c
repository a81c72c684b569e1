// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vp_fence.h"
#include "vp_gpu.h"
#include "vp_igt.h"
#include "vp_module.h"
#include "vp_v4l2.h"

#define NODES_DIR	"/sys/class/video4linux"

/* Later kernels' controls of who is connected to whom. */
#define HDMI_INPUT	"HDMI 000-0 Is Connected To"
#define OTHER_INPUT	"HDMI 000-1 Is Connected To"
#define HDMI_OUTPUT	"Output HDMI 000-0"
#define HDMI_PATTERN	"Test Pattern Generator"

void vp_load_vivid(enum vp_vivid_allocator allocator)
{
	static int loaded = -1;
	char params[128];

	if (loaded == (int)allocator)
		return;
	/* node_types: capture and output. Types 3, 3 and 1: all are HDMI. */
	snprintf(params, sizeof(params),
		 "n_devs=1 node_types=0x101 num_inputs=2 input_types=0xf num_outputs=1 output_types=1 allocators=%d",
		 allocator);
	vp_reload_foreign("vivid", params);
	loaded = allocator;
}

/* The node that calls itself @name; the kernel does not say which it will be. */
static int open_node(const char *name)
{
	DIR *dir = opendir(NODES_DIR);
	struct dirent *entry;
	char path[300], line[64];
	FILE *file;
	int fd = -1;

	igt_assert_f(dir, "no video devices\n");
	while (fd < 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), NODES_DIR "/%s/name",
			 entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (!fgets(line, sizeof(line), file))
			line[0] = 0;
		fclose(file);
		line[strcspn(line, "\n")] = 0;
		if (strcmp(line, name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		igt_assert_f(fd >= 0, "%s: %s\n", path, strerror(errno));
	}
	closedir(dir);
	igt_assert_f(fd >= 0, "no video node %s\n", name);
	return fd;
}

static struct vp_video open_video(const char *name, uint32_t type,
				  uint32_t width, uint32_t height)
{
	struct vp_video video = { .fd = open_node(name), .type = type };
	struct v4l2_format format = {
		.type = type,
		.fmt.pix = {
			.width = width,
			.height = height,
			.pixelformat = V4L2_PIX_FMT_XRGB32,
			.field = V4L2_FIELD_NONE,
		},
	};

	igt_assert_eq(vp_try_ioctl(video.fd, VIDIOC_S_FMT, &format), 0);
	/* The driver may have chosen what it likes better. */
	igt_assert_eq(format.fmt.pix.width, width);
	igt_assert_eq(format.fmt.pix.height, height);
	igt_assert_eq(format.fmt.pix.pixelformat, V4L2_PIX_FMT_XRGB32);
	igt_assert_eq(format.fmt.pix.bytesperline, width * 4);
	igt_assert_eq(format.fmt.pix.sizeimage, width * height * 4);
	video.size = format.fmt.pix.sizeimage;
	return video;
}

/* vivid's own controls have names, but no numbers that programs may know. */
static bool find_control(int fd, const char *name,
			 struct v4l2_queryctrl *control)
{
	*control = (struct v4l2_queryctrl){ .id = V4L2_CTRL_FLAG_NEXT_CTRL };
	while (!vp_try_ioctl(fd, VIDIOC_QUERYCTRL, control)) {
		if (!strcmp((char *)control->name, name))
			return true;
		control->id |= V4L2_CTRL_FLAG_NEXT_CTRL;
	}
	return false;
}

static void set_control(int fd, uint32_t id, int value)
{
	struct v4l2_control set = { .id = id, .value = value };

	igt_assert_eq(vp_try_ioctl(fd, VIDIOC_S_CTRL, &set), 0);
}

static int get_control(int fd, uint32_t id)
{
	struct v4l2_control get = { .id = id };

	igt_assert_eq(vp_try_ioctl(fd, VIDIOC_G_CTRL, &get), 0);
	return get.value;
}

/* The number of a menu's item, with its control's; -1 if it is not offered. */
static int find_item(int fd, const char *name, const char *item, uint32_t *id)
{
	struct v4l2_queryctrl control;
	struct v4l2_querymenu menu;

	igt_assert_f(find_control(fd, name, &control), "no control %s\n", name);
	*id = control.id;
	for (int i = control.minimum; i <= control.maximum; i++) {
		menu = (struct v4l2_querymenu){
			.id = control.id, .index = (uint32_t)i,
		};
		if (!vp_try_ioctl(fd, VIDIOC_QUERYMENU, &menu) &&
		    !strcmp((char *)menu.name, item))
			return i;
	}
	return -1;
}

static void set_menu(int fd, const char *name, const char *item)
{
	uint32_t id;
	int value = find_item(fd, name, item, &id);

	igt_assert_f(value >= 0, "no item %s of control %s\n", item, name);
	set_control(fd, id, value);
}

static bool menu_is(int fd, const char *name, const char *item)
{
	uint32_t id;
	int value = find_item(fd, name, item, &id);

	return value >= 0 && get_control(fd, id) == value;
}

/*
 * A work of vivid's comes after the call: it takes the output out of the menus of
 * all inputs but the one that has it. When it comes too soon it does not see who
 * that is, and takes the connection back. Once the next input's menu is as it
 * should be, it has done either.
 */
static void connect_input(int fd, bool on)
{
	const char *source = on ? HDMI_OUTPUT : HDMI_PATTERN;
	int64_t end = vp_now_ns() + VP_PATIENCE_MS * 1000000ll;
	uint32_t id;

	set_menu(fd, HDMI_INPUT, source);
	while ((find_item(fd, OTHER_INPUT, HDMI_OUTPUT, &id) >= 0) == on ||
	       !menu_is(fd, HDMI_INPUT, source)) {
		igt_assert_f(vp_now_ns() < end, "vivid does not connect: %s\n",
			     source);
		usleep(20000);
		/* Once more if it was taken back, which has its own work. */
		set_menu(fd, HDMI_INPUT, source);
	}
}

void vp_vivid_loop(const struct vp_video *capture, bool on)
{
	struct v4l2_queryctrl control;

	/* A switch in 6.1; later kernels connect an input to an output. */
	if (find_control(capture->fd, "Loop Video", &control))
		set_control(capture->fd, control.id, on);
	else
		connect_input(capture->fd, on);
}

void vp_vivid_pattern(const struct vp_video *capture, const char *pattern)
{
	vp_vivid_loop(capture, false);
	set_menu(capture->fd, "Test Pattern", pattern);
}

struct vp_video vp_open_vivid_capture(uint32_t width, uint32_t height)
{
	struct vp_video video = open_video("vivid-000-vid-cap",
					   V4L2_BUF_TYPE_VIDEO_CAPTURE, width,
					   height);

	set_menu(video.fd, "OSD Text Mode", "None");
	return video;
}

struct vp_video vp_open_vivid_output(uint32_t width, uint32_t height)
{
	return open_video("vivid-000-vid-out", V4L2_BUF_TYPE_VIDEO_OUTPUT,
			  width, height);
}

void vp_video_buffers(const struct vp_video *video, uint32_t memory,
		      uint32_t count)
{
	struct v4l2_requestbuffers request = {
		.count = count, .type = video->type, .memory = memory,
	};

	igt_assert_eq(vp_try_ioctl(video->fd, VIDIOC_REQBUFS, &request), 0);
	igt_assert_lte(count, request.count);
}

void *vp_video_map(const struct vp_video *video, uint32_t index)
{
	struct v4l2_buffer buffer = {
		.index = index,
		.type = video->type,
		.memory = V4L2_MEMORY_MMAP,
	};
	void *map = NULL;

	igt_assert_eq(vp_try_ioctl(video->fd, VIDIOC_QUERYBUF, &buffer), 0);
	igt_assert_eq(vp_try_mmap(video->fd, buffer.m.offset, video->size,
				  PROT_READ | PROT_WRITE, MAP_SHARED, &map), 0);
	return map;
}

int vp_try_video_export(const struct vp_video *video, uint32_t index)
{
	struct v4l2_exportbuffer export = {
		.type = video->type,
		.index = index,
		.flags = O_RDWR | O_CLOEXEC,
	};
	int ret = vp_try_ioctl(video->fd, VIDIOC_EXPBUF, &export);

	return ret ? ret : export.fd;
}

int vp_video_export(const struct vp_video *video, uint32_t index)
{
	int fd = vp_try_video_export(video, index);

	igt_assert_f(fd >= 0, "export: %s\n", strerror(-fd));
	return fd;
}

static int queue(const struct vp_video *video, uint32_t memory, uint32_t index,
		 int dmabuf)
{
	struct v4l2_buffer buffer = {
		.index = index,
		.type = video->type,
		.memory = memory,
		.bytesused = (uint32_t)video->size,
		.field = V4L2_FIELD_NONE,
	};

	/* A length of 0 is the dma-buf's own. */
	if (memory == V4L2_MEMORY_DMABUF)
		buffer.m.fd = dmabuf;
	return vp_try_ioctl(video->fd, VIDIOC_QBUF, &buffer);
}

void vp_video_queue(const struct vp_video *video, uint32_t index)
{
	igt_assert_eq(queue(video, V4L2_MEMORY_MMAP, index, -1), 0);
}

int vp_try_video_queue_dmabuf(const struct vp_video *video, uint32_t index,
			      int dmabuf)
{
	return queue(video, V4L2_MEMORY_DMABUF, index, dmabuf);
}

void vp_video_queue_dmabuf(const struct vp_video *video, uint32_t index,
			   int dmabuf)
{
	igt_assert_eq(vp_try_video_queue_dmabuf(video, index, dmabuf), 0);
}

uint32_t vp_video_dequeue(const struct vp_video *video, uint32_t memory)
{
	short want = video->type == V4L2_BUF_TYPE_VIDEO_OUTPUT ? POLLOUT :
								 POLLIN;
	struct v4l2_buffer buffer = { .type = video->type, .memory = memory };
	struct pollfd ready = { .fd = video->fd, .events = want };

	igt_assert_eq(poll(&ready, 1, VP_PATIENCE_MS), 1);
	igt_assert_eq(ready.revents & want, want);
	igt_assert_eq(vp_try_ioctl(video->fd, VIDIOC_DQBUF, &buffer), 0);
	igt_assert_eq(buffer.flags & V4L2_BUF_FLAG_ERROR, 0);
	return buffer.index;
}

void vp_video_start(const struct vp_video *video)
{
	int type = (int)video->type;

	igt_assert_eq(vp_try_ioctl(video->fd, VIDIOC_STREAMON, &type), 0);
}

void vp_video_stop(const struct vp_video *video)
{
	int type = (int)video->type;

	igt_assert_eq(vp_try_ioctl(video->fd, VIDIOC_STREAMOFF, &type), 0);
}
