// SPDX-License-Identifier: GPL-2.0-only
/*
 * GL on a GPU: Mesa's software renderer, which imports dma-bufs, and works on its
 * mapping of them through the GPU's node. On a GPU with coherent=0 that is the GPU's
 * view, so that GL has the bug of a missing DMA_BUF_IOCTL_SYNC as hardware would.
 * On EGL's device and surfaceless platforms it does so because of data/60-vprime.conf.
 */
#include <dirent.h>
#include <fcntl.h>
#include <gbm.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES2/gl2.h>
#include <GLES2/gl2ext.h>
#include <drm_fourcc.h>

#include "vp_program.h"
#include "vp_scene.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("GL on GPUs that snoop the CPU's caches, and that do not");

#define SIDE	64		/* pixels */
#define PITCH	(SIDE * 4)
#define SIZE	(PITCH * SIDE)

/* A pixel in the middle, in bytes. */
#define PIXEL	(5 * PITCH + 5 * 4)

static void start_gl_on(EGLDisplay display)
{
	static const EGLint attributes[] = {
		EGL_CONTEXT_CLIENT_VERSION, 2, EGL_NONE
	};
	EGLContext context;

	igt_assert_f(eglInitialize(display, NULL, NULL), "EGL error 0x%x\n",
		     eglGetError());
	igt_assert(eglBindAPI(EGL_OPENGL_ES_API));
	context = eglCreateContext(display, EGL_NO_CONFIG_KHR, EGL_NO_CONTEXT,
				   attributes);
	igt_assert(eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE,
				  context));
	igt_info("%s\n", (const char *)glGetString(GL_RENDERER));
}

static void start_gl(int gpu)
{
	struct gbm_device *gbm = gbm_create_device(gpu);

	igt_assert(gbm);
	start_gl_on(eglGetPlatformDisplay(EGL_PLATFORM_GBM_KHR, gbm, NULL));
}

/* What GL reads and draws from here on is the buffer. */
static void use_buffer(int dmabuf)
{
	const EGLint attributes[] = {
		EGL_WIDTH, SIDE, EGL_HEIGHT, SIDE,
		EGL_LINUX_DRM_FOURCC_EXT, DRM_FORMAT_ABGR8888,
		EGL_DMA_BUF_PLANE0_FD_EXT, dmabuf,
		EGL_DMA_BUF_PLANE0_OFFSET_EXT, 0,
		EGL_DMA_BUF_PLANE0_PITCH_EXT, PITCH,
		EGL_NONE
	};
	PFNEGLCREATEIMAGEKHRPROC create_image =
		(PFNEGLCREATEIMAGEKHRPROC)eglGetProcAddress("eglCreateImageKHR");
	PFNGLEGLIMAGETARGETTEXTURE2DOESPROC bind_image =
		(PFNGLEGLIMAGETARGETTEXTURE2DOESPROC)
		eglGetProcAddress("glEGLImageTargetTexture2DOES");
	EGLImageKHR image = create_image(eglGetCurrentDisplay(), EGL_NO_CONTEXT,
					 EGL_LINUX_DMA_BUF_EXT, NULL,
					 attributes);
	GLuint texture, framebuffer;

	igt_assert_f(image != EGL_NO_IMAGE_KHR, "EGL error 0x%x\n",
		     eglGetError());
	glGenTextures(1, &texture);
	glBindTexture(GL_TEXTURE_2D, texture);
	bind_image(GL_TEXTURE_2D, image);
	glGenFramebuffers(1, &framebuffer);
	glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
	glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0,
			       GL_TEXTURE_2D, texture, 0);
	igt_assert_eq(glCheckFramebufferStatus(GL_FRAMEBUFFER),
		      GL_FRAMEBUFFER_COMPLETE);
}

static uint32_t gl_sees(void)
{
	uint32_t pixel = 0;

	glReadPixels(5, 5, 1, 1, GL_RGBA, GL_UNSIGNED_BYTE, &pixel);
	igt_assert_eq(glGetError(), GL_NO_ERROR);
	return pixel;
}

/* All channels alike, as in VP_NEW. */
static void gl_draws(uint32_t word)
{
	float channel = (float)(word & 0xff) / 255;

	glClearColor(channel, channel, channel, channel);
	glClear(GL_COLOR_BUFFER_BIT);
	glFinish();
	igt_assert_eq(glGetError(), GL_NO_ERROR);
}

