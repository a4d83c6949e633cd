"""COBA LIF, QIF, EIF, AdEx, Hodgkin-Huxley, Morris-Lecar, Diehl & Cook's LIF: Brian2, with NEST beside some of them.

Methods: euler; rk2 (midpoint: x += h f(x + h/2 f(x))); rk4 (the classical one); exponential_euler (every variable is
solved exactly with all others frozen at their value from before the step). The input is constant within a step, for all
stages. NEST integrates these models with an adaptive step, so its spike trains are a cross-check, not the same scheme.

usage: differential.py     (Brian2 and NEST; writes differential.json)
"""
from brian2 import ms

from common import HELD_BRIAN, HELD_NEST, NEST, add, brian_cases, nest_runs, write

SYNAPSES = {"exc": "g_ex += w_exc", "inh": "g_in += w_inh"}
HELD = (HELD_BRIAN + " The other variables are integrated all the time, with V held, in every stage of a step that "
        "starts refractory.")


def coba():
    p = {"C_m_pF": 250.0, "g_L_nS": 16.7, "E_L_mV": -70.0, "E_ex_mV": 0.0, "E_in_mV": -85.0, "v_th_mV": -55.0,
         "v_reset_mV": -60.0, "t_ref_ms": 2.0, "tau_syn_ex_ms": 2.0, "tau_syn_in_ms": 5.0}
    inputs = {"spikes": (0.0, 0.0, 4.5, 4.0, "pA; weights nS"), "spikes_constant": (180.0, 0.0, 3.0, 3.0, "pA; weights nS"),
              "spikes_noisy": (150.0, 150.0, 3.0, 3.0, "pA; weights nS")}
    text = ("C_m V' = g_L (E_L - V) + g_ex (E_ex - V) + g_in (E_in - V) + I; g' = -g/tau_syn; jump g += w (nS, both "
            "positive); spike when V >= v_th. ")
    for method in ("rk4", "exponential_euler"):
        brian_cases("coba_exp", """dv/dt = (g_L*(E_L - v) + g_ex*(E_ex - v) + g_in*(E_in - v) + I)/C_m/ms : 1 (unless refractory)
                    dg_ex/dt = -g_ex/tau_syn_ex : 1
                    dg_in/dt = -g_in/tau_syn_in : 1""", "v >= v_th", "v = v_reset", p,
                    {"v": -70.0, "g_ex": 0.0, "g_in": 0.0}, inputs, 2 * ms, text + HELD, method, SYNAPSES,
                    ("g_ex", "g_in"), f"_{method}")
    q = dict(C_m=250.0, g_L=16.7, E_L=-70.0, E_ex=0.0, E_in=-85.0, V_th=-55.0, V_reset=-60.0, t_ref=2.0,
             tau_syn_ex=2.0, tau_syn_in=5.0)
    rows = list(inputs.items())
    for (name, i), r in zip(rows, nest_runs([("iaf_cond_exp", q, {"V_m": -70.0}, (i[0], i[1], i[2], -i[3]), ("V_m",))
                                             for _, i in rows])):
        add(f"coba_exp_{name}_nest_iaf_cond_exp", "coba_exp", p, {"v": -70.0, "g_ex": 0.0, "g_in": 0.0}, i,
            "adaptive Runge-Kutta-Fehlberg 4(5)", NEST, text + HELD_NEST, r, "V_m", more={"cross_check": True})


def qif():
    p = {"tau_m_ms": 10.0, "a_0_per_mV": 0.06, "v_rest_mV": -65.0, "v_c_mV": -50.0, "v_peak_mV": -30.0,
         "v_reset_mV": -70.0, "R_GOhm": 0.1, "t_ref_ms": 0.0}
    inputs = {"constant": (80.0, 0.0, 0, 0, "pA"), "noisy": (40.0, 60.0, 0, 0, "pA")}
    for method in ("rk4", "rk2", "euler"):
        brian_cases("qif", "dv/dt = (a_0*(v - v_rest)*(v - v_c) + R*I)/tau_m : 1", "v >= v_peak", "v = v_reset", p,
                    {"v": -65.0}, inputs, False, "tau_m V' = a_0 (V - v_rest)(V - v_c) + R I; spike when V >= v_peak.",
                    method, tag=f"_{method}")


