// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is in memory, and what the CPU has of it, while a GPU has a view of the
 * buffer that does not snoop the CPU's caches. Devices see memory. The CPU sees,
 * of each page from its first touch on, a copy. Line by line, CPU and memory are
 * made to agree at the begin and the end of a CPU access, when a device maps the
 * buffer, and when a GPU reads or writes that snoops.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vp_test.h"

#define LINE	64u		/* bytes, of a cache */

static void sync_line(struct fz_buf *buf, size_t at, bool to_cpu,
		      bool to_device)
{
	uint8_t *memory = buf->bytes + at, *cpu = buf->cache->cpu + at;
	uint8_t *agreed = buf->cache->agreed + at;

	if (memcmp(memory, agreed, LINE)) {
		if (!to_cpu)
			return;
		memcpy(agreed, memory, LINE);
		memcpy(cpu, memory, LINE);
	} else if (to_device) {
		memcpy(agreed, cpu, LINE);
		memcpy(memory, cpu, LINE);
	}
}

/* Where both have been written, and both are asked for, memory's wins. */
static void sync_part(struct fz_buf *buf, size_t offset, size_t size,
		      bool to_cpu, bool to_device)
{
	if (!buf->cache)
		return;
	for (size_t at = offset / LINE * LINE; at < offset + size; at += LINE)
		if (buf->cache->touched[at / VP_PAGE])
			sync_line(buf, at, to_cpu, to_device);
}

static void sync_all(struct fz_buf *buf, bool to_cpu, bool to_device)
{
	sync_part(buf, 0, buf->size, to_cpu, to_device);
}

/* ---- views ---- */

bool fz_has_odd_view(const struct fz_buf *buf)
{
	struct fz_view *view;

	fz_each(view, &buf->views)
		if (!view->inst->coherent)
			return true;
	return false;
}

void fz_view_came(struct fz_buf *buf)
{
	if (buf->cache || buf->maker != FZ_OURS || !fz_has_odd_view(buf))
		return;
	buf->cache = fz_new(sizeof(*buf->cache));
	buf->cache->cpu = fz_new(buf->size);
	buf->cache->agreed = fz_new(buf->size);
	buf->cache->touched = fz_new(buf->size / VP_PAGE);
}

void fz_view_went(struct fz_buf *buf)
{
	if (!buf->cache || fz_has_odd_view(buf))
		return;
	sync_all(buf, true, true);
	free(buf->cache->cpu);
	free(buf->cache->agreed);
	free(buf->cache->touched);
	free(buf->cache);
	buf->cache = NULL;
}

/* ---- devices ---- */

void fz_gpu_map(struct fz_view *view)
{
	if (view->mapped)
		return;
	view->mapped = true;
	sync_all(view->buf, false, true);
}

void fz_gpu_unmap_all(struct fz_buf *buf)
{
	struct fz_view *view;

	fz_each(view, &buf->views)
		view->mapped = false;
}

bool fz_is_mapped(const struct fz_buf *buf, const struct fz_view *but)
{
	struct fz_view *view;

	fz_each(view, &buf->views)
		if (view != but && view->mapped)
			return true;
	return buf->foreign || (buf->begun && buf->maker == FZ_UDMABUF);
}

const uint8_t *fz_gpu_reads(struct fz_view *view, size_t offset, size_t size)
{
	if (view->inst->coherent)
		sync_part(view->buf, offset, size, true, true);
	return view->buf->bytes + offset;
}

void fz_gpu_writes(struct fz_view *view, size_t offset, const uint8_t *bytes,
		   size_t size)
{
	fz_gpu_reads(view, offset, size);
	memcpy(view->buf->bytes + offset, bytes, size);
	if (view->inst->coherent)
		sync_part(view->buf, offset, size, true, false);
}

void fz_foreign_map(struct fz_buf *buf)
{
	buf->pins++;
	sync_all(buf, false, true);
}

void fz_foreign_unmap(struct fz_buf *buf)
{
	buf->pins--;
}

/* ---- the CPU ---- */