static void cpu_draws(const struct vp_scene *scene, uint32_t word)
{
	for (size_t at = 0; at < scene->size; at += sizeof(word))
		vp_cpu_writes(scene, at, word);
}

/*
 * The buffer is a dumb one of another GPU, as a compositor's and its client's. GL
 * gets a file of its own, which it may close handles in.
 */
static struct vp_scene share(unsigned int gpu)
{
	struct vp_scene scene = {
		.gpu = vp_open(gpu), .maker = vp_open(0), .size = SIZE,
	};
	struct vp_dumb dumb = vp_create_dumb(scene.maker, SIDE, SIDE, 32);

	igt_assert_eq(dumb.pitch, PITCH);
	scene.dmabuf = vp_export(scene.maker, dumb.handle);
	scene.handle = vp_import(scene.gpu, scene.dmabuf);
	scene.map = vp_map_dmabuf(scene.dmabuf, SIZE, PROT_READ | PROT_WRITE);
	start_gl(vp_open(gpu));
	use_buffer(scene.dmabuf);
	vp_sync_start(scene.dmabuf, VP_WRITE);
	cpu_draws(&scene, VP_OLD);
	vp_sync_end(scene.dmabuf, VP_WRITE);
	igt_assert_eq(gl_sees(), VP_OLD);
	igt_assert_eq(vp_gpu_sees(&scene, PIXEL), VP_OLD);
	return scene;
}

static void reads(unsigned int gpu, bool coherent)
{
	struct vp_scene scene = share(gpu);
	uint32_t without, with;

	cpu_draws(&scene, VP_NEW);
	without = gl_sees();
	igt_assert_eq(vp_gpu_sees(&scene, PIXEL), without);
	vp_sync_start(scene.dmabuf, VP_WRITE);
	cpu_draws(&scene, VP_NEWER);
	vp_sync_end(scene.dmabuf, VP_WRITE);
	with = gl_sees();
	igt_info("CPU drew %08x without a sync, GL reads %08x; and %08x with one, GL reads %08x\n",
		 VP_NEW, without, VP_NEWER, with);
	igt_assert_eq(without, coherent ? VP_NEW : VP_OLD);
	igt_assert_eq(with, VP_NEWER);
}

static void draws(unsigned int gpu, bool coherent)
{
	struct vp_scene scene = share(gpu);

	gl_draws(VP_NEW);
	igt_assert_eq(vp_gpu_sees(&scene, PIXEL), VP_NEW);
	igt_assert_eq(vp_cpu_sees(&scene, PIXEL), coherent ? VP_NEW : VP_OLD);
	vp_sync_start(scene.dmabuf, VP_READ);
	igt_assert_eq(vp_cpu_sees(&scene, PIXEL), VP_NEW);
	vp_sync_end(scene.dmabuf, VP_READ);

	/* What another job of the GPU writes GL finds. */
	vp_gpu_writes(&scene, PIXEL, VP_NEWER);
	igt_assert_eq(gl_sees(), VP_NEWER);
}

/* Whether this process has the file open. */
static bool has_open(const char *path)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	bool found = false;
	char target[64];
	ssize_t len;

	igt_assert(dir);
	while (!found && (entry = readdir(dir))) {
		len = readlinkat(dirfd(dir), entry->d_name, target,
				 sizeof(target) - 1);
		target[len < 0 ? 0 : len] = '\0';
		found = !strcmp(target, path);
	}
	closedir(dir);
	return found;
}

static EGLDisplay device_display(const char *node)
{
	PFNEGLQUERYDEVICESEXTPROC query_devices =
		(PFNEGLQUERYDEVICESEXTPROC)eglGetProcAddress("eglQueryDevicesEXT");
	PFNEGLQUERYDEVICESTRINGEXTPROC query_string =
		(PFNEGLQUERYDEVICESTRINGEXTPROC)
		eglGetProcAddress("eglQueryDeviceStringEXT");
	EGLDeviceEXT devices[16];
	const char *name;
	EGLint count;

	igt_assert(query_devices(VP_ARRAY_SIZE(devices), devices, &count));
	while (count--) {
		name = query_string(devices[count], EGL_DRM_RENDER_NODE_FILE_EXT);
		if (name && !strcmp(name, node))
			return eglGetPlatformDisplay(EGL_PLATFORM_DEVICE_EXT,
						     devices[count], NULL);
	}
	igt_assert_f(false, "EGL has no device %s\n", node);
	return EGL_NO_DISPLAY;
}

