/* General equilibrium: identities of solutions, closed forms, limits, refusals, the ladder,
 * and the same bits in any batch, at any number of threads and on every code path. */
#include "tw_ge_batch.h"

enum { ALL = WITH_EXPORT_TAX | WITH_INPUTS | WITH_RENTS | WITH_SCALE | WITH_HOLES };

/* Sums of some hundred rounded terms. */
static const double ROUNDING = 1e-13;
/* Solutions are within 1e-12 in every market; identities add markets up. */
static const double SOLVED = 1e-11;

static double
largest(const double *x, size_t n)
{
    double top = 0.0;
    for (size_t k = 0; k < n; k++) {
        top = fmax(top, fabs(x[k]));
    }
    return top;
}

static void
no_shock(void)
{
    static const tw_ge_options closure[4] = {{0.0, 1.0, 1.0, 1.0, TW_GE_FIXED, 0},
                                             {0.7, 0.5, 0.2, 0.0, TW_GE_FIXED, 1},
                                             {0.0, 1.5, 1.0, 1.05, TW_GE_INCOME, 0},
                                             {0.3, 1.0, 0.97, 3.0, TW_GE_INCOME, 1}};
    for (int with = 0; with <= ALL; with += ALL) {
        economy e = economy_new(5, 3, with, 3);
        for (int c = 0; c < 4; c++) {
            ge_batch b = batch_new(&e, 1);
            tw_options opt = ge_options(1, TW_LEVEL_AUTO);
            tw_info info;
            b.closure = closure[c];
            CHECK(batch_solve(&b, &opt, &info) == TW_OK && b.res.status[0] == TW_OK);
            CHECK(b.res.iterations[0] == 1);
            CHECK(largest(b.out, 5 + 3 * 15) == 0.0);
            CHECK_CLOSE(largest(b.res.labour, 10), 1.0, ROUNDING);
            batch_free(&b);
        }
        economy_free(&e);
    }
}

/* A packed world gives the bits of a loose one under every closure; a bad one is refused. */
static void
packed(void)
{
    static const tw_ge_options closure[3] = {{0.0, 1.0, 1.0, 1.0, TW_GE_FIXED, 0},
                                             {0.3, 0.5, 0.9, 1.5, TW_GE_INCOME, 0},
                                             {0.0, 1.0, 1.0, 1.0, TW_GE_ZERO, 1}};
    economy e = economy_new(5, 3, ALL, 8);
    tw_options opt = ge_options(2, TW_LEVEL_AUTO);
    tw_ge_packed *kept;
    tw_info info;
    CHECK(tw_ge_pack(&e.world, &kept, &info) == TW_OK);
    for (int c = 0; c < 3; c++) {
        ge_batch loose = batch_new(&e, 3), tight = batch_new(&e, 3);
        loose.closure = tight.closure = closure[c];
        for (size_t s = 0; s < 3; s++) {
            add_tariff(&loose, s, s, 0.4);
            add_tariff(&tight, s, s, 0.4);
        }
        e.world.packed = NULL;
        CHECK(batch_solve(&loose, &opt, &info) == TW_OK);
        e.world.packed = kept;
        CHECK(batch_solve(&tight, &opt, &info) == TW_OK);
        CHECK(loose.res.status[0] == TW_OK && loose.res.iterations[0] > 1);
        CHECK_BYTES(loose.out, tight.out, 3 * (5 + 3 * 15) * sizeof(double));
        batch_free(&loose);
        batch_free(&tight);
    }
    e.world.packed = NULL;
    tw_ge_packed_free(kept);
    tw_ge_packed_free(NULL);
    tw_ge_world bad = e.world;
    bad.J = 0;
    CHECK(tw_ge_pack(&bad, &kept, &info) == TW_EDOMAIN && kept == NULL);
    economy_free(&e);
}

