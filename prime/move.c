// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: moving and revoking
 *
 * A buffer that nobody has pinned can be put elsewhere: everybody is told to
 * drop what leads to the old place, the work that is under way is waited for,
 * the exporter moves the memory, and the next use maps it at the new place.
 *
 * A buffer can also be taken away for good, pinned or not, as long as every
 * importer that holds on to it can be told. From the first step on nobody gets
 * a new way to the memory; when the last step is done, nobody has an old one.
 * The waits of that are done without the reservation lock, so that importers
 * can take it to unmap, and so that a fence that takes long does not stop
 * those who only want to let go.
 *
 * Foreign importers are told by the kernel's own function, which tells all of
 * them; one that has pinned may take that as a revocation. So a move is refused,
 * and no importer is told, while the buffer is pinned. Kernels before 7.x do not
 * know revocation: there what a foreign importer has pinned is not revoked either,
 * and one that could be told is pinned at every mapping where the kernel was built
 * without move notification.
 */
#include <linux/wait.h>

#include "compat.h"
#include "fence/resv.h"
#include "prime/dmabuf.h"
#include "prime/export.h"
#include "prime/move.h"
#include "prime/trace.h"

/* How long an importer has to unmap what is revoked, once its work is done. */
#define VP_REVOKE_TIMEOUT_MS	2000

/*
 * Who wants to move a buffer waits until it is idle, and so often again for the
 * fences that came meanwhile. A buffer that never is idle stays where it is.
 */
#define VP_MOVE_ROUNDS		16

static bool vp_attachment_can_be_told(struct vp_attachment *attach)
{
	return attach->ops && attach->ops->invalidate_mappings;
}

/* Does a device hold on to the memory that cannot be told to let go? */
static bool vp_attachment_holds(struct vp_attachment *attach)
{
	if (!vp_attachment_can_be_told(attach))
		return attach->pins || !list_empty(&attach->mappings);
	return attach->pins && !attach->ops->revocable;
}

/**
 * vp_attachment_invalidate - tell one importer to drop its mappings
 * @attach: the attachment of one that can be told
 *
 * It may keep them for a while, which is noted.
 *
 * Context: the buffer's reservation is locked.
 */
void vp_attachment_invalidate(struct vp_attachment *attach)
{
	struct vp_mapping *mapping;

	attach->ops->invalidate_mappings(attach);
	list_for_each_entry(mapping, &attach->mappings, node)
		mapping->stale = true;
}

/**
 * vp_dmabuf_zap_cpu_mappings - take all CPU mappings of a buffer down
 * @buf: the buffer
 *
 * Through every device and through the file; programs fault at their next
 * touch and get the pages that are there then. Locked.
 */
void vp_dmabuf_zap_cpu_mappings(struct vp_dmabuf *buf)
{
	struct vp_attachment *attach;

	dma_resv_assert_held(buf->resv);

	list_for_each_entry(attach, &buf->attachments, node)
		if (attach->ops && attach->ops->zap_cpu_mappings)
			attach->ops->zap_cpu_mappings(attach);
	vp_export_zap_cpu_mappings(buf);
}

/* Pinned or not, as long as it can be told. */
static void vp_dmabuf_tell_importers(struct vp_dmabuf *buf)
{
	struct vp_attachment *attach;

	vp_export_invalidate_mappings(buf);
	list_for_each_entry(attach, &buf->attachments, node)
		if (vp_attachment_can_be_told(attach))
			vp_attachment_invalidate(attach);
}

/**
 * vp_dmabuf_invalidate_mappings - tell everybody that the memory moves
 * @buf: the buffer
 *
 * Takes down every movable device mapping and every CPU mapping; the next use
 * maps again. An importer that is not done with its mapping may keep it for a
 * while; it is &vp_mapping.stale then. A buffer whose @pins is not 0 must not
 * move, and no importer of it is told. Kernel name: dma_buf_move_notify(), since
 * 2026 dma_buf_invalidate_mappings(). Locked.
 */
