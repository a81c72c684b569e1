/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEMO_DRAW_H
#define DEMO_DRAW_H

#include <stdbool.h>

#include "turn.h"
#include "wire.h"

/*
 * Drawing from one dma-buf into another with Mesa. Except in drawing_run(),
 * whatever fails here ends the process through fail().
 */

struct drawing;

/**
 * drawing_open() - bring up EGL and GLES 2 on a GPU
 * @gpu: an open node that is used for nothing else; stays the caller's to close
 */
struct drawing *drawing_open(int gpu);

/** drawing_renderer() - who draws, in the GL implementation's own words */
const char *drawing_renderer(const struct drawing *drawing);

/** DRAWING_TILE - rows and bytes that it may touch at once, beyond a picture's edge */
#define DRAWING_TILE	64

/** drawing_source() - import the dma-buf to draw from; @dmabuf stays the caller's */
void drawing_source(struct drawing *drawing, const struct wire_image *image, int dmabuf);

/** drawing_target() - import the dma-buf to draw into; @dmabuf stays the caller's */
void drawing_target(struct drawing *drawing, const struct wire_image *image, int dmabuf);

/**
 * drawing_run() - draw, and wait until it is done
 *
 * Returns: whether GL is content; for its caller has to end what it began.
 */
bool drawing_run(struct drawing *drawing, const struct turn *turn);

/** drawing_drop() - forget source and target; there can be others afterwards */
void drawing_drop(struct drawing *drawing);

void drawing_close(struct drawing *drawing);

#endif
