/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints vprime:*, for the steps in the life of a buffer. Each begins with
 * the buffer's id and exporter; the process is the current one.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vprime

#if !defined(VP_PRIME_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VP_PRIME_TRACE_H

#include <linux/device.h>
#include <linux/dma-direction.h>
#include <linux/tracepoint.h>

#include "prime/dmabuf.h"

/* Room for the name of a device or of a rule; longer names are cut. */
#define VP_TRACE_NAME_LEN	32

#define vp_show_direction(dir) \
	__print_symbolic(dir, { DMA_BIDIRECTIONAL, "bidirectional" }, \
			 { DMA_TO_DEVICE, "to-device" }, \
			 { DMA_FROM_DEVICE, "from-device" }, \
			 { DMA_NONE, "none" })

TRACE_EVENT(export,
	TP_PROTO(struct vp_dmabuf *buf),
	TP_ARGS(buf),
	TP_STRUCT__entry(
		__field(u64, id)
		__array(char, exporter, VP_DMABUF_NAME_LEN)
		__field(u64, size)
	),
	TP_fast_assign(
		__entry->id = buf->id;
		strscpy(__entry->exporter, buf->name, VP_DMABUF_NAME_LEN);
		__entry->size = buf->size;
	),
	TP_printk("id=%llu exporter=%s size=%llu", __entry->id,
		  __entry->exporter, __entry->size)
);

TRACE_EVENT(import,
	TP_PROTO(struct vp_dmabuf *buf, struct device *dev),
	TP_ARGS(buf, dev),
	TP_STRUCT__entry(
		__field(u64, id)
		__array(char, exporter, VP_DMABUF_NAME_LEN)
		__field(u64, size)
		__field(bool, foreign)
		__array(char, device, VP_TRACE_NAME_LEN)
	),
	TP_fast_assign(
		__entry->id = buf->id;
		strscpy(__entry->exporter, buf->name, VP_DMABUF_NAME_LEN);
		__entry->size = buf->size;
		__entry->foreign = buf->foreign;
		strscpy(__entry->device, dev_name(dev), VP_TRACE_NAME_LEN);
	),
	TP_printk("id=%llu exporter=%s size=%llu foreign=%d device=%s",
		  __entry->id, __entry->exporter, __entry->size,
		  __entry->foreign, __entry->device)
);

DECLARE_EVENT_CLASS(vprime_attachment,
	TP_PROTO(struct vp_attachment *attach),
	TP_ARGS(attach),
	TP_STRUCT__entry(
		__field(u64, id)
		__array(char, exporter, VP_DMABUF_NAME_LEN)
		__array(char, device, VP_TRACE_NAME_LEN)
		__array(char, lifetime, VP_TRACE_NAME_LEN)
	),
	TP_fast_assign(
		__entry->id = attach->buf->id;
		strscpy(__entry->exporter, attach->buf->name,
			VP_DMABUF_NAME_LEN);
		strscpy(__entry->device, dev_name(attach->dev),
			VP_TRACE_NAME_LEN);
		strscpy(__entry->lifetime, vp_attachment_lifetime(attach),
			VP_TRACE_NAME_LEN);
	),
	TP_printk("id=%llu exporter=%s device=%s lifetime=%s", __entry->id,
		  __entry->exporter, __entry->device, __entry->lifetime)
);

DEFINE_EVENT(vprime_attachment, attach,
	TP_PROTO(struct vp_attachment *attach),
	TP_ARGS(attach)
);

DEFINE_EVENT(vprime_attachment, detach,
	TP_PROTO(struct vp_attachment *attach),
	TP_ARGS(attach)
);

