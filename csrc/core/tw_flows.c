/* tw_flows.c - order flows by (product, exporter, importer) and find their slots.
 *
 * One counting sort deals rows into markets; inside a market, where everything is in cache,
 * two stable counting passes order by importer, then exporter.  O(rows) in all.
 */
#include "tw_internal.h"

#include <limits.h>
#include <string.h>

static int
codes_valid(size_t nflow, size_t nproduct, size_t ncountry, const int *product,
            const int *exporter, const int *importer, tw_info *info)
{
    for (size_t f = 0; f < nflow; f++) {
        if (product[f] < 0 || (size_t)product[f] >= nproduct || exporter[f] < 0 ||
            (size_t)exporter[f] >= ncountry || importer[f] < 0 ||
            (size_t)importer[f] >= ncountry) {
            info->where = (ptrdiff_t)f;
            info->what = "a code lies outside its range";
            return 0;
        }
    }
    return 1;
}

/* Sign of the key of row b minus the key of row a. */
static int
key_order(const int *product, const int *exporter, const int *importer, size_t a,
          size_t b)
{
    if (product[a] != product[b]) {
        return product[a] < product[b] ? 1 : -1;
    }
    if (exporter[a] != exporter[b]) {
        return exporter[a] < exporter[b] ? 1 : -1;
    }
    if (importer[a] != importer[b]) {
        return importer[a] < importer[b] ? 1 : -1;
    }
    return 0;
}

/* A row on its way: exporter and importer in one number, so that sorting never goes back to
 * the columns. */
typedef struct {
    unsigned pair; /* exporter * ncountry + importer */
    unsigned row;
} item;

enum { MOST_COUNTRIES = 65535 };

/* Stable counting sort of n items by importer (by_exporter = 0) or exporter; from -> to.
 * count is [ncountry + 1]. */
static void
sort_pass(size_t n, unsigned ncountry, int by_exporter, const item *from, item *to,
          size_t *count)
{
    memset(count, 0, (ncountry + 1) * sizeof *count);
    for (size_t k = 0; k < n; k++) {
        unsigned key = by_exporter ? from[k].pair / ncountry : from[k].pair % ncountry;
        count[key + 1]++;
    }
    for (size_t c = 0; c < ncountry; c++) {
        count[c + 1] += count[c];
    }
    for (size_t k = 0; k < n; k++) {
        unsigned key = by_exporter ? from[k].pair / ncountry : from[k].pair % ncountry;
        to[count[key]++] = from[k];
    }
}

static int
in_order(size_t nflow, const int *product, const int *exporter, const int *importer,
         size_t *duplicates)
{
    *duplicates = 0;
    for (size_t f = 1; f < nflow; f++) {
        int sign = key_order(product, exporter, importer, f - 1, f);
        if (sign < 0) {
            *duplicates = 0;
            return 0;
        }
        *duplicates += sign == 0;
    }
    return 1;
}

tw_status
tw_flow_order(size_t nflow, size_t nproduct, size_t ncountry, const int *product,
              const int *exporter, const int *importer, ptrdiff_t *order,
              int *const sorted[3], int *is_sorted, size_t *duplicates, tw_info *info)
{
    *info = (tw_info){.where = -1};
    *duplicates = 0;
    *is_sorted = 1;
    if (nflow > UINT_MAX || ncountry > MOST_COUNTRIES) {
        info->what = "too many rows or countries";
        return TW_EDOMAIN;
    }
    if (!codes_valid(nflow, nproduct, ncountry, product, exporter, importer, info)) {
        return TW_EDOMAIN;
    }
    *is_sorted = in_order(nflow, product, exporter, importer, duplicates);
    if (*is_sorted) {
        return TW_OK;
    }

    tw_status rc = TW_ENOMEM;
    size_t largest = 0;
    unsigned countries = (unsigned)ncountry;
    item *tmp = NULL;
    item *all = tw_alloc(nflow, sizeof *all);
    size_t *ptr = tw_alloc(nproduct + 1, sizeof *ptr);
    size_t *count = tw_alloc(ncountry + 1, sizeof *count);
    if (all == NULL || ptr == NULL || count == NULL) {
        goto done;
    }
    for (size_t f = 0; f < nflow; f++) {
        ptr[product[f] + 1]++;
    }
    for (size_t m = 0; m < nproduct; m++) {
        largest = TW_MAX(largest, ptr[m + 1]);
        ptr[m + 1] += ptr[m];
    }
    if ((tmp = tw_alloc(largest, sizeof *tmp)) == NULL) {
        goto done;
    }
    for (size_t f = 0; f < nflow; f++) {
        unsigned pair = (unsigned)exporter[f] * countries + (unsigned)importer[f];
        all[ptr[product[f]]++] = (item){pair, (unsigned)f};
    }
    /* ptr[m] now points at the end of market m, the start of market m + 1. */
    for (size_t m = 0; m < nproduct; m++) {
        size_t first = m == 0 ? 0 : ptr[m - 1], n = ptr[m] - first;
        item *market = all + first;
        sort_pass(n, countries, 0, market, tmp, count);
        sort_pass(n, countries, 1, tmp, market, count);
        for (size_t k = 0; k < n; k++) {
            order[first + k] = (ptrdiff_t)market[k].row;
            sorted[0][first + k] = (int)m;
            sorted[1][first + k] = (int)(market[k].pair / countries);
            sorted[2][first + k] = (int)(market[k].pair % countries);
            *duplicates += k > 0 && market[k].pair == market[k - 1].pair;
        }
    }
    rc = TW_OK;
done:
    tw_free(tmp);
    tw_free(count);
    tw_free(ptr);
    tw_free(all);
    return rc;
}

