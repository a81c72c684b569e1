// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE	/* setresuid */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vp_gpu.h"
#include "vp_igt.h"
#include "vp_module.h"
#include "vp_nobody.h"

#define MAX_GPUS	64

void vp_await_udev(void)
{
	if (!access("/run/udev/control", F_OK))
		igt_assert_eq(system("udevadm settle"), 0);
}

void vp_nodes_mode(mode_t render, mode_t primary, gid_t group)
{
	char path[64];

	vp_await_udev();
	for (unsigned int gpu = 0; gpu < MAX_GPUS; gpu++)
		for (int node = VP_RENDER; node <= VP_PRIMARY; node++) {
			if (vp_node_path(gpu, node, path, sizeof(path)))
				continue;
			igt_assert_eq(chown(path, 0, group), 0);
			igt_assert_eq(chmod(path, node == VP_RENDER ? render :
							 primary), 0);
		}
}

/* None left, of those that could be used and of those that could be had again. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capset, &header, caps) ||
	    syscall(SYS_capget, &header, caps))
		return -errno;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (caps[i].effective | caps[i].permitted | caps[i].inheritable)
			return -EPERM;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

int vp_become_nobody(gid_t group)
{
	int ret;

	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (setgroups(group ? 1 : 0, &group) ||
	    setresgid(VP_NOBODY, VP_NOBODY, VP_NOBODY) ||
	    setresuid(VP_NOBODY, VP_NOBODY, VP_NOBODY))
		return -errno;
	ret = drop_capabilities();
	if (ret)
		return ret;
	/*
	 * A change of user takes a process its own folder in /proc, and the
	 * signal that it dies with its parent.
	 */
	prctl(PR_SET_DUMPABLE, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return 0;
}

bool vp_nobody_begin(void)
{
	vp_nodes_mode(0666, 0666, 0);
	return true;
}

bool vp_nobody_enter(void)
{
	igt_assert_eq(vp_become_nobody(0), 0);
	return true;
}

bool vp_nobody_end(void)
{
	igt_waitchildren();
	vp_nodes_mode(0600, 0600, 0);
	return false;
}

static int become_nobody(struct vp_task *task)
{
	return vp_become_nobody((gid_t)task->value);
}

struct vp_remote vp_nobody_start(const char *name)
{
	struct vp_remote remote = vp_remote_start(name);
	struct vp_task task = { .run = become_nobody };

	vp_nodes_mode(0666, 0666, 0);
	igt_assert_eq(vp_remote_do(&remote, &task), 0);
	return remote;
}