/* What must hold at any solution, from the levels that follow from it. */
static void
check_identities(ge_batch *b, size_t s)
{
    const economy *e = b->e;
    size_t N = e->N, J = e->J, flows = N * N * J;
    double *v = must(flows + 3 * N * J + 5 * N, sizeof *v);
    double *Z = v, *c = Z + flows, *Y = c + N * J, *X = Y + N * J, *I = X + N * J;
    double *R = I + N, *XR = R + N, *Pc = XR + N, *D = Pc + N;
    size_t first = (size_t)b->ptr[s], nj = N * J;
    ptrdiff_t ptr[2] = {0, (ptrdiff_t)flows};
    tw_ge_scenarios one = {.nscenario = 1,
                           .ptr = ptr,
                           .flow = b->flow + first,
                           .tariff = b->sc.tariff + first,
                           .export_tax = b->sc.export_tax + first,
                           .cost = b->sc.cost + first,
                           .weight = b->sc.weight + first,
                           .deficit =
                               b->sc.deficit == NULL ? NULL : b->sc.deficit + s * N};
    tw_ge_point at = {1,
                      b->res.ln_w + s * N,
                      b->res.ln_P + s * nj,
                      b->res.ln_X + s * nj,
                      b->res.ln_S + s * nj,
                      NULL};
    tw_ge_levels lv = {c, Z, Y, I, R, XR, Pc, D};
    tw_options opt = ge_options(1, TW_LEVEL_AUTO);
    tw_info info;
    CHECK(tw_ge_evaluate(&e->world, &b->closure, &one, &at, &opt, &lv, &info) == TW_OK);
    double world = 0.0, exports = 0.0, wages = 0.0, base = 0.0, deficits = 0.0;
    for (size_t n = 0; n < N; n++) {
        double duty = 0.0, tax = 0.0, labour = 0.0, V = 0.0, net = 0.0;
        for (size_t j = 0; j < J; j++) {
            double spent = 0.0, made = 0.0, keep = 1.0 - e->rents[j];
            for (size_t i = 0; i < N; i++) {
                size_t in = flow_of(e, n, i, j), out = flow_of(e, i, n, j);
                double x = one.export_tax[out];
                spent += (1.0 + one.tariff[in]) * Z[in];
                duty += one.tariff[in] * Z[in];
                made += Z[out] / (1.0 + x);
                tax += x / (1.0 + x) * Z[out];
                net += Z[in] - Z[out];
            }
            X[n * J + j] = e->X[n * J + j] * exp(at.ln_X[n * J + j]);
            CHECK_CLOSE(spent / (X[n * J + j] + 1e-300), X[n * J + j] > 0.0 ? 1.0 : 0.0,
                        SOLVED);
            CHECK_CLOSE(made, Y[n * J + j], SOLVED);
            labour += e->value_added[n * J + j] * keep * made;
            V += e->value_added[n * J + j] * keep * e->Y[n * J + j];
        }
        CHECK_CLOSE(duty, R[n], SOLVED * fmax(1.0, I[n]));
        CHECK_CLOSE(tax, XR[n], SOLVED * fmax(1.0, I[n]));
        CHECK_CLOSE(net / I[n], D[n] / I[n], SOLVED); /* trade, seen from income */
        CHECK_CLOSE(labour / V, exp(at.ln_w[n]) * b->res.labour[s * N + n], SOLVED);
        wages += labour;
        base += V;
        deficits += D[n];
        world += I[n];
        exports += net;
    }
    CHECK_CLOSE(wages / base, 1.0, SOLVED);
    CHECK(fabs(deficits) < SOLVED * world && fabs(exports) < SOLVED * world);
    free(v);
}

static void
identities(void)
{
    for (int deficits = TW_GE_FIXED; deficits <= TW_GE_INCOME; deficits++) {
        for (int revenue = 0; revenue < 2; revenue++) {
            economy e = economy_new(6, 4, ALL, 20 + (unsigned)deficits);
            ge_batch b = batch_new(&e, 3);
            tw_options opt = ge_options(2, TW_LEVEL_AUTO);
            tw_info info;
            b.closure.labour_supply = revenue ? 0.5 : 0.0;
            b.closure.final_substitution = revenue ? 1.0 : 0.6;
            b.closure.deficits = deficits;
            b.closure.revenue = revenue;
            add_tariff(&b, 0, 0, 0.5);
            add_tariff(&b, 1, 2, 5.0);
            for (size_t f = 0; f < 6 * 6 * 4; f += 5) {
                batch_cost(&b, 1)[f] = 1.2;
                batch_tariff(&b, 3 + 2)[f] += 0.15; /* export taxes of scenario 2 */
                batch_weight(&b, 2)[f] *= f / 24 == f / 4 % 6 ? 1.0 : 0.0;
            }
            CHECK(batch_solve(&b, &opt, &info) == TW_OK && info.where == -1);
            for (size_t s = 0; s < 3; s++) {
                check_identities(&b, s);
            }
            batch_free(&b);
            economy_free(&e);
        }
    }
}

