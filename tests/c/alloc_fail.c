/* Fail the first, second, ... allocation of a call until none fails: every failure is
 * TW_ENOMEM and leaks nothing (run under valgrind and ASAN). */
#include "tw_ge_batch.h"
#include "tw_random.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static long left = -1; /* allocations until the one that fails; -1 = never */

static int
fails(void)
{
    return left >= 0 && left-- == 0;
}

void *
__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

/* Gradients of general equilibrium: base, workers, scratch. */
static void
gradient(void)
{
    economy e = economy_new(4, 2, WITH_INPUTS | WITH_EXPORT_TAX, 3);
    tw_ge_options closure = {0.0, 1.0, 1.0, 1.0, TW_GE_FIXED, TW_GE_LUMP_SUM};
    tw_ge_scenarios none = {.nscenario = 1};
    double zero[8] = {0.0}, income[8] = {1.0}, price[8] = {-1.0}, gap[2], residual[2];
    double *tariff = calloc(2 * 4 * 4 * 2, sizeof *tariff);
    int status[2], products[2], what[2];
    ptrdiff_t where[2];
    tw_ge_point base = {1, zero, zero, zero, NULL, NULL};
    tw_ge_objective obj = {.nseed = 2, .income = income, .price = price};
    tw_ge_gradients out = {.tariff = tariff,
                           .status = status,
                           .products = products,
                           .left = gap,
                           .residual = residual,
                           .where = where,
                           .what = what};
    tw_options opt = options(2, TW_LEVEL_AUTO);
    tw_info info;
    tw_status rc = TW_ENOMEM;
    long tried = 0;
    for (; rc != TW_OK && tried < 100; tried++) {
        left = tried;
        rc = tw_ge_gradient(&e.world, &closure, &none, &base, &obj, &opt, &out, &info);
        left = -1;
        CHECK(rc == TW_OK || rc == TW_ENOMEM);
    }
    CHECK(rc == TW_OK && tried > 5);
    CHECK(status[0] == TW_OK && status[1] == TW_OK && residual[0] < 1e-12);
    free(tariff);
    economy_free(&e);
}

static void
packing(void)
{
    economy e = economy_new(4, 2, WITH_INPUTS | WITH_EXPORT_TAX, 3);
    tw_ge_packed *kept = NULL;
    tw_info info;
    tw_status rc = TW_ENOMEM;
    long tried = 0;
    for (; rc != TW_OK && tried < 100; tried++) {
        left = tried;
        rc = tw_ge_pack(&e.world, &kept, &info);
        left = -1;
        CHECK(rc == TW_OK || (rc == TW_ENOMEM && kept == NULL));
    }
    CHECK(rc == TW_OK && tried == 3);
    tw_ge_packed_free(kept);
    economy_free(&e);
}

/* One scenario settles by sweeps, one on the ladder, which has an allocation of its own. */
static void
general_equilibrium(void)
{
    economy e = economy_new(12, 2, WITH_INPUTS | WITH_RENTS, 4);
    ge_batch b = batch_new(&e, 2);
    tw_options opt = ge_options(2, TW_LEVEL_AUTO);
    tw_info info;
    b.closure.deficits = TW_GE_ZERO;
    add_tariff(&b, 0, 1, 0.5);
    for (size_t f = 0; f < 12 * 12 * 2; f++) {
        batch_cost(&b, 1)[f] = f / 24 == f / 2 % 12 ? 1.0 : 30.0;
    }
    double levels[12];
    tw_ge_levels lv = {.income = levels};
    tw_status rc = TW_ENOMEM;
    long tried = 0;
    for (; rc != TW_OK && tried < 100; tried++) {
        left = tried;
        rc = batch_solve(&b, &opt, &info);
        left = -1;
        CHECK(rc == TW_OK || rc == TW_ENOMEM);
    }
    CHECK(rc == TW_OK && tried > 6);
    CHECK(b.res.status[0] == TW_OK && b.res.status[1] == TW_OK);
    tw_ge_point at = batch_point(&b);
    tw_ge_scenarios one = b.sc;
    one.nscenario = 1;
    rc = TW_ENOMEM;
    for (tried = 0; rc != TW_OK && tried < 100; tried++) {
        left = tried;
        rc = tw_ge_evaluate(&e.world, &b.closure, &one, &at, &opt, &lv, &info);
        left = -1;
        CHECK(rc == TW_OK || rc == TW_ENOMEM);
    }
    CHECK(rc == TW_OK && tried > 6);
    batch_free(&b);
    economy_free(&e);
}

int
main(void)
{
    gradient();
    packing();
    world w = world_new(60, 30, 0.9, 8);
    output o = output_new(&w);
    tw_pe_problem pb = world_problem(&w, 1);
    tw_pe_result res = output_result(&o);
    tw_options opt = options(2, TW_LEVEL_AUTO);
    tw_info info;
    tw_status rc = TW_ENOMEM;
    long tried = 0;
    for (; rc != TW_OK && tried < 100; tried++) {
        left = tried;
        rc = tw_pe_solve(&pb, &opt, &res, &info);
        left = -1;
        CHECK(rc == TW_OK || rc == TW_ENOMEM);
    }
    CHECK(rc == TW_OK);
    CHECK(tried > 5);

    int product[4] = {1, 0, 1, 0}, exporter[4] = {0, 1, 1, 0},
        importer[4] = {1, 0, 0, 1};
    ptrdiff_t order[4];
    int k0[4], k1[4], k2[4], *const keys[3] = {k0, k1, k2};
    int sorted;
    size_t duplicates, nexp, nimp;
    rc = TW_ENOMEM;
    for (tried = 0; rc != TW_OK && tried < 100; tried++) {
        left = tried;
        rc = tw_flow_order(4, 2, 2, product, exporter, importer, order, keys, &sorted,
                           &duplicates, &info);
        left = -1;
        CHECK(rc == TW_OK || rc == TW_ENOMEM);
    }
    CHECK(tried > 1 && order[0] == 3);
    int p1[2] = {0, 0}, e1[2] = {0, 1}, n1[2] = {1, 0};
    left = 0;
    CHECK(tw_flow_count(2, 1, 2, p1, e1, n1, &nexp, &nimp, &info) == TW_ENOMEM);
    left = 0;
    CHECK(tw_flow_layout(2, 1, 2, p1, e1, n1, &(tw_layout){0}) == TW_ENOMEM);
    left = -1;
    output_free(&o);
    world_free(&w);
    general_equilibrium();
    return TEST_END();
}