def adex():
    clamp = (" The exponent (V - v_T)/delta_T is clamped to (v_peak - v_T)/delta_T from above, in every stage (the same as "
             "V clamped to v_peak within the exponential).")
    spike = "exp(clip((v - v_T)/delta_T, -1000, (v_peak - v_T)/delta_T))"
    p = {"C_m_pF": 200.0, "g_L_nS": 10.0, "E_L_mV": -65.0, "v_T_mV": -50.0, "delta_T_mV": 2.0, "v_peak_mV": -30.0,
         "v_reset_mV": -65.0, "t_ref_ms": 2.0}
    inputs = {"constant": (260.0, 0.0, 0, 0, "pA"), "noisy": (160.0, 200.0, 0, 0, "pA")}
    for method in ("rk4", "rk2", "euler"):
        brian_cases("eif", f"dv/dt = (-g_L*(v - E_L) + g_L*delta_T*{spike} + I)/C_m/ms : 1 (unless refractory)",
                    "v >= v_peak", "v = v_reset", p, {"v": -65.0}, inputs, 2 * ms,
                    "C_m V' = -g_L (V - E_L) + g_L delta_T exp((V - v_T)/delta_T) + I; spike when V >= v_peak." + clamp +
                    " " + HELD, method, tag=f"_{method}")
    base = {"C_m_pF": 281.0, "g_L_nS": 30.0, "E_L_mV": -70.6, "v_T_mV": -50.4, "delta_T_mV": 2.0, "tau_w_ms": 144.0,
            "a_nS": 4.0, "b_pA": 80.5, "v_reset_mV": -70.6, "v_peak_mV": -30.4, "t_ref_ms": 0.0}
    kinds = {"": base, "_bursting": {**base, "tau_w_ms": 20.0, "b_pA": 500.0, "v_reset_mV": -47.4},
             "_refractory": {**base, "t_ref_ms": 2.0}}
    inputs = {"constant": (1000.0, 0.0, 0, 0, "pA"), "noisy": (700.0, 450.0, 0, 0, "pA")}
    text = ("C_m V' = -g_L (V - E_L) + g_L delta_T exp((V - v_T)/delta_T) - w + I; tau_w w' = a (V - E_L) - w; spike when "
            "V >= v_peak: V = v_reset, w += b." + clamp)
    for tag, q in kinds.items():
        held = q["t_ref_ms"] > 0
        for method in ("rk4", "euler") if tag == "" else ("rk4",):
            brian_cases("adex", f"""dv/dt = (-g_L*(v - E_L) + g_L*delta_T*{spike} - w + I)/C_m/ms : 1{' (unless refractory)' if held else ''}
                        dw/dt = (a*(v - E_L) - w)/tau_w : 1""", "v >= v_peak", "v = v_reset\nw += b", q,
                        {"v": -70.6, "w": 0.0}, inputs, q["t_ref_ms"] * ms if held else False,
                        text + (" " + HELD if held else ""), method, extra=("w",), tag=f"{tag}_{method}")
    rows = [(tag, q, name, i, model) for tag, q in kinds.items() for name, i in inputs.items()
            for model in ("aeif_psc_exp", "aeif_cond_exp")]
    runs = nest_runs([(model, dict(C_m=q["C_m_pF"], g_L=q["g_L_nS"], E_L=q["E_L_mV"], V_th=q["v_T_mV"],
                                   Delta_T=q["delta_T_mV"], tau_w=q["tau_w_ms"], a=q["a_nS"], b=q["b_pA"],
                                   V_reset=q["v_reset_mV"], V_peak=q["v_peak_mV"], t_ref=q["t_ref_ms"],
                                   gsl_error_tol=1e-10), {"V_m": -70.6, "w": 0.0}, i[:4], ("V_m", "w"))
                      for _, q, _, i, model in rows])
    for (tag, q, name, i, model), r in zip(rows, runs):
        add(f"adex{tag}_{name}_nest_{model}", "adex", q, {"v": -70.6, "w": 0.0}, i, "adaptive Runge-Kutta-Fehlberg 4(5), "
            "error 1e-10", NEST, text + " V is clamped to v_peak in all terms. Threshold and reset after each inner step of "
            "the adaptive integrator, so without a refractory period several spikes may fall into one step." +
            (" " + HELD_NEST if q["t_ref_ms"] else ""), r, "V_m", [("w", "w")], {"cross_check": True})


