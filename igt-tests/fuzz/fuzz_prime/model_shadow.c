// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a GPU sees that does not snoop, and what the CPU sees, when they differ:
 * which happens between mapping and unmapping for such a GPU, and ends, line by
 * line, at the begin and the end of CPU accesses.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define LINE	64u		/* bytes, of a cache */

static size_t lines_of(const struct fz_buf *buf)
{
	return buf->size / LINE;
}

/* What the CPU wrote goes where no GPU has written meanwhile. */
static void to_device(struct fz_buf *buf, size_t offset, size_t size)
{
	struct fz_shadow *shadow = buf->shadow;

	for (size_t i = offset / LINE; i <= (offset + size - 1) / LINE; i++)
		if (!shadow->written[i])
			memcpy(shadow->bytes + i * LINE, buf->bytes + i * LINE,
			       LINE);
}

static void to_cpu(struct fz_buf *buf, size_t offset, size_t size)
{
	struct fz_shadow *shadow = buf->shadow;

	for (size_t i = offset / LINE; i <= (offset + size - 1) / LINE; i++) {
		if (shadow->written[i])
			memcpy(buf->bytes + i * LINE, shadow->bytes + i * LINE,
			       LINE);
		shadow->written[i] = false;
	}
}

/* ---- mapping ---- */

static void shadow_get(struct fz_buf *buf)
{
	if (!buf->shadow) {
		buf->shadow = fz_new(sizeof(*buf->shadow));
		buf->shadow->bytes = fz_new(buf->size);
		buf->shadow->written = fz_new(lines_of(buf));
	}
	buf->shadow->users++;
	to_device(buf, 0, buf->size);
}

static void shadow_put(struct fz_buf *buf)
{
	if (--buf->shadow->users)
		return;
	to_cpu(buf, 0, buf->size);
	free(buf->shadow->bytes);
	free(buf->shadow->written);
	free(buf->shadow);
	buf->shadow = NULL;
}

void fz_gpu_unmap(struct fz_view *view)
{
	if (view->mapped && view->buf->maker == FZ_OURS)
		shadow_put(view->buf);
	view->mapped = false;
}

void fz_gpu_unmap_all(struct fz_buf *buf)
{
	struct fz_view *view;

	fz_each(view, &buf->views)
		fz_gpu_unmap(view);
}

static void gpu_map(struct fz_view *view, bool write)
{
	if (view->buf->maker != FZ_OURS)
		view->mapped = true;
	if (view->inst->coherent || view->buf->maker != FZ_OURS)
		return;
	/* What was mapped to be read only is mapped anew. */
	if (write && !view->mapped_to_write)
		fz_gpu_unmap(view);
	if (view->mapped)
		return;
	view->mapped = true;
	view->mapped_to_write = write || !view->read_only;
	shadow_get(view->buf);
}

bool fz_is_mapped(const struct fz_buf *buf, const struct fz_view *but)
{
	struct fz_view *view;

	fz_each(view, &buf->views)
		if (view != but && view->mapped)
			return true;
	return buf->foreign || (buf->begun && buf->maker == FZ_UDMABUF);
}

bool fz_has_odd_view(const struct fz_buf *buf)
{
	struct fz_view *view;

	fz_each(view, &buf->views)
		if (!view->inst->coherent)
			return true;
	return false;
}

/* ---- GPUs ---- */

static bool sees_shadow(const struct fz_view *view)
{
	return view->buf->shadow && !view->inst->coherent;
}

/* While a driver has it mapped that nobody looks at, all see the same. */
static void begin(struct fz_view *view, size_t offset, size_t size)
{
	struct fz_buf *buf = view->buf;

	if (!buf->shadow)
		return;
	if (view->inst->coherent)
		to_cpu(buf, offset, size);
	else if (buf->pins)
		to_device(buf, offset, size);
}

const uint8_t *fz_gpu_sees(struct fz_view *view, size_t offset, size_t size,
			   bool write)
{
	gpu_map(view, write);
	begin(view, offset, size);
	return (sees_shadow(view) ? view->buf->shadow->bytes :
				    view->buf->bytes) + offset;
}

void fz_gpu_writes(struct fz_view *view, size_t offset, const uint8_t *bytes,
		   size_t size)
{
	struct fz_buf *buf = view->buf;

	fz_gpu_sees(view, offset, size, true);
	if (!sees_shadow(view)) {
		memcpy(buf->bytes + offset, bytes, size);
		if (buf->shadow)
			to_device(buf, offset, size);
		return;
	}
	memcpy(buf->shadow->bytes + offset, bytes, size);
	for (size_t i = offset / LINE; i <= (offset + size - 1) / LINE; i++)
		buf->shadow->written[i] = true;
	if (buf->pins)
		to_cpu(buf, offset, size);
}

void fz_foreign_map(struct fz_buf *buf)
{
	if (buf->shadow)
		to_cpu(buf, 0, buf->size);
	buf->pins++;
}

void fz_foreign_unmap(struct fz_buf *buf)
{
	if (buf->shadow)
		to_device(buf, 0, buf->size);
	buf->pins--;
}

/* ---- the CPU ---- */

void fz_cpu_begin(struct fz_buf *buf, unsigned int proc, bool write)
{
	buf->begun = true;
	if (!buf->open[proc]++)
		buf->open_write[proc] = false;
	buf->open_write[proc] |= write;
	if (buf->shadow)
		to_cpu(buf, 0, buf->size);
}

/* Who ends what he has not begun has it done all the same. */
void fz_cpu_end(struct fz_buf *buf, unsigned int proc, bool write)
{
	if (buf->open[proc])
		buf->open[proc]--;
	if (buf->shadow && write)
		to_device(buf, 0, buf->size);
}

bool fz_cpu_end_all(struct fz_run *run, unsigned int proc)
{
	struct fz_buf *buf;
	bool any = false;

	fz_each(buf, &run->bufs) {
		if (!buf->open[proc])
			continue;
		any = true;
		buf->open[proc] = 0;
		if (buf->shadow && buf->open_write[proc])
			to_device(buf, 0, buf->size);
	}
	return any;
}
