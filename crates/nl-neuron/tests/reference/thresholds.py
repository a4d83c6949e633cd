"""MAT2, AMAT2 and GIF: NEST.

usage: thresholds.py     (NEST; writes thresholds.json)
"""
import numpy

from common import DT, NEST, add, nest_runs, samples, write

TEXT = ("tau_m V' = -(V - E_L) + (tau_m/C_m) (I + i_ex + i_in), exact, never reset; i' = -i/tau_syn, jump i += w; V uses the "
        "currents from before their decay and jumps. theta_1' = -theta_1/tau_1, theta_2' = -theta_2/tau_2, decayed before the "
        "test; spike when V >= omega + theta_1 + theta_2")
REFRACTORY = ("; then theta_1 += alpha_1, theta_2 += alpha_2. After a spike in step k there is no test in steps k+1 .. k+R "
              "(R = t_ref/dt), V and thresholds evolve.")
mat = {"C_m_pF": 100.0, "tau_m_ms": 5.0, "E_L_mV": -70.0, "omega_mV": -51.0, "tau_1_ms": 10.0, "tau_2_ms": 200.0,
       "alpha_1_mV": 37.0, "alpha_2_mV": 2.0, "t_ref_ms": 2.0, "tau_syn_ex_ms": 1.0, "tau_syn_in_ms": 3.0}
amat = {"C_m_pF": 200.0, "tau_m_ms": 10.0, "E_L_mV": -70.0, "omega_mV": -65.0, "tau_1_ms": 10.0, "tau_2_ms": 200.0,
        "alpha_1_mV": 10.0, "alpha_2_mV": 1.5, "beta_per_ms": 0.3, "tau_v_ms": 5.0, "t_ref_ms": 2.0, "tau_syn_ex_ms": 1.0,
        "tau_syn_in_ms": 3.0}
gif = {"C_m_pF": 80.0, "g_L_nS": 4.0, "E_L_mV": -70.0, "v_reset_mV": -55.0, "v_T_star_mV": -45.0, "delta_V_mV": 1e-9,
       "lambda_0_per_s": 1.0, "t_ref_ms": 4.0, "tau_sfa_ms": [120.0, 10.0], "q_sfa_mV": [3.0, 1.5],
       "tau_stc_ms": [10.0, 80.0], "q_stc_pA": [20.0, -5.0], "tau_syn_ex_ms": 2.0, "tau_syn_in_ms": 4.0}
AMAT_TEXT = (" + theta_v, where theta_v' = -theta_v/tau_v + d, d' = -d/tau_v + beta V' (exact, together with V and the currents)")
GIF_TEXT = (
    "C_m V' = -g_L (V - E_L) - stc + I + i_ex + i_in. Per step, in NEST's order: (1) stc = sum of the stc elements, sfa = "
    "v_T_star + sum of the sfa elements, both from before (2); (2) every element decays exactly; (3) i_ex, i_in decay, and the "
    "input spikes of this step jump; (4) if not refractory: V by the exact propagators with stc held constant within the step, "
    "and the currents of (3), that is *after* their decay and jump (unlike iaf_psc_exp); hazard lambda = lambda_0 "
    "exp((V - sfa)/delta_V), spike with probability 1 - exp(-lambda dt): then elements += q (without a decay in this step) and "
    "R = t_ref/dt; (5) else R -= 1 and V = v_reset. V is not reset in the step of the spike but in the next; after a spike in "
    "step k it is v_reset after steps k+1 .. k+R and the first update is step k+R+1. delta_V is 1e-9 mV here, so that the hazard is 0 "
    "below v_T_star + sfa and infinite above: the spike train is deterministic, spike when V > sfa.")


def nest_parameters(p):
    rename = {"v_reset": "V_reset", "v_T_star": "V_T_star", "delta_V": "Delta_V"}
    out = {}
    for name, value in p.items():
        stem = name[:name.rindex("_per_")] if "_per_" in name else name.rsplit("_", 1)[0]
        out[rename.get(stem, stem)] = value
    return out


def hazard(values, lambda_0=10.0, delta=2.0):
    """What the hazard would be along this trajectory (this spike train forced) with a finite delta_V."""
    lam = lambda_0 * numpy.exp((values["V_m"] - values["E_sfa"]) / delta)
    return {"hazard": {"lambda_0_per_s": lambda_0, "delta_V_mV": delta, "note": "lambda_0 exp((V - sfa)/delta_V) from the V "
                       "and sfa that NEST recorded in this step; in a refractory step it is not used (no spike can be drawn)",
                       "samples_per_s": samples(lam, 2), "spike_probability_of_the_step": samples(
                           -numpy.expm1(-lam * 1e-3 * DT), 2)}}


inputs = {"constant": (500.0, 0.0, 0.0, 0.0, "pA"), "noisy": (300.0, 400.0, 0.0, 0.0, "pA"),
          "spikes_noisy": (150.0, 300.0, 300.0, -100.0, "pA")}
gif_inputs = {"constant": (150.0, 0.0, 0.0, 0.0, "pA"), "noisy": (100.0, 100.0, 0.0, 0.0, "pA"),
              "spikes_noisy": (50.0, 50.0, 60.0, -20.0, "pA")}
rows = [("mat2", "mat2_psc_exp", mat, k, v, TEXT + REFRACTORY) for k, v in inputs.items()]
rows += [("amat2", "amat2_psc_exp", amat, k, v, TEXT + AMAT_TEXT + REFRACTORY) for k, v in inputs.items()]
rows += [("gif", "gif_psc_exp", gif, k, v, GIF_TEXT) for k, v in gif_inputs.items()]
record = {"mat2": ("V_m", "V_th"), "amat2": ("V_m", "V_th"), "gif": ("V_m", "E_sfa", "I_stc")}
runs = nest_runs([(model, nest_parameters(p), {"V_m": -70.0}, v[:4], record[ours]) for ours, model, p, _, v, _ in rows])
for (ours, model, p, kind, v, text), result in zip(rows, runs):
    extra = {"mat2": [("threshold", "V_th")], "amat2": [("threshold", "V_th")],
             "gif": [("sfa", "E_sfa"), ("stc", "I_stc")]}[ours]
    add(f"{ours}_{kind}_nest_{model}", ours, p, {"v": -70.0}, v, "exact", NEST, text, result, "V_m", extra,
        hazard(result[1]) if ours == "gif" else None)
write("thresholds.json")
