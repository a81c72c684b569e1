// SPDX-License-Identifier: GPL-2.0-only
/*
 * GL on a GPU, as a compositor meets a client's buffer: imported by its descriptor,
 * made a texture, and read.
 */
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES2/gl2.h>
#include <GLES2/gl2ext.h>
#include <drm_fourcc.h>
#include <gbm.h>
#include <stddef.h>

#include "gl.h"

#define WIDTH	64
#define HEIGHT	16

static const char *open_context(int gpu)
{
	static const EGLint attributes[] = { EGL_CONTEXT_CLIENT_VERSION, 2, EGL_NONE };
	struct gbm_device *gbm = gbm_create_device(gpu);
	EGLDisplay display;

	if (!gbm)
		return "GBM does not take the node";
	display = eglGetPlatformDisplay(EGL_PLATFORM_GBM_KHR, gbm, NULL);
	if (!eglInitialize(display, NULL, NULL) || !eglBindAPI(EGL_OPENGL_ES_API))
		return "EGL does not come up";
	if (!eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE,
			    eglCreateContext(display, EGL_NO_CONFIG_KHR, EGL_NO_CONTEXT,
					     attributes)))
		return "no GLES 2 context";
	return NULL;
}

const char *gl_open(int gpu, int dmabuf)
{
	const EGLint attributes[] = {
		EGL_WIDTH, WIDTH,
		EGL_HEIGHT, HEIGHT,
		/* bytes in the order of GL_RGBA */
		EGL_LINUX_DRM_FOURCC_EXT, DRM_FORMAT_ABGR8888,
		EGL_DMA_BUF_PLANE0_FD_EXT, dmabuf,
		EGL_DMA_BUF_PLANE0_OFFSET_EXT, 0,
		EGL_DMA_BUF_PLANE0_PITCH_EXT, WIDTH * 4,
		EGL_NONE,
	};
	PFNGLEGLIMAGETARGETTEXTURE2DOESPROC bind_image;
	PFNEGLCREATEIMAGEKHRPROC create_image;
	const char *wrong = open_context(gpu);
	GLuint texture, framebuffer;
	EGLImageKHR image;

	if (wrong)
		return wrong;
	create_image = (PFNEGLCREATEIMAGEKHRPROC)eglGetProcAddress("eglCreateImageKHR");
	bind_image = (PFNGLEGLIMAGETARGETTEXTURE2DOESPROC)
		eglGetProcAddress("glEGLImageTargetTexture2DOES");
	image = create_image(eglGetCurrentDisplay(), EGL_NO_CONTEXT, EGL_LINUX_DMA_BUF_EXT, NULL,
			     attributes);
	if (image == EGL_NO_IMAGE_KHR)
		return "EGL does not import the buffer";
	glGenTextures(1, &texture);
	glBindTexture(GL_TEXTURE_2D, texture);
	bind_image(GL_TEXTURE_2D, image);
	glGenFramebuffers(1, &framebuffer);
	glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
	glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, texture, 0);
	if (glCheckFramebufferStatus(GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE)
		return "GL does not read the buffer";
	return NULL;
}

void gl_look(char bytes[GL_LOOK])
{
	glReadPixels(0, 0, GL_LOOK / 4, 1, GL_RGBA, GL_UNSIGNED_BYTE, bytes);
}
