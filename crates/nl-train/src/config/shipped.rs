//! The configurations that come with the crate.

/// A configuration that comes with the crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    /// Its name: that of its file.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub about: &'static str,
    /// The YAML.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($name:literal: $about:literal,)*) => {
        /// All of them.
        pub const SHIPPED: &[Shipped] = &[
            $(Shipped { name: $name, about: $about, text: include_str!(concat!("../../configs/", $name, ".yaml")) },)*
        ];
    };
}

shipped! {
    "mnist-quick": "a brain on MNIST, about a minute on two cores",
    "mnist-full": "a brain on MNIST at its best, less than ten minutes on two cores",
    "stdp-quick": "400 competing spiking neurons on a third of MNIST, some seconds",
    "stdp-full": "400 competing spiking neurons on all of MNIST, about ten seconds",
    "conv-stdp-quick": "one layer of maps by STDP, some seconds",
    "conv-stdp": "one layer of maps by STDP, 98.9 % of MNIST",
    "conv-stdp-two-layers-quick": "two layers of maps by STDP, some seconds",
    "conv-stdp-two-layers": "two layers of maps by STDP, about a minute",
    "cuba": "4,000 neurons with currents as synapses (Brette et al. 2007, benchmark 2)",
    "coba": "4,000 neurons with conductances as synapses (benchmark 1)",
    "cobahh": "4,000 Hodgkin-Huxley neurons (benchmark 3)",
    "brunel": "12,500 neurons, sparse and random (Brunel 2000)",
}

/// The YAML of the shipped configuration of this name.
#[must_use]
pub fn shipped(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|shipped| shipped.name == name).map(|shipped| shipped.text)
}