def hodgkin_huxley():
    p = {"C_m_uF_per_cm2": 1.0, "g_Na_mS_per_cm2": 120.0, "g_K_mS_per_cm2": 36.0, "g_L_mS_per_cm2": 0.3, "E_Na_mV": 50.0,
         "E_K_mV": -77.0, "E_L_mV": -54.402, "v_th_mV": 0.0}
    a, b = {}, {}
    import math
    v = -65.0
    a["n"], b["n"] = 0.01 * (v + 55) / (1 - math.exp(-(v + 55) / 10)), 0.125 * math.exp(-(v + 65) / 80)
    a["m"], b["m"] = 0.1 * (v + 40) / (1 - math.exp(-(v + 40) / 10)), 4 * math.exp(-(v + 65) / 18)
    a["h"], b["h"] = 0.07 * math.exp(-(v + 65) / 20), 1 / (1 + math.exp(-(v + 35) / 10))
    initial = {"v": v, **{x: a[x] / (a[x] + b[x]) for x in "mhn"}}
    inputs = {"constant": (10.0, 0.0, 0, 0, "uA/cm2"), "noisy": (6.0, 6.0, 0, 0, "uA/cm2")}
    text = ("C_m V' = -g_Na m^3 h (V - E_Na) - g_K n^4 (V - E_K) - g_L (V - E_L) + I; x' = alpha_x (1 - x) - beta_x x for "
            "x = m, h, n; alpha_n = .01(V+55)/(1-exp(-(V+55)/10)), beta_n = .125 exp(-(V+65)/80); alpha_m = .1(V+40)/(1-exp("
            "-(V+40)/10)), beta_m = 4 exp(-(V+65)/18); alpha_h = .07 exp(-(V+65)/20), beta_h = 1/(1+exp(-(V+35)/10)); rates "
            "per ms. Initial gates at their steady state for V = -65. A spike is an upward crossing: V > v_th after step k "
            "and not V > v_th after step k-1; no reset.")
    # rk4 is unstable for these currents at 0.1 ms (the membrane's rate exceeds 30 per ms in a spike): 0.025 ms there.
    for method, substeps in (("exponential_euler", 1), ("rk4", 4)):
        brian_cases("hodgkin_huxley", """
            dv/dt = (-g_Na*m**3*h*(v - E_Na) - g_K*n**4*(v - E_K) - g_L*(v - E_L) + I)/C_m/ms : 1
            dm/dt = (a_m*(1 - m) - b_m*m)/ms : 1
            dh/dt = (a_h*(1 - h) - b_h*h)/ms : 1
            dn/dt = (a_n*(1 - n) - b_n*n)/ms : 1
            a_m = 1/exprel(-(v + 40)/10) : 1
            b_m = 4*exp(-(v + 65)/18) : 1
            a_h = 0.07*exp(-(v + 65)/20) : 1
            b_h = 1/(1 + exp(-(v + 35)/10)) : 1
            a_n = 0.1/exprel(-(v + 55)/10) : 1
            b_n = 0.125*exp(-(v + 65)/80) : 1""", "v > v_th", "", p, initial, inputs, "v > v_th", text, method,
                    extra=("m", "h", "n"), tag=f"_{method}", substeps=substeps)


