/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The foreign driver of igt-tests/kernel/foreign/, and buffers that are shared
 * with it. See kernel/vprime_foreign.h for what each call does.
 *
 * vp_foreign_x() fails the subtest when it does not work; vp_foreign_try_x()
 * returns 0 or a negative errno.
 */
#ifndef VP_FOREIGN_H
#define VP_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/vprime_foreign.h"

/* Its device file; the module is loaded if it is not. */
int vp_foreign_open(void);
/* The same, and no option is what a subtest that failed has left. */
int vp_foreign_open_fresh(void);
/* One of the module's options: delay_ms, dma_bits, fail_attach, fail_map. */
void vp_foreign_set(const char *option, unsigned int value);
/* In a program's last fixture: the module must be free to go. */
void vp_foreign_unload(void);

/* The importer. */
uint32_t vp_foreign_attach(int foreign, int dmabuf, uint32_t flags);
int vp_foreign_try_attach(int foreign, int dmabuf, uint32_t flags,
			  uint32_t *id);
void vp_foreign_detach(int foreign, uint32_t id);
/* As a driver that cannot be told, get a place and map: it pins until detached. */
uint32_t vp_foreign_hold(int foreign, int dmabuf);
int vp_foreign_try_map(int foreign, uint32_t id, uint32_t direction);
int vp_foreign_try_unmap(int foreign, uint32_t id);
int vp_foreign_try_pin(int foreign, uint32_t id);
int vp_foreign_try_unpin(int foreign, uint32_t id);
int vp_foreign_try_read(int foreign, uint32_t id, uint64_t offset, void *data,
			size_t size);
int vp_foreign_try_write(int foreign, uint32_t id, uint64_t offset,
			 const void *data, size_t size);
struct vp_foreign_state vp_foreign_state(int foreign, uint32_t id);
bool vp_foreign_is_mapped(int foreign, uint32_t id);
/* Where the device finds a byte of what it has mapped. */
uint64_t vp_foreign_address(int foreign, uint32_t id, uint64_t offset);

/* The device writes a whole buffer's pattern, or finds it. */
void vp_foreign_fill(int foreign, uint32_t id, size_t size, uint32_t seed);
bool vp_foreign_sees(int foreign, uint32_t id, size_t size, uint32_t seed);

/* Kernel mappings. */
int vp_foreign_try_vmap(int foreign, int dmabuf, uint32_t *id);
void vp_foreign_vunmap(int foreign, uint32_t id);

/* The exporter. */
int vp_foreign_export(int foreign, size_t size, uint32_t flags);
void vp_foreign_fail(int foreign, int dmabuf, enum vp_foreign_step step,
		     int error, uint32_t count);
int vp_foreign_try_move(int foreign, int dmabuf);
struct vp_foreign_buffer vp_foreign_buffer(int foreign, int dmabuf);

/* Fences. */
uint32_t vp_foreign_add_fence(int foreign, int dmabuf, uint32_t usage,
			      uint32_t timeout_ms);
void vp_foreign_signal(int foreign, uint32_t id);

/* A buffer that two GPUs have, and that the foreign driver may have. */
struct vp_foreign_shared {
	int gpu0, gpu1, foreign, dmabuf;
	uint32_t handle0, handle1;
	size_t size;
	uint64_t id;
};

/* Made on GPU 0, with pixels of seed 1 in it, and imported on GPU 1. */
struct vp_foreign_shared vp_foreign_share(size_t size);
void vp_foreign_unshare(struct vp_foreign_shared *s);

#endif /* VP_FOREIGN_H */
