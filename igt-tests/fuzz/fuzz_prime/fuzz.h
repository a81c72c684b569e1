/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fuzzer: steps drawn from a seed are done one after the other by several
 * processes, and each answer is compared with the model's.
 */
#ifndef FZ_FUZZ_H
#define FZ_FUZZ_H

#include "model.h"
#include "worker.h"

#define FZ_GPUS		5
#define FZ_ARGS		5

#define FZ_DEBUGFS	"/sys/kernel/debug/vprime/"

/* One thing that one process does. */
struct fz_step {
	uint32_t id;			/* its number, from 1; names what it makes */
	uint8_t op;
	uint8_t proc;
	uint32_t arg[FZ_ARGS];
	uint32_t about;			/* the buffer it was about, not written down */
};

struct fz_steps {
	struct fz_step *at;
	unsigned int n, room;
};

/* What a process waits for, in the middle of a call. */
struct fz_waiting {
	struct fz_buf *buf;
	struct fz_view *view;		/* a GPU's, which is to read or write it */
	uint32_t inst_gone;		/* that GPU is, since that step, or 0 */
	bool write;
	unsigned int mode;
	bool begun;			/* what is left is the second of two waits */
	struct fz_vec fences;		/* that are to signal first */
	struct fz_fence *job;		/* what others wait for meanwhile, or NULL */
	uint8_t *bytes;			/* a page, to be read or written */
};

struct fz_proc {
	bool alive, blocked;
	struct fz_waiting waiting;	/* while it is blocked */
	pid_t pid;
	struct fz_box *box;
	int mail[2];			/* descriptors: to be written, and read */
	struct fz_vec fds;		/* struct fz_fd */
	struct fz_vec maps;		/* struct fz_map */
	struct fz_vec letters;		/* struct fz_fd on their way to it */
};

/* A folder of configfs. */
struct fz_gpu {
	struct fz_inst *inst;		/* NULL: not plugged in */
};

struct fz_random {
	uint64_t state;
};

/* What a run is to be. */
struct fz_options {
	uint64_t seed;
	unsigned int steps;
	unsigned int procs;
	unsigned int label;		/* keeps GPUs of several runs apart */
	bool plug;			/* GPUs come and go */
	bool slow;			/* the kernel is: fewer steps that take long */
	bool together;			/* several processes at a time, often */
	int wrong;			/* see enum fz_mistake */
	/* Those that are not needed at the start, a bit for each. */
	unsigned int no_gpus, no_procs;
};

/* On purpose the model may think that */
enum fz_mistake {
	FZ_NO_MISTAKE,
	FZ_MISTAKE_CLOSE,	/* ... a fence stays pending when its file goes */
	FZ_MISTAKE_BYTE,	/* ... a poke leaves its last byte as it was */
};

struct fz_run {
	struct fz_options options;
	unsigned int procs;
	struct fz_proc proc[FZ_PROCS];
	struct fz_gpu gpu[FZ_GPUS];
	struct fz_vec bufs, files, pending;
	char vgem[FZ_NAME];
	bool vgem_maps;			/* what it imports */
	int processor;			/* that all of them are on */
	unsigned int contexts;
	long violations;		/* of the contract; the module counts them */
	bool has_limbo;
	bool enforced;			/* read-only is */
	bool dma_debug;			/* the kernel checks who maps what */
	uint32_t now;			/* the id of the step */
	unsigned int done;		/* steps that did something */
	bool did;			/* this one did */
	uint64_t hash;			/* of all that was done and answered */
	bool failed;
	char why[512];
	/* Debugfs. */
	int move, revoke, counts, buffers;
};

/* Random numbers. */
uint64_t fz_random(struct fz_random *random);
unsigned int fz_below(struct fz_random *random, unsigned int limit);
bool fz_chance(struct fz_random *random, unsigned int percent);

