/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MISSING_SYNC_GL_H
#define MISSING_SYNC_GL_H

/* bytes that gl_look() reads: four pixels */
#define GL_LOOK	16

/**
 * gl_open() - have GL on a GPU read a buffer of 4096 bytes as a picture
 * @gpu: an open node that is used for nothing else
 * @dmabuf: the buffer; stays the caller's
 *
 * Returns: NULL, or what did not work.
 */
const char *gl_open(int gpu, int dmabuf);

/** gl_look() - what GL finds at the beginning of the buffer */
void gl_look(char bytes[GL_LOOK]);

#endif