DECLARE_EVENT_CLASS(vprime_mapping,
	TP_PROTO(struct vp_mapping *mapping),
	TP_ARGS(mapping),
	TP_STRUCT__entry(
		__field(u64, id)
		__array(char, exporter, VP_DMABUF_NAME_LEN)
		__array(char, device, VP_TRACE_NAME_LEN)
		__field(int, dir)
	),
	TP_fast_assign(
		__entry->id = mapping->attach->buf->id;
		strscpy(__entry->exporter, mapping->attach->buf->name,
			VP_DMABUF_NAME_LEN);
		strscpy(__entry->device, dev_name(mapping->attach->dev),
			VP_TRACE_NAME_LEN);
		__entry->dir = mapping->dir;
	),
	TP_printk("id=%llu exporter=%s device=%s direction=%s", __entry->id,
		  __entry->exporter, __entry->device,
		  vp_show_direction(__entry->dir))
);

DEFINE_EVENT(vprime_mapping, map,
	TP_PROTO(struct vp_mapping *mapping),
	TP_ARGS(mapping)
);

DEFINE_EVENT(vprime_mapping, unmap,
	TP_PROTO(struct vp_mapping *mapping),
	TP_ARGS(mapping)
);

TRACE_EVENT(move,
	TP_PROTO(struct vp_dmabuf *buf, size_t bytes, int ret),
	TP_ARGS(buf, bytes, ret),
	TP_STRUCT__entry(
		__field(u64, id)
		__array(char, exporter, VP_DMABUF_NAME_LEN)
		__field(u64, bytes)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->id = buf->id;
		strscpy(__entry->exporter, buf->name, VP_DMABUF_NAME_LEN);
		__entry->bytes = bytes;
		__entry->ret = ret;
	),
	TP_printk("id=%llu exporter=%s bytes=%llu ret=%d", __entry->id,
		  __entry->exporter, __entry->bytes, __entry->ret)
);

TRACE_EVENT(revoke,
	TP_PROTO(struct vp_dmabuf *buf, int ret),
	TP_ARGS(buf, ret),
	TP_STRUCT__entry(
		__field(u64, id)
		__array(char, exporter, VP_DMABUF_NAME_LEN)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->id = buf->id;
		strscpy(__entry->exporter, buf->name, VP_DMABUF_NAME_LEN);
		__entry->ret = ret;
	),
	TP_printk("id=%llu exporter=%s ret=%d", __entry->id,
		  __entry->exporter, __entry->ret)
);

TRACE_EVENT(cpu_access,
	TP_PROTO(struct vp_dmabuf *buf, bool begin, int dir),
	TP_ARGS(buf, begin, dir),
	TP_STRUCT__entry(
		__field(u64, id)
		__array(char, exporter, VP_DMABUF_NAME_LEN)
		__field(bool, begin)
		__field(int, dir)
	),
	TP_fast_assign(
		__entry->id = buf->id;
		strscpy(__entry->exporter, buf->name, VP_DMABUF_NAME_LEN);
		__entry->begin = begin;
		__entry->dir = dir;
	),
	TP_printk("id=%llu exporter=%s begin=%d direction=%s", __entry->id,
		  __entry->exporter, __entry->begin,
		  vp_show_direction(__entry->dir))
);

TRACE_EVENT(violation,
	TP_PROTO(struct vp_dmabuf *buf, const char *device, const char *rule),
	TP_ARGS(buf, device, rule),
	TP_STRUCT__entry(
		__field(u64, id)
		__array(char, exporter, VP_DMABUF_NAME_LEN)
		__array(char, rule, VP_TRACE_NAME_LEN)
		__array(char, device, VP_TRACE_NAME_LEN)
	),
	TP_fast_assign(
		__entry->id = buf->id;
		strscpy(__entry->exporter, buf->name, VP_DMABUF_NAME_LEN);
		strscpy(__entry->rule, rule, VP_TRACE_NAME_LEN);
		strscpy(__entry->device, device, VP_TRACE_NAME_LEN);
	),
	TP_printk("id=%llu exporter=%s rule=%s device=%s", __entry->id,
		  __entry->exporter, __entry->rule, __entry->device)
);

#endif /* VP_PRIME_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH prime
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
