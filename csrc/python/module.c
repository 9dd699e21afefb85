/* module.c - method table, slots and state of tradewar._core; no logic. */
#define TW_IMPORT_ARRAY
#include "tw_python.h"

static int
core_exec(PyObject *mod)
{
    mod_state *state = PyModule_GetState(mod);
    if (PyArray_ImportNumPyAPI() < 0) {
        return -1;
    }
    PyObject *errors = PyImport_ImportModule("tradewar.errors");
    if (errors == NULL) {
        return -1;
    }
    state->ConvergenceError = PyObject_GetAttrString(errors, "ConvergenceError");
    Py_DECREF(errors);
    if (state->ConvergenceError == NULL) {
        return -1;
    }
    int best = tw_level_best();
    PyObject *levels = PyTuple_New(best + 1);
    for (int k = 0; levels != NULL && k <= best; k++) {
        PyObject *name = PyUnicode_FromString(tw_level_name(k));
        if (name == NULL) {
            Py_CLEAR(levels);
            break;
        }
        PyTuple_SetItem(levels, k, name);
    }
    if (levels == NULL) {
        return -1;
    }
    int rc = PyModule_AddObjectRef(mod, "levels", levels);
    Py_DECREF(levels);
    return rc < 0 || PyModule_AddStringConstant(mod, "__version__", tw_version()) < 0
               ? -1
               : 0;
}

static int
core_traverse(PyObject *mod, visitproc visit, void *arg)
{
    mod_state *state = PyModule_GetState(mod);
    if (state != NULL) {
        Py_VISIT(state->ConvergenceError);
    }
    return 0;
}

static int
core_clear(PyObject *mod)
{
    mod_state *state = PyModule_GetState(mod);
    if (state != NULL) {
        Py_CLEAR(state->ConvergenceError);
    }
    return 0;
}

static void
core_free(void *mod)
{
    core_clear(mod);
}

static PyMethodDef core_methods[] = {
    {"sort_flows", py_sort_flows, METH_VARARGS,
     "sort_flows(product, exporter, importer, n_product, n_country)\n"
     "-> (order, duplicates, sorted keys); order and keys are None when sorted"},
    {"flow_layout", py_flow_layout, METH_VARARGS,
     "flow_layout(product, exporter, importer, n_product, n_country)\n"
     "-> (market_ptr, exp_ptr, exp_code, row_ptr, imp_ptr, imp_code, col)"},
    {"pe_solve", py_pe_solve, METH_VARARGS,
     "pe_solve((exp_ptr, row_ptr, imp_ptr, col), (value, t0, t1, x0, x1, cost, weight, "
     "lx, lm),\n"
     "(sigma, eps, sigma_home, home, mu), method, steps, form, tol, max_iter, threads, "
     "level,\n"
     "progress, controls)\n"
     "-> (p, P, q, status, cause, iterations, residual, shadow)"},
    {"spatial_solve", py_spatial_solve, METH_VARARGS,
     "spatial_solve(supply_form, demand_form, supply_level, supply_slope, "
     "demand_level,\n"
     "demand_slope, cost, tariff, limit, start, tol, max_iter)\n"
     "-> (producer, buyer, flow, rent, iterations, residual)"},
    {"pe_cause", py_pe_cause, METH_VARARGS, "pe_cause(cause) -> text"},
    {"ge_pack", py_ge_pack, METH_VARARGS,
     "ge_pack((trade, tariff, export_tax, theta, value_added, input_use, rents, "
     "scale,\n"
     "final_share, deficit)) -> the world laid out, in place of that tuple elsewhere"},
    {"ge_solve", py_ge_solve, METH_VARARGS,
     "ge_solve((trade, tariff, export_tax, theta, value_added, input_use, rents, "
     "scale,\n"
     "final_share, deficit), (labour_supply, va_substitution, input_substitution,\n"
     "final_substitution, deficits, revenue), (ptr, flow, tariff, export_tax, cost, "
     "weight),\n"
     "productivity, deficit, (ptr, kind, holder, bound, upper, member_ptr, member),\n"
     "(ln_w, ln_P, ln_X, ln_S, multiplier), tol, max_iter, threads, level, progress)\n"
     "-> (ln_w, ln_P, ln_X, ln_S, multiplier, labour, subsidy, status, iterations, "
     "residual,\n"
     "where, what)"},
    {"ge_evaluate", py_ge_evaluate, METH_VARARGS,
     "ge_evaluate(world, closure, changes, productivity, deficit, limits, point, "
     "trade,\n"
     "threads, level)\n"
     "-> (cost, trade, output, income, tariff_revenue, export_revenue, price_index, "
     "deficit);\n"
     "the first seven are as in ge_solve"},
    {"ge_gradient", py_ge_gradient, METH_VARARGS,
     "ge_gradient(world, closure, changes, productivity, deficit, limits, solution,\n"
     "(income, price, wage, labour, output, revenue), with_tariff, with_export_tax, "
     "with_cost,\n"
     "tol, max_iter, threads, level)\n"
     "-> (tariff, export_tax, cost, limit, status, products, left, residual, where, "
     "what,\n"
     "error);\n"
     "the first seven are as in ge_evaluate"},
    {"ge_cause", py_ge_cause, METH_VARARGS, "ge_cause(cause) -> text"},
    {"vexp", py_vexp, METH_VARARGS, "vexp(level, x) -> exp(x)"},
    {"vlog", py_vlog, METH_VARARGS, "vlog(level, x) -> log(x)"},
    {NULL, NULL, 0, NULL}};

static PyModuleDef_Slot core_slots[] = {
    {Py_mod_exec, (void *)core_exec},
#ifdef Py_mod_multiple_interpreters /* 3.12; NumPy has no support, nor have we */
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#ifdef Py_mod_gil /* 3.13; the module has no mutable state of its own */
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL}};

static PyModuleDef core_module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "tradewar._core",
    .m_doc = "Kernels of tradewar: strict, positional, private.",
    .m_size = sizeof(mod_state),
    .m_methods = core_methods,
    .m_slots = core_slots,
    .m_traverse = core_traverse,
    .m_clear = core_clear,
    .m_free = core_free,
};

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC
PyInit__core(void)
{
    return PyModuleDef_Init(&core_module);
}