void vp_dmabuf_invalidate_mappings(struct vp_dmabuf *buf)
{
	dma_resv_assert_held(buf->resv);

	if (!buf->pins)
		vp_dmabuf_tell_importers(buf);
	vp_dmabuf_zap_cpu_mappings(buf);
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_invalidate_mappings);

/* With the lock or without; negative when a signal ended the wait. */
static long vp_dmabuf_wait_all_fences(struct vp_dmabuf *buf)
{
	return vp_resv_wait(buf->resv, DMA_RESV_USAGE_BOOKKEEP,
			    MAX_SCHEDULE_TIMEOUT);
}

/**
 * vp_dmabuf_is_idle - is nobody at work with a buffer
 * @buf: the buffer
 *
 * Locked. Returns whether it has no pending fence.
 */
bool vp_dmabuf_is_idle(struct vp_dmabuf *buf)
{
	dma_resv_assert_held(buf->resv);

	return dma_resv_test_signaled(buf->resv, DMA_RESV_USAGE_BOOKKEEP);
}

/* Is there nothing but fences to wait for? */
static int vp_dmabuf_can_move(struct vp_dmabuf *buf)
{
	int ret = 0;

	dma_resv_assert_held(buf->resv);

	if (!buf->ops->move)
		ret = -EOPNOTSUPP;
	else if (buf->revoked)
		ret = -ENODEV;
	else if (buf->pins || buf->vmap_users)
		ret = -EBUSY;
	if (ret)
		trace_move(buf, 0, ret);
	return ret;
}

/**
 * vp_dmabuf_move_locked - put a buffer's memory elsewhere
 * @buf: the buffer
 *
 * Where to is the exporter's business. Waits for all fences, with the lock: who
 * can come back without it does so while there are any, see vp_dmabuf_is_idle().
 * Those that importers add while they are told are left then. Locked.
 *
 * Returns 0; -EOPNOTSUPP when the exporter cannot, or is another driver;
 * -ENODEV when the buffer has been revoked; -EBUSY when it is pinned or mapped
 * into the kernel; -ERESTARTSYS when a signal ended the wait; or the
 * exporter's errno. After any of these the memory is where it was.
 */
int vp_dmabuf_move_locked(struct vp_dmabuf *buf)
{
	size_t bytes;
	long left;
	int ret;

	dma_resv_assert_held(buf->resv);

	ret = vp_dmabuf_can_move(buf);
	if (ret)
		return ret;

	vp_dmabuf_invalidate_mappings(buf);
	/* Whoever was told may have added fences for what it still does. */
	left = vp_dmabuf_wait_all_fences(buf);
	if (left < 0)
		return left;

	bytes = buf->ops->resident ? buf->ops->resident(buf) : buf->size;
	ret = buf->ops->move(buf);
	trace_move(buf, bytes, ret);
	return ret;
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_move_locked);

/**
 * vp_dmabuf_move - put a buffer's memory elsewhere
 * @buf: the buffer
 *
 * As vp_dmabuf_move_locked(), but unlocked; also -EBUSY when new fences come
 * again and again.
 */
int vp_dmabuf_move(struct vp_dmabuf *buf)
{
	int rounds = VP_MOVE_ROUNDS, ret;
	long left;

	for (;;) {
		ret = dma_resv_lock_interruptible(buf->resv, NULL);
		if (ret)
			return ret;
		ret = vp_dmabuf_can_move(buf);
		if (ret || vp_dmabuf_is_idle(buf))
			break;
		if (!rounds--) {
			ret = -EBUSY;
			break;
		}
		/*
		 * Not with the lock held: who is to signal may have to touch the
		 * buffer first, and be waiting for the lock.
		 */
		dma_resv_unlock(buf->resv);
		left = vp_dmabuf_wait_all_fences(buf);
		if (left < 0)
			return left;
	}
	if (!ret)
		ret = vp_dmabuf_move_locked(buf);
	dma_resv_unlock(buf->resv);
	return ret;
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_move);

