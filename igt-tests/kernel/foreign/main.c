// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that is not vprime's, and knows nothing but the kernel's own
 * dma-buf: what tests share buffers with, as no driver that a machine without a
 * GPU has is a dynamic importer, or an exporter that moves its memory or fails
 * when it is told to. Its ioctls, on /dev/vprime_foreign, are described in
 * vprime_foreign.h. It uses nothing of vprime's but compat.h. Never installed.
 *
 * The parts are in importer.c, exporter.c and fence.c; here are the file that
 * they share, and the module.
 *
 * Closing the file signals its fences and gives up its attachments and kernel
 * mappings; exported buffers live as long as somebody has them.
 */
#include <linux/dma-mapping.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "foreign.h"

struct platform_device *vp_foreign_pdev;
struct workqueue_struct *vp_foreign_wq;

union vp_foreign_arg {
	struct vp_foreign_attach attach;
	struct vp_foreign_map map;
	struct vp_foreign_id id;
	struct vp_foreign_access access;
	struct vp_foreign_state state;
	struct vp_foreign_address address;
	struct vp_foreign_vmap vmap;
	struct vp_foreign_export export;
	struct vp_foreign_fail fail;
	struct vp_foreign_fd fd;
	struct vp_foreign_buffer buffer;
	struct vp_foreign_fence fence;
};

