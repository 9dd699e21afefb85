/* tw_dispatch.c - choose a code path at run time.  The build defines TW_HAVE_x for each
 * extra build of the kernels that it links. */
#include "tw_ge.h"

extern const tw_kernels tw_kernels_base;
extern const tw_ge_kernels tw_ge_kernels_base;
#ifdef TW_HAVE_AVX2
extern const tw_kernels tw_kernels_avx2;
extern const tw_ge_kernels tw_ge_kernels_avx2;
#endif
#ifdef TW_HAVE_AVX512
extern const tw_kernels tw_kernels_avx512;
extern const tw_ge_kernels tw_ge_kernels_avx512;
#endif

int
tw_level_best(void)
{
#if defined(TW_HAVE_AVX512)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) {
        return TW_LEVEL_AVX512;
    }
#endif
#if defined(TW_HAVE_AVX2)
    if (__builtin_cpu_supports("avx2")) {
        return TW_LEVEL_AVX2;
    }
#endif
    return TW_LEVEL_BASE;
}

const char *
tw_level_name(int level)
{
    switch (level) {
        case TW_LEVEL_BASE:
            return "baseline";
        case TW_LEVEL_AVX2:
            return "avx2";
        case TW_LEVEL_AVX512:
            return "avx512";
        default:
            return "unknown";
    }
}

const tw_kernels *
tw_kernels_get(int level)
{
#ifdef TW_HAVE_AVX512
    if (level == TW_LEVEL_AVX512) {
        return &tw_kernels_avx512;
    }
#endif
#ifdef TW_HAVE_AVX2
    if (level == TW_LEVEL_AVX2) {
        return &tw_kernels_avx2;
    }
#endif
    (void)level;
    return &tw_kernels_base;
}

const tw_ge_kernels *
tw_ge_kernels_get(int level)
{
#ifdef TW_HAVE_AVX512
    if (level == TW_LEVEL_AVX512) {
        return &tw_ge_kernels_avx512;
    }
#endif
#ifdef TW_HAVE_AVX2
    if (level == TW_LEVEL_AVX2) {
        return &tw_ge_kernels_avx2;
    }
#endif
    (void)level;
    return &tw_ge_kernels_base;
}

static tw_status
apply(int level, size_t n, const double *x, double *y, int take_log)
{
    if (level > tw_level_best() || level < TW_LEVEL_AUTO) {
        return TW_EDOMAIN;
    }
    const tw_kernels *k =
        tw_kernels_get(level == TW_LEVEL_AUTO ? tw_level_best() : level);
    (take_log ? k->log : k->exp)(n, x, y);
    return TW_OK;
}

tw_status
tw_exp(int level, size_t n, const double *x, double *y)
{
    return apply(level, n, x, y, 0);
}

tw_status
tw_log(int level, size_t n, const double *x, double *y)
{
    return apply(level, n, x, y, 1);
}
