/* tw_level.h - names of what is built once per code path: TW_LEVEL_NAME(tw_x) is tw_x_base,
 * tw_x_avx2 or tw_x_avx512 (setup.py and tests/c/Makefile set TW_LEVEL). */
#ifndef TW_LEVEL_H
#define TW_LEVEL_H

#ifndef TW_LEVEL
#define TW_LEVEL _base
#endif
#define TW_JOIN_(a, b) a##b
#define TW_JOIN(a, b) TW_JOIN_(a, b)
#define TW_LEVEL_NAME(name) TW_JOIN(name, TW_LEVEL)

#endif /* TW_LEVEL_H */
