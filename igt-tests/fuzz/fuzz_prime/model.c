// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who holds whom, and what goes when the last one lets go.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vp_igt.h"

uint32_t fz_about;

static void note(const struct fz_buf *buf)
{
	fz_about = buf->id;
}

void fz_push(struct fz_vec *vec, void *item)
{
	if (vec->n == vec->room) {
		vec->room = vec->room ? 2 * vec->room : 8;
		vec->at = realloc(vec->at, vec->room * sizeof(*vec->at));
		igt_assert(vec->at);
	}
	vec->at[vec->n++] = item;
}

bool fz_remove(struct fz_vec *vec, const void *item)
{
	for (unsigned int i = 0; i < vec->n; i++) {
		if (vec->at[i] != item)
			continue;
		memmove(vec->at + i, vec->at + i + 1,
			(--vec->n - i) * sizeof(*vec->at));
		return true;
	}
	return false;
}

void fz_vec_free(struct fz_vec *vec)
{
	free(vec->at);
	*vec = (struct fz_vec){};
}

void *fz_new(size_t size)
{
	void *object = calloc(1, size);

	igt_assert(object);
	return object;
}

struct fz_inst *fz_inst_new(unsigned int index)
{
	struct fz_inst *inst = fz_new(sizeof(*inst));

	inst->index = index;
	return inst;
}

void fz_inst_put(struct fz_inst *inst)
{
	if (inst && inst->gone && !inst->files && !inst->views &&
	    !inst->buffers)
		free(inst);
}

/* ---- buffers ---- */

struct fz_buf *fz_buf_new(struct fz_run *run, uint32_t id, size_t size,
			  enum fz_maker maker, struct fz_inst *origin)
{
	struct fz_buf *buf = fz_new(sizeof(*buf));

	buf->id = id;
	buf->size = size;
	buf->bytes = fz_memory_get(size);
	buf->maker = maker;
	buf->origin = origin;
	if (origin)
		origin->buffers++;
	fz_push(&run->bufs, buf);
	note(buf);
	return buf;
}

static void kbuf_check(struct fz_run *run, struct fz_kbuf *kbuf)
{
	struct fz_buf *buf = kbuf->buf;
	struct fz_fence *fence;
	struct fz_view *view;

	if (kbuf->fds || kbuf->maps || buf->foreign)
		return;
	/* What wraps a foreign one holds it for as long as it has views. */
	fz_each(view, &buf->views)
		if (view->linked || buf->maker != FZ_OURS)
			return;
	fz_each(fence, &kbuf->polled)
		if (!fence->state) {
			kbuf->limbo = true;
			run->has_limbo = true;
			return;
		}
	fz_each(fence, &kbuf->polled)
		fz_fence_put(fence);
	fz_vec_free(&kbuf->polled);
	fz_cpu_end_left(run, buf);
	buf->kbuf = NULL;
	free(kbuf);
}

void fz_buf_check(struct fz_run *run, struct fz_buf *buf)
{
	if (buf->kbuf)
		kbuf_check(run, buf->kbuf);
	if (buf->kbuf || buf->views.n || buf->foreign)
		return;
	fz_uses_free(buf);
	fz_remove(&run->bufs, buf);
	fz_memory_put(buf->bytes, buf->size);
	if (buf->origin) {
		buf->origin->buffers--;
		fz_inst_put(buf->origin);
	}
	fz_vec_free(&buf->views);
	free(buf);
}

struct fz_view *fz_view_of(struct fz_buf *buf, const struct fz_inst *inst,
			   bool read_only)
{
	struct fz_view *view;

	fz_each(view, &buf->views)
		if (view->inst == inst && view->read_only == read_only)
			return view;
	return NULL;
}

struct fz_view *fz_view_new(struct fz_buf *buf, struct fz_inst *inst)
{
	struct fz_view *view = fz_new(sizeof(*view));

	view->buf = buf;
	view->inst = inst;
	inst->views++;
	fz_push(&buf->views, view);
	fz_view_came(buf);
	return view;
}

