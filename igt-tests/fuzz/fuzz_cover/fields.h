/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the arguments of ioctls are made of.
 */
#ifndef FZ_COVER_FIELDS_H
#define FZ_COVER_FIELDS_H

#include <stdint.h>

#define FC_FIELDS	8

/* Things that calls give to later ones; descriptors come first. */
enum fc_thing {
	FC_GPU,
	FC_DMABUF,
	FC_SYNC,
	FC_SW,
	FC_OBJECT,	/* a syncobj's descriptor */
	FC_LAST_FD = FC_OBJECT,
	FC_HANDLES,
	FC_TIMELINES,
	FC_FENCES,
	FC_SYNCOBJS,
	FC_OFFSETS,
	FC_NUMBERS,	/* of buffers */
	FC_THINGS,
};

enum fc_field_kind {
	FC_ANY,
	FC_HANDLE,
	FC_TIMELINE,
	FC_FENCE,
	FC_SYNCOBJ,
	FC_DMABUF_FD,
	FC_SYNC_FD,
	FC_FLAGS,
	FC_PAD,
	FC_SIZE,
	FC_OFFSET,
	FC_SMALL,
	FC_TIME,
	FC_MEMORY,	/* a pointer */
	FC_NAME,
};

struct fc_field {
	enum fc_field_kind kind;
	uint16_t offset, size;
};

struct fc_ioctl {
	unsigned long request;
	enum fc_thing fd;
	struct fc_field field[FC_FIELDS];
	/* What the argument has in it afterwards. */
	enum fc_thing gives;
	uint16_t gives_at, gives_size;
};

extern const struct fc_ioctl fc_ioctls[];
extern const unsigned int fc_ioctl_count;

#endif /* FZ_COVER_FIELDS_H */
