#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Finds out what the kernel headers have, and writes vp_probe.h.
#
#	CC='gcc ...' FLAGS='-I... ...' sh probe.sh >vp_probe.h
#
# Each question is a few lines of C. When they compile the answer is 1, else 0.
# The first one must compile: if it does not, the flags are wrong and every
# other answer would be too.
set -eu

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# ask NAME 'HEADER ...' 'STATEMENTS'
ask() {
	{
		for header in $2; do
			echo "#include <$header>"
		done
		echo "void vp_probe(void);"
		echo "void vp_probe(void) { $3 }"
	} >"$tmp/$1.c"
	names="$names $1"
	# Other warnings, in the headers or here, do not count.
	(eval "$CC $FLAGS -Wno-error -Werror=implicit-function-declaration \
		-Werror=incompatible-pointer-types -Werror=int-conversion \
		-fsyntax-only -x c \"\$tmp/$1.c\"" 2>"$tmp/$1.log" &&
		: >"$tmp/$1.yes") &
}

names=
ask THE_HEADERS 'linux/module.h drm/drm_drv.h' \
	'static struct drm_driver d = { .name = "probe" }; (void)d;'
ask BARE_NAMESPACE linux/module.h \
	'MODULE_IMPORT_NS(PROBE);'
ask VM_FLAGS_SET linux/mm.h \
	'vm_flags_set((struct vm_area_struct *)0, 0);'
ask RELEASE_FAULT_LOCK linux/mm.h \
	'release_fault_lock((struct vm_fault *)0);'
ask GET_FILE_ACTIVE linux/fs.h \
	'struct file *f = 0; (void)get_file_active(&f);'
ask INSERT_PFN_PMD_LONG 'linux/mm.h linux/huge_mm.h' \
	'unsigned long pfn = 0; vmf_insert_pfn_pmd((struct vm_fault *)0, pfn, true);'
ask MM_GET_UNMAPPED_AREA 'linux/mm.h linux/sched/mm.h' \
	'mm_get_unmapped_area((struct mm_struct *)0, (struct file *)0, 0, 0, 0, 0);'
ask MM_GET_UNMAPPED_AREA_FILE 'linux/mm.h linux/sched/mm.h' \
	'mm_get_unmapped_area((struct file *)0, 0, 0, 0, 0);'
ask SHMEM_VMA_FLAGS 'linux/mm.h linux/shmem_fs.h' \
	'shmem_file_setup_with_mnt(0, "probe", 0, mk_vma_flags(VMA_NORESERVE_BIT));'
ask FAUX_DEVICE linux/device/faux.h \
	'faux_device_destroy(faux_device_create("probe", (struct device *)0, 0));'
ask INVALIDATE_MAPPINGS linux/dma-buf.h \
	'static struct dma_buf_attach_ops o = { .invalidate_mappings = 0 }; (void)o;'
ask ATTACH_REVOCABLE linux/dma-buf.h \
	'dma_buf_attach_revocable((struct dma_buf_attachment *)0);'
ask DMA_BUF_LOCKED linux/dma-buf.h \
	'dma_buf_vmap_unlocked((struct dma_buf *)0, (struct iosys_map *)0);'
ask FENCE_NAMES_RCU linux/dma-fence.h \
	'dma_fence_driver_name((struct dma_fence *)0);'
ask FENCE_OP_WAIT linux/dma-fence.h \
	'static struct dma_fence_ops o = { .wait = 0 }; (void)o;'
ask FENCE_OP_SET_DEADLINE linux/dma-fence.h \
	'static struct dma_fence_ops o = { .set_deadline = 0 }; (void)o;'
ask DRM_DRIVER_PRIME_MMAP drm/drm_drv.h \
	'static struct drm_driver d = { .gem_prime_mmap = 0 }; (void)d;'
ask DRM_MODE_SIZE_DUMB 'drm/drm_drv.h drm/drm_mode.h drm/drm_dumb_buffers.h' \
	'drm_mode_size_dumb((struct drm_device *)0, (struct drm_mode_create_dumb *)0, 0, 0);'
ask DRM_DRIVER_DATE drm/drm_drv.h \
	'static struct drm_driver d = { .date = "0" }; (void)d;'
ask DRM_SHOW_FDINFO 'drm/drm_drv.h drm/drm_file.h' \
	'static struct drm_driver d = { .show_fdinfo = drm_show_memory_stats };
	 (void)d; drm_show_fdinfo((struct seq_file *)0, (struct file *)0);'
ask GEM_STATUS drm/drm_gem.h \
	'static struct drm_gem_object_funcs f = { .status = 0 }; (void)f;'
ask GEM_RSS drm/drm_gem.h \
	'static struct drm_gem_object_funcs f = { .rss = 0 }; (void)f;'
wait

if [ ! -e "$tmp/THE_HEADERS.yes" ]; then
	echo "probe.sh: the kernel's headers do not compile:" >&2
	head -n 20 "$tmp/THE_HEADERS.log" >&2
	exit 1
fi

echo "/* Made by include/probe.sh. */"
for name in $names; do
	answer=0
	[ ! -e "$tmp/$name.yes" ] || answer=1
	echo "#define VP_HAVE_$name $answer"
done
