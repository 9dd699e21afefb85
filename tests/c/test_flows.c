/* Order and layout of flows against a sort of the keys. */
#include "tw_random.h"

enum { N = 5000, PRODUCTS = 17, COUNTRIES = 23 };

static int product[N], exporter[N], importer[N];

static long
key(ptrdiff_t f)
{
    return ((long)product[f] * COUNTRIES + exporter[f]) * COUNTRIES + importer[f];
}

int
main(void)
{
    static ptrdiff_t order[N];
    static int kp[N], ke[N], kn[N];
    int *const keys[3] = {kp, ke, kn};
    unsigned long long seed = 11;
    int sorted;
    size_t duplicates;
    tw_info info;
    for (int f = 0; f < N; f++) {
        product[f] = (int)(PRODUCTS * tw_test_uniform(&seed));
        exporter[f] = (int)(COUNTRIES * tw_test_uniform(&seed));
        importer[f] = (int)(COUNTRIES * tw_test_uniform(&seed));
    }
    CHECK(tw_flow_order(N, PRODUCTS, COUNTRIES, product, exporter, importer, order,
                        keys, &sorted, &duplicates, &info) == TW_OK);
    CHECK(!sorted);
    size_t equal = 0;
    int rising = 1, stable = 1;
    for (int f = 1; f < N; f++) {
        rising &= key(order[f - 1]) <= key(order[f]);
        stable &= key(order[f - 1]) != key(order[f]) || order[f - 1] < order[f];
        equal += key(order[f - 1]) == key(order[f]);
    }
    CHECK(rising);
    int right = 1;
    for (int f = 0; f < N; f++) {
        right &= kp[f] == product[order[f]] && ke[f] == exporter[order[f]];
        right &= kn[f] == importer[order[f]];
    }
    CHECK(right);
    CHECK(stable);
    CHECK(equal == duplicates && equal > 0);

    size_t nexp, nimp;
    CHECK(tw_flow_count(N, PRODUCTS, COUNTRIES, product, exporter, importer, &nexp,
                        &nimp, &info) == TW_EDOMAIN);
    CHECK(info.what != NULL);
    product[7] = PRODUCTS;
    CHECK(tw_flow_order(N, PRODUCTS, COUNTRIES, product, exporter, importer, order,
                        keys, &sorted, &duplicates, &info) == TW_EDOMAIN);
    CHECK(info.where == 7);
    CHECK(tw_flow_order(0, 0, 0, NULL, NULL, NULL, NULL, keys, &sorted, &duplicates,
                        &info) == TW_OK);
    CHECK(sorted && duplicates == 0);

    /* the layout of a world: every flow in its exporter's run, columns inside the market */
    world w = world_new(40, 12, 0.3, 5);
    for (size_t m = 0; m < w.nmarket; m++) {
        CHECK(w.market_ptr[m] == w.row_ptr[w.exp_ptr[m]]);
        for (ptrdiff_t f = w.market_ptr[m]; f < w.market_ptr[m + 1]; f++) {
            CHECK(w.col[f] >= 0 && w.col[f] < w.imp_ptr[m + 1] - w.imp_ptr[m]);
        }
        for (ptrdiff_t n = w.imp_ptr[m] + 1; n < w.imp_ptr[m + 1]; n++) {
            CHECK(w.imp_code[n - 1] < w.imp_code[n]);
        }
    }
    CHECK((size_t)w.row_ptr[w.nexp] == w.nflow);
    world_free(&w);
    return TEST_END();
}
