// SPDX-License-Identifier: GPL-2.0-only
#include <unistd.h>

#include "vp_gpu.h"
#include "vp_pair.h"

struct vp_pair vp_pair(size_t size)
{
	struct vp_pair pair = { .gpu = { vp_open(0), vp_open(1) } };

	pair.handle[0] = vp_create(pair.gpu[0], size);
	pair.dmabuf = vp_export(pair.gpu[0], pair.handle[0]);
	pair.handle[1] = vp_import(pair.gpu[1], pair.dmabuf);
	pair.id = vp_id(pair.gpu[0], pair.handle[0]);
	return pair;
}

void vp_pair_end(struct vp_pair *pair)
{
	close(pair->dmabuf);
	close(pair->gpu[0]);
	close(pair->gpu[1]);
}
