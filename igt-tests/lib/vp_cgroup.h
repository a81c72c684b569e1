/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A memory cgroup of a test's own, of the second version of cgroups, and
 * processes in it. It is below the root, which is mounted where nobody has.
 */
#ifndef VP_CGROUP_H
#define VP_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define VP_CGROUP_NO_LIMIT	0

/* Skips the subtest where the kernel has none. @limit is in bytes. */
void vp_cgroup_make(const char *name, uint64_t limit);
/* It must be empty, or soon be. */
void vp_cgroup_remove(const char *name);
/* A process goes in; what it has was charged to where it came from. */
void vp_cgroup_enter(const char *name, pid_t process);

/* All that is charged to it, in bytes. */
uint64_t vp_cgroup_bytes(const char *name);
/* A number of its memory.stat or memory.events, 0 when there is no such line. */
uint64_t vp_cgroup_stat(const char *name, const char *key);
uint64_t vp_cgroup_events(const char *name, const char *key);
/* Wait until memory.stat says so of this: for what is freed a moment later. */
bool vp_cgroup_settles(const char *name, const char *key, uint64_t most);

#endif /* VP_CGROUP_H */
