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
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "prime/contract.h"
#include "prime/cpu_access.h"
#include "prime/dmabuf.h"

bool vp_cpu_access_strict;

/* Remove an access from the list and free it. */
static void vp_cpu_access_free(struct vp_cpu_access *access)
{
	list_del(&access->node);
	put_pid(access->thread);
	put_pid(access->process);
	kfree(access);
}

/* The closed access that is kept for the next begin, or NULL. */
static struct vp_cpu_access *vp_cpu_access_kept(struct vp_dmabuf *buf)
{
	if (buf->cpu_accesses)
		return NULL;
	return list_first_entry_or_null(&buf->accesses, struct vp_cpu_access,
					node);
}

/**
 * vp_cpu_access_fini - free what CPU accesses have left
 * @buf: a buffer without references and without open accesses
 *
 * Context: Any context.
 */
void vp_cpu_access_fini(struct vp_dmabuf *buf)
{
	struct vp_cpu_access *kept = vp_cpu_access_kept(buf);

	if (kept)
		vp_cpu_access_free(kept);
}

/* One stays in the list while none is open. */
static void vp_cpu_access_close(struct vp_dmabuf *buf,
				struct vp_cpu_access *access)
{
	lockdep_assert_held(&buf->lock);

	if (--buf->cpu_accesses)
		vp_cpu_access_free(access);
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

	list_for_each_entry_safe(access, next, &buf->accesses, node) {
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

/* The access of the current thread, open or kept; NULL if there is none. */
static struct vp_cpu_access *vp_cpu_access_own(struct vp_dmabuf *buf)
{
	struct vp_cpu_access *access;

	lockdep_assert_held(&buf->lock);

	list_for_each_entry(access, &buf->accesses, node)
		if (access->thread == task_pid(current))
			return access;
	return NULL;
}

/* A closed access for the current thread, or NULL. May drop the lock. */
static struct vp_cpu_access *vp_cpu_access_new(struct vp_dmabuf *buf)
{
	struct vp_cpu_access *access = vp_cpu_access_kept(buf), *kept;

	lockdep_assert_held(&buf->lock);

	if (!access) {
		vp_cpu_access_merge(buf);
		/* No other thread opens an access of this one meanwhile. */
		spin_unlock(&buf->lock);
		access = kzalloc(sizeof(*access), GFP_KERNEL_ACCOUNT);
		spin_lock(&buf->lock);
		if (!access)
			return NULL;
		/* All that were open may have been closed meanwhile. */
		kept = vp_cpu_access_kept(buf);
		if (kept)
			vp_cpu_access_free(kept);
		list_add_tail(&access->node, &buf->accesses);
	}
	put_pid(access->thread);
	put_pid(access->process);
	access->thread = get_pid(task_pid(current));
	access->process = get_pid(task_tgid(current));
	return access;
}

/* Returns 0 or -ENOMEM. May drop the lock. */
static int vp_cpu_access_open(struct vp_dmabuf *buf,
			      enum dma_data_direction dir)
{
	struct vp_cpu_access *access = vp_cpu_access_own(buf);

	if (access && buf->cpu_accesses) {
		vp_cpu_access_widen(access, dir);
		return 0;
	}
	if (!access)
		access = vp_cpu_access_new(buf);
	if (!access)
		return -ENOMEM;
	access->dir = dir;
	access->since = jiffies;
	access->started = current->group_leader->start_boottime;
	memcpy(access->comm, current->group_leader->comm,
	       sizeof(access->comm));
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
	struct vp_cpu_access *access, *each;

	if (!buf->cpu_accesses)
		return;
	access = vp_cpu_access_own(buf);
	list_for_each_entry(each, &buf->accesses, node) {
		if (access)
			break;
		if (each->process == task_tgid(current))
			access = each;
	}
	if (!access && buf->cpu_begins <= buf->cpu_accesses)
		access = list_first_entry(&buf->accesses, struct vp_cpu_access,
					  node);
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
	list_for_each_entry(access, &buf->accesses, node) {
		open = buf->cpu_accesses &&
		       access->process == task_tgid(current) &&
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

	spin_lock(&buf->lock);
	list_for_each_entry(access, &buf->accesses, node) {
		found = buf->cpu_accesses &&
			(all || vp_process_is_dead(access->process));
		if (found)
			break;
	}
	if (found) {
		*left = *access;
		get_pid(left->process);
		vp_cpu_access_close(buf, access);
	} else if (all) {
		WRITE_ONCE(buf->cpu_begins, 0);
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
		WRITE_ONCE(buf->cpu_begins, buf->cpu_begins + 1);
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
		WRITE_ONCE(buf->cpu_begins, buf->cpu_begins - 1);
	}
	spin_unlock(&buf->lock);
	return begun;
}
