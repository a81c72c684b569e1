// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exporter: says what it has, makes it a file, and is asked to take it back
 * once. What it can do is in the callbacks of actors.c.
 */
#include "core_test.h"

#include <linux/fdtable.h>
#include <linux/mman.h>

/* An exporter says what it has, and it is asked to take it back once. */
static int test_export(void)
{
	struct vp_dmabuf_ops broken = vp_test_ops;
	DEFINE_VP_DMABUF_EXPORT_INFO(info);
	struct vp_test_buffer *buffer;
	struct vp_dmabuf buf;

	info.ops = &broken;
	info.size = 0;
	CHECK(vp_dmabuf_export(&buf, &info) == -EINVAL);
	info.size = PAGE_SIZE + 1;
	CHECK(vp_dmabuf_export(&buf, &info) == -EINVAL);
	info.size = PAGE_SIZE;
	broken.map = NULL;
	CHECK(vp_dmabuf_export(&buf, &info) == -EINVAL);
	broken = vp_test_ops;
	broken.unmap = NULL;
	CHECK(vp_dmabuf_export(&buf, &info) == -EINVAL);
	broken = vp_test_ops;
	broken.release = NULL;
	CHECK(vp_dmabuf_export(&buf, &info) == -EINVAL);
	broken = vp_test_ops;
	broken.unpin = NULL;
	CHECK(vp_dmabuf_export(&buf, &info) == -EINVAL);
	broken = vp_test_ops;
	broken.vunmap = NULL;
	CHECK(vp_dmabuf_export(&buf, &info) == -EINVAL);

	buffer = vp_test_buffer();
	CHECK(buffer);
	CHECK(buffer->base.size == VP_TEST_SIZE);
	vp_dmabuf_ref(&buffer->base);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 0);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* Two buffers that are locked and waited for together. */
static int test_export_shared_lock(void)
{
	struct vp_test_buffer *one = vp_test_buffer();
	struct vp_test_buffer *two;
	struct vp_dmabuf *first;

	CHECK(one);
	first = &one->base;
	two = vp_test_buffer_with(&vp_test_ops, first->resv);
	CHECK(two && two->base.resv == first->resv);
	CHECK(two->base.id != first->id);

	/* The lock is the first buffer's, and outlives the second. */
	vp_dmabuf_put(&two->base);
	CHECK(vp_test_released == 1);
	dma_resv_lock(first->resv, NULL);
	dma_resv_unlock(first->resv);
	vp_dmabuf_put(first);
	CHECK(vp_test_released == 2);
	return 0;
}

static bool vp_test_closes_on_exec(int fd)
{
	struct fdtable *table;
	bool set;

	rcu_read_lock();
	table = rcu_dereference(current->files->fdt);
	set = test_bit(fd, table->close_on_exec);
	rcu_read_unlock();
	return set;
}

/* A buffer has one face, as a file; from the file one gets the buffer. */
static int test_fd(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_dmabuf *again;
	struct dma_buf *kbuf;
	int first, second;

	CHECK(buffer);
	first = vp_dmabuf_fd(&buffer->base, O_CLOEXEC | O_RDWR);
	CHECK(first >= 0);
	second = vp_dmabuf_fd(&buffer->base, O_RDWR);
	CHECK(second >= 0 && second != first);
	CHECK(vp_test_closes_on_exec(first));
	CHECK(!vp_test_closes_on_exec(second));

	again = vp_dmabuf_get(first);
	CHECK(again == &buffer->base);
	vp_dmabuf_put(again);
	again = vp_dmabuf_get(second);
	CHECK(again == &buffer->base);
	vp_dmabuf_put(again);

	kbuf = vp_dmabuf_kernel_get(&buffer->base, O_RDWR);
	CHECK(kbuf == dma_buf_get(first));
	CHECK(kbuf->size == VP_TEST_SIZE && kbuf->resv == buffer->base.resv);
	CHECK(kbuf->file->f_mode & FMODE_WRITE);
	dma_buf_put(kbuf);
	dma_buf_put(kbuf);

	/* This exporter has no CPU mappings to offer. */
	CHECK(vm_mmap(kbuf->file, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, 0) ==
	      -EINVAL);

	CHECK(PTR_ERR(vp_dmabuf_get(-1)) == -EBADF);
	close_fd(first);
	close_fd(second);
	CHECK(PTR_ERR(vp_dmabuf_get(first)) == -EBADF);
	vp_dmabuf_put(&buffer->base);
	return 0;
}

/* An exporter may refuse what it is asked for; then nothing has happened. */
static int test_exporter_refuses(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *fixed, *moving;

	CHECK(buffer);
	buffer->fail_attach = -EPERM;
	CHECK(PTR_ERR(vp_test_attach(&buffer->base, VP_TEST_FIXED)) == -EPERM);
	CHECK(buffer->base.attached == 0 && buffer->places == 0);
	buffer->fail_attach = 0;
	fixed = vp_test_attach(&buffer->base, VP_TEST_FIXED);
	moving = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(fixed) && !IS_ERR(moving));
	CHECK(buffer->base.attached == 2 && buffer->places == 2);

	buffer->fail_pin = -ENOSPC;
	CHECK(vp_test_pin(moving) == -ENOSPC);
	CHECK(vp_test_map(fixed) == -ENOSPC);
	CHECK(!vp_test_map(moving));
	CHECK(buffer->base.pins == 0 && buffer->base.mapped == 1);
	vp_test_unmap(moving);
	buffer->fail_pin = 0;

	buffer->fail_map = -EINTR;
	CHECK(vp_test_map(moving) == -EINTR);
	CHECK(vp_test_map(fixed) == -EINTR);
	CHECK(!buffer->pins && !buffer->base.pins && !buffer->base.mapped);
	buffer->fail_map = 0;

	CHECK(!vp_test_map(fixed) && !vp_test_map(moving));
	vp_test_unmap(fixed);
	vp_test_unmap(moving);
	CHECK(!buffer->pins && !buffer->maps);
	vp_test_detach(fixed);
	vp_test_detach(moving);
	CHECK(buffer->places == 0);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

const struct vp_test vp_exporter_tests[] = {
	{ "export", test_export },
	{ "export-shared-lock", test_export_shared_lock },
	{ "fd", test_fd },
	{ "exporter-refuses", test_exporter_refuses },
	{}
};