/* Something is not as it should be; only the first is kept. */
void fz_fail(struct fz_run *run, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Compare an answer; all of them make up the run's hash. False: fails. */
bool fz_want(struct fz_run *run, const char *what, int64_t got, int64_t want);

/* Processes (procs.c). */
void fz_start(struct fz_run *run, const struct fz_options *options);
void fz_end(struct fz_run *run);
void fz_spawn(struct fz_run *run, unsigned int proc);
void fz_kill(struct fz_run *run, unsigned int proc);
bool fz_plug(struct fz_run *run, unsigned int gpu);
void fz_unplug(struct fz_run *run, unsigned int gpu);
/* Have a process do it; what it returns, or its negative errno. */
int64_t fz_call(struct fz_run *run, unsigned int proc, struct fz_order *order);
void fz_send(struct fz_run *run, unsigned int proc, struct fz_order *order);
int64_t fz_answer(struct fz_run *run, unsigned int proc,
		  struct fz_order *order);
/*
 * Until what was sent has been answered, or waits: only then is it known what it
 * has seen.
 */
void fz_settle(struct fz_run *run, unsigned int proc);
int64_t fz_ioctl_(struct fz_run *run, unsigned int proc, int fd,
		  unsigned long request, void *arg, size_t size);
#define fz_ioctl(run, proc, fd, request, arg) \
	fz_ioctl_(run, proc, fd, request, arg, sizeof(*(arg)))
int64_t fz_close_fd(struct fz_run *run, unsigned int proc, int fd);
/* An ioctl of a GPU's file, which is used by this process now. */
#define fz_gpu_ioctl(run, proc, gpu, request, arg) \
	((gpu)->file->user = (proc), \
	 fz_ioctl(run, proc, (gpu)->fd, request, arg))

/* Memory that all processes have at the same address. */
uint8_t *fz_memory_get(size_t size);
void fz_memory_put(uint8_t *bytes, size_t size);
bool fz_memory_room(size_t size);
void fz_memory_reset(void);
/* For what is written next, and for what was read; as large as any buffer. */
extern uint8_t *fz_source, *fz_result;
void fz_pattern(uint8_t *bytes, size_t size, uint32_t stamp, uint64_t offset);

/*
 * May a device map this buffer? Debugging of the DMA API takes it for a mistake
 * that exporters of the kernel let several map one, or in longer pieces than a
 * device takes. @view is NULL for one that is no GPU.
 */
bool fz_may_map(const struct fz_run *run, const struct fz_buf *buf,
		const struct fz_view *view);
/* Have a buffer moved by the module's debugfs. */
int64_t fz_move(struct fz_run *run, const struct fz_buf *buf);

/* Counts of the module's; -1 when there is no such. */
/* How many there are of each kind is what the model says, or will be soon. */
void fz_check_counts(struct fz_run *run);

/* Where vgem's primary node is. */
void fz_find_vgem(struct fz_run *run);
/* vgem imports. */
void fz_import_foreign(struct fz_run *run, const struct fz_step *step,
		       struct fz_fd *fd, struct fz_fd *from);
/* Do the processes that wait still have to, and do they? */
void fz_look_after_waiting(struct fz_run *run);
/* It has done what it waited for, or never will; for that state see a fence's. */
void fz_stop_waiting(struct fz_run *run, unsigned int proc, int state);

/* Steps (steps.c, generate.c). */
typedef void fz_do_fn(struct fz_run *run, const struct fz_step *step);

/*
 * What an argument is. Those in capitals name a step: the one that made the
 * object, here or (handle, timeline, fence) in the file that is named before.
 */
struct fz_op {
	const char *name;
	fz_do_fn *run;
	/* "file handle pages prot how" */
	const char *args[FZ_ARGS];
};

extern const struct fz_op fz_ops[];
extern const unsigned int fz_op_count;

int fz_op_find(const char *name);
void fz_step_print(const struct fz_step *step, char *text, size_t size);
bool fz_step_parse(const char *text, struct fz_step *step);
/* Is this argument the number of a step? */
bool fz_arg_is_ref(const struct fz_step *step, unsigned int arg);
void fz_steps_add(struct fz_steps *steps, const struct fz_step *step);
/*
 * Those of a file, as fz_report() writes them; @procs becomes what it says. False:
 * @why says what is wrong with it.
 */
bool fz_steps_read(const char *path, struct fz_steps *steps,
		   unsigned int *procs, char *why, size_t size);
void fz_steps_free(struct fz_steps *steps);
/* The next step; false when nothing can be done at the moment. */
void fz_draw(struct fz_run *run, struct fz_random *random,
	     struct fz_step *step);

/* Runs (run.c, shrink.c). */
void fz_do(struct fz_run *run, const struct fz_step *step);
/* What each kind of step has taken so far. */
void fz_print_times(void);
/* From a seed; the steps are kept. True: nothing was wrong. */
bool fz_run_seed(struct fz_run *run, const struct fz_options *options,
		 struct fz_steps *steps);
bool fz_run_steps(struct fz_run *run, const struct fz_options *options,
		  const struct fz_steps *steps);
/* The shortest list that still goes wrong, within so many seconds. */
void fz_shrink(const struct fz_options *options, struct fz_steps *steps,
	       unsigned int seconds, char *why, size_t size);
void fz_report(const struct fz_options *options, const struct fz_steps *steps,
	       const char *why);

/* Runs that went wrong once (found.c). */
struct fz_found {
	const char *name;
	const char *const *steps;	/* ends with NULL */
	bool due;			/* then what is due is drawn */
};

extern const struct fz_found fz_found[];
extern const unsigned int fz_found_count;

bool fz_found_run(struct fz_run *run, const struct fz_options *options,
		  const struct fz_found *found);

/* The steps' functions, by subject (op_*.c). */
fz_do_fn fz_do_open, fz_do_close, fz_do_dup, fz_do_send, fz_do_receive,
	 fz_do_other, fz_do_fork, fz_do_kill, fz_do_spawn, fz_do_plug,
	 fz_do_unplug, fz_do_counts, fz_do_create, fz_do_dumb, fz_do_gem_close,
	 fz_do_info, fz_do_export, fz_do_import, fz_do_move, fz_do_revoke,
	 fz_do_mmap, fz_do_mmap_dmabuf, fz_do_munmap, fz_do_mprotect,
	 fz_do_write, fz_do_check, fz_do_peek, fz_do_poke, fz_do_access,
	 fz_do_seek, fz_do_attach, fz_do_signal, fz_do_wait, fz_do_timeline,
	 fz_do_timeline_destroy, fz_do_fence, fz_do_timeline_signal,
	 fz_do_poll, fz_do_poll_sync, fz_do_sync_info, fz_do_get_sync,
	 fz_do_put_sync, fz_do_merge, fz_do_wrong, fz_do_burst,
	 fz_do_syncobj, fz_do_syncobj_destroy, fz_do_syncobj_export,
	 fz_do_syncobj_import, fz_do_syncobj_get_sync, fz_do_syncobj_put_sync,
	 fz_do_syncobj_wait, fz_do_syncobj_reset, fz_do_syncobj_signal,
	 fz_do_point_signal, fz_do_point_wait, fz_do_point_query,
	 fz_do_transfer, fz_do_foreign_open, fz_do_foreign_create, fz_do_allocate,
	 fz_do_block;

#endif /* FZ_FUZZ_H */
