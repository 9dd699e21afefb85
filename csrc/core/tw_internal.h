/* tw_internal.h - private to csrc/core: allocation, clock, loops over items. */
#ifndef TW_INTERNAL_H
#define TW_INTERNAL_H

#include "tradewar.h"

#define TW_MAX(a, b) ((a) > (b) ? (a) : (b))
#define TW_MIN(a, b) ((a) < (b) ? (a) : (b))

/* tw_base.c: the only malloc and free.  NULL on overflow, on size 0 and on no memory. */
void *tw_alloc(size_t count, size_t size); /* zeros */
void *tw_reserve(size_t count,
                 size_t size); /* anything: for what is written before it is read */
void tw_free(void *p);
double tw_clock(void); /* monotonic seconds */

/* tw_parallel.c: run fn(ctx, worker, item) for every item in [0, nitem) on `threads`
 * threads made here and joined here.  The calling thread is worker 0; it alone polls. */
typedef struct tw_stop tw_stop;
typedef void (*tw_item_fn)(void *ctx, int worker, size_t item, const tw_stop *stop);
tw_status tw_parallel_for(size_t nitem, size_t chunk, int threads, tw_item_fn fn,
                          void *ctx, const tw_options *options);
int tw_stop_now(const tw_stop *stop, int worker); /* nonzero: leave the item early */

/* tw_linalg.c: solve a x = b by elimination with row pivoting; a (n x n, row-major) and b
 * are overwritten, the solution lands in b.  TW_ENUMERIC when singular. */
tw_status tw_lu_solve(size_t n, double *a, double *b);

#endif /* TW_INTERNAL_H */