/* The buffer is another GPU's, or of a node of the same that EGL does not open. */
static void draws_on(unsigned int gpu, bool device)
{
	char nodes[2][300];
	int maker = vp_open_node(0, VP_PRIMARY), dmabuf;
	struct vp_dumb dumb = vp_create_dumb(maker, SIDE, SIDE, 32);
	uint32_t *map;

	igt_assert_eq(dumb.pitch, PITCH);
	for (unsigned int i = 0; i < VP_ARRAY_SIZE(nodes); i++)
		igt_assert_eq(vp_node_path(i, VP_RENDER, nodes[i],
					   sizeof(nodes[i])), 0);
	dmabuf = vp_export(maker, dumb.handle);
	map = vp_map_dmabuf(dmabuf, SIZE, PROT_READ | PROT_WRITE);
	if (device)
		start_gl_on(device_display(nodes[gpu]));
	else
		start_gl_on(eglGetPlatformDisplay(EGL_PLATFORM_SURFACELESS_MESA,
						  EGL_DEFAULT_DISPLAY, NULL));
	/* Without a GPU, it draws as well. */
	igt_assert(has_open(nodes[gpu]) || (!device && has_open(nodes[1 - gpu])));
	use_buffer(dmabuf);
	gl_draws(VP_NEW);
	igt_assert_eq(map[PIXEL / 4], VP_NEW);
	map[PIXEL / 4] = VP_NEWER;
	igt_assert_eq(gl_sees(), VP_NEWER);
}

static void platform(bool device)
{
	for (unsigned int gpu = 0; gpu < (device ? 2 : 1); gpu++) {
		igt_fork(child, 1)
			draws_on(gpu, device);
		igt_waitchildren();
	}
}

/* What missing-sync says of GL, with Mesa's own words on the standard error. */
static void run_missing_sync(const char *settings, const char *option,
			     const char *second)
{
	unsigned int gpu = vp_config_plug("odd", settings);
	char node[300], wanted[160];
	struct vp_ran ran;

	igt_assert_eq(vp_node_path(gpu, VP_RENDER, node, sizeof(node)), 0);
	ran = vp_run_words(NULL, "missing-sync", "--gl", node, option);
	snprintf(wanted, sizeof(wanted),
		 "CPU drew 'first frame', GPU sees 'first frame', GL on it sees 'first frame'\n"
		 "CPU drew 'second frame', GPU sees '%s', GL on it sees '%s'\n",
		 second, second);
	igt_assert_f(!strcmp(ran.out, wanted), "%s, %s: %s%s", settings,
		     option ? option : "no option", ran.out, ran.err);
	igt_assert_eq(ran.status, strcmp(second, "second frame") != 0);
	vp_ran_free(&ran);
	vp_config_remove("odd");
}

static void missing_sync(void)
{
	run_missing_sync("coherent=0", NULL, "first frame");
	run_missing_sync("coherent=0", "--sync", "second frame");
	run_missing_sync("", NULL, "second frame");
}

/* In a process of its own, because Mesa leaves threads and files behind. */
static void in_child(void (*test)(unsigned int, bool), const char *settings,
		     bool coherent)
{
	unsigned int gpu = vp_config_plug("odd", settings);

	igt_fork(child, 1)
		test(gpu, coherent);
	igt_waitchildren();
	vp_config_remove("odd");
}

igt_main
{
	igt_describe("What the CPU drew without a sync GL on a GPU with coherent=0 does not see, nor does the GPU");
	vp_subtest("reads")
		in_child(reads, "coherent=0", false);

	igt_describe("What GL drew there the GPU sees at once, and the CPU after a sync");
	vp_subtest("draws")
		in_child(draws, "coherent=0", false);

	igt_describe("With coherent=1 everything is seen at once");
	vp_subtest("coherent-control") {
		in_child(reads, "", true);
		in_child(draws, "", true);
	}

	igt_describe("EGL's device platform opens each GPU, imports a dma-buf, draws and reads");
	vp_subtest("device-platform")
		platform(true);

	igt_describe("EGL's surfaceless platform finds a GPU, imports a dma-buf, draws and reads");
	vp_subtest("surfaceless-platform")
		platform(false);

	igt_describe("The program missing-sync --gl shows its bug with coherent=0, and only there and without --sync");
	vp_subtest("missing-sync")
		missing_sync();
}
