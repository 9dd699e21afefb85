/* One packed world in many calls: one after the other, at the same time, and after failures. */
#include "tw_ge_batch.h"

#include <pthread.h>

enum { CLOSURES = 4, ROUNDS = 12, THREADS = 4, N = 5, J = 3, OUT = 3 * N + 3 * N * J };

static const tw_ge_options closures[CLOSURES] = {{0.0, 1.0, 1.0, 1.0, TW_GE_FIXED, 0},
                                                 {0.3, 0.5, 0.9, 1.5, TW_GE_INCOME, 0},
                                                 {0.0, 1.0, 1.0, 0.7, TW_GE_ZERO, 0},
                                                 {0.2, 1.0, 1.0, 1.0, TW_GE_FIXED, 1}};

/* Scenario `kind`: a tariff, and with the odd ones an export tax, which needs more room. */
static ge_batch
shock(economy *e, int kind)
{
    ge_batch b = batch_new(e, 1);
    b.closure = closures[kind % CLOSURES];
    add_tariff(&b, 0, (size_t)(kind % N), 0.1 * (kind + 1));
    for (size_t f = 0; kind % 2 && f < N * N * J; f++) {
        int foreign = f / (N * J) != f / J % N;
        batch_tariff(&b, 1)[f] += foreign ? 0.05 : 0.0; /* the export taxes */
    }
    return b;
}

typedef struct {
    economy e;
    double expected[ROUNDS][OUT];
    int first, bad;
} caller;

static void *
call(void *ctx)
{
    caller *c = ctx;
    tw_options opt = ge_options(1, TW_LEVEL_AUTO);
    tw_info info;
    for (int round = 0; round < ROUNDS; round++) {
        int kind = (c->first + round) % ROUNDS;
        ge_batch b = shock(&c->e, kind);
        c->bad += batch_solve(&b, &opt, &info) != TW_OK || b.res.status[0] != TW_OK;
        c->bad += memcmp(b.out, c->expected[kind], sizeof c->expected[kind]) != 0;
        batch_free(&b);
    }
    return NULL;
}

static void
calls(int with)
{
    economy e = economy_new(N, J, with, 17);
    caller c[THREADS] = {{.e = e}};
    tw_options opt = ge_options(1, TW_LEVEL_AUTO);
    tw_ge_packed *kept;
    tw_info info;
    for (int kind = 0; kind < ROUNDS; kind++) {
        ge_batch b = shock(&e, kind);
        CHECK(batch_solve(&b, &opt, &info) == TW_OK && b.res.status[0] == TW_OK);
        CHECK(b.res.iterations[0] > 1);
        memcpy(c[0].expected[kind], b.out, sizeof c[0].expected[kind]);
        batch_free(&b);
    }
    CHECK(tw_ge_pack(&e.world, &kept, &info) == TW_OK);
    c[0].e.world.packed = kept;
    for (int t = 1; t < THREADS; t++) {
        c[t] = c[0];
        c[t].first = 3 * t;
    }
    call(&c[0]); /* one after the other */
    CHECK(c[0].bad == 0);

    ge_batch wrong = shock(&c[0].e, 2); /* a call that fails leaves nothing behind */
    batch_tariff(&wrong, 0)[N * N * J - 1] = -2.0;
    CHECK(batch_solve(&wrong, &opt, &info) == TW_OK);
    CHECK(wrong.res.status[0] == TW_EDOMAIN);
    batch_free(&wrong);
    call(&c[0]);
    CHECK(c[0].bad == 0);

    pthread_t threads[THREADS]; /* at the same time */
    for (int t = 0; t < THREADS; t++) {
        CHECK(pthread_create(&threads[t], NULL, call, &c[t]) == 0);
    }
    for (int t = 0; t < THREADS; t++) {
        CHECK(pthread_join(threads[t], NULL) == 0 && c[t].bad == 0);
    }
    tw_ge_packed_free(kept);
    economy_free(&e);
}

int
main(void)
{
    calls(WITH_INPUTS | WITH_RENTS | WITH_SCALE);
    calls(WITH_RENTS);
    return TEST_END();
}
