"""IF, LIF (hard and subtractive reset), LIF with exponential and alpha currents, ALIF: all linear, all exact.

usage: integrate_and_fire.py     (Brian2 and NEST; writes integrate_and_fire.json)
"""
from common import HELD_BRIAN, HELD_NEST, NEST, add, brian_cases, nest_runs, write

CURRENTS = ("Synaptic currents are updated in every step, refractory or not. V uses the currents from before their "
            "own decay and before the jumps of the step (the exact solution of the linear system over the step).")
def main():
    from brian2 import ms
    # --- IF, no leak: C_m V' = I
    brian_cases("if", "dv/dt = I/C_m/ms : 1 (unless refractory)", "v >= v_th", "v = v_reset",
                {"C_m_pF": 250.0, "v_th_mV": -55.0, "v_reset_mV": -70.0, "t_ref_ms": 2.0}, {"v": -70.0},
                {"constant": (310.0, 0.0, 0, 0, "pA"), "noisy": (250.0, 400.0, 0, 0, "pA")}, 2 * ms,
                "C_m V' = I; Euler is exact here. " + HELD_BRIAN, method="euler")
    # --- LIF, hard reset
    lif = {"C_m_pF": 250.0, "tau_m_ms": 10.0, "E_L_mV": -70.0, "v_th_mV": -55.0, "v_reset_mV": -70.0, "t_ref_ms": 2.0}
    inputs = {"constant": (500.0, 0.0, 0, 0, "pA"), "noisy": (350.0, 250.0, 0, 0, "pA")}
    equation = "dv/dt = (-(v - E_L) + (tau_m/ms)/C_m*I)/tau_m : 1 (unless refractory)"
    brian_cases("lif", equation, "v >= v_th", "v = v_reset", lif, {"v": -70.0}, inputs, 2 * ms,
                "tau_m V' = -(V - E_L) + (tau_m/C_m) I. " + HELD_BRIAN)
    brian_cases("lif", equation, "v >= v_th", "v = v_reset", {**lif, "t_ref_ms": 0.0, "v_reset_mV": -62.0},
                {"v": -70.0}, inputs, False, "tau_m V' = -(V - E_L) + (tau_m/C_m) I. No refractory period.",
                tag="_no_refractory")
    # --- LIF, subtractive reset, dimensionless
    equation = "dv/dt = (-(v - E_L) + I)/tau_m : 1"
    subtract = {"tau_m_ms": 20.0, "E_L": 0.0, "v_th": 1.0, "t_ref_ms": 0.0}
    inputs = {"constant": (1.53, 0.0, 0, 0, "1"), "noisy": (1.1, 0.8, 0, 0, "1")}
    brian_cases("lif_subtract", equation, "v >= v_th", "v -= v_th", subtract, {"v": 0.0}, inputs, False,
                "tau_m V' = -(V - E_L) + I; reset V -= v_th (at most once in a step).")
    brian_cases("lif_subtract", equation + " (unless refractory)", "v >= v_th", "v -= v_th",
                {**subtract, "t_ref_ms": 2.0}, {"v": 0.0}, inputs, 2 * ms,
                "tau_m V' = -(V - E_L) + I; reset V -= v_th, V held at that value. " + HELD_BRIAN, tag="_refractory")
    # --- CUBA LIF, exponential currents
    cuba = {"C_m_pF": 200.0, "tau_m_ms": 20.0, "E_L_mV": -70.0, "v_th_mV": -55.0, "v_reset_mV": -65.0,
            "t_ref_ms": 2.0, "tau_syn_ex_ms": 5.0, "tau_syn_in_ms": 10.0}
    inputs = {"spikes": (0.0, 0.0, 62.0, -30.0, "pA"), "spikes_constant": (90.0, 0.0, 58.0, -40.0, "pA"),
              "spikes_noisy": (60.0, 60.0, 58.0, -35.0, "pA")}
    brian_cases("cuba_exp", """dv/dt = (-(v - E_L) + (tau_m/ms)/C_m*(I + i_ex + i_in))/tau_m : 1 (unless refractory)
                di_ex/dt = -i_ex/tau_syn_ex : 1
                di_in/dt = -i_in/tau_syn_in : 1""", "v >= v_th", "v = v_reset", cuba, {"v": -70.0, "i_ex": 0.0,
                "i_in": 0.0}, inputs, 2 * ms, "tau_m V' = -(V - E_L) + (tau_m/C_m) (I + i_ex + i_in); "
                "i' = -i/tau_syn; jump i += w. " + CURRENTS + " " + HELD_BRIAN,
                events={"exc": "i_ex += w_exc", "inh": "i_in += w_inh"}, extra=("i_ex", "i_in"))
    # --- ALIF (Bellec et al. 2018): A = v_th + beta a
    alif = {"tau_m_ms": 20.0, "E_L": 0.0, "v_th": 1.0, "beta": 0.18, "tau_a_ms": 200.0, "t_ref_ms": 2.0}
    inputs = {"constant": (2.03, 0.0, 0, 0, "1"), "noisy": (1.6, 1.0, 0, 0, "1")}
    for tag, reset, text in (("_hard", "v = 0\na += 1", "V = 0"), ("_subtract", "v -= v_th\na += 1", "V -= v_th (the base "
                             "threshold, as Bellec does, not A)")):
        brian_cases("alif", "dv/dt = (-(v - E_L) + I)/tau_m : 1 (unless refractory)\nda/dt = -a/tau_a : 1",
                    "v >= v_th + beta*a", reset, {**alif, "v_reset": 0.0} if tag == "_hard" else alif,
                    {"v": 0.0, "a": 0.0}, inputs, 2 * ms,
                    f"tau_m V' = -(V - E_L) + I; tau_a a' = -a, in every step; spike when V >= v_th + beta a, with a "
                    f"after its decay in this step; then {text} and a += 1. " + HELD_BRIAN, extra=("a",), tag=tag)

    # --- NEST
    def nest_parameters(p):
        out = {n.rsplit("_", 1)[0]: v for n, v in p.items()}
        out["V_th"], out["V_reset"] = out.pop("v_th"), out.pop("v_reset")
        return out

    table = []
    for name, variant in {"constant": (500.0, 0.0, 0, 0, "pA"), "noisy": (350.0, 250.0, 0, 0, "pA")}.items():
        table.append((f"lif_{name}_nest_iaf_psc_delta", "lif", "iaf_psc_delta", lif, variant,
                      "tau_m V' = -(V - E_L) + (tau_m/C_m) I. " + HELD_NEST, ()))
    table.append(("lif_delta_spikes_nest_iaf_psc_delta", "lif_delta", "iaf_psc_delta", lif,
                  (300.0, 0.0, 1.1, -0.9, "pA; weights mV"),
                  "tau_m V' = -(V - E_L) + (tau_m/C_m) I. A spike with index k adds its weight (mV) to V in step k, after "
                  "the state update and before the threshold; one that falls into a step in which V is held is lost. "
                  + HELD_NEST, ()))
    for name, variant in {"spikes": (0.0, 0.0, 62.0, -30.0, "pA"), "spikes_constant": (90.0, 0.0, 58.0, -40.0, "pA"),
                          "spikes_noisy": (60.0, 60.0, 58.0, -35.0, "pA")}.items():
        table.append((f"cuba_exp_{name}_nest_iaf_psc_exp", "cuba_exp", "iaf_psc_exp", cuba, variant,
                      "tau_m V' = -(V - E_L) + (tau_m/C_m) (I + i_ex + i_in); i' = -i/tau_syn; jump i += w. "
                      + CURRENTS + " " + HELD_NEST, (("i_ex", "I_syn_ex"), ("i_in", "I_syn_in"))))
    equal = {**cuba, "tau_m_ms": 10.0, "tau_syn_ex_ms": 10.0, "tau_syn_in_ms": 10.0}
    table.append(("cuba_exp_equal_time_constants_nest_iaf_psc_exp", "cuba_exp", "iaf_psc_exp", equal,
                  (60.0, 60.0, 58.0, -35.0, "pA"), "As the other cases; tau_syn = tau_m, where the propagator has a "
                  "removable singularity: (h/C_m) exp(-h/tau). " + CURRENTS + " " + HELD_NEST,
                  (("i_ex", "I_syn_ex"), ("i_in", "I_syn_in"))))
    alpha = {**cuba, "tau_syn_ex_ms": 2.0, "tau_syn_in_ms": 4.0}
    text = ("tau_m V' = -(V - E_L) + (tau_m/C_m) (I + i_ex + i_in); an input spike adds the current "
            "w (e/tau_syn) t exp(-t/tau_syn), whose peak is w at t = tau_syn: x' = -x/tau_syn, i' = x - i/tau_syn, jump "
            "x += w e/tau_syn. " + CURRENTS + " " + HELD_NEST)
    for name, variant in {"spikes": (0.0, 0.0, 62.0, -30.0, "pA"), "spikes_noisy": (60.0, 60.0, 58.0, -35.0, "pA")}.items():
        table.append((f"cuba_alpha_{name}_nest_iaf_psc_alpha", "cuba_alpha", "iaf_psc_alpha", alpha, variant, text,
                      (("i_ex", "I_syn_ex"), ("i_in", "I_syn_in"))))
    table.append(("cuba_alpha_equal_time_constants_nest_iaf_psc_alpha", "cuba_alpha", "iaf_psc_alpha",
                  {**alpha, "tau_m_ms": 4.0, "tau_syn_ex_ms": 4.0}, (160.0, 100.0, 100.0, -65.0, "pA"), text +
                  " tau_syn = tau_m is a removable singularity.", (("i_ex", "I_syn_ex"), ("i_in", "I_syn_in"))))
    runs = nest_runs([(model, nest_parameters({n: v for n, v in p.items() if "syn" not in n or "psc_delta" not in model}),
                       {"V_m": -70.0}, variant[:4], ("V_m",) + tuple(t for _, t in extra))
                      for _, _, model, p, variant, _, extra in table])
    for (name, model, _, parameters, variant, order, extra), result in zip(table, runs):
        add(name, model, parameters, {"v": -70.0}, variant, "exact", NEST, order, result, "V_m", extra)
    write("integrate_and_fire.json")


main()