tw_status
tw_flow_count(size_t nflow, size_t nproduct, size_t ncountry, const int *product,
              const int *exporter, const int *importer, size_t *nexp, size_t *nimp,
              tw_info *info)
{
    *info = (tw_info){.where = -1};
    *nexp = *nimp = 0;
    if (!codes_valid(nflow, nproduct, ncountry, product, exporter, importer, info)) {
        return TW_EDOMAIN;
    }
    /* seen[n] = last market + 1 in which importer n occurred */
    int *seen = tw_alloc(ncountry + 1, sizeof *seen);
    if (seen == NULL) {
        return TW_ENOMEM;
    }
    for (size_t f = 0; f < nflow; f++) {
        if (f > 0) {
            int sign = key_order(product, exporter, importer, f - 1, f);
            if (sign <= 0) {
                info->where = (ptrdiff_t)f;
                info->what = "rows are not in strict order";
                tw_free(seen);
                return TW_EDOMAIN;
            }
        }
        *nexp +=
            f == 0 || product[f] != product[f - 1] || exporter[f] != exporter[f - 1];
        if (seen[importer[f]] != product[f] + 1) {
            seen[importer[f]] = product[f] + 1;
            *nimp += 1;
        }
    }
    tw_free(seen);
    return TW_OK;
}

tw_status
tw_flow_layout(size_t nflow, size_t nproduct, size_t ncountry, const int *product,
               const int *exporter, const int *importer, tw_layout *out)
{
    int *slot = tw_alloc(ncountry + 1, sizeof *slot);
    if (slot == NULL) {
        return TW_ENOMEM;
    }
    size_t f = 0, e = 0, n = 0;
    for (size_t m = 0; m < nproduct; m++) {
        size_t first = f;
        out->market_ptr[m] = (ptrdiff_t)f;
        out->exp_ptr[m] = (ptrdiff_t)e;
        out->imp_ptr[m] = (ptrdiff_t)n;
        memset(slot, 0, (ncountry + 1) * sizeof *slot);
        for (; f < nflow && (size_t)product[f] == m; f++) {
            if (f == first || exporter[f] != exporter[f - 1]) {
                out->exp_code[e] = exporter[f];
                out->row_ptr[e++] = (ptrdiff_t)f;
            }
            slot[importer[f]] = 1;
        }
        int local = 0;
        for (size_t c = 0; c < ncountry; c++) {
            if (slot[c]) {
                slot[c] = local++;
                out->imp_code[n++] = (int)c;
            }
        }
        for (size_t k = first; k < f; k++) {
            out->col[k] = slot[importer[k]];
        }
    }
    out->market_ptr[nproduct] = (ptrdiff_t)f;
    out->exp_ptr[nproduct] = (ptrdiff_t)e;
    out->imp_ptr[nproduct] = (ptrdiff_t)n;
    out->row_ptr[e] = (ptrdiff_t)f;
    tw_free(slot);
    return TW_OK;
}
