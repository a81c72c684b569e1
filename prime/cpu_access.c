// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: CPU accesses
 *
 * DMA_BUF_IOCTL_SYNC does not nest: either a thread has a CPU access to a buffer
 * open or it has not. A second begin by the same thread, be it that a signal
 * interrupted the kernel's own wait after the first one, opens no second access.
 * Neither need the thread that began an access be the one that ends it.
 *
 * So a program can only be accused of an end without a begin when a buffer has
 * had more ends than begins. Nested brackets (two begins, two ends) and brackets
 * of several threads at once have as many of each.
 *
 * A process may die with an access open. Exporters are not told, so the accesses
 * of dead processes are looked for at the next begin or end, when debugfs is
 * read, and when the buffer goes.
 *
 * Without CONFIG_VPRIME_WATCH begins and ends are only counted.
 */
#include <linux/moduleparam.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "prime/contract.h"
#include "prime/cpu_access.h"
#include "prime/dmabuf.h"

#ifdef VP_WATCH

bool vp_cpu_access_strict;
module_param_named(strict, vp_cpu_access_strict, bool, 0644);
MODULE_PARM_DESC(strict, "Report CPU access to dma-bufs outside begin and end (default 0)");

/**
 * vp_cpu_access_init - a new buffer has no CPU access open
 * @buf: the buffer
 *
 * Context: any; before others know the buffer.
 */
void vp_cpu_access_init(struct vp_dmabuf *buf)
{
	INIT_LIST_HEAD(&buf->open_accesses);
}

static void vp_cpu_access_free(struct vp_cpu_access *access)
{
	put_pid(access->thread);
	put_pid(access->process);
	kfree(access);
}

/**
 * vp_cpu_access_fini - undo vp_cpu_access_init()
 * @buf: a buffer without references, and without open accesses
 *
 * Context: any.
 */
void vp_cpu_access_fini(struct vp_dmabuf *buf)
{
	if (buf->spare_access)
		vp_cpu_access_free(buf->spare_access);
}

/* Take an access off the list; one is kept for the next begin. */
static void vp_cpu_access_close(struct vp_dmabuf *buf,
				struct vp_cpu_access *access)
{
	lockdep_assert_held(&buf->lock);

	list_del(&access->node);
	buf->cpu_accesses--;
	if (buf->spare_access)
		vp_cpu_access_free(access);
	else
		buf->spare_access = access;
}

static void vp_cpu_access_widen(struct vp_cpu_access *access,
				enum dma_data_direction dir)
{
	if (access->dir != dir)
		access->dir = DMA_BIDIRECTIONAL;
}

static bool vp_thread_is_dead(struct pid *thread)
{
	bool dead;

	rcu_read_lock();
	dead = !pid_task(thread, PIDTYPE_PID);
	rcu_read_unlock();
	return dead;
}

/*
 * Make one access of all those whose threads ended without ending them while the
 * current process, which they belong to, lives on. This keeps the list as short
 * as there are threads.
 */
static void vp_cpu_access_merge(struct vp_dmabuf *buf)
{
	struct vp_cpu_access *access, *next, *merged = NULL;

	lockdep_assert_held(&buf->lock);

	list_for_each_entry_safe(access, next, &buf->open_accesses, node) {
		if (access->process != task_tgid(current) ||
		    !vp_thread_is_dead(access->thread))
			continue;
		if (!merged) {
			merged = access;
			continue;
		}
		vp_cpu_access_widen(merged, access->dir);
		vp_cpu_access_close(buf, access);
	}
}

/* An access for the current thread, or NULL; the lock may be dropped. */
static struct vp_cpu_access *vp_cpu_access_new(struct vp_dmabuf *buf)
{
	struct vp_cpu_access *access;

	lockdep_assert_held(&buf->lock);

	if (!buf->spare_access)
		vp_cpu_access_merge(buf);
	access = buf->spare_access;
	buf->spare_access = NULL;
	if (!access) {
		spin_unlock(&buf->lock);
		access = kzalloc(sizeof(*access), GFP_KERNEL_ACCOUNT);
		spin_lock(&buf->lock);
	}
	/* The spare one is mostly of the same thread. */
	if (access && access->thread != task_pid(current)) {
		put_pid(access->thread);
		put_pid(access->process);
		access->thread = get_pid(task_pid(current));
		access->process = get_pid(task_tgid(current));
	}
	return access;
}

static struct vp_cpu_access *vp_cpu_access_own(struct vp_dmabuf *buf)
{
	struct vp_cpu_access *access;

	lockdep_assert_held(&buf->lock);

	list_for_each_entry(access, &buf->open_accesses, node)
		if (access->thread == task_pid(current))
			return access;
	return NULL;
}

/* The current thread has an access open from now on; 0 or -ENOMEM. */
static int vp_cpu_access_open(struct vp_dmabuf *buf,
			      enum dma_data_direction dir)
{
	struct vp_cpu_access *access = vp_cpu_access_own(buf);

	if (access) {
		vp_cpu_access_widen(access, dir);
		return 0;
	}
	/* No other thread opens one for this thread while the lock is dropped. */
	access = vp_cpu_access_new(buf);
	if (!access)
		return -ENOMEM;
	access->dir = dir;
	access->since = jiffies;
	memcpy(access->comm, current->comm, sizeof(access->comm));
	list_add_tail(&access->node, &buf->open_accesses);
	buf->cpu_accesses++;
	return 0;
}