def morris_lecar():
    shared = {"C_m_uF_per_cm2": 20.0, "g_L_mS_per_cm2": 2.0, "g_K_mS_per_cm2": 8.0, "E_L_mV": -60.0, "E_K_mV": -84.0,
              "E_Ca_mV": 120.0, "V_1_mV": -1.2, "V_2_mV": 18.0, "v_th_mV": 0.0}
    kinds = {"_type1": {**shared, "g_Ca_mS_per_cm2": 4.0, "V_3_mV": 12.0, "V_4_mV": 17.4, "phi_per_ms": 1 / 15},
             "_type2": {**shared, "g_Ca_mS_per_cm2": 4.4, "V_3_mV": 2.0, "V_4_mV": 30.0, "phi_per_ms": 0.04}}
    inputs = {"_type1": {"constant": (50.0, 0.0, 0, 0, "uA/cm2"), "noisy": (40.0, 25.0, 0, 0, "uA/cm2")},
              "_type2": {"constant": (100.0, 0.0, 0, 0, "uA/cm2"), "noisy": (85.0, 35.0, 0, 0, "uA/cm2")}}
    text = ("C_m V' = -g_Ca m_inf (V - E_Ca) - g_K w (V - E_K) - g_L (V - E_L) + I; w' = phi (w_inf - w)/tau_w; m_inf = "
            "(1 + tanh((V-V_1)/V_2))/2, w_inf = (1 + tanh((V-V_3)/V_4))/2, tau_w = 1/cosh((V-V_3)/(2 V_4)) (ms). Parameters of "
            "Rinzel & Ermentrout 1998 (from memory of the paper: type I g_Ca 4, V_3 12, V_4 17.4, phi 1/15; type II g_Ca 4.4, "
            "V_3 2, V_4 30, phi .04). A spike is an upward crossing: V > v_th after step k and not after step k-1; no reset.")
    for tag, p in kinds.items():
        equations = """
            dv/dt = (-g_Ca*minf*(v - E_Ca) - g_K*w*(v - E_K) - g_L*(v - E_L) + I)/C_m/ms : 1
            dw/dt = phi*(winf - w)*cosh((v - V_3)/(2*V_4))/ms : 1
            minf = 0.5*(1 + tanh((v - V_1)/V_2)) : 1
            winf = 0.5*(1 + tanh((v - V_3)/V_4)) : 1"""
        for method in ("rk4", "euler"):
            brian_cases("morris_lecar", equations, "v > v_th", "", p, {"v": -60.0, "w": 0.0}, inputs[tag], "v > v_th", text,
                        method, extra=("w",), tag=f"{tag}_{method}")


def diehl_cook():
    p = {"tau_m_ms": 100.0, "E_L_mV": -65.0, "E_ex_mV": 0.0, "E_in_mV": -100.0, "v_th_mV": -52.0, "theta_offset_mV": 20.0,
         "v_reset_mV": -65.0, "t_ref_ms": 5.0, "tau_syn_ex_ms": 1.0, "tau_syn_in_ms": 2.0, "theta_plus_mV": 0.05,
         "tau_theta_ms": 1e7}
    inputs = {"spikes": (0.0, 0.0, 3.0, 0.5, "mV (a bias voltage R I); weights in units of the leak conductance"),
              "spikes_noisy": (5.0, 5.0, 2.5, 0.5, "mV (a bias voltage R I); weights in units of the leak conductance"),
              "constant": (18.0, 0.0, 0.0, 0.0, "mV (a bias voltage R I); weights in units of the leak conductance")}
    text = ("tau_m V' = (E_L - V) + g_ex (E_ex - V) + g_in (E_in - V) + I; g' = -g/tau_syn, g in units of the leak conductance; "
            "jump g += w; tau_theta theta' = -theta in every step; spike when V > v_th - theta_offset + theta (their code keeps "
            "theta at about 20 mV, so that the offset cancels it: initial theta = 20 mV); then V = v_reset, theta += theta_plus. "
            + HELD)
    for tag, plus in (("", 0.05), ("_theta_plus_1mV", 1.0)):
        for method in ("exponential_euler", "rk4"):
            brian_cases("diehl_cook", """dv/dt = (E_L - v + g_ex*(E_ex - v) + g_in*(E_in - v) + I)/tau_m : 1 (unless refractory)
                        dg_ex/dt = -g_ex/tau_syn_ex : 1
                        dg_in/dt = -g_in/tau_syn_in : 1
                        dtheta/dt = -theta/tau_theta : 1""", "v > v_th - theta_offset + theta",
                        "v = v_reset\ntheta += theta_plus",
                        {**p, "theta_plus_mV": plus, "tau_theta_ms": 1e7 if plus < 1 else 500.0},
                        {"v": -65.0, "g_ex": 0.0, "g_in": 0.0, "theta": 20.0}, inputs, 5 * ms, text, method, SYNAPSES,
                        ("theta",), f"{tag}_{method}")


coba(), qif(), adex(), hodgkin_huxley(), morris_lecar(), diehl_cook()
write("differential.json")
