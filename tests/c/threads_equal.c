/* The same bits with 1, 2 and 4 threads and on every code path. */
#include "tw_random.h"

int
main(void)
{
    size_t nmarket = tw_test_quick() ? 60 : 400;
    world w = world_new(nmarket, 40, 0.3, 2025);
    output base = output_new(&w), other = output_new(&w);
    tw_info info;
    CHECK(w.nflow > 20000 || tw_test_quick());
    for (int common = 0; common < 2; common++) {
        for (int method = TW_PE_EXACT; method <= TW_PE_LINEAR; method++) {
            tw_pe_problem pb = world_problem(&w, common);
            pb.method = (tw_pe_method)method;
            tw_pe_result res = output_result(&base), res2 = output_result(&other);
            tw_options opt = options(1, TW_LEVEL_BASE);
            CHECK(tw_pe_solve(&pb, &opt, &res, &info) == TW_OK && info.where == -1);
            for (int level = 0; level <= tw_level_best(); level++) {
                for (int threads = 1; threads <= 4; threads *= 2) {
                    opt = options(threads, level);
                    CHECK(tw_pe_solve(&pb, &opt, &res2, &info) == TW_OK);
                    CHECK_BYTES(base.q, other.q, w.nflow * sizeof(double));
                    CHECK_BYTES(base.p, other.p, w.nexp * sizeof(double));
                    CHECK_BYTES(base.P, other.P, w.nimp * sizeof(double));
                    CHECK_BYTES(base.residual, other.residual,
                                w.nmarket * sizeof(double));
                }
            }
        }
    }
    output_free(&base);
    output_free(&other);
    world_free(&w);
    return TEST_END();
}
