/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What there is, as far as a program can know: the model that each answer of the
 * kernel is compared with. Objects are named by the step that made them, so that
 * a step means the same when others before it have been left out.
 *
 *	descriptor -> file -> handle -> view -> buffer <- dma-buf <- descriptor
 *
 * Who holds whom is counted as the kernel does, because what is alive decides
 * what is answered.
 */
#ifndef FZ_MODEL_H
#define FZ_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FZ_NAME	40
#define FZ_PAGES	16		/* a small buffer has so many at most */
#define FZ_PROCS	6

/* Pointers in the order they were added in. */
struct fz_vec {
	void **at;
	unsigned int n, room;
};

void fz_push(struct fz_vec *vec, void *item);
/* False when it is not in there. */
bool fz_remove(struct fz_vec *vec, const void *item);
void fz_vec_free(struct fz_vec *vec);

#define fz_each(item, vec) \
	for (unsigned int item##_i = 0; \
	     item##_i < (vec)->n && ((item) = (vec)->at[item##_i], true); \
	     item##_i++)

/* A GPU from when it is plugged in; one that is plugged in again is another. */
struct fz_inst {
	unsigned int index;		/* the N of its name vprimeN */
	bool gone, limited, short_segments;
	bool coherent;			/* it snoops the CPU's caches */
	bool timelines;			/* syncobjs have points */
	char path[2][FZ_NAME];		/* by enum vp_node */
	unsigned int files, views, buffers;	/* that name it */
};

/* Whose memory: a GPU's, or another exporter's. */
enum fz_maker {
	FZ_OURS,
	FZ_VGEM,
	FZ_UDMABUF,
	FZ_HEAP,
};

struct fz_buf {
	uint32_t id;
	uint64_t number;		/* the module's, 0 before it is known */
	size_t size;
	uint8_t *bytes;			/* what is in memory, seen by the workers */
	struct fz_cache *cache;		/* what the CPU sees, NULL: that */
	enum fz_maker maker;
	struct fz_inst *origin;
	bool revoked, reclaimed;	/* the memory is gone, too */
	bool begun;			/* a CPU access; udmabuf minds */
	bool low;			/* where GPUs with few address bits reach it */
	/*
	 * The CPU access that each process has open: which one it was of all, 0
	 * for none, and whether to write. And begins, less the ends.
	 */
	unsigned int open[FZ_PROCS], opened;
	bool open_write[FZ_PROCS];
	unsigned int begins;
	struct fz_vec views;		/* struct fz_view */
	struct fz_vec uses;		/* struct fz_use */
	struct fz_kbuf *kbuf;
	unsigned int pins;		/* foreign importers that have it mapped */
	unsigned int foreign;		/* handles of foreign files */
};

/* What the CPU has of a buffer, while a GPU has a view that does not snoop. */
struct fz_cache {
	uint8_t *cpu, *agreed;		/* with memory, the last time */
	bool *touched;			/* for each page: it has it */
};

/* A fence on a buffer. */
struct fz_use {
	struct fz_fence *fence;
	bool write;
};

/* A GPU's place at a buffer; it may have a second one, to be read only. */
struct fz_view {
	struct fz_buf *buf;
	struct fz_inst *inst;
	unsigned int handles, maps;
	bool imported, read_only;
	bool mapped;			/* by the GPU */
	bool linked;			/* holds the dma-buf */
	uint64_t offset;		/* for mmap, 0 before it was asked for */
};

/* A dma-buf, as long as it is the same one. */
struct fz_kbuf {
	struct fz_buf *buf;
	bool writable;
	unsigned int fds, maps;
	struct fz_vec polled;		/* fences that may hold it */
	bool limbo;			/* nothing else does */
};

/* An open file of a GPU, or of a foreign driver. */
struct fz_file {
	uint32_t id;
	struct fz_inst *inst;		/* NULL: foreign */
	unsigned int fds;		/* and mappings */
	unsigned int user;		/* the process that used it last */
	struct fz_vec handles;		/* struct fz_handle */
	struct fz_vec timelines;	/* struct fz_timeline */
	struct fz_vec fences;		/* struct fz_fence, with an id */
	struct fz_vec syncobjs;		/* struct fz_syncobj_handle */
	uint32_t stale_handle, stale_fence, stale_timeline;
	bool attached[2];		/* a reader's, a writer's fence was put on a buffer */
	/* What it has and was not told of. */
	unsigned int untold_buffers, untold_timelines;
};

struct fz_handle {
	uint32_t id, value;
	struct fz_view *view;		/* NULL: foreign */
	struct fz_buf *buf;
	bool pinning;
};

struct fz_timeline {
	uint32_t id, value;
	uint64_t made, told;
	unsigned int context;
	struct fz_vec pending;		/* struct fz_fence */
};

struct fz_fence {
	uint32_t id, value;
	unsigned int refs;
	int state;			/* 0: pending, 1, or a negative errno */
	unsigned int context;
	uint64_t seqno;
	uint64_t born;			/* at which step */
	struct fz_file *file;		/* whose it is, while it is pending; a job's: NULL */
	struct fz_timeline *timeline;	/* likewise */
};

/* What is in a sync_file, and in a syncobj: the same, when one came from the other. */
struct fz_sync {
	unsigned int refs;
	struct fz_vec fences;		/* none: it has signalled from the start */
	struct fz_vec maybe;		/* another of their line stands for these */
	/* A point of a timeline, as the kernel chains them. */
	bool is_point;
	uint64_t seqno, before;		/* its number, and of the one before */
	unsigned int context;
	struct fz_sync *prev;		/* which signals first */
};

/* A syncobj; handles of any file, and descriptors, lead to it. */
struct fz_syncobj {
	unsigned int refs;
	struct fz_sync *sync;		/* NULL: none has been submitted */
};

struct fz_syncobj_handle {
	uint32_t id, value;
	struct fz_syncobj *syncobj;
};

enum fz_fd_kind {
	FZ_FILE,
	FZ_DMABUF,
	FZ_SYNC,
	FZ_SYNCOBJ,
	FZ_OTHER,			/* neither of these */
	FZ_KINDS,
};

/* A descriptor in a process. */
struct fz_fd {
	uint32_t id;
	int fd;
	enum fz_fd_kind kind;
	union {
		struct fz_file *file;
		struct fz_kbuf *kbuf;
		struct fz_sync *sync;
		struct fz_syncobj *syncobj;
		void *what;
	};
};

/* A mapping in a process, of a view or of a dma-buf. */
struct fz_map {
	uint32_t id;
	uint64_t addr;
	unsigned int first, pages;
	int prot;
	bool may_write;
	struct fz_buf *buf;
	struct fz_view *view;
	struct fz_file *file;		/* which it holds, with the view */
	struct fz_kbuf *kbuf;
};

struct fz_run;

/* The buffer that was last looked up, by whatever leads to it. */
extern uint32_t fz_about;

/* Memory for a model object, zeroed. */
void *fz_new(size_t size);

struct fz_inst *fz_inst_new(unsigned int index);
/* Forget it when nobody names it and it is not plugged in. */
void fz_inst_put(struct fz_inst *inst);

struct fz_buf *fz_buf_new(struct fz_run *run, uint32_t id, size_t size,
			  enum fz_maker maker, struct fz_inst *origin);
/* Whatever has just been dropped: is it gone with that? */
void fz_buf_check(struct fz_run *run, struct fz_buf *buf);
struct fz_view *fz_view_of(struct fz_buf *buf, const struct fz_inst *inst,
			   bool read_only);
struct fz_view *fz_view_new(struct fz_buf *buf, struct fz_inst *inst);
/* The buffer has a dma-buf from now on, if it has not; this view holds it. */
struct fz_kbuf *fz_kbuf_get(struct fz_buf *buf, struct fz_view *view,
			    bool writable);

struct fz_file *fz_file_new(struct fz_run *run, uint32_t id,
			    struct fz_inst *inst, unsigned int proc);
struct fz_handle *fz_handle_new(struct fz_file *file, uint32_t id,
				uint32_t value, struct fz_view *view);
struct fz_handle *fz_handle_of(const struct fz_file *file,
			       const struct fz_buf *buf);
struct fz_handle *fz_handle(const struct fz_file *file, uint32_t id);
void fz_handle_close(struct fz_run *run, struct fz_file *file,
		     struct fz_handle *handle);

/* Descriptors: what is behind one is held by each, in a process or on its way. */
struct fz_fd *fz_fd_new(struct fz_run *run, unsigned int proc, uint32_t id,
			int fd, enum fz_fd_kind kind, void *what);
struct fz_fd *fz_fd(const struct fz_run *run, unsigned int proc, uint32_t id,
		    enum fz_fd_kind kind);
void fz_hold(enum fz_fd_kind kind, void *what);
void fz_drop(struct fz_run *run, enum fz_fd_kind kind, void *what);
void fz_fd_close(struct fz_run *run, unsigned int proc, struct fz_fd *fd);

struct fz_map *fz_map_new(struct fz_run *run, unsigned int proc,
			  const struct fz_map *map);
struct fz_map *fz_map(const struct fz_run *run, unsigned int proc, uint32_t id);
void fz_unmap(struct fz_run *run, unsigned int proc, struct fz_map *map);

/* A process dies; or there is a copy of it. */
void fz_proc_end(struct fz_run *run, unsigned int proc);
void fz_proc_copy(struct fz_run *run, unsigned int from, unsigned int to);

/* Fences (model_fence.c). One without a file is that of a GPU's job. */
struct fz_fence *fz_fence_new(struct fz_run *run, uint32_t id,
			      struct fz_file *file,
			      struct fz_timeline *timeline);
void fz_fence_put(struct fz_fence *fence);
void fz_fence_end(struct fz_run *run, struct fz_fence *fence, int state);
struct fz_fence *fz_fence(const struct fz_file *file, uint32_t id);
struct fz_timeline *fz_timeline(const struct fz_file *file, uint32_t id);
/* All fences of it end, and it goes. */
void fz_timeline_end(struct fz_run *run, struct fz_file *file,
		     struct fz_timeline *timeline, int error);
/* All fences of a file end. */
void fz_file_fences_end(struct fz_run *run, struct fz_file *file, int error);

/* Has to wait who reads the buffer, or writes it? */
bool fz_busy(const struct fz_buf *buf, bool write);
void fz_use(struct fz_buf *buf, struct fz_fence *fence, bool write);
void fz_uses_free(struct fz_buf *buf);
/* A process has asked a dma-buf to be told when it is idle. */
void fz_polled(struct fz_kbuf *kbuf);
/* Dma-bufs that only polls have held, which have been told, are gone. */
void fz_leave_limbo(struct fz_run *run);

/* Memory, and what the CPU sees of it (model_cache.c). */
bool fz_has_odd_view(const struct fz_buf *buf);
void fz_view_came(struct fz_buf *buf);
void fz_view_went(struct fz_buf *buf);
/* A GPU needs it mapped, and later reads or writes. */
void fz_gpu_map(struct fz_view *view);
const uint8_t *fz_gpu_reads(struct fz_view *view, size_t offset, size_t size);
void fz_gpu_writes(struct fz_view *view, size_t offset, const uint8_t *bytes,
		   size_t size);
void fz_gpu_unmap_all(struct fz_buf *buf);
/* Has a device other than this one a foreign exporter's buffer mapped? */
bool fz_is_mapped(const struct fz_buf *buf, const struct fz_view *but);
/* A driver has it mapped that neither reads nor writes, or no more. */
void fz_foreign_map(struct fz_buf *buf);
void fz_foreign_unmap(struct fz_buf *buf);
/* By a mapping; what it reads lies where all processes find it. */
const uint8_t *fz_cpu_reads(const struct fz_map *map, size_t offset,
			    size_t size);
void fz_cpu_writes(const struct fz_map *map, size_t offset,
		   const uint8_t *bytes, size_t size);
/* It has touched all of it, and agrees with memory. */
void fz_cpu_has_all(struct fz_buf *buf);
void fz_cpu_begin(struct fz_buf *buf, unsigned int proc, bool write);
void fz_cpu_end(struct fz_run *run, struct fz_buf *buf, unsigned int proc,
		bool write);
/* It died in some, which end now; false: in none. */
bool fz_cpu_end_all(struct fz_run *run, unsigned int proc);
/* All that are open end with the dma-buf. */
void fz_cpu_end_left(struct fz_run *run, struct fz_buf *buf);

/* sync_files and syncobjs (model_sync.c). Who gets one new has a reference. */
struct fz_sync *fz_sync_new(void);
/* Of what such a user would have to wait for. */
struct fz_sync *fz_sync_of(const struct fz_buf *buf, bool write);
struct fz_sync *fz_sync_get(struct fz_sync *sync);
void fz_sync_put(struct fz_sync *sync);
void fz_sync_add(struct fz_sync *sync, struct fz_fence *fence);
/* What is pending in another one. */
void fz_sync_add_all(struct fz_sync *sync, const struct fz_sync *other);
bool fz_sync_pending(const struct fz_sync *sync);
/* Is what the kernel says of it right? */
bool fz_sync_is(const struct fz_sync *sync, int status);
/* The next one that is pending, of those that signal before. */
struct fz_sync *fz_sync_next(const struct fz_sync *sync);

/* What is pending in @what becomes the point @seqno after @prev. */
struct fz_sync *fz_point_new(struct fz_run *run, struct fz_sync *prev,
			     const struct fz_sync *what, uint64_t seqno);
/*
 * What stands for a point; 0 is the whole. False: it is not there. NULL: it has
 * signalled.
 */
bool fz_point_find(struct fz_sync **sync, uint64_t seqno);
/* The last point that has signalled, or of all. */
uint64_t fz_point_query(const struct fz_sync *sync, bool submitted);

struct fz_syncobj *fz_syncobj_new(void);
void fz_syncobj_put(struct fz_syncobj *syncobj);
/* Something else is in it, or NULL; takes the reference. */
void fz_syncobj_set(struct fz_syncobj *syncobj, struct fz_sync *sync);
/* Takes the reference. */
struct fz_syncobj_handle *fz_syncobj_handle_new(struct fz_file *file,
						uint32_t id,
						struct fz_syncobj *syncobj);
struct fz_syncobj_handle *fz_syncobj(const struct fz_file *file, uint32_t id);
void fz_syncobj_close(struct fz_file *file, struct fz_syncobj_handle *handle);

#endif /* FZ_MODEL_H */
