/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel's log has got since one began to listen. Bytes that are not
 * printable ASCII are \xNN in it.
 */
#ifndef VP_LOG_H
#define VP_LOG_H

/* Room for a line of the log, or the beginning of a long one. */
#define VP_LOG_LINE	1024

int vp_log_open(void);
/* How many new lines have both words in them. Each line is read once. */
unsigned int vp_logged(int log, const char *word, const char *other);
/* The same, and @last gets the text of the last of them. */
unsigned int vp_log_lines(int log, const char *word, const char *other,
			  char last[VP_LOG_LINE]);

#endif /* VP_LOG_H */
