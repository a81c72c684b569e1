/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Drawing the arguments of a step: one function for each kind of arguments,
 * which fills in fz_out and says whether it could.
 */
#ifndef FZ_DRAW_H
#define FZ_DRAW_H

#include "fuzz.h"

/* What is drawn from, for whom, and what comes out. */
extern struct fz_run *fz_in;
extern struct fz_random *fz_dice_from;
extern struct fz_step *fz_out;

unsigned int fz_dice(unsigned int limit);
bool fz_maybe(unsigned int percent);
/* Mostly 0: right. Else one of the ways in which it can be wrong. */
uint32_t fz_how(unsigned int ways);
/* One of them; NULL when there is none. */
void *fz_any(const struct fz_vec *vec);
/* A descriptor of the step's process; the same as its first argument. */
struct fz_fd *fz_any_fd(enum fz_fd_kind kind);
bool fz_draw_fd(enum fz_fd_kind kind);
/* A file of the process, and one of its handles, as first arguments. */
struct fz_handle *fz_draw_handle(void);

bool fz_draw_nothing(void),
     fz_draw_open(void),
     fz_draw_other(void),
     fz_draw_any_fd(void),
     fz_draw_send(void),
     fz_draw_receive(void),
     fz_draw_fork(void),
     fz_draw_kill(void),
     fz_draw_spawn(void),
     fz_draw_plug(void),
     fz_draw_unplug(void),
     fz_draw_create(void),
     fz_draw_dumb(void),
     fz_draw_gem_close(void),
     fz_draw_handle_how2(void),
     fz_draw_export(void),
     fz_draw_import(void),
     fz_draw_buffer(void),
     fz_draw_mmap(void),
     fz_draw_mmap_dmabuf(void),
     fz_draw_any_map(void),
     fz_draw_mprotect(void),
     fz_draw_touch(void),
     fz_draw_gpu_access(void),
     fz_draw_access(void),
     fz_draw_dmabuf(void),
     fz_draw_attach(void),
     fz_draw_signal(void),
     fz_draw_timeline(void),
     fz_draw_on_timeline(void),
     fz_draw_timeline_signal(void),
     fz_draw_events(void),
     fz_draw_sync(void),
     fz_draw_sync_flags(void),
     fz_draw_put_sync(void),
     fz_draw_merge(void),
     fz_draw_syncobj(void),
     fz_draw_syncobj_how(void),
     fz_draw_syncobj_import(void),
     fz_draw_syncobj_put(void),
     fz_draw_syncobj_wait(void),
     fz_draw_point(void),
     fz_draw_point_flags(void),
     fz_draw_point_query(void),
     fz_draw_transfer(void),
     fz_draw_wrong(void),
     fz_draw_vgem_open(void),
     fz_draw_vgem_create(void),
     fz_draw_allocate(void),
     fz_draw_block(void),
     fz_draw_burst(void);

#endif /* FZ_DRAW_H */