/* A GPU's node shows what that GPU sees. */
static bool sees_cache(const struct fz_map *map)
{
	return map->buf->cache && (!map->view || map->view->inst->coherent);
}

static void touch(struct fz_buf *buf, size_t offset, size_t size)
{
	struct fz_cache *cache = buf->cache;

	for (size_t page = offset / VP_PAGE; page * VP_PAGE < offset + size;
	     page++) {
		if (cache->touched[page])
			continue;
		cache->touched[page] = true;
		memcpy(cache->cpu + page * VP_PAGE,
		       buf->bytes + page * VP_PAGE, VP_PAGE);
		memcpy(cache->agreed + page * VP_PAGE,
		       buf->bytes + page * VP_PAGE, VP_PAGE);
	}
}

const uint8_t *fz_cpu_reads(const struct fz_map *map, size_t offset,
			    size_t size)
{
	size_t at = map->first * VP_PAGE + offset;

	if (!sees_cache(map))
		return map->buf->bytes + at;
	touch(map->buf, at, size);
	return memcpy(fz_result, map->buf->cache->cpu + at, size);
}

void fz_cpu_writes(const struct fz_map *map, size_t offset,
		   const uint8_t *bytes, size_t size)
{
	size_t at = map->first * VP_PAGE + offset;

	if (sees_cache(map)) {
		touch(map->buf, at, size);
		memcpy(map->buf->cache->cpu + at, bytes, size);
	} else {
		memcpy(map->buf->bytes + at, bytes, size);
	}
}

void fz_cpu_has_all(struct fz_buf *buf)
{
	if (!buf->cache)
		return;
	memset(buf->cache->touched, false,
	       buf->size / VP_PAGE * sizeof(*buf->cache->touched));
	touch(buf, 0, buf->size);
}

void fz_cpu_begin(struct fz_buf *buf, unsigned int proc, bool write)
{
	buf->begun = true;
	buf->begins++;
	if (!buf->open[proc]) {
		buf->open[proc] = ++buf->opened;
		buf->open_write[proc] = false;
	}
	buf->open_write[proc] |= write;
	sync_all(buf, true, false);
}

/*
 * The access that an end by a process closes: its own, else the oldest; but none
 * when a begin has opened none, because its process had one open.
 */
static unsigned int *closed_by(struct fz_buf *buf, unsigned int proc)
{
	unsigned int *oldest = NULL, open = 0;

	if (buf->open[proc])
		return &buf->open[proc];
	for (unsigned int i = 0; i < FZ_PROCS; i++) {
		if (!buf->open[i])
			continue;
		open++;
		if (!oldest || buf->open[i] < *oldest)
			oldest = &buf->open[i];
	}
	return buf->begins <= open ? oldest : NULL;
}

/* One without a begin is reported, and done all the same. */
void fz_cpu_end(struct fz_run *run, struct fz_buf *buf, unsigned int proc,
		bool write)
{
	unsigned int *open = buf->begins ? closed_by(buf, proc) : NULL;

	if (open)
		*open = 0;
	if (buf->begins)
		buf->begins--;
	else
		run->violations += buf->maker == FZ_OURS;
	if (write)
		sync_all(buf, false, true);
}

/* What a process has open is ended for it, and that reported. */
static bool end_left(struct fz_run *run, struct fz_buf *buf, unsigned int proc)
{
	if (!buf->open[proc])
		return false;
	buf->open[proc] = 0;
	run->violations += buf->maker == FZ_OURS;
	if (buf->open_write[proc])
		sync_all(buf, false, true);
	return true;
}

bool fz_cpu_end_all(struct fz_run *run, unsigned int proc)
{
	struct fz_buf *buf;
	bool any = false;

	fz_each(buf, &run->bufs)
		any |= end_left(run, buf, proc);
	return any;
}

void fz_cpu_end_left(struct fz_run *run, struct fz_buf *buf)
{
	for (unsigned int proc = 0; proc < FZ_PROCS; proc++)
		end_left(run, buf, proc);
	buf->begins = 0;
}
