/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client that does its work while another one does something rude: on the same
 * GPUs, and with a buffer that both have. How long its work takes is measured.
 */
#ifndef VP_BYSTANDER_H
#define VP_BYSTANDER_H

#include <stdint.h>

#include "vp_pair.h"

struct vp_bystander {
	struct vp_pair pair;	/* the other one may have this, too */
	int64_t longest_ms;	/* of all rounds */
};

struct vp_bystander vp_bystander(void);
/*
 * Some of everything, with buffers of its own and with the shared one, on which
 * there must be no fence that stays, and back to how it was.
 */
void vp_bystander_round(struct vp_bystander *bystander);
void vp_bystander_end(struct vp_bystander *bystander);

#endif /* VP_BYSTANDER_H */