/* One sector, no tariffs: welfare w/P is the ratio of own shares to the power -1/theta
 * (Arkolakis, Costinot and Rodriguez-Clare 2012). */
static void
own_share(void)
{
    economy e = economy_new(7, 1, 0, 8);
    memset(e.tariff, 0, 49 * sizeof *e.tariff);
    for (size_t n = 0; n < 7; n++) {
        double X = 0.0, Y = 0.0;
        for (size_t i = 0; i < 7; i++) {
            X += e.trade[n * 7 + i];
            Y += e.trade[i * 7 + n];
        }
        e.X[n] = X;
        e.Y[n] = Y;
        e.deficit[n] = X - Y;
    }
    ge_batch b = batch_new(&e, 1);
    tw_options opt = ge_options(1, TW_LEVEL_AUTO);
    tw_info info;
    double Z[49], I[7], Pc[7];
    b.closure.deficits = TW_GE_INCOME;
    for (size_t f = 0; f < 49; f++) {
        batch_cost(&b, 0)[f] = f % 8 == 0 ? 1.0 : 1.4;
    }
    CHECK(batch_solve(&b, &opt, &info) == TW_OK && b.res.status[0] == TW_OK);
    tw_ge_point at = batch_point(&b);
    tw_ge_levels lv = {.trade = Z, .income = I, .price_index = Pc};
    CHECK(tw_ge_evaluate(&e.world, &b.closure, &b.sc, &at, &opt, &lv, &info) == TW_OK);
    for (size_t n = 0; n < 7; n++) {
        double own = (Z[8 * n] / I[n]) / (e.trade[8 * n] / e.X[n]);
        CHECK_CLOSE(exp(b.res.ln_w[n]) / Pc[n], pow(own, -1.0 / e.theta[0]), SOLVED);
    }
    batch_free(&b);
    economy_free(&e);
}

/* ---- limits ------------------------------------------------------------------------------ */

