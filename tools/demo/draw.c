// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mesa's part: import the two buffers as EGLImages and draw one into the other.
 *
 * This is done the way display servers and virtual machine monitors do it: GBM
 * on a node, EGL on GBM, dma-bufs into EGLImages by EGL_EXT_image_dma_buf_import,
 * EGLImages into textures by GL_OES_EGL_image.
 */
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES2/gl2.h>
#include <GLES2/gl2ext.h>
#include <drm_fourcc.h>
#include <fcntl.h>
#include <gbm.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "draw.h"
#include "fail.h"

struct texture {
	EGLImageKHR image;
	GLuint name;
	uint32_t width, height;
};

struct drawing {
	struct gbm_device *gbm;
	EGLDisplay display;
	EGLContext context;
	bool has_modifiers;
	struct texture source, target;
	GLuint framebuffer;
	GLuint program;
	PFNEGLCREATEIMAGEKHRPROC create_image;
	PFNEGLDESTROYIMAGEKHRPROC destroy_image;
	PFNGLEGLIMAGETARGETTEXTURE2DOESPROC bind_image;
};

/* is @name one of the words in @list */
static bool has(const char *list, const char *name)
{
	size_t length = strlen(name);

	while (list && (list = strstr(list, name))) {
		list += length;
		if (*list == ' ' || !*list)
			return true;
	}
	return false;
}

static void need(const char *list, const char *name, const char *what)
{
	if (!has(list, name))
		fail("%s has no %s", what, name);
}

static EGLDisplay open_display(struct gbm_device *gbm)
{
	const char *extensions = eglQueryString(EGL_NO_DISPLAY, EGL_EXTENSIONS);
	PFNEGLGETPLATFORMDISPLAYEXTPROC get_display;

	/* with no driver at all, it has not even a list */
	if (!extensions)
		fail("EGL has no driver here");
	need(extensions, "EGL_EXT_platform_base", "EGL");
	if (!has(extensions, "EGL_KHR_platform_gbm"))
		need(extensions, "EGL_MESA_platform_gbm", "EGL");
	get_display = (PFNEGLGETPLATFORMDISPLAYEXTPROC)
		eglGetProcAddress("eglGetPlatformDisplayEXT");
	return get_display(EGL_PLATFORM_GBM_KHR, gbm, NULL);
}

/* nothing is drawn into an EGL surface, so any config for GLES 2 will do */
static EGLContext open_context(EGLDisplay display)
{
	static const EGLint wanted[] = {
		EGL_SURFACE_TYPE, 0,
		EGL_RENDERABLE_TYPE, EGL_OPENGL_ES2_BIT,
		EGL_NONE,
	};
	static const EGLint attributes[] = { EGL_CONTEXT_CLIENT_VERSION, 2, EGL_NONE };
	EGLConfig config;
	EGLint count = 0;

	if (!eglBindAPI(EGL_OPENGL_ES_API) ||
	    !eglChooseConfig(display, wanted, &config, 1, &count) || !count)
		return EGL_NO_CONTEXT;
	return eglCreateContext(display, config, EGL_NO_CONTEXT, attributes);
}

/*
 * Mesa tries a driver of the GPU's own name before it comes to its software
 * renderer, and says on stderr that there is none. Whoever wants to read that
 * sets EGL_LOG_LEVEL. Returns: what unhush() wants to know.
 */
static int hush(void)
{
	int nowhere, saved;

	if (getenv("EGL_LOG_LEVEL"))
		return -1;
	nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (nowhere < 0)
		return -1;
	saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	if (saved >= 0)
		dup2(nowhere, STDERR_FILENO);
	close(nowhere);
	return saved;
}

static void unhush(int saved)
{
	if (saved < 0)
		return;
	dup2(saved, STDERR_FILENO);
	close(saved);
}

/* what goes wrong in here is still told: fail() has its own way to side A */
struct drawing *drawing_open(int gpu)
{
	struct drawing *drawing = calloc(1, sizeof(*drawing));
	const char *extensions;
	int hushed;

	if (!drawing)
		fail("out of memory");
	hushed = hush();
	drawing->gbm = gbm_create_device(gpu);
	if (!drawing->gbm)
		fail("GBM does not take the GPU's render node");
	drawing->display = open_display(drawing->gbm);
	if (drawing->display == EGL_NO_DISPLAY || !eglInitialize(drawing->display, NULL, NULL))
		fail("EGL does not come up: error 0x%x", eglGetError());

