// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: configfs
 *
 * mkdir /sys/kernel/config/vprime/NAME makes a GPU. Writing 1 to its attribute
 * "enabled" plugs it in; writing 0, or rmdir, unplugs it. The other attributes
 * are its configuration, and can be written while it is not plugged in:
 *
 *  - coherent: 0 or 1 (default 1). With 0 the GPU does not snoop the CPU's
 *    caches, on any host.
 *  - dma_bits: 32 to 64 (64). Width of its DMA addresses: it is given no memory
 *    above them.
 *  - max_segment: in bytes; whole pages, one page to 4 GiB less one page (the
 *    maximum). The longest segment in the DMA tables of vprime's buffers; other
 *    exporters are told the limit.
 *  - prime: import, export, both or none (both).
 *  - syncobj, syncobj_timeline: 0 or 1 (1). The features it has.
 *  - fence_timeout_ms: 1 to 60000 (10000). Age at which a fence signals by
 *    itself, in milliseconds.
 *  - enforce_read_only: 0 or 1 (the module parameter's value, 0). With 1, writes
 *    to what this GPU allocated, by those who got it exported read-only, are
 *    refused; so are those of this GPU to what another driver exported so.
 *  - export_writable: 0 or 1 (the module parameter's value, 1). With 1 the file of
 *    a read-only export can be mapped for writing, unless enforce_read_only.
 *  - driver_name: 1 to 31 letters, digits, "_", "." and "-" ("vprime"). The name
 *    of the driver that programs are told.
 *  - device: read-only; the name vprimeN of the device while it is plugged in.
 *
 * A malformed value fails with EINVAL, a number out of range with ERANGE, a name
 * that is too long with ENAMETOOLONG, and any change while the GPU is plugged in
 * with EBUSY. The kernel log then says what is allowed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/configfs.h>
#include <linux/ctype.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "drm/config.h"
#include "drm/configfs.h"
#include "drm/device.h"

/**
 * struct vp_config_gpu - a GPU that was made by mkdir
 * @item: its directory
 * @index: its index, reserved with vp_device_reserve()
 * @config: its configuration; guarded by vp_config_lock
 * @pdev: its device while it is plugged in, else NULL; guarded by vp_config_lock
 */
struct vp_config_gpu {
	struct config_item item;
	unsigned int index;
	struct vp_config config;
	struct platform_device *pdev;
};

/* Guards the attributes of all GPUs. Held while one is plugged in or unplugged. */
static DEFINE_MUTEX(vp_config_lock);

static struct vp_config_gpu *to_vp_config_gpu(struct config_item *item)
{
	return container_of(item, struct vp_config_gpu, item);
}

/* ---- values ---- */

static int vp_config_parse_bool(const char *value, bool *result)
{
	static const char *const words[] = { "0", "n", "off", "1", "y", "on" };
	int index = match_string(words, ARRAY_SIZE(words), value);

	if (index < 0)
		return -EINVAL;
	*result = index >= ARRAY_SIZE(words) / 2;
	return 0;
}

static int vp_config_parse_coherent(struct vp_config *config,
				    const char *value)
{
	return vp_config_parse_bool(value, &config->coherent);
}

static int vp_config_parse_syncobj(struct vp_config *config, const char *value)
{
	return vp_config_parse_bool(value, &config->syncobj);
}

static int vp_config_parse_syncobj_timeline(struct vp_config *config,
					    const char *value)
{
	return vp_config_parse_bool(value, &config->syncobj_timeline);
}

static int vp_config_parse_enforce_read_only(struct vp_config *config,
					     const char *value)
{
	return vp_config_parse_bool(value, &config->enforce_read_only);
}

static int vp_config_parse_export_writable(struct vp_config *config,
					   const char *value)
{
	return vp_config_parse_bool(value, &config->export_writable);
}

/* A decimal number; @result is not changed on an error. */
static int vp_config_parse_range(const char *value, unsigned int min,
				 unsigned int max, unsigned int *result)
{
	unsigned int number;
	int ret = kstrtouint(value, 10, &number);

	if (ret)
		return ret;
	if (number < min || number > max)
		return -ERANGE;
	*result = number;
	return 0;
}

static int vp_config_parse_dma_bits(struct vp_config *config,
				    const char *value)
{
	return vp_config_parse_range(value, VP_DMA_BITS_MIN, VP_DMA_BITS_MAX,
				     &config->dma_bits);
}

static int vp_config_parse_fence_timeout_ms(struct vp_config *config,
					    const char *value)
{
	return vp_config_parse_range(value, VP_FENCE_TIMEOUT_MIN_MS,
				     VP_FENCE_TIMEOUT_MAX_MS,
				     &config->fence_timeout_ms);
}

static int vp_config_parse_max_segment(struct vp_config *config,
				       const char *value)
{
	unsigned int bytes;
	int ret = kstrtouint(value, 10, &bytes);

	if (ret)
		return ret;
	if (!bytes || !PAGE_ALIGNED(bytes))
		return -ERANGE;
	config->max_segment = bytes;
	return 0;
}

static const char *const vp_config_prime_words[] = {
	"none", "import", "export", "both"
};

static int vp_config_parse_prime(struct vp_config *config, const char *value)
{
	int index = match_string(vp_config_prime_words,
				 ARRAY_SIZE(vp_config_prime_words), value);

	if (index < 0)
		return -EINVAL;
	config->prime_import = index & 1;
	config->prime_export = index & 2;
	return 0;
}

static int vp_config_parse_driver_name(struct vp_config *config,
				       const char *value)
{
	const char *c;

	if (!*value)
		return -EINVAL;
	for (c = value; *c; c++)
		if (!isascii(*c) || (!isalnum(*c) && !strchr("_.-", *c)))
			return -EINVAL;
	if (c - value >= sizeof(config->driver_name))
		return -ENAMETOOLONG;
	strscpy(config->driver_name, value, sizeof(config->driver_name));
	return 0;
}

/* ---- attributes ---- */

typedef int vp_config_parse_fn(struct vp_config *config, const char *value);

/* For %*pE: how much of a text is printed. It can be long, and have any bytes. */
static int vp_config_text_len(const char *text)
{
	return strnlen(text, 64);
}

static void vp_config_complain(struct config_item *item, const char *name,
			       const char *value, const char *allowed)
{
	const char *gpu = config_item_name(item);

	pr_warn("%*pE: %s: '%*pE' is not %s\n", vp_config_text_len(gpu), gpu,
		name, vp_config_text_len(value), value, allowed);
}

/* A copy of what was written, without the newline of an echo; kfree() it. */
static char *vp_config_value(const char *page, size_t len)
{
	if (len && page[len - 1] == '\n')
		len--;
	return kmemdup_nul(page, len, GFP_KERNEL);
}

static ssize_t vp_config_store(struct config_item *item, const char *page,
			       size_t len, const char *name,
			       vp_config_parse_fn *parse, const char *allowed)
{
	struct vp_config_gpu *gpu = to_vp_config_gpu(item);
	const char *gpu_name = config_item_name(item);
	char *value = vp_config_value(page, len);
	struct vp_config config;
	int ret;

	if (!value)
		return -ENOMEM;

	mutex_lock(&vp_config_lock);
	config = gpu->config;
	ret = parse(&config, value);
	if (ret) {
		vp_config_complain(item, name, value, allowed);
	} else if (gpu->pdev) {
		ret = -EBUSY;
		pr_warn("%*pE: %s: it cannot be changed while the GPU is enabled\n",
			vp_config_text_len(gpu_name), gpu_name, name);
	} else {
		gpu->config = config;
	}
	mutex_unlock(&vp_config_lock);
	kfree(value);
	return ret ?: len;
}

#define VP_CONFIG_ATTR(name_, allowed_, format_, value_) \
static ssize_t vp_config_##name_##_store(struct config_item *item, \
					 const char *page, size_t len) \
{ \
	return vp_config_store(item, page, len, #name_, \
			       vp_config_parse_##name_, allowed_); \
} \
\
static ssize_t vp_config_##name_##_show(struct config_item *item, char *page) \
{ \
	struct vp_config_gpu *gpu = to_vp_config_gpu(item); \
	const struct vp_config *config = &gpu->config; \
	ssize_t len; \
\
	mutex_lock(&vp_config_lock); \
	len = sysfs_emit(page, format_ "\n", value_); \
	mutex_unlock(&vp_config_lock); \
	return len; \
} \
\
CONFIGFS_ATTR(vp_config_, name_)

VP_CONFIG_ATTR(coherent, "0 or 1", "%d", config->coherent);
VP_CONFIG_ATTR(dma_bits, "32 to 64", "%u", config->dma_bits);
VP_CONFIG_ATTR(max_segment,
	       "a number of bytes below 4 GiB in whole pages, one at least",
	       "%u", config->max_segment);
VP_CONFIG_ATTR(prime, "import, export, both or none", "%s",
	       vp_config_prime_words[config->prime_import |
				     config->prime_export << 1]);
VP_CONFIG_ATTR(syncobj, "0 or 1", "%d", config->syncobj);
VP_CONFIG_ATTR(syncobj_timeline, "0 or 1", "%d", config->syncobj_timeline);
VP_CONFIG_ATTR(fence_timeout_ms, "1 to 60000", "%u", config->fence_timeout_ms);
VP_CONFIG_ATTR(enforce_read_only, "0 or 1", "%d", config->enforce_read_only);
VP_CONFIG_ATTR(export_writable, "0 or 1", "%d", config->export_writable);
VP_CONFIG_ATTR(driver_name, "1 to 31 letters, digits, '_', '.' or '-'", "%s",
	       config->driver_name);

static int vp_config_plug(struct vp_config_gpu *gpu, bool enable)
{
	const char *name = config_item_name(&gpu->item);
	struct platform_device *pdev;

	lockdep_assert_held(&vp_config_lock);

	if (enable == !!gpu->pdev)
		return 0;
	if (!enable) {
		vp_device_unplug(gpu->pdev);
		gpu->pdev = NULL;
		return 0;
	}
	pdev = vp_device_plug(gpu->index, &gpu->config);
	if (IS_ERR(pdev)) {
		pr_warn("%*pE: cannot plug the GPU in: error %ld%s\n",
			vp_config_text_len(name), name, PTR_ERR(pdev),
			PTR_ERR(pdev) == -ENOSPC ?
			", the kernel has no DRM minors left" : "");
		return PTR_ERR(pdev);
	}
	gpu->pdev = pdev;
	return 0;
}

static ssize_t vp_config_enabled_store(struct config_item *item,
				       const char *page, size_t len)
{
	char *value = vp_config_value(page, len);
	bool enable;
	int ret;

	if (!value)
		return -ENOMEM;
	ret = vp_config_parse_bool(value, &enable);
	if (ret) {
		vp_config_complain(item, "enabled", value, "0 or 1");
	} else {
		mutex_lock(&vp_config_lock);
		ret = vp_config_plug(to_vp_config_gpu(item), enable);
		mutex_unlock(&vp_config_lock);
	}
	kfree(value);
	return ret ?: len;
}

static ssize_t vp_config_enabled_show(struct config_item *item, char *page)
{
	bool enabled;

	mutex_lock(&vp_config_lock);
	enabled = to_vp_config_gpu(item)->pdev;
	mutex_unlock(&vp_config_lock);
	return sysfs_emit(page, "%d\n", enabled);
}

static ssize_t vp_config_device_show(struct config_item *item, char *page)
{
	struct vp_config_gpu *gpu = to_vp_config_gpu(item);
	ssize_t len;

	mutex_lock(&vp_config_lock);
	len = sysfs_emit(page, "%s\n",
			 gpu->pdev ? dev_name(&gpu->pdev->dev) : "");
	mutex_unlock(&vp_config_lock);
	return len;
}

CONFIGFS_ATTR(vp_config_, enabled);
CONFIGFS_ATTR_RO(vp_config_, device);

static struct configfs_attribute *vp_config_attrs[] = {
	&vp_config_attr_coherent,
	&vp_config_attr_device,
	&vp_config_attr_dma_bits,
	&vp_config_attr_driver_name,
	&vp_config_attr_enabled,
	&vp_config_attr_enforce_read_only,
	&vp_config_attr_export_writable,
	&vp_config_attr_fence_timeout_ms,
	&vp_config_attr_max_segment,
	&vp_config_attr_prime,
	&vp_config_attr_syncobj,
	&vp_config_attr_syncobj_timeline,
	NULL
};

/* ---- directories ---- */

static void vp_config_release(struct config_item *item)
{
	kfree(to_vp_config_gpu(item));
}

static struct configfs_item_operations vp_config_item_ops = {
	.release = vp_config_release,
};

static const struct config_item_type vp_config_item_type = {
	.ct_item_ops = &vp_config_item_ops,
	.ct_attrs = vp_config_attrs,
	.ct_owner = THIS_MODULE,
};

static struct config_item *vp_config_make(struct config_group *group,
					  const char *name)
{
	struct vp_config_gpu *gpu;
	int index;

	gpu = kzalloc(sizeof(*gpu), GFP_KERNEL);
	if (!gpu)
		return ERR_PTR(-ENOMEM);
	index = vp_device_reserve();
	if (index < 0) {
		kfree(gpu);
		pr_warn("%*pE: there are %u GPUs already\n",
			vp_config_text_len(name), name, VP_MAX_GPUS);
		return ERR_PTR(index);
	}
	gpu->index = index;
	gpu->config = vp_device_default_config();
	config_item_init_type_name(&gpu->item, name, &vp_config_item_type);
	/* It allocates memory for a long name, and does not say when it fails. */
	if (!config_item_name(&gpu->item)) {
		vp_device_release(index);
		kfree(gpu);
		return ERR_PTR(-ENOMEM);
	}
	return &gpu->item;
}

static void vp_config_drop(struct config_group *group, struct config_item *item)
{
	struct vp_config_gpu *gpu = to_vp_config_gpu(item);

	mutex_lock(&vp_config_lock);
	vp_config_plug(gpu, false);
	mutex_unlock(&vp_config_lock);

	vp_device_release(gpu->index);
	config_item_put(item);
}

static struct configfs_group_operations vp_config_group_ops = {
	.make_item = vp_config_make,
	.drop_item = vp_config_drop,
};

static const struct config_item_type vp_config_group_type = {
	.ct_group_ops = &vp_config_group_ops,
	.ct_owner = THIS_MODULE,
};

static struct configfs_subsystem vp_config_subsystem = {
	.su_group = {
		.cg_item = {
			.ci_namebuf = KBUILD_MODNAME,
			.ci_type = &vp_config_group_type,
		},
	},
	.su_mutex = __MUTEX_INITIALIZER(vp_config_subsystem.su_mutex),
};

/**
 * vp_configfs_init - make the directory
 *
 * Context: Loading the module. May sleep.
 * Return: 0, or a negative errno as configfs_register_subsystem().
 */
int vp_configfs_init(void)
{
	config_group_init(&vp_config_subsystem.su_group);
	return configfs_register_subsystem(&vp_config_subsystem);
}

/**
 * vp_configfs_fini - remove the directory
 *
 * Context: Unloading the module, so the directory is empty: each GPU in it keeps
 *	the module. May sleep.
 */
void vp_configfs_fini(void)
{
	configfs_unregister_subsystem(&vp_config_subsystem);
}