static void view_check(struct fz_run *run, struct fz_view *view)
{
	struct fz_buf *buf = view->buf;

	if (!view->handles)
		view->linked = false;
	if (!view->handles && !view->maps) {
		fz_remove(&buf->views, view);
		fz_view_went(buf);
		view->inst->views--;
		fz_inst_put(view->inst);
		free(view);
		/* Another wrapper has another number. */
		if (buf->maker != FZ_OURS && !buf->views.n)
			buf->number = 0;
	}
	fz_buf_check(run, buf);
}

struct fz_kbuf *fz_kbuf_get(struct fz_buf *buf, struct fz_view *view,
			    bool writable)
{
	struct fz_kbuf *kbuf = buf->kbuf;

	if (!kbuf) {
		kbuf = fz_new(sizeof(*kbuf));
		kbuf->buf = buf;
		kbuf->writable = writable;
		buf->kbuf = kbuf;
	}
	if (view)
		view->linked = true;
	kbuf->limbo = false;
	return kbuf;
}

/* ---- files and handles ---- */

struct fz_file *fz_file_new(struct fz_run *run, uint32_t id,
			    struct fz_inst *inst, unsigned int proc)
{
	struct fz_file *file = fz_new(sizeof(*file));

	file->id = id;
	file->inst = inst;
	file->user = proc;
	if (inst)
		inst->files++;
	fz_push(&run->files, file);
	return file;
}

static void file_end(struct fz_run *run, struct fz_file *file)
{
	fz_file_fences_end(run, file, -ECANCELED);
	while (file->handles.n)
		fz_handle_close(run, file, file->handles.at[0]);
	while (file->syncobjs.n)
		fz_syncobj_close(file, file->syncobjs.at[0]);
	fz_vec_free(&file->handles);
	fz_vec_free(&file->timelines);
	fz_vec_free(&file->fences);
	fz_vec_free(&file->syncobjs);
	fz_remove(&run->files, file);
	if (file->inst) {
		file->inst->files--;
		fz_inst_put(file->inst);
	}
	free(file);
}

struct fz_handle *fz_handle_new(struct fz_file *file, uint32_t id,
				uint32_t value, struct fz_view *view)
{
	struct fz_handle *handle = fz_new(sizeof(*handle));

	handle->id = id;
	handle->value = value;
	handle->view = view;
	if (view) {
		handle->buf = view->buf;
		view->handles++;
	}
	fz_push(&file->handles, handle);
	return handle;
}

struct fz_handle *fz_handle_of(const struct fz_file *file,
			       const struct fz_buf *buf)
{
	struct fz_handle *handle;

	fz_each(handle, &file->handles)
		if (handle->buf == buf)
			return handle;
	return NULL;
}

struct fz_handle *fz_handle(const struct fz_file *file, uint32_t id)
{
	struct fz_handle *handle;

	fz_each(handle, &file->handles)
		if (handle->id == id) {
			note(handle->buf);
			return handle;
		}
	return NULL;
}

void fz_handle_close(struct fz_run *run, struct fz_file *file,
		     struct fz_handle *handle)
{
	struct fz_view *view = handle->view;
	struct fz_buf *buf = handle->buf;

	fz_remove(&file->handles, handle);
	file->stale_handle = handle->value;
	if (view) {
		view->handles--;
		view_check(run, view);
	} else {
		buf->foreign--;
		if (handle->pinning)
			fz_foreign_unmap(buf);
		fz_buf_check(run, buf);
	}
	free(handle);
}

/* ---- descriptors ---- */

void fz_hold(enum fz_fd_kind kind, void *what)
{
	switch (kind) {
	case FZ_FILE:
		((struct fz_file *)what)->fds++;
		break;
	case FZ_DMABUF:
		((struct fz_kbuf *)what)->fds++;
		break;
	case FZ_SYNC:
		fz_sync_get(what);
		break;
	case FZ_SYNCOBJ:
		((struct fz_syncobj *)what)->refs++;
		break;
	default:
		break;
	}
}

