/* Spatial price equilibrium: Miranda and Fackler's three places, textbook diversion, limits. */
#include "tradewar.h"
#include "tw_test.h"

static tw_status
solve(const tw_spatial_problem *pb, double *p, double *d, double *f, double *l)
{
    tw_options opt = {
        .tol = 1e-12, .max_iter = 200, .threads = 1, .level = TW_LEVEL_AUTO};
    tw_info info;
    tw_status rc = tw_spatial_solve(pb, &opt, p, d, f, l, &info);
    return rc;
}

static void
three_places(void)
{
    /* inverse supply 9 + q, 3 + 2q, 18 + q; inverse demand 42 - 2q, 54 - 3q, 51 - q */
    static const double sl[3] = {-9, -1.5, -18}, ss[3] = {1, 0.5, 1};
    static const double dl[3] = {21, 18, 51}, ds[3] = {-0.5, -1.0 / 3.0, -1};
    static const double cost[9] = {0, 3, 9, 3, 0, 3, 6, 3, 0};
    static const double want[9] = {9, 6, 0, 0, 3, 9, 0, 0, 12};
    double p[3], d[3], f[9], l[9];
    tw_spatial_problem pb = {3,  3,  TW_LINEAR, TW_LINEAR, sl,   ss,
                             dl, ds, cost,      NULL,      NULL, 20.0};
    CHECK(solve(&pb, p, d, f, l) == TW_OK);
    for (int k = 0; k < 3; k++) {
        CHECK_CLOSE(d[k], 24.0 + 3.0 * k, 1e-10);
    }
    for (int k = 0; k < 9; k++) {
        CHECK_CLOSE(f[k], want[k], 1e-9);
    }
    double limit[9];
    for (int k = 0; k < 9; k++) {
        limit[k] = INFINITY;
    }
    limit[1] = 4.0; /* cap 1 -> 2: it binds, with a rent */
    pb.limit = limit;
    CHECK(solve(&pb, p, d, f, l) == TW_OK);
    CHECK_CLOSE(f[1], 4.0, 1e-10);
    CHECK(l[1] > 0.0);
    CHECK_CLOSE(p[0] + 3.0 + l[1], d[1], 1e-9);
    limit[1] = 0.0;
    CHECK(solve(&pb, p, d, f, l) == TW_OK && f[1] == 0.0);
    pb.start = -1.0;
    CHECK(solve(&pb, p, d, f, l) == TW_EDOMAIN);
}

static void
textbook(void)
{
    /* Asia sells at 19, Mexico at 20 (supply elastic); 10 % on both, then Mexico freed */
    static const double sl[2] = {-19e6, -20e6}, ss[2] = {1e6, 1e6}, dl[1] = {100},
                        ds[1] = {-1};
    static const double cost[2] = {0, 0};
    double both[2] = {0.1, 0.1}, freed[2] = {0.1, 0.0}, p[2], d[1], f[2], l[2];
    tw_spatial_problem pb = {2,  1,  TW_LINEAR, TW_LINEAR, sl,   ss,
                             dl, ds, cost,      both,      NULL, 20.0};
    CHECK(solve(&pb, p, d, f, l) == TW_OK);
    CHECK_CLOSE(d[0], 20.90, 1e-4);
    CHECK(f[0] > 79.0 && fabs(f[1]) < 1e-6);
    pb.tariff = freed;
    CHECK(solve(&pb, p, d, f, l) == TW_OK);
    CHECK_CLOSE(d[0], 20.00, 1e-4);
    CHECK(f[1] > 79.0 && fabs(f[0]) < 1e-6);
}

/* Random isoelastic worlds: conditions hold by hand. */
static void
isoelastic(void)
{
    unsigned long long seed = 4;
    for (int world = 0; world < (tw_test_quick() ? 5 : 60); world++) {
        double sl[5], ss[5], dl[4], ds[4], cost[20], tariff[20], limit[20];
        double p[5], d[4], f[20], l[20], worst = 0.0;
        for (int i = 0; i < 5; i++) {
            ss[i] = 0.1 + 2.0 * tw_test_uniform(&seed);
            sl[i] = (1.0 + 9.0 * tw_test_uniform(&seed)) / pow(400.0, ss[i]);
        }
        for (int n = 0; n < 4; n++) {
            ds[n] = -0.2 - 1.5 * tw_test_uniform(&seed);
            dl[n] = (1.0 + 9.0 * tw_test_uniform(&seed)) / pow(400.0, ds[n]);
        }
        for (int k = 0; k < 20; k++) {
            cost[k] = 80.0 * tw_test_uniform(&seed);
            tariff[k] = tw_test_uniform(&seed) < 0.3 ? 0.25 : 0.0;
            limit[k] = tw_test_uniform(&seed) < 0.2 ? tw_test_uniform(&seed) : INFINITY;
        }
        tw_spatial_problem pb = {5,  4,  TW_ISOELASTIC, TW_ISOELASTIC, sl,    ss,
                                 dl, ds, cost,          tariff,        limit, 400.0};
        CHECK(solve(&pb, p, d, f, l) == TW_OK);
        for (int i = 0; i < 5; i++) {
            double sum = 0.0;
            for (int n = 0; n < 4; n++) {
                int k = i * 4 + n;
                double gap = (p[i] + cost[k]) * (1.0 + tariff[k]) + l[k] - d[n];
                worst = fmax(worst, fabs(fmin(f[k], gap)));
                worst = fmax(
                    worst, isinf(limit[k]) ? l[k] : fabs(fmin(l[k], limit[k] - f[k])));
                sum += f[k];
            }
            worst = fmax(worst, fabs(sum - sl[i] * pow(p[i], ss[i])));
        }
        CHECK(worst < 1e-7);
    }
}

int
main(void)
{
    three_places();
    textbook();
    isoelastic();
    return TEST_END();
}
