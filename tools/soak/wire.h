/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SOAK_WIRE_H
#define SOAK_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#define TRAIL	200

/**
 * struct parcel - a buffer on its way to another worker, with a fence
 *
 * Goes with two descriptors: the dma-buf, and the fence as a sync_file. Whoever
 * gets it has the buffer to itself as soon as the fence has signalled.
 */
struct parcel {
	/** @maker: the worker whose fence it is; @generation: which of those */
	uint32_t maker, generation;
	/** @gpu: the GPU it was made on; @epoch: when */
	uint32_t gpu, epoch;
	/** @serial: the maker's promise */
	uint64_t serial;
	/** @made_ns: when it was made, @timeout_ns: when it signals by itself after that */
	uint64_t made_ns, timeout_ns;
	/** @writes: the maker goes on writing until then, else reading */
	bool writes;
	/** @sound: the sync_file has that fence for certain; it may have come too late */
	bool sound;
	/** @before: the pattern that is in the buffer, @after: and when the fence signals */
	uint32_t before, after;
	uint64_t size, id;
	uint32_t hops;
	/** @trail: who did what with it, to be told when something is wrong */
	char trail[TRAIL];
};

/** wire_trail() - something more that was done with it */
void wire_trail(struct parcel *parcel, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** wire_box() - a box: what is sent to [1] comes out at [0] */
void wire_box(int box[2]);

/** wire_send() - returns 0, or -EAGAIN when the box is full */
int wire_send(int box, const struct parcel *parcel, int dmabuf, int sync);

/** wire_receive() - returns 0, or -EAGAIN when the box is empty */
int wire_receive(int box, struct parcel *parcel, int *dmabuf, int *sync);

#endif