	extensions = eglQueryString(drawing->display, EGL_EXTENSIONS);
	need(extensions, "EGL_KHR_image_base", "EGL");
	need(extensions, "EGL_EXT_image_dma_buf_import", "EGL");
	need(extensions, "EGL_KHR_surfaceless_context", "EGL");
	drawing->has_modifiers = has(extensions, "EGL_EXT_image_dma_buf_import_modifiers");

	drawing->context = open_context(drawing->display);
	if (drawing->context == EGL_NO_CONTEXT ||
	    !eglMakeCurrent(drawing->display, EGL_NO_SURFACE, EGL_NO_SURFACE, drawing->context))
		fail("no GLES 2 context: EGL error 0x%x", eglGetError());
	need((const char *)glGetString(GL_EXTENSIONS), "GL_OES_EGL_image", "GLES");

	drawing->create_image = (PFNEGLCREATEIMAGEKHRPROC)eglGetProcAddress("eglCreateImageKHR");
	drawing->destroy_image = (PFNEGLDESTROYIMAGEKHRPROC)eglGetProcAddress("eglDestroyImageKHR");
	drawing->bind_image = (PFNGLEGLIMAGETARGETTEXTURE2DOESPROC)
		eglGetProcAddress("glEGLImageTargetTexture2DOES");
	unhush(hushed);
	return drawing;
}

const char *drawing_renderer(const struct drawing *drawing)
{
	(void)drawing;
	return (const char *)glGetString(GL_RENDERER);
}

/* the attributes, and their order, are those of QEMU's display code */
static EGLImageKHR import(struct drawing *drawing, const struct wire_image *image, int dmabuf)
{
	EGLint attributes[17] = {
		EGL_WIDTH, (EGLint)image->width,
		EGL_HEIGHT, (EGLint)image->height,
		EGL_LINUX_DRM_FOURCC_EXT, (EGLint)image->fourcc,
		EGL_DMA_BUF_PLANE0_FD_EXT, dmabuf,
		EGL_DMA_BUF_PLANE0_OFFSET_EXT, (EGLint)image->offset,
		EGL_DMA_BUF_PLANE0_PITCH_EXT, (EGLint)image->pitch,
		EGL_NONE,
	};
	int at = 12;

	if (drawing->has_modifiers && image->modifier != DRM_FORMAT_MOD_INVALID) {
		attributes[at++] = EGL_DMA_BUF_PLANE0_MODIFIER_LO_EXT;
		attributes[at++] = (EGLint)(image->modifier & 0xffffffff);
		attributes[at++] = EGL_DMA_BUF_PLANE0_MODIFIER_HI_EXT;
		attributes[at++] = (EGLint)(image->modifier >> 32);
		attributes[at] = EGL_NONE;
	}
	return drawing->create_image(drawing->display, EGL_NO_CONTEXT, EGL_LINUX_DMA_BUF_EXT,
				     NULL, attributes);
}

static struct texture import_texture(struct drawing *drawing, const struct wire_image *image,
				     int dmabuf, const char *what)
{
	struct texture texture = { .width = image->width, .height = image->height };
	GLint limit = 0;

	glGetIntegerv(GL_MAX_TEXTURE_SIZE, &limit);
	if (image->width > (uint32_t)limit || image->height > (uint32_t)limit)
		fail("%s: %ux%u is larger than GL's textures, %d", what, image->width,
		     image->height, limit);

	texture.image = import(drawing, image, dmabuf);
	if (texture.image == EGL_NO_IMAGE_KHR)
		fail("%s: no EGLImage: EGL error 0x%x", what, eglGetError());

	glGenTextures(1, &texture.name);
	glBindTexture(GL_TEXTURE_2D, texture.name);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
	drawing->bind_image(GL_TEXTURE_2D, texture.image);
	if (glGetError() != GL_NO_ERROR)
		fail("%s: GL does not take the EGLImage as a texture", what);
	return texture;
}

void drawing_source(struct drawing *drawing, const struct wire_image *image, int dmabuf)
{
	drawing->source = import_texture(drawing, image, dmabuf, "picture");
}

