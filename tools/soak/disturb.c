// SPDX-License-Identifier: GPL-2.0-only
/*
 * What disturbs those who share: buffers that are moved under them, and memory
 * that is taken away.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/buffer.h"
#include "contents.h"
#include "fail.h"
#include "share.h"

#define SIZE	16384

/* Write a buffer's id to a file in debugfs. Returns 0 or a negative errno. */
static int tell_debugfs(const char *file, uint64_t id)
{
	char path[64], text[24];
	int fd, length, ret;

	snprintf(path, sizeof(path), "/sys/kernel/debug/vprime/%s", file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		fail("%s: %s", path, strerror(errno));
	length = snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
	ret = write(fd, text, (size_t)length) == length ? 0 : -errno;
	close(fd);
	return ret;
}

void share_move(struct worker *worker)
{
	uint64_t id = worker->board->ids[any(worker, IDS)];
	int ret;

	if (!id)
		return;
	begin(worker, KIND_MOVE);
	ret = tell_debugfs("move", id);
	/* it may be no more */
	if (ret == -ENOENT)
		return;
	/* with another driver it cannot, nor where fence comes after fence */
	if (ret == -EBUSY) {
		done(worker, KIND_STAY);
		return;
	}
	if (ret)
		fail("moving buffer %llu: %s", (unsigned long long)id, strerror(-ret));
	done(worker, KIND_MOVE);
}

void share_revoke(struct worker *worker)
{
	struct gpu_file *file = file_open(worker, any(worker, GPUS));
	struct buffer buffer;
	uint64_t id;
	int ret;

	if (!file)
		return;
	begin(worker, KIND_CREATE);
	if (!worked(worker, file, KIND_CREATE, buffer_create(file->fd, SIZE, &buffer)))
		return;
	begin(worker, KIND_EXPORT);
	if (!worked(worker, file, KIND_EXPORT, buffer_export(&buffer)))
		goto out;
	id = contents_id(worker, file, &buffer);
	if (!id)
		goto out;
	contents_fill(worker, file, &buffer, worker->random);

	begin(worker, KIND_REVOKE);
	ret = tell_debugfs("revoke", id);
	if (ret)
		fail("revoking buffer %llu: %s", (unsigned long long)id, strerror(-ret));
	ret = buffer_begin(&buffer, BUFFER_READ);
	if (ret != -ENODEV)
		fail("a revoked buffer gives CPU access: %s", strerror(-ret));
	done(worker, KIND_REVOKE);
out:
	buffer_close(&buffer);
}
