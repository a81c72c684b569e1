// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the dma-buf core from inside the kernel: the roles that have no
 * ioctl. Writing a name to the module's parameter "test" runs that test, in the
 * name of the process that writes; the write fails with EIO when something
 * does not hold, and a line in the log says what. A test that failed was left
 * in its middle, with all that it held, so the module then stays for good.
 * igt-tests/prime/prime_core.c drives it. Never installed.
 */
#include "core_test.h"

#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/string.h>

int vp_test_fd = -1;
module_param_named(fd, vp_test_fd, int, 0600);
MODULE_PARM_DESC(fd, "A dma-buf of the writing process, for tests that want one");

struct vp_dmabuf *vp_test_fd_buffer(void)
{
	struct dma_buf *kbuf = dma_buf_get(vp_test_fd);
	struct vp_dmabuf *buf;

	if (IS_ERR(kbuf))
		return ERR_CAST(kbuf);
	buf = vp_dmabuf_from_kernel(kbuf);
	dma_buf_put(kbuf);
	return buf;
}

struct platform_device *vp_test_pdev;

static const struct vp_test *const vp_tests[] = {
	vp_importer_tests,
	vp_cpu_tests,
	vp_move_tests,
	vp_revoke_tests,
	vp_rule_tests,
	vp_face_tests,
	vp_bench_tests,
};

static const struct vp_test *vp_test_find(const char *name)
{
	const struct vp_test *one;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vp_tests); i++)
		for (one = vp_tests[i]; one->name; one++)
			if (!strcmp(one->name, name))
				return one;
	return NULL;
}

static int vp_test_run(const char *value, const struct kernel_param *param)
{
	const struct vp_test *one;
	char name[64];
	int ret;

	/* Not as a parameter of the load: the device is not there then. */
	if (!vp_test_pdev)
		return -EINVAL;
	strscpy(name, value, sizeof(name));
	one = vp_test_find(strim(name));
	if (!one)
		return -ENOENT;

	vp_test_released = 0;
	ret = one->run();
	if (ret)
		__module_get(THIS_MODULE);
	return ret;
}

static const struct kernel_param_ops vp_test_run_ops = {
	.set = vp_test_run,
};
module_param_cb(test, &vp_test_run_ops, NULL, 0200);
MODULE_PARM_DESC(test, "Run the test of this name");

static int __init vp_test_init(void)
{
	struct platform_device *pdev;

	pdev = platform_device_register_simple("vprime-core-test", -1, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	vp_test_pdev = pdev;
	return 0;
}

static void __exit vp_test_exit(void)
{
	platform_device_unregister(vp_test_pdev);
}

module_init(vp_test_init);
module_exit(vp_test_exit);

MODULE_DESCRIPTION("Tests of vprime's dma-buf core");
MODULE_LICENSE("GPL");
MODULE_INFO(import_ns, "DMA_BUF");
MODULE_INFO(import_ns, "VPRIME_TESTS");
