// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: sw_sync
 *
 * /sys/kernel/debug/sync/sw_sync, for root, as in a kernel with CONFIG_SW_SYNC,
 * which distributions turn off. Opening the file makes a timeline with a counter
 * at 0. Ioctls make fences for values of the counter, and advance the counter,
 * which signals the fences it reaches. Closing the file signals the others with
 * -ENOENT. Values have 32 bits and wrap around.
 *
 * As in the kernel, these fences have no timeout: only root can make them, and
 * they signal when the file is closed.
 *
 * The interface is that of the kernel's drivers/dma-buf/sw_sync.c, which has no
 * header for programs.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ioctl.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "fence/fence.h"
#include "fence/sw_sync.h"
#include "fence/timeline.h"

/**
 * struct vp_sw_sync_create - make a fence
 * @value: in: the value of the counter at which it signals
 * @name: in: not used, as in the kernel
 * @fence: out: descriptor of a sync_file
 */
struct vp_sw_sync_create {
	__u32 value;
	char name[32];
	__s32 fence;
};

/**
 * struct vp_sw_sync_deadline - ask for the deadline of a fence
 * @deadline_ns: in: 0; out: the earliest deadline set, in nanoseconds of
 *	CLOCK_MONOTONIC
 * @pad: in: 0
 * @fence: in: descriptor of a sync_file of one fence of sw_sync
 */
struct vp_sw_sync_deadline {
	__u64 deadline_ns;
	__u32 pad;
	__s32 fence;
};

#define VP_SW_SYNC_CREATE	_IOWR('W', 0, struct vp_sw_sync_create)
#define VP_SW_SYNC_ADVANCE	_IOW('W', 1, __u32)
#define VP_SW_SYNC_DEADLINE	_IOWR('W', 2, struct vp_sw_sync_deadline)

static struct vp_timeline_owner vp_sw_sync_owner = { .device = "sw_sync" };
static struct dentry *vp_sw_sync_root;

static int vp_sw_sync_open(struct inode *inode, struct file *file)
{
	struct vp_timeline *timeline;

	timeline = vp_timeline_create(VP_TIMELINE_SW_SYNC, &vp_sw_sync_owner,
				      current->comm);
	if (IS_ERR(timeline))
		return PTR_ERR(timeline);
	file->private_data = timeline;
	return 0;
}

static int vp_sw_sync_release(struct inode *inode, struct file *file)
{
	vp_timeline_destroy(file->private_data, -ENOENT);
	return 0;
}

/*
 * A sync_file of the fence for @value, which is made if there is none; NULL when
 * out of memory.
 */
static struct sync_file *vp_sw_sync_file(struct vp_timeline *timeline,
					 u32 value)
{
	struct sync_file *sync;
	struct vp_fence *fence;
	bool found;
	int ret;

	do {
		fence = vp_timeline_find_at(timeline, value);
		found = fence;
		if (!found)
			fence = vp_fence_create(timeline, VP_FENCE_FREE, 0);
		if (!fence)
			return NULL;
		ret = 0;
		sync = sync_file_create(&fence->base);
		if (sync && !found)
			ret = vp_timeline_add_at(fence, value);
		/* Another thread has made one meanwhile: use that. */
		if (ret)
			fput(sync->file);
		dma_fence_put(&fence->base);
	} while (ret);
	return sync;
}

static long vp_sw_sync_create(struct vp_timeline *timeline,
			      struct vp_sw_sync_create __user *user)
{
	struct vp_sw_sync_create args;
	struct sync_file *sync;
	int fd;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	/* Before the fence is made, because that cannot be undone. */
	if (put_user(fd, &user->fence)) {
		put_unused_fd(fd);
		return -EFAULT;
	}
	sync = vp_sw_sync_file(timeline, args.value);
	if (!sync) {
		put_unused_fd(fd);
		return -ENOMEM;
	}
	fd_install(fd, sync->file);
	return 0;
}

/* The counter advances in steps: only 2^31 - 1 values are ahead of it. */
static long vp_sw_sync_advance(struct vp_timeline *timeline,
			       u32 __user *user)
{
	u32 count, step;

	if (get_user(count, user))
		return -EFAULT;
	do {
		step = min_t(u32, count, INT_MAX);
		vp_timeline_advance(timeline, step);
		count -= step;
	} while (count);
	return 0;
}

static int vp_sw_sync_get_deadline(struct dma_fence *base, u64 *deadline_ns)
{
	struct vp_fence *fence = vp_fence_from(base);

	if (!fence || fence->timeline->kind != VP_TIMELINE_SW_SYNC)
		return -EINVAL;

	spin_lock_irq(&fence->lock);
	*deadline_ns = ktime_to_ns(fence->deadline);
	spin_unlock_irq(&fence->lock);
	return *deadline_ns == KTIME_MAX ? -ENOENT : 0;
}

static long vp_sw_sync_deadline(struct vp_sw_sync_deadline __user *user)
{
	struct vp_sw_sync_deadline args;
	struct dma_fence *base;
	int ret;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (args.deadline_ns || args.pad)
		return -EINVAL;

	base = sync_file_get_fence(args.fence);
	if (!base)
		return -EINVAL;
	ret = vp_sw_sync_get_deadline(base, &args.deadline_ns);
	dma_fence_put(base);
	if (ret)
		return ret;
	return copy_to_user(user, &args, sizeof(args)) ? -EFAULT : 0;
}

static long vp_sw_sync_ioctl(struct file *file, unsigned int cmd,
			     unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case VP_SW_SYNC_CREATE:
		return vp_sw_sync_create(file->private_data, user);
	case VP_SW_SYNC_ADVANCE:
		return vp_sw_sync_advance(file->private_data, user);
	case VP_SW_SYNC_DEADLINE:
		return vp_sw_sync_deadline(user);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations vp_sw_sync_fops = {
	.owner = THIS_MODULE,
	.open = vp_sw_sync_open,
	.release = vp_sw_sync_release,
	.unlocked_ioctl = vp_sw_sync_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/**
 * vp_sw_sync_init - make the file, unless the kernel has it
 *
 * Does nothing on a kernel without debugfs.
 *
 * Context: Loading the module. May sleep.
 */
void vp_sw_sync_init(void)
{
	struct dentry *kernels = debugfs_lookup("sync", NULL);

	if (kernels) {
		dput(kernels);
		return;
	}
	vp_sw_sync_root = debugfs_create_dir("sync", NULL);
	/* The safe variant's file operations have no compat_ioctl. */
	debugfs_create_file_unsafe("sw_sync", 0600, vp_sw_sync_root, NULL,
				   &vp_sw_sync_fops);
}

/**
 * vp_sw_sync_fini - remove the file
 *
 * Context: Unloading the module, so the file is not open. May sleep.
 */
void vp_sw_sync_fini(void)
{
	debugfs_remove_recursive(vp_sw_sync_root);
}
