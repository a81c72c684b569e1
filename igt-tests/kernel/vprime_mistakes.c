// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mistakes on purpose, so that a run that reports none is known to have looked:
 * who would not have noticed them has not looked at the module either. Writing a
 * name to the module's parameter "make" makes that mistake; "known" has the names
 * of those that this kernel has to notice, one a line. igt-tests/run makes them
 * last of all. Never installed.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>

struct vp_mistake {
	const char *name;
	bool noticed;
	int (*make)(void);
};

static int vp_mistake_warning(void)
{
	WARN(1, "on purpose");
	return 0;
}

/* A reference dropped that nobody had. */
static int vp_mistake_refcount(void)
{
	refcount_t count = REFCOUNT_INIT(1);

	return refcount_sub_and_test(2, &count) ? -EINVAL : 0;
}

static int vp_mistake_leak(void)
{
	void *lost = kmalloc(100, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(lost);
	return lost ? 0 : -ENOMEM;
}

static int vp_mistake_freed(void)
{
	char *bytes = kmalloc(100, GFP_KERNEL);

	if (!bytes)
		return -ENOMEM;
	kfree(bytes);
	OPTIMIZER_HIDE_VAR(bytes);
	bytes[10]++;
	return 0;
}

static int vp_mistake_shift(void)
{
	int by = 40;

	OPTIMIZER_HIDE_VAR(by);
	by = 1 << by;
	OPTIMIZER_HIDE_VAR(by);
	return 0;
}

static int vp_mistake_sleep(void)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	might_sleep();
	spin_unlock(&lock);
	return 0;
}

/* Two locks, taken in one order and in the other. */
static int vp_mistake_lock_order(void)
{
	static DEFINE_MUTEX(first);
	static DEFINE_MUTEX(second);

	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
	return 0;
}

struct vp_mistake_clock {
	struct timer_list timer;
};

static void vp_mistake_ring(struct timer_list *timer)
{
}

/* A timer freed that is still to run; who notices stops it. */
static int vp_mistake_timer(void)
{
	struct vp_mistake_clock *clock = kmalloc(sizeof(*clock), GFP_KERNEL);

	if (!clock)
		return -ENOMEM;
	timer_setup(&clock->timer, vp_mistake_ring, 0);
	mod_timer(&clock->timer, jiffies + 1000 * HZ);
	kfree(clock);
	return 0;
}

static struct platform_device *vp_mistake_pdev;

/* A mapping taken down that was not there. */
static int vp_mistake_dma(void)
{
	dma_unmap_single(&vp_mistake_pdev->dev, 0x1000, PAGE_SIZE,
			 DMA_BIDIRECTIONAL);
	return 0;
}

static unsigned long vp_mistake_counter;

static int vp_mistake_count(void *unused)
{
	while (!kthread_should_stop()) {
		vp_mistake_counter++;
		barrier();
		if (!(vp_mistake_counter % 1024))
			cond_resched();
	}
	return 0;
}

/* Two that count with nothing between them, for three seconds. */
static int vp_mistake_race(void)
{
	struct task_struct *one, *other;

	one = kthread_run(vp_mistake_count, NULL, "vp-race-one");
	if (IS_ERR(one))
		return PTR_ERR(one);
	other = kthread_run(vp_mistake_count, NULL, "vp-race-other");
	if (!IS_ERR(other)) {
		msleep(3000);
		kthread_stop(other);
	}
	kthread_stop(one);
	return PTR_ERR_OR_ZERO(other);
}

/* What KASAN has reported ends lockdep. */
static const struct vp_mistake vp_mistakes[] = {
	{ "warning", true, vp_mistake_warning },
	{ "refcount", true, vp_mistake_refcount },
	{ "leak", IS_ENABLED(CONFIG_DEBUG_KMEMLEAK), vp_mistake_leak },
	{ "shift", IS_ENABLED(CONFIG_UBSAN_SHIFT), vp_mistake_shift },
	{ "timer", IS_ENABLED(CONFIG_DEBUG_OBJECTS_TIMERS), vp_mistake_timer },
	{ "dma", IS_ENABLED(CONFIG_DMA_API_DEBUG), vp_mistake_dma },
	{ "sleep", IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP), vp_mistake_sleep },
	{ "lock-order", IS_ENABLED(CONFIG_PROVE_LOCKING),
	  vp_mistake_lock_order },
	{ "freed", IS_ENABLED(CONFIG_KASAN), vp_mistake_freed },
	{ "race", IS_ENABLED(CONFIG_KCSAN), vp_mistake_race },
};

static int vp_mistake_set(const char *value, const struct kernel_param *param)
{
	unsigned int i;

	if (!vp_mistake_pdev)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(vp_mistakes); i++)
		if (sysfs_streq(value, vp_mistakes[i].name))
			return vp_mistakes[i].make();
	return -ENOENT;
}

static const struct kernel_param_ops vp_mistake_make_ops = {
	.set = vp_mistake_set,
};
module_param_cb(make, &vp_mistake_make_ops, NULL, 0200);
MODULE_PARM_DESC(make, "Make the mistake of this name");

static int vp_mistake_get(char *text, const struct kernel_param *param)
{
	unsigned int i;
	int len = 0;

	for (i = 0; i < ARRAY_SIZE(vp_mistakes); i++)
		if (vp_mistakes[i].noticed)
			len += scnprintf(text + len, PAGE_SIZE - len, "%s\n",
					 vp_mistakes[i].name);
	return len;
}

static const struct kernel_param_ops vp_mistake_known_ops = {
	.get = vp_mistake_get,
};
module_param_cb(known, &vp_mistake_known_ops, NULL, 0400);
MODULE_PARM_DESC(known, "The mistakes that this kernel notices");

static int __init vp_mistake_init(void)
{
	struct platform_device *pdev;

	pdev = platform_device_register_simple("vprime-mistakes", -1, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	vp_mistake_pdev = pdev;
	return 0;
}

static void __exit vp_mistake_exit(void)
{
	platform_device_unregister(vp_mistake_pdev);
}

module_init(vp_mistake_init);
module_exit(vp_mistake_exit);

MODULE_DESCRIPTION("Mistakes on purpose, to see that they are noticed");
MODULE_LICENSE("GPL");