static void
limits(void)
{
    economy e = economy_new(4, 2, WITH_INPUTS | WITH_EXPORT_TAX, 31);
    ge_batch b = batch_new(&e, 1), c = batch_new(&e, 1);
    tw_options opt = ge_options(1, TW_LEVEL_AUTO);
    tw_info info;
    size_t f = flow_of(&e, 0, 1, 0), h = flow_of(&e, 2, 3, 1);
    const ptrdiff_t ptr[2] = {0, 3}, member_ptr[4] = {0, 1, 2, 3};
    const ptrdiff_t member[3] = {(ptrdiff_t)f, (ptrdiff_t)h, (ptrdiff_t)f};
    const int kind[3] = {TW_GE_IMPORT_LIMIT, TW_GE_FLOOR_QUANTITY, TW_GE_EXPORT_LIMIT};
    const int holder[3] = {TW_GE_TO_IMPORTER, TW_GE_TO_IMPORTER, TW_GE_TO_EXPORTER};
    double base = e.trade[f] / (1.0 + e.export_tax[f]);
    const double bound[3] = {0.4 * base, 1.5 * e.trade[h] / (1.0 + e.export_tax[h]),
                             3.0 * base};
    const double upper[3] = {INFINITY, INFINITY, INFINITY};
    b.sc.limits = (tw_ge_limits){ptr, kind, holder, bound, upper, member_ptr, member};
    CHECK(batch_solve(&b, &opt, &info) == TW_OK && b.res.status[0] == TW_OK);
    CHECK(b.multiplier[0] > 0.01 && b.multiplier[1] > 0.01 && b.multiplier[2] == 0.0);
    /* the same wedges as tariffs */
    batch_tariff(&c, 0)[f] =
        (1.0 + batch_tariff(&c, 0)[f]) * exp(b.multiplier[0]) - 1.0;
    batch_tariff(&c, 0)[h] =
        (1.0 + batch_tariff(&c, 0)[h]) * exp(-b.multiplier[1]) - 1.0;
    CHECK(batch_solve(&c, &opt, &info) == TW_OK && c.res.status[0] == TW_OK);
    for (size_t k = 0; k < 4 + 16; k++) {
        CHECK_CLOSE(b.out[k], c.out[k], SOLVED);
    }
    double Z[32], cost[8];
    tw_ge_levels lv = {.trade = Z, .cost = cost};
    tw_ge_point at = batch_point(&c);
    CHECK(tw_ge_evaluate(&e.world, &c.closure, &c.sc, &at, &opt, &lv, &info) == TW_OK);
    CHECK_CLOSE(Z[f] / (1.0 + e.export_tax[f]) / cost[2] / bound[0], 1.0, SOLVED);
    CHECK_CLOSE(Z[h] / (1.0 + e.export_tax[h]) / cost[7] / bound[1], 1.0, SOLVED);
    /* a range that is used up: the bound is missed and m is the range, to the bit */
    const double narrow[3] = {0.05, INFINITY, INFINITY};
    b.sc.limits.upper = narrow;
    CHECK(batch_solve(&b, &opt, &info) == TW_OK && b.res.status[0] == TW_OK);
    CHECK(b.multiplier[0] == 0.05);
    batch_free(&b);
    batch_free(&c);
    economy_free(&e);
}

/* ---- refusals ------------------------------------------------------------------------------ */

typedef struct {
    double *at, bad;
    int what;
    ptrdiff_t where;
} spoil;

static void
refusals(void)
{
    economy e = economy_new(3, 2, ALL, 5);
    ge_batch b = batch_new(&e, 2);
    tw_options opt = ge_options(1, TW_LEVEL_AUTO);
    tw_info info;
    double A[12];
    for (int k = 0; k < 12; k++) {
        A[k] = 1.0;
    }
    b.sc.productivity = A;
    b.sc.deficit = b.deficit;
    memcpy(b.deficit, e.deficit, 3 * sizeof *b.deficit);
    memcpy(b.deficit + 3, e.deficit, 3 * sizeof *b.deficit);
    const spoil scenario[] = {
        {batch_tariff(&b, 1) + 4, -1.0, TW_GE_BAD_CHANGE, 18 + 4},
        {batch_tariff(&b, 1) + 4, NAN, TW_GE_BAD_CHANGE, 18 + 4},
        {batch_cost(&b, 1) + 2, 0.0, TW_GE_BAD_CHANGE, 18 + 2},
        {batch_weight(&b, 1) + 2, -0.1, TW_GE_BAD_CHANGE, 18 + 2},
        {A + 6 + 3, 0.0, TW_GE_BAD_PRODUCTIVITY, 3},
        {b.deficit + 3 + 1, 1e3, TW_GE_BAD_DEFICIT, 0},
        {b.deficit + 3 + 1, NAN, TW_GE_BAD_DEFICIT, 1},
    };
    for (size_t k = 0; k < sizeof scenario / sizeof *scenario; k++) {
        double saved = *scenario[k].at;
        *scenario[k].at = scenario[k].bad;
        CHECK(batch_solve(&b, &opt, &info) == TW_OK && info.where == 1);
        CHECK(b.res.status[0] == TW_OK && b.res.status[1] == TW_EDOMAIN);
        CHECK(b.res.what[1] == scenario[k].what);
        CHECK(b.res.where[1] == scenario[k].where);
        CHECK(isnan(b.res.ln_w[3]) && isnan(b.res.subsidy[5]));
        *scenario[k].at = saved;
    }
    const spoil world[] = {
        {e.trade + 3, -1.0, 0, 3},  {e.tariff + 2, -1.0, 0, 2},
        {e.theta + 1, 0.0, 0, 1},   {e.value_added + 4, 2.0, 0, 4},
        {e.rents + 1, 1.0, 0, 1},   {e.scale, 0.9, 0, 0},
        {e.deficit + 2, NAN, 0, 2}, {e.final_share + 3, 0.99, 0, 1},
    };
    for (size_t k = 0; k < sizeof world / sizeof *world; k++) {
        double saved = *world[k].at;
        *world[k].at = world[k].bad;
        CHECK(batch_solve(&b, &opt, &info) == TW_EDOMAIN);
        CHECK(info.what != NULL && info.where == world[k].where);
        *world[k].at = saved;
    }
    /* every source of importer 1, sector 0 is banned */
    for (size_t i = 0; i < 3; i++) {
        batch_weight(&b, 1)[flow_of(&e, 1, i, 0)] = 0.0;
    }
    CHECK(batch_solve(&b, &opt, &info) == TW_OK);
    CHECK(b.res.what[1] == TW_GE_NO_SOURCE && b.res.where[1] == 2);
    for (int cause = 0; cause <= TW_GE_OVERFLOW; cause++) {
        CHECK(strcmp(tw_ge_cause_text(cause), "unknown") != 0);
    }
    opt.tol = NAN;
    CHECK(batch_solve(&b, &opt, &info) == TW_EDOMAIN);
    batch_free(&b);
    economy_free(&e);
}