void fz_drop(struct fz_run *run, enum fz_fd_kind kind, void *what)
{
	struct fz_kbuf *kbuf = what;
	struct fz_file *file = what;

	switch (kind) {
	case FZ_FILE:
		if (!--file->fds)
			file_end(run, file);
		break;
	case FZ_DMABUF:
		kbuf->fds--;
		fz_buf_check(run, kbuf->buf);
		break;
	case FZ_SYNC:
		fz_sync_put(what);
		break;
	case FZ_SYNCOBJ:
		fz_syncobj_put(what);
		break;
	default:
		break;
	}
}

struct fz_fd *fz_fd_new(struct fz_run *run, unsigned int proc, uint32_t id,
			int fd, enum fz_fd_kind kind, void *what)
{
	struct fz_fd *new = fz_new(sizeof(*new));

	new->id = id;
	new->fd = fd;
	new->kind = kind;
	new->what = what;
	fz_hold(kind, what);
	fz_push(&run->proc[proc].fds, new);
	return new;
}

struct fz_fd *fz_fd(const struct fz_run *run, unsigned int proc, uint32_t id,
		    enum fz_fd_kind kind)
{
	struct fz_fd *fd;

	if (proc >= run->procs || !run->proc[proc].alive ||
	    run->proc[proc].blocked)
		return NULL;
	fz_each(fd, &run->proc[proc].fds)
		if (fd->id == id && (kind == FZ_KINDS || fd->kind == kind)) {
			if (fd->kind == FZ_DMABUF)
				note(fd->kbuf->buf);
			return fd;
		}
	return NULL;
}

void fz_fd_close(struct fz_run *run, unsigned int proc, struct fz_fd *fd)
{
	fz_remove(&run->proc[proc].fds, fd);
	fz_drop(run, fd->kind, fd->what);
	free(fd);
}

/* ---- mappings ---- */

struct fz_map *fz_map_new(struct fz_run *run, unsigned int proc,
			  const struct fz_map *map)
{
	struct fz_map *new = fz_new(sizeof(*new));

	*new = *map;
	if (new->view)
		new->view->maps++;
	if (new->file)
		new->file->fds++;
	if (new->kbuf)
		new->kbuf->maps++;
	fz_push(&run->proc[proc].maps, new);
	return new;
}

struct fz_map *fz_map(const struct fz_run *run, unsigned int proc, uint32_t id)
{
	struct fz_map *map;

	if (proc >= run->procs || !run->proc[proc].alive ||
	    run->proc[proc].blocked)
		return NULL;
	fz_each(map, &run->proc[proc].maps)
		if (map->id == id) {
			note(map->buf);
			return map;
		}
	return NULL;
}

void fz_unmap(struct fz_run *run, unsigned int proc, struct fz_map *map)
{
	fz_remove(&run->proc[proc].maps, map);
	if (map->view) {
		map->view->maps--;
		view_check(run, map->view);
	}
	if (map->file)
		fz_drop(run, FZ_FILE, map->file);
	if (map->kbuf) {
		map->kbuf->maps--;
		fz_buf_check(run, map->kbuf->buf);
	}
	free(map);
}

void fz_proc_end(struct fz_run *run, unsigned int proc)
{
	struct fz_proc *p = &run->proc[proc];

	if (p->blocked)
		fz_stop_waiting(run, proc, -ECANCELED);
	while (p->maps.n)
		fz_unmap(run, proc, p->maps.at[0]);
	while (p->fds.n)
		fz_fd_close(run, proc, p->fds.at[0]);
	p->alive = false;
}

void fz_proc_copy(struct fz_run *run, unsigned int from, unsigned int to)
{
	struct fz_map *map;
	struct fz_fd *fd;

	fz_each(map, &run->proc[from].maps)
		fz_map_new(run, to, map);
	fz_each(fd, &run->proc[from].fds)
		fz_fd_new(run, to, fd->id, fd->fd, fd->kind, fd->what);
	run->proc[to].alive = true;
}