/*
 * Close the access that the current thread's end is for: its own, else one of its
 * process, else the oldest. But an end by a process that has none open, of a
 * buffer with more begins than accesses, belongs to a nested begin of its own.
 */
static void vp_cpu_access_close_one(struct vp_dmabuf *buf)
{
	struct vp_cpu_access *access = vp_cpu_access_own(buf), *each;

	list_for_each_entry(each, &buf->open_accesses, node) {
		if (access)
			break;
		if (each->process == task_tgid(current))
			access = each;
	}
	if (!access && buf->cpu_begins <= buf->cpu_accesses)
		access = list_first_entry_or_null(&buf->open_accesses,
						  struct vp_cpu_access, node);
	if (access)
		vp_cpu_access_close(buf, access);
}

/**
 * vp_cpu_access_is_open - has the current process a CPU access open
 * @buf: the buffer
 * @write: whether only one counts that allows writing
 *
 * Context: any but with &vp_dmabuf.lock.
 *
 * Return: whether a thread of it has one.
 */
bool vp_cpu_access_is_open(struct vp_dmabuf *buf, bool write)
{
	struct vp_cpu_access *access;
	bool open = false;

	spin_lock(&buf->lock);
	list_for_each_entry(access, &buf->open_accesses, node) {
		open = access->process == task_tgid(current) &&
		       (!write || access->dir != DMA_FROM_DEVICE);
		if (open)
			break;
	}
	spin_unlock(&buf->lock);
	return open;
}

/**
 * vp_cpu_access_check - the current process touches a dma-buf's mapping
 * @buf: the buffer
 * @write: whether it writes
 *
 * With "strict" set, a touch is reported if no CPU access that allows it is open.
 * Call this after the page has been mapped: the end of an access that is open then
 * takes the page down again, so that no later touch goes unseen.
 *
 * Context: any but with &vp_dmabuf.lock.
 */
void vp_cpu_access_check(struct vp_dmabuf *buf, bool write)
{
	if (vp_cpu_access_is_strict() && !vp_cpu_access_is_open(buf, write))
		vp_dmabuf_misuse(buf, NULL, VP_RULE_CPU_OUTSIDE_ACCESS);
}

/* Will this process never run again? */
static bool vp_process_is_dead(struct pid *process)
{
	struct task_struct *task;
	bool dead;

	rcu_read_lock();
	task = pid_task(process, PIDTYPE_TGID);
	dead = !task || !atomic_read(&task->signal->live);
	rcu_read_unlock();
	return dead;
}

/**
 * vp_cpu_access_take_left - close an access whose process will not end it
 * @buf: the buffer
 * @all: whether that goes for every process, because the dma-buf is gone
 * @left: out: what the access was, with a reference on its process; the rest of
 *	the pointers in it are of no use
 *
 * An end by another process that the dead one passed its access on to is not
 * accused: the begin stays counted.
 *
 * Context: any but with &vp_dmabuf.lock.
 *
 * Return: whether there was one.
 */
bool vp_cpu_access_take_left(struct vp_dmabuf *buf, bool all,
			     struct vp_cpu_access *left)
{
	struct vp_cpu_access *access;
	bool found = false;

	/* Most buffers have never had one. */
	if (!READ_ONCE(buf->cpu_accesses) &&
	    !(all && READ_ONCE(buf->cpu_begins)))
		return false;

	spin_lock(&buf->lock);
	list_for_each_entry(access, &buf->open_accesses, node) {
		found = all || vp_process_is_dead(access->process);
		if (found)
			break;
	}
	if (found) {
		*left = *access;
		get_pid(left->process);
		vp_cpu_access_close(buf, access);
	} else if (all) {
		buf->cpu_begins = 0;
	}
	spin_unlock(&buf->lock);
	return found;
}

#else

static int vp_cpu_access_open(struct vp_dmabuf *buf,
			      enum dma_data_direction dir)
{
	return 0;
}

static void vp_cpu_access_close_one(struct vp_dmabuf *buf)
{
}

#endif

/**
 * vp_cpu_access_begin - the current thread begins a CPU access
 * @buf: the buffer
 * @dir: for what
 *
 * Context: unlocked, may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int vp_cpu_access_begin(struct vp_dmabuf *buf, enum dma_data_direction dir)
{
	int ret;

	spin_lock(&buf->lock);
	ret = vp_cpu_access_open(buf, dir);
	if (!ret)
		buf->cpu_begins++;
	spin_unlock(&buf->lock);
	return ret;
}

/**
 * vp_cpu_access_end - the current thread ends a CPU access
 * @buf: the buffer
 *
 * Context: any but with &vp_dmabuf.lock.
 *
 * Return: whether the buffer has had a begin for this end.
 */
bool vp_cpu_access_end(struct vp_dmabuf *buf)
{
	bool begun;

	spin_lock(&buf->lock);
	begun = buf->cpu_begins;
	if (begun) {
		vp_cpu_access_close_one(buf);
		buf->cpu_begins--;
	}
	spin_unlock(&buf->lock);
	return begun;
}
