"""Traub & Miles' kinetics with conductance synapses, as in Brian2's example COBAHH (benchmark 3 of Brette et al. 2007): Brian2.

exponential_euler: every variable is solved exactly with all others frozen at their value from before the step, the rates
alpha and beta among them. rk4 takes four steps for each input: at 0.1 ms it is unstable, as the membrane's rate exceeds 30
per ms in a spike.

usage: traub_miles.py     (Brian2; writes traub_miles.json)
"""
from brian2 import ms

from common import brian_cases, write

p = {"C_m_pF": 200.0, "g_Na_nS": 20000.0, "g_K_nS": 6000.0, "g_L_nS": 10.0, "E_Na_mV": 50.0, "E_K_mV": -90.0,
     "E_L_mV": -60.0, "V_T_mV": -63.0, "E_ex_mV": 0.0, "E_in_mV": -80.0, "tau_syn_ex_ms": 5.0, "tau_syn_in_ms": 10.0,
     "v_th_mV": -20.0, "t_ref_ms": 3.0}
# The means that the benchmark starts from; its gates start at 0.
initial = {"v": -65.0, "m": 0.0, "h": 0.0, "n": 0.0, "g_ex": 40.0, "g_in": 200.0}
inputs = {"spikes": (0.0, 0.0, 6.0, 67.0, "pA; weights nS"), "excited": (0.0, 0.0, 10.0, 10.0, "pA; weights nS"),
          "noisy": (100.0, 400.0, 0.0, 0.0, "pA; weights nS"), "spikes_noisy": (100.0, 300.0, 6.0, 6.0, "pA; weights nS")}
text = ("C_m V' = g_L (E_L - V) + g_ex (E_ex - V) + g_in (E_in - V) - g_Na m^3 h (V - E_Na) - g_K n^4 (V - E_K) + I; x' = "
        "alpha_x (1 - x) - beta_x x for x = m, h, n; with u = V - V_T in mV, per ms: alpha_m = 0.32 (13 - u)/(exp((13 - u)/4) "
        "- 1), beta_m = 0.28 (u - 40)/(exp((u - 40)/5) - 1), alpha_h = 0.128 exp((17 - u)/18), beta_h = 4/(1 + exp((40 - u)/"
        "5)), alpha_n = 0.032 (15 - u)/(exp((15 - u)/5) - 1), beta_n = 0.5 exp((10 - u)/40); g' = -g/tau_syn; jump g += w. "
        "A spike when V > v_th and t_ref has passed since the last one, as in the example; nothing is reset or held. V is "
        "above v_th for less than t_ref in every spike here, so that each is an upward crossing.")
for method, substeps in (("exponential_euler", 1), ("rk4", 4)):
    brian_cases("traub_miles", """
        dv/dt = (g_L*(E_L - v) + g_ex*(E_ex - v) + g_in*(E_in - v) - g_Na*m**3*h*(v - E_Na) - g_K*n**4*(v - E_K) + I)/C_m/ms : 1
        dm/dt = (a_m*(1 - m) - b_m*m)/ms : 1
        dh/dt = (a_h*(1 - h) - b_h*h)/ms : 1
        dn/dt = (a_n*(1 - n) - b_n*n)/ms : 1
        dg_ex/dt = -g_ex/tau_syn_ex : 1
        dg_in/dt = -g_in/tau_syn_in : 1
        a_m = 0.32*4/exprel((13 - v + V_T)/4) : 1
        b_m = 0.28*5/exprel((v - V_T - 40)/5) : 1
        a_h = 0.128*exp((17 - v + V_T)/18) : 1
        b_h = 4/(1 + exp((40 - v + V_T)/5)) : 1
        a_n = 0.032*5/exprel((15 - v + V_T)/5) : 1
        b_n = 0.5*exp((10 - v + V_T)/40) : 1""", "v > v_th", "", p, initial, inputs, 3 * ms, text, method,
                {"exc": "g_ex += w_exc", "inh": "g_in += w_inh"}, ("m", "h", "n", "g_ex", "g_in"), f"_{method}",
                substeps=substeps)
write("traub_miles.json")
