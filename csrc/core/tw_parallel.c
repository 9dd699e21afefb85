/* tw_parallel.c - loops over independent items on short-lived threads.
 *
 * Threads are made and joined inside the call: nothing survives it, so a later fork is
 * safe.  Items are dealt in chunks by an atomic counter; since no item reads another's
 * output, results do not depend on who ran which.  Worker 0 is the calling thread: it takes
 * items too, alone calls the poll function (also while it waits for the others), and raises
 * the stop flag.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "tw_internal.h"

#include <limits.h>
#include <stdatomic.h>

#if !defined(_WIN32)
#include <pthread.h>
#include <time.h>
#endif

#define TW_MAX_THREADS 256

struct tw_stop {
    atomic_size_t next;
    atomic_int flag;
    size_t nitem, chunk;
    tw_item_fn fn;
    void *ctx;
    tw_poll_fn poll;
    void *poll_ctx;
};

int
tw_stop_now(const tw_stop *stop, int worker)
{
    tw_stop *s = (tw_stop *)stop;
    if (worker == 0 && s->poll != NULL) {
        size_t done =
            TW_MIN(atomic_load_explicit(&s->next, memory_order_relaxed), s->nitem);
        if (s->poll(s->poll_ctx, (int)TW_MIN(done, (size_t)INT_MAX), 0.0)) {
            atomic_store(&s->flag, 1);
        }
    }
    return atomic_load_explicit(&s->flag, memory_order_relaxed);
}

static void
run_items(tw_stop *s, int worker)
{
    while (!tw_stop_now(s, worker)) {
        size_t first = atomic_fetch_add(&s->next, s->chunk);
        if (first >= s->nitem) {
            return;
        }
        size_t last = TW_MIN(first + s->chunk, s->nitem);
        for (size_t item = first; item < last; item++) {
            s->fn(s->ctx, worker, item, s);
        }
    }
}

#if !defined(_WIN32)
typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t done;
    int running; /* workers still at an item */
} tw_finish;

typedef struct {
    tw_stop *stop;
    tw_finish *finish;
    int worker;
    pthread_t thread;
} tw_worker;

static void *
worker_main(void *arg)
{
    tw_worker *w = arg;
    run_items(w->stop, w->worker);
    pthread_mutex_lock(&w->finish->mutex);
    w->finish->running--;
    pthread_cond_signal(&w->finish->done);
    pthread_mutex_unlock(&w->finish->mutex);
    return NULL;
}

/* The calling thread has no item left: it goes on polling while the others finish theirs. */
static void
wait_and_poll(tw_stop *s, tw_finish *finish)
{
    enum { NANOSECONDS = 10000000 }; /* 10 ms */
    pthread_mutex_lock(&finish->mutex);
    while (finish->running > 0) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += NANOSECONDS;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&finish->done, &finish->mutex, &until);
        if (finish->running > 0) {
            pthread_mutex_unlock(&finish->mutex);
            tw_stop_now(s, 0);
            pthread_mutex_lock(&finish->mutex);
        }
    }
    pthread_mutex_unlock(&finish->mutex);
}
#endif

tw_status
tw_parallel_for(size_t nitem, size_t chunk, int threads, tw_item_fn fn, void *ctx,
                const tw_options *options)
{
    tw_stop stop = {.nitem = nitem,
                    .chunk = TW_MAX(chunk, 1),
                    .fn = fn,
                    .ctx = ctx,
                    .poll = options->poll,
                    .poll_ctx = options->poll_ctx};
    atomic_init(&stop.next, 0);
    atomic_init(&stop.flag, 0);
#if defined(_WIN32)
    (void)threads;
    run_items(&stop, 0);
#else
    tw_worker *worker = NULL;
    tw_finish finish = {.running = 0};
    int started = 0;
    if (pthread_mutex_init(&finish.mutex, NULL) != 0) {
        return TW_ENOMEM;
    }
    if (pthread_cond_init(&finish.done, NULL) != 0) {
        pthread_mutex_destroy(&finish.mutex);
        return TW_ENOMEM;
    }
    threads = TW_MIN(threads, TW_MAX_THREADS);
    if (threads > 1) {
        worker = tw_alloc((size_t)threads, sizeof *worker);
        if (worker == NULL) {
            pthread_cond_destroy(&finish.done);
            pthread_mutex_destroy(&finish.mutex);
            return TW_ENOMEM;
        }
    }
    /* A thread that cannot be made is not an error: fewer share the work. */
    for (int w = 1; w < threads; w++) {
        worker[started] = (tw_worker){.stop = &stop, .finish = &finish, .worker = w};
        pthread_mutex_lock(&finish.mutex);
        finish.running++;
        pthread_mutex_unlock(&finish.mutex);
        if (pthread_create(&worker[started].thread, NULL, worker_main,
                           &worker[started]) != 0) {
            pthread_mutex_lock(&finish.mutex);
            finish.running--;
            pthread_mutex_unlock(&finish.mutex);
            break;
        }
        started++;
    }
    run_items(&stop, 0);
    wait_and_poll(&stop, &finish);
    for (int w = 0; w < started; w++) {
        pthread_join(worker[w].thread, NULL);
    }
    tw_free(worker);
    pthread_cond_destroy(&finish.done);
    pthread_mutex_destroy(&finish.mutex);
#endif
    return atomic_load(&stop.flag) ? TW_EINTR : TW_OK;
}