/* ---- the ladder ------------------------------------------------------------------------------ */

static int
stop_later(void *ctx, int done, double residual)
{
    (void)done, (void)residual;
    return ++*(int *)ctx > 30;
}

static void
ladder(void)
{
    economy e = economy_new(6, 2, WITH_INPUTS, 77);
    ge_batch b = batch_new(&e, 2);
    tw_options opt = ge_options(1, TW_LEVEL_AUTO);
    tw_info info;
    /* trade all but vanishes while deficits go to zero; or stay, and cannot be carried */
    add_tariff(&b, 0, 6, 5.0);
    for (size_t f = 0; f < 72; f++) {
        int home = f / 12 == f / 2 % 6;
        batch_cost(&b, 0)[f] = batch_cost(&b, 1)[f] = home ? 1.0 : 20.0;
    }
    b.sc.deficit = b.deficit;
    memcpy(b.deficit + 6, e.deficit, 6 * sizeof *b.deficit);
    CHECK(batch_solve(&b, &opt, &info) == TW_OK && info.where == 1);
    CHECK(b.res.status[0] == TW_OK && b.res.residual[0] <= 1e-12);
    check_identities(&b, 0);
    CHECK(b.res.status[1] == TW_NOCONV && b.res.what[1] == TW_GE_NO_EQUILIBRIUM);
    CHECK(b.res.where[1] >= 0 && e.deficit[b.res.where[1]] < 0.0);
    CHECK(largest(b.res.ln_w, 12) < 100.0); /* finite */
    /* as many evaluations as allowed, give or take the one that ends it */
    opt.max_iter = 3;
    CHECK(batch_solve(&b, &opt, &info) == TW_OK);
    CHECK(b.res.status[0] == TW_NOCONV && b.res.iterations[0] <= 4);
    int polls = 0;
    opt = ge_options(1, TW_LEVEL_AUTO);
    opt.poll = stop_later;
    opt.poll_ctx = &polls;
    CHECK(batch_solve(&b, &opt, &info) == TW_EINTR);
    CHECK(polls > 30 && polls < 34); /* heeded at once */
    batch_free(&b);
    economy_free(&e);
}

/* ---- the same bits ------------------------------------------------------------------------------ */