/* Does somebody hold on to the memory who cannot be told to let go? */
static bool vp_dmabuf_is_held(struct vp_dmabuf *buf)
{
	struct vp_attachment *attach;

	if (buf->vmap_users)
		return true;
	list_for_each_entry(attach, &buf->attachments, node)
		if (vp_attachment_holds(attach))
			return true;
	return false;
}

/* From here on nobody gets to the memory anew. */
static int vp_dmabuf_begin_revoke(struct vp_dmabuf *buf)
{
	int ret;

	ret = dma_resv_lock_interruptible(buf->resv, NULL);
	if (ret)
		return ret;
	if (buf->revoked)
		goto out;
	ret = -EBUSY;
	if (vp_dmabuf_is_held(buf))
		goto out;

	ret = 0;
	WRITE_ONCE(buf->revoked, true);
	vp_dmabuf_tell_importers(buf);
	vp_dmabuf_zap_cpu_mappings(buf);
out:
	dma_resv_unlock(buf->resv);
	return ret;
}

static void vp_dmabuf_report_mapped(struct vp_dmabuf *buf)
{
	struct vp_attachment *attach;

	dma_resv_lock(buf->resv, NULL);
	list_for_each_entry(attach, &buf->attachments, node)
		if (!list_empty(&attach->mappings))
			vp_dmabuf_misuse(buf, attach->dev,
					 VP_RULE_NOT_UNMAPPED);
	dma_resv_unlock(buf->resv);
}

static int vp_dmabuf_finish_revoke(struct vp_dmabuf *buf)
{
	long left;

	/* Importers unmap when their work is done, so that comes first. */
	left = vp_dmabuf_wait_all_fences(buf);
	if (left < 0)
		return left;
	left = wait_event_interruptible_timeout(vp_revokers,
			!READ_ONCE(buf->mapped),
			msecs_to_jiffies(VP_REVOKE_TIMEOUT_MS));
	if (left < 0)
		return left;
	if (!left) {
		vp_dmabuf_report_mapped(buf);
		return -ETIMEDOUT;
	}
	/* What those began that had a mapping until now. */
	left = vp_dmabuf_wait_all_fences(buf);
	if (left < 0)
		return left;

	dma_resv_lock(buf->resv, NULL);
	if (buf->ops->revoke && !buf->reclaimed)
		buf->ops->revoke(buf);
	buf->reclaimed = true;
	dma_resv_unlock(buf->resv);
	return 0;
}

/**
 * vp_dmabuf_revoke - take a buffer's memory away from everybody, for good
 * @buf: the buffer; the caller has a reference
 *
 * When it returns 0, nobody can touch the memory any more, and the exporter
 * may have freed it. From the beginning on, what would lead to it fails with
 * -ENODEV, and a CPU mapping raises SIGBUS; that stays so when the call returns
 * -ETIMEDOUT or -ERESTARTSYS, and another call goes on from there. The model
 * is what the kernel has had since 2026 for importers that it calls revocable.
 * Unlocked, sleeps.
 *
 * Returns 0, also for a buffer that was revoked before; -EOPNOTSUPP when the
 * memory is another driver's; -EBUSY, with nothing changed, when an importer
 * has it mapped that cannot be told, or pinned that is not revocable, or it is
 * mapped into the kernel; -ETIMEDOUT when an importer has not unmapped two seconds after all
 * fences, which is reported with its name; -ERESTARTSYS when a signal ended a
 * wait.
 */
int vp_dmabuf_revoke(struct vp_dmabuf *buf)
{
	int ret = -EOPNOTSUPP;

	if (!buf->foreign)
		ret = vp_dmabuf_begin_revoke(buf);
	if (!ret)
		ret = vp_dmabuf_finish_revoke(buf);
	trace_revoke(buf, ret);
	return ret;
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_revoke);
