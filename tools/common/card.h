/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TOOLS_CARD_H
#define TOOLS_CARD_H

#include "picture.h"

/* the size that its design is drawn for */
#define CARD_WIDTH	640
#define CARD_HEIGHT	480

/**
 * card_draw() - draw the test card over a whole picture
 * @picture: of any size; the design is scaled to fit, its grid goes on beyond
 */
void card_draw(const struct picture *picture);

#endif