static ge_batch
mixed_batch(const economy *e, size_t S)
{
    ge_batch b = batch_new(e, S);
    for (size_t s = 0; s < S; s++) {
        add_tariff(&b, s, s % e->N, 0.1 * (double)s);
        batch_cost(&b, s)[s] = 1.3;
        batch_tariff(&b, S + s)[e->J * e->N + 1] += s % 3 == 0 ? 0.1 : 0.0;
    }
    for (size_t f = 0; f < e->N * e->N * e->J; f++) { /* one for the ladder */
        int home = f / (e->N * e->J) == f / e->J % e->N;
        batch_cost(&b, 1)[f] = home ? 1.0 : 20.0;
    }
    b.closure = (tw_ge_options){0.2, 0.6, 0.4, 1.3, TW_GE_ZERO, TW_GE_INCOME_TAX};
    return b;
}

static void
same_bits(void)
{
    static const size_t shape[3][2] = {{7, 3}, {18, 2}, {41, 1}};
    for (size_t k = 0; k < (tw_test_quick() ? 1u : 3u); k++) {
        economy e = economy_new(shape[k][0], shape[k][1], ALL & ~WITH_SCALE, 13);
        size_t S = 6, count = S * (3 * e.N + 3 * e.N * e.J + 1);
        ge_batch base = mixed_batch(&e, S), other = mixed_batch(&e, S);
        tw_options opt = ge_options(1, TW_LEVEL_BASE);
        tw_info info;
        CHECK(batch_solve(&base, &opt, &info) == TW_OK && info.where == -1);
        for (int level = 0; level <= tw_level_best(); level++) {
            for (int threads = 1; threads <= 4; threads *= 2) {
                opt = ge_options(threads, level);
                CHECK(batch_solve(&other, &opt, &info) == TW_OK);
                CHECK_BYTES(base.out, other.out, count * sizeof(double));
                CHECK_BYTES(base.ints, other.ints, 3 * S * sizeof(int));
            }
        }
        /* alone as in company, whatever came before on the same work space */
        ge_batch alone = batch_new(&e, 1);
        size_t flows = e.N * e.N * e.J;
        alone.closure = base.closure;
        for (size_t s = 0; s < S; s++) {
            for (size_t part = 0; part < 4; part++) {
                memcpy(alone.change + part * flows, batch_tariff(&base, part * S + s),
                       flows * sizeof(double));
            }
            CHECK(batch_solve(&alone, &opt, &info) == TW_OK);
            CHECK_BYTES(alone.res.ln_w, base.res.ln_w + s * e.N, e.N * sizeof(double));
            CHECK_BYTES(alone.res.ln_X, base.res.ln_X + s * e.N * e.J,
                        e.N * e.J * sizeof(double));
        }
        batch_free(&alone);
        batch_free(&base);
        batch_free(&other);
        economy_free(&e);
    }
}

/* theta 65 with wedges whose powers leave the range of doubles, and a warm start. */
static void
extremes(void)
{
    economy e = economy_new(4, 2, 0, 91);
    e.theta[0] = 65.0;
    ge_batch b = batch_new(&e, 2);
    tw_options opt = ge_options(1, TW_LEVEL_AUTO);
    tw_info info;
    b.closure.deficits = TW_GE_ZERO;
    for (size_t n = 0; n < 4; n++) {
        for (size_t i = 0; i < 4;
             i++) { /* importer 0 pays e^12 for sector 0, home too */
            size_t f = flow_of(&e, n, i, 0);
            batch_cost(&b, 0)[f] = n == 0 ? exp(12.0) : 1.0;
            batch_cost(&b, 1)[f] = n == 0 && i != 0 ? exp(14.0) : 1.0;
        }
    }
    CHECK(batch_solve(&b, &opt, &info) == TW_OK && info.where == -1);
    check_identities(&b, 0);
    check_identities(&b, 1);
    CHECK_CLOSE(b.res.ln_P[0], 12.0, 0.1);
    tw_ge_point at = batch_point(&b);
    CHECK(tw_ge_solve(&e.world, &b.closure, &b.sc, &at, &opt, &b.res, &info) == TW_OK);
    CHECK(b.res.iterations[0] == 1 && b.res.iterations[1] == 1);
    batch_free(&b);
    economy_free(&e);
}

int
main(void)
{
    no_shock();
    packed();
    identities();
    own_share();
    limits();
    refusals();
    ladder();
    same_bits();
    extremes();
    return TEST_END();
}
