// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/userfaultfd.h>

#include "vp_fence.h"
#include "vp_igt.h"
#include "vp_stuck.h"

#define PAGE	4096ul

int vp_try_stuck(bool writes, struct vp_stuck *stuck)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = writes ? UFFD_FEATURE_PAGEFAULT_FLAG_WP : 0,
	};
	struct uffdio_register at = {
		.range.len = PAGE,
		.mode = writes ? UFFDIO_REGISTER_MODE_WP :
				 UFFDIO_REGISTER_MODE_MISSING,
	};

	stuck->fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (stuck->fd < 0 || ioctl(stuck->fd, UFFDIO_API, &api))
		return -errno;
	stuck->page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stuck->page == MAP_FAILED)
		return -errno;
	/* A huge page would be there in whole. */
	madvise(stuck->page, 2 * PAGE, MADV_NOHUGEPAGE);
	at.range.start = (uintptr_t)stuck->page + PAGE;
	if (ioctl(stuck->fd, UFFDIO_REGISTER, &at))
		return -errno;
	/* There is a page only when it has been written. */
	if (writes)
		memset(stuck->page + PAGE, 0, PAGE);
	return 0;
}

int vp_try_stuck_protect(const struct vp_stuck *stuck)
{
	struct uffdio_writeprotect protect = {
		.range = { (uintptr_t)stuck->page + PAGE, PAGE },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	return ioctl(stuck->fd, UFFDIO_WRITEPROTECT, &protect) ? -errno : 0;
}

void *vp_stuck_at(const struct vp_stuck *stuck, size_t before)
{
	return stuck->page + PAGE - before;
}

bool vp_stuck_wait(int fd, int ms)
{
	return vp_poll(fd, POLLIN, ms) & POLLIN;
}