#define VP_FOREIGN_IOCTL(cmd, func, locked) \
	[_IOC_NR(VP_FOREIGN_##cmd)] = { VP_FOREIGN_##cmd, func, locked }

static const struct {
	unsigned int cmd;
	int (*func)(struct vp_foreign_file *file, void *data);
	bool locked;	/* it wants the file's mutex held */
} vp_foreign_ioctls[] = {
	VP_FOREIGN_IOCTL(ATTACH, vp_foreign_attach_ioctl, true),
	VP_FOREIGN_IOCTL(DETACH, vp_foreign_detach_ioctl, true),
	VP_FOREIGN_IOCTL(MAP, vp_foreign_map_ioctl, true),
	VP_FOREIGN_IOCTL(UNMAP, vp_foreign_unmap_ioctl, true),
	VP_FOREIGN_IOCTL(PIN, vp_foreign_pin_ioctl, true),
	VP_FOREIGN_IOCTL(UNPIN, vp_foreign_unpin_ioctl, true),
	VP_FOREIGN_IOCTL(READ, vp_foreign_read_ioctl, false),
	VP_FOREIGN_IOCTL(WRITE, vp_foreign_write_ioctl, false),
	VP_FOREIGN_IOCTL(STATE, vp_foreign_state_ioctl, true),
	VP_FOREIGN_IOCTL(VMAP, vp_foreign_vmap_ioctl, true),
	VP_FOREIGN_IOCTL(VUNMAP, vp_foreign_vunmap_ioctl, true),
	VP_FOREIGN_IOCTL(EXPORT, vp_foreign_export_ioctl, false),
	VP_FOREIGN_IOCTL(FAIL, vp_foreign_fail_ioctl, false),
	VP_FOREIGN_IOCTL(MOVE, vp_foreign_move_ioctl, false),
	VP_FOREIGN_IOCTL(BUFFER, vp_foreign_buffer_ioctl, false),
	VP_FOREIGN_IOCTL(ADD_FENCE, vp_foreign_fence_ioctl, false),
	VP_FOREIGN_IOCTL(SIGNAL, vp_foreign_signal_ioctl, false),
	VP_FOREIGN_IOCTL(ADDRESS, vp_foreign_address_ioctl, true),
};

static long vp_foreign_ioctl(struct file *filp, unsigned int cmd,
			     unsigned long user)
{
	struct vp_foreign_file *file = filp->private_data;
	void __user *data = (void __user *)user;
	unsigned int nr = _IOC_NR(cmd);
	union vp_foreign_arg arg;
	int ret;

	if (nr >= ARRAY_SIZE(vp_foreign_ioctls) ||
	    cmd != vp_foreign_ioctls[nr].cmd)
		return -ENOTTY;
	if (copy_from_user(&arg, data, _IOC_SIZE(cmd)))
		return -EFAULT;

	if (vp_foreign_ioctls[nr].locked) {
		ret = mutex_lock_interruptible(&file->lock);
		if (ret)
			return ret;
		ret = vp_foreign_ioctls[nr].func(file, &arg);
		mutex_unlock(&file->lock);
	} else {
		ret = vp_foreign_ioctls[nr].func(file, &arg);
	}
	if (!ret && _IOC_DIR(cmd) & _IOC_READ &&
	    copy_to_user(data, &arg, _IOC_SIZE(cmd)))
		ret = -EFAULT;
	return ret;
}

static int vp_foreign_open(struct inode *inode, struct file *filp)
{
	struct vp_foreign_file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return -ENOMEM;
	mutex_init(&file->lock);
	xa_init_flags(&file->attachments, XA_FLAGS_ALLOC1);
	xa_init_flags(&file->vmaps, XA_FLAGS_ALLOC1);
	xa_init_flags(&file->fences, XA_FLAGS_ALLOC1);
	filp->private_data = file;
	return 0;
}

static int vp_foreign_release(struct inode *inode, struct file *filp)
{
	struct vp_foreign_file *file = filp->private_data;
	struct vp_foreign_fence_object *fence;
	struct vp_foreign_attachment *attach;
	struct vp_foreign_mapping *mapping;
	unsigned long id;

	/* First, as others may wait for these with the buffers locked. */
	xa_for_each(&file->fences, id, fence)
		vp_foreign_signal(fence);
	xa_for_each(&file->vmaps, id, mapping)
		vp_foreign_vunmap(mapping);
	xa_for_each(&file->attachments, id, attach)
		vp_foreign_detach(attach);

	xa_destroy(&file->fences);
	xa_destroy(&file->vmaps);
	xa_destroy(&file->attachments);
	mutex_destroy(&file->lock);
	kfree(file);
	return 0;
}

static const struct file_operations vp_foreign_fops = {
	.owner = THIS_MODULE,
	.open = vp_foreign_open,
	.release = vp_foreign_release,
	.unlocked_ioctl = vp_foreign_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice vp_foreign_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = VP_FOREIGN_NAME,
	.fops = &vp_foreign_fops,
	.mode = 0600,
};

static int __init vp_foreign_init(void)
{
	int ret;

	vp_foreign_wq = alloc_workqueue(VP_FOREIGN_NAME, WQ_UNBOUND, 0);
	if (!vp_foreign_wq)
		return -ENOMEM;

	vp_foreign_pdev = platform_device_register_simple(VP_FOREIGN_DEVICE,
							  PLATFORM_DEVID_NONE,
							  NULL, 0);
	if (IS_ERR(vp_foreign_pdev)) {
		ret = PTR_ERR(vp_foreign_pdev);
		goto err_wq;
	}
	ret = dma_coerce_mask_and_coherent(&vp_foreign_pdev->dev,
					   DMA_BIT_MASK(64));
	if (ret)
		goto err_pdev;

	/* Its addresses must be the CPU's: the device is us. */
	ret = -EOPNOTSUPP;
	if (device_iommu_mapped(&vp_foreign_pdev->dev))
		goto err_pdev;

	ret = misc_register(&vp_foreign_misc);
	if (ret)
		goto err_pdev;
	return 0;

err_pdev:
	platform_device_unregister(vp_foreign_pdev);
err_wq:
	destroy_workqueue(vp_foreign_wq);
	return ret;
}

static void __exit vp_foreign_exit(void)
{
	misc_deregister(&vp_foreign_misc);
	platform_device_unregister(vp_foreign_pdev);
	destroy_workqueue(vp_foreign_wq);
	rcu_barrier();
}

module_init(vp_foreign_init);
module_exit(vp_foreign_exit);

MODULE_DESCRIPTION("A driver that is not vprime's, for vprime's tests");
MODULE_LICENSE("GPL");
MODULE_INFO(import_ns, "DMA_BUF");
