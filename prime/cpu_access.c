// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: CPU accesses
 *
 * DMA_BUF_IOCTL_SYNC does not nest: a thread has at most one CPU access to a
 * buffer open. A second begin by the same thread opens no second one: the
 * kernel's own wait after the first begin may have been interrupted by a
 * signal. An access may be ended by another thread than the one that began it.
 *
 * So an end is a breach only if the buffer has had more ends than begins.
 * Nested brackets (two begins, two ends) and brackets of several threads have
 * as many of each.
 *
 * A process may die with an access open. Exporters are not told, so the
 * accesses of dead processes are ended at the next begin or end, and when
 * debugfs is read. All that are open end with the dma_buf.
 */
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "prime/contract.h"
#include "prime/cpu_access.h"
#include "prime/dmabuf.h"

bool vp_cpu_access_strict;
module_param_named(strict, vp_cpu_access_strict, bool, 0644);
MODULE_PARM_DESC(strict, "Report CPU access to dma-bufs outside begin and end (default 0)");

/**
 * vp_cpu_access_init - prepare a buffer for CPU accesses
 * @buf: a buffer that no other thread knows
 *
 * Context: Any context.
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
 * @buf: a buffer without references and without open accesses
 *
 * Context: Any context.
 */
void vp_cpu_access_fini(struct vp_dmabuf *buf)
{
	if (buf->spare_access)
		vp_cpu_access_free(buf->spare_access);
}

/* Close an access; one is kept for the next begin. */
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
 * Merge the accesses of threads of the current process that have died. This
 * limits the list to one access per thread, and one per process.
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

/* An access for the current thread, or NULL. May drop the lock. */
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
	/* The spare access is mostly of the same thread. */
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

/* Returns 0 or -ENOMEM. May drop the lock. */
static int vp_cpu_access_open(struct vp_dmabuf *buf,
			      enum dma_data_direction dir)
{
	struct vp_cpu_access *access = vp_cpu_access_own(buf);

	if (access) {
		vp_cpu_access_widen(access, dir);
		return 0;
	}
	/*
	 * Only the current thread opens its access, so the lock may be dropped.
	 */
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
 * Close the access that is ended by the current thread: its own, else one of
 * its process, else the oldest. But if its process has none open, and the
 * buffer has more begins than accesses, the end belongs to a nested begin, and
 * none is closed.
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
 * @write: whether the access has to allow writing
 *
 * Context: Process context. Takes &vp_dmabuf.lock.
 * Return: Whether one of its threads has.
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
 * vp_cpu_access_check - check a touch of a dma-buf's mapping
 * @buf: the buffer
 * @write: whether the current process writes
 *
 * With "strict" set, reports the touch if no CPU access that allows it is open.
 * Called after the page has been mapped: if an access is open that ends
 * meanwhile, its end removes the mapping again, so that the next touch is
 * checked too.
 *
 * Context: Process context. Takes &vp_dmabuf.lock.
 */
void vp_cpu_access_check(struct vp_dmabuf *buf, bool write)
{
	if (vp_cpu_access_is_strict() && !vp_cpu_access_is_open(buf, write))
		vp_dmabuf_misuse(buf, NULL, VP_RULE_CPU_OUTSIDE_ACCESS);
}

/* Have all threads of the process exited? */
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
 * vp_cpu_access_take_left - close an access that its process did not end
 * @buf: the buffer
 * @all: of any process, because the dma_buf is being released; else of a dead
 *	one
 * @left: gets a copy of the access, with a reference on its process only
 *
 * The begin of the access stays counted: another process, to which a dead one
 * passed it on, may still end it.
 *
 * Context: Process context. Takes &vp_dmabuf.lock.
 * Return: Whether there was one.
 */
bool vp_cpu_access_take_left(struct vp_dmabuf *buf, bool all,
			     struct vp_cpu_access *left)
{
	struct vp_cpu_access *access;
	bool found = false;

	/* Most buffers have never had an access. */
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

/**
 * vp_cpu_access_begin - note that the current thread begins a CPU access
 * @buf: the buffer
 * @dir: the direction of the access
 *
 * Context: May sleep.
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
 * vp_cpu_access_end - note that the current thread ends a CPU access
 * @buf: the buffer
 *
 * Context: Process context. Takes &vp_dmabuf.lock.
 * Return: Whether the buffer has had a begin for this end.
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