static GLuint compile(GLenum type, const char *text)
{
	GLuint shader = glCreateShader(type);
	char log[128] = "";
	GLint compiled;

	glShaderSource(shader, 1, &text, NULL);
	glCompileShader(shader);
	glGetShaderiv(shader, GL_COMPILE_STATUS, &compiled);
	glGetShaderInfoLog(shader, sizeof(log), NULL, log);
	if (!compiled)
		fail("shader: %s", log);
	return shader;
}

static GLuint use_program(void)
{
	GLuint vertex = compile(GL_VERTEX_SHADER,
		"attribute vec2 corner;\n"
		"attribute vec2 place;\n"
		"varying vec2 at;\n"
		"void main() { gl_Position = vec4(corner, 0.0, 1.0); at = place; }\n");
	/* medium precision could not tell 8192 texels apart */
	GLuint fragment = compile(GL_FRAGMENT_SHADER,
		"precision highp float;\n"
		"uniform sampler2D picture;\n"
		"varying vec2 at;\n"
		"void main() { gl_FragColor = texture2D(picture, at); }\n");
	GLuint program = glCreateProgram();
	GLint linked;

	glAttachShader(program, vertex);
	glAttachShader(program, fragment);
	glBindAttribLocation(program, 0, "corner");
	glBindAttribLocation(program, 1, "place");
	glLinkProgram(program);
	glGetProgramiv(program, GL_LINK_STATUS, &linked);
	if (!linked)
		fail("the shaders do not link");
	glUseProgram(program);
	return program;
}

void drawing_target(struct drawing *drawing, const struct wire_image *image, int dmabuf)
{
	drawing->target = import_texture(drawing, image, dmabuf, "target");
	glGenFramebuffers(1, &drawing->framebuffer);
	glBindFramebuffer(GL_FRAMEBUFFER, drawing->framebuffer);
	glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D,
			       drawing->target.name, 0);
	if (glCheckFramebufferStatus(GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE)
		fail("GL does not draw into the target");
	drawing->program = use_program();
}

bool drawing_run(struct drawing *drawing, const struct turn *turn)
{
	/*
	 * How far the result reaches across the source, 1 being its whole side;
	 * a little more where the last pixel is cut. As both sides are buffers
	 * and not windows, row 0 is y = -1 here and 0 there: nothing is upside
	 * down.
	 */
	const float across = (float)turn->height * turn->down / (turn->up * turn->source_width);
	const float along = (float)turn->width * turn->down / (turn->up * turn->source_height);
	const GLfloat corners[] = { -1, -1, 1, -1, -1, 1, 1, 1 };
	const GLfloat places[] = { 0, 1, 0, 1 - along, across, 1, across, 1 - along };

	glViewport(0, 0, (GLsizei)drawing->target.width, (GLsizei)drawing->target.height);
	/* alpha is a channel like the others, and no bit may change on the way */
	glDisable(GL_BLEND);
	glDisable(GL_DITHER);
	glBindTexture(GL_TEXTURE_2D, drawing->source.name);
	glVertexAttribPointer(0, 2, GL_FLOAT, GL_FALSE, 0, corners);
	glVertexAttribPointer(1, 2, GL_FLOAT, GL_FALSE, 0, places);
	glEnableVertexAttribArray(0);
	glEnableVertexAttribArray(1);
	glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
	glFinish();
	return glGetError() == GL_NO_ERROR;
}

static void drop_texture(struct drawing *drawing, struct texture *texture)
{
	if (texture->image == EGL_NO_IMAGE_KHR)
		return;
	glDeleteTextures(1, &texture->name);
	drawing->destroy_image(drawing->display, texture->image);
	texture->image = EGL_NO_IMAGE_KHR;
}

void drawing_drop(struct drawing *drawing)
{
	glDeleteFramebuffers(1, &drawing->framebuffer);
	glDeleteProgram(drawing->program);
	drop_texture(drawing, &drawing->source);
	drop_texture(drawing, &drawing->target);
}

void drawing_close(struct drawing *drawing)
{
	drawing_drop(drawing);
	eglMakeCurrent(drawing->display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
	eglDestroyContext(drawing->display, drawing->context);
	eglTerminate(drawing->display);
	eglReleaseThread();
	gbm_device_destroy(drawing->gbm);
	free(drawing);
}
