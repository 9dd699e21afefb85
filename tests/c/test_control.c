/* Quantity controls: a published licence, equivalence with taxes, slack and hopeless limits. */
#include "tw_random.h"

/* One destination, three origins, no tariffs. */
static const ptrdiff_t PTR[2] = {0, 3}, ROW[4] = {0, 1, 2, 3}, IMP[2] = {0, 1};
static const int COL[3] = {0, 0, 0};
static const double VALUE[3] = {70, 20, 10}, ZERO[3] = {0, 0, 0};

typedef struct {
    double p[3], P, q[3], shadow, residual;
    int status, cause, iterations;
} small;

static void
solve3(int kind, double limit, double upper, const double *mu, int max_iter, small *s)
{
    static const ptrdiff_t one[2] = {0, 1}, member[1] = {0};
    static const double sigma = 2.0, eps = 0.3;
    tw_pe_problem pb = {.nmarket = 1,
                        .exp_ptr = PTR,
                        .row_ptr = ROW,
                        .imp_ptr = IMP,
                        .col = COL,
                        .value = VALUE,
                        .t0 = ZERO,
                        .t1 = ZERO,
                        .sigma = &sigma,
                        .eps = &eps,
                        .mu = mu,
                        .steps = 1,
                        .controls = {one, &kind, &limit, &upper, one, member}};
    tw_pe_result res = {s->p,       &s->P,     s->q,           &s->shadow,
                        &s->status, &s->cause, &s->iterations, &s->residual};
    tw_options opt = options(1, TW_LEVEL_AUTO);
    tw_info info;
    opt.max_iter = max_iter;
    CHECK(tw_pe_solve(&pb, &opt, &res, &info) == TW_OK);
}

static void
licence(void)
{
    static const double mu[3] = {2.0, 0.5, 1.0}, fixed[3] = {0.0, 0.5, 1.0};
    static const double p[3] = {0.7071067812, 1.9475874930, 1.7427997172};
    small s;
    for (int max_iter = 9; max_iter <= 500; max_iter += 491) { /* Newton, then sweeps */
        for (int kind = TW_IMPORT_QUOTA; kind <= TW_EXPORT_QUOTA; kind++) {
            solve3(kind, 35.0, 0.0, mu, max_iter, &s);
            CHECK(s.status == TW_OK);
            for (int i = 0; i < 3; i++) {
                CHECK_CLOSE(exp(s.p[i]), p[i], 1e-10);
            }
            CHECK_CLOSE(exp(s.P), 2.6652064059, 1e-10);
            CHECK_CLOSE(s.q[0], 0.5, 1e-12);
            CHECK_CLOSE(exp(s.p[0]) + s.shadow, 3.2537652680, 1e-10);
        }
    }
    solve3(TW_EXPORT_QUOTA, 70.0, 0.0, mu, 500, &s); /* the base quantity: slack */
    CHECK(s.status == TW_OK && s.shadow == 0.0);
    CHECK_CLOSE(s.q[0], 1.0, 1e-12);
    solve3(TW_TARIFF_QUOTA, 60.0, 0.05, mu, 500,
           &s); /* above the quota at the full rate */
    CHECK(s.status == TW_OK && s.shadow == 0.05 && s.q[0] * 70.0 > 60.0);
    solve3(TW_TARIFF_QUOTA, 60.0, 5.0, mu, 500, &s); /* at the quota, a licence rent */
    CHECK(s.status == TW_OK && s.shadow > 0.0 && s.shadow < 5.0);
    CHECK_CLOSE(s.q[0] * 70.0, 60.0, 1e-10);
    solve3(TW_COMMITMENT, 80.0, 0.0, mu, 500, &s);
    CHECK(s.status == TW_OK && s.shadow > 0.0 && s.shadow < 1.0);
    CHECK_CLOSE(s.q[0] * 70.0, 80.0, 1e-10);
    solve3(TW_EXPORT_QUOTA, 35.0, 0.0, fixed, 500,
           &s); /* output cannot fall to the limit */
    CHECK(s.status != TW_OK && s.cause == TW_PE_INFEASIBLE);
    solve3(TW_EXPORT_QUOTA, -1.0, 0.0, mu, 500, &s);
    CHECK(s.status == TW_EDOMAIN && s.cause == TW_PE_BAD_CONTROL);
}

/* Random worlds: cap every flow of one exporter to half, then replace the cap by an export tax
 * at its shadow rate: the same quantities. */
static void
quota_is_tax(void)
{
    size_t nmarket = tw_test_quick() ? 8 : 60;
    world w = world_new(nmarket, 14, 0.4, 31);
    output quota = output_new(&w), tax = output_new(&w);
    ptrdiff_t *ptr = room(nmarket + 1, sizeof *ptr),
              *member_ptr = room(nmarket + 1, sizeof *ptr);
    ptrdiff_t *member = room(w.nflow, sizeof *member);
    int *kind = room(nmarket, sizeof *kind);
    double *limit = room(nmarket, sizeof *limit), *upper = room(nmarket, sizeof *upper);
    double *shadow = room(nmarket, sizeof *shadow);
    double *x0 = room(w.nflow, sizeof *x0), *x1 = room(w.nflow, sizeof *x1);
    ptrdiff_t members = 0;
    for (size_t e = 0; e < w.nexp; e++) {
        w.mu[e] = w.mu[e] == 0.0 ? 0.5 : w.mu[e];
    }
    for (size_t m = 0; m < nmarket; m++) {
        ptrdiff_t e = w.exp_ptr[m];
        kind[m] = TW_EXPORT_QUOTA;
        ptr[m + 1] = (ptrdiff_t)m + 1;
        for (ptrdiff_t f = w.row_ptr[e]; f < w.row_ptr[e + 1]; f++) {
            member[members++] = f;
            limit[m] += 0.5 * w.value[f];
        }
        member_ptr[m + 1] = members;
    }
    tw_options opt = options(2, TW_LEVEL_AUTO);
    tw_info info;
    for (int common = 0; common < 2; common++) {
        tw_pe_problem pb = world_problem(&w, common);
        pb.controls = (tw_pe_controls){ptr, kind, limit, upper, member_ptr, member};
        tw_pe_result res = output_result(&quota), res2 = output_result(&tax);
        res.shadow = shadow;
        CHECK(tw_pe_solve(&pb, &opt, &res, &info) == TW_OK && info.where == -1);
        for (size_t m = 0; m < nmarket; m++) {
            ptrdiff_t e = w.exp_ptr[m];
            for (ptrdiff_t f = w.row_ptr[e]; f < w.row_ptr[e + 1]; f++) {
                x1[f] = shadow[m] / exp(quota.p[e]);
            }
        }
        pb.controls = (tw_pe_controls){0};
        pb.x0 = x0;
        pb.x1 = x1;
        CHECK(tw_pe_solve(&pb, &opt, &res2, &info) == TW_OK && info.where == -1);
        double apart = 0.0;
        for (size_t f = 0; f < w.nflow; f++) {
            apart = fmax(apart, fabs(quota.q[f] - tax.q[f]) / tax.q[f]);
        }
        CHECK(apart < 1e-9);
    }
    void *parts[] = {ptr, member_ptr, member, kind, limit, upper, shadow, x0, x1};
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
        free(parts[k]);
    }
    output_free(&quota);
    output_free(&tax);
    world_free(&w);
}

int
main(void)
{
    licence();
    quota_is_tax();
    return TEST_END();
}
