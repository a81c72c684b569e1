/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fences for vprimectl to show, with those who wait for them.
 */
#ifndef VP_CTL_FENCES_H
#define VP_CTL_FENCES_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Made by a process called "maker", this one, on a GPU "slow" of configfs: three
 * fences of a timeline "render", of which the first has signalled, the second is
 * on a buffer that somebody waits for, and somebody polls the third; and one
 * fence on a buffer each as writer and as reader. Nothing else is pending. Their
 * limit is a minute, which no subtest takes.
 */
struct vp_fences_scene {
	char device[16];
	int gpu;
	uint32_t timeline;
	int sync[3];
	uint32_t handle[3];
	uint64_t id[3];		/* of the buffers */
	int dmabuf;		/* of the first */
	pid_t waiter;		/* "waiter" */
	pid_t poller;
	uint32_t writer;	/* on the second */
	uint32_t reader;	/* on the third */
};

struct vp_fences_scene vp_fences_scene(void);
void vp_fences_scene_end(struct vp_fences_scene *scene);

#endif /* VP_CTL_FENCES_H */
