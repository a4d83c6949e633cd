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

/// All of them.
pub const SHIPPED: &[Shipped] = &[
    Shipped {
        name: "mnist-quick",
        about: "a brain on MNIST, about a minute on two cores",
        text: include_str!("../../configs/mnist-quick.yaml"),
    },
    Shipped {
        name: "mnist-full",
        about: "a brain on MNIST at its best, less than ten minutes on two cores",
        text: include_str!("../../configs/mnist-full.yaml"),
    },
    Shipped {
        name: "brain-fashion",
        about: "a brain on Fashion-MNIST at its best, less than fifteen minutes on two cores",
        text: include_str!("../../configs/brain-fashion.yaml"),
    },
    Shipped {
        name: "mnist-sprint",
        about: "99 % of MNIST's test images after seconds: a small convolutional network",
        text: include_str!("../../configs/mnist-sprint.yaml"),
    },
    Shipped {
        name: "conv-mnist",
        about: "a small convolutional network on MNIST, from a list of layers, some seconds",
        text: include_str!("../../configs/conv-mnist.yaml"),
    },
    Shipped {
        name: "local-mnist",
        about: "local receptive fields whose weights are not shared, on MNIST",
        text: include_str!("../../configs/local-mnist.yaml"),
    },
    Shipped {
        name: "gru-rows",
        about: "MNIST row by row through a gated recurrent unit",
        text: include_str!("../../configs/gru-rows.yaml"),
    },
    Shipped {
        name: "patch-transformer",
        about: "a small transformer on patches of MNIST",
        text: include_str!("../../configs/patch-transformer.yaml"),
    },
    Shipped {
        name: "snn-mnist",
        about: "a network of spiking neurons on MNIST, trained through its spikes, two minutes on two cores",
        text: include_str!("../../configs/snn-mnist.yaml"),
    },
    Shipped {
        name: "contrastive-mnist",
        about: "MNIST without labels: two views of an image embedded alike, probed by k-NN",
        text: include_str!("../../configs/contrastive-mnist.yaml"),
    },
    Shipped {
        name: "rotation",
        about: "by how many degrees a digit was turned: a convolutional network for a value, minutes",
        text: include_str!("../../configs/rotation.yaml"),
    },
    Shipped {
        name: "without-backprop",
        about: "back-propagation, predictive coding and feedback alignment on MNIST, side by side",
        text: include_str!("../../configs/without-backprop.yaml"),
    },
    Shipped {
        name: "stdp-quick",
        about: "400 competing spiking neurons on a third of MNIST, some seconds",
        text: include_str!("../../configs/stdp-quick.yaml"),
    },
    Shipped {
        name: "stdp-full",
        about: "400 competing spiking neurons on all of MNIST, about ten seconds",
        text: include_str!("../../configs/stdp-full.yaml"),
    },
    Shipped {
        name: "conv-stdp-quick",
        about: "one layer of maps by STDP, some seconds",
        text: include_str!("../../configs/conv-stdp-quick.yaml"),
    },
    Shipped {
        name: "conv-stdp",
        about: "one layer of maps by STDP, 98.9 % of MNIST",
        text: include_str!("../../configs/conv-stdp.yaml"),
    },
    Shipped {
        name: "conv-stdp-two-layers-quick",
        about: "two layers of maps by STDP, some seconds",
        text: include_str!("../../configs/conv-stdp-two-layers-quick.yaml"),
    },
    Shipped {
        name: "conv-stdp-two-layers",
        about: "two layers of maps by STDP, about a minute",
        text: include_str!("../../configs/conv-stdp-two-layers.yaml"),
    },
    Shipped {
        name: "cuba",
        about: "4,000 neurons with currents as synapses (Brette et al. 2007, benchmark 2)",
        text: include_str!("../../configs/cuba.yaml"),
    },
    Shipped {
        name: "coba",
        about: "4,000 neurons with conductances as synapses (benchmark 1)",
        text: include_str!("../../configs/coba.yaml"),
    },
    Shipped {
        name: "cobahh",
        about: "4,000 Hodgkin-Huxley neurons (benchmark 3)",
        text: include_str!("../../configs/cobahh.yaml"),
    },
    Shipped {
        name: "brunel",
        about: "12,500 neurons, sparse and random (Brunel 2000)",
        text: include_str!("../../configs/brunel.yaml"),
    },
    Shipped {
        name: "hopfield",
        about: "what classical Hopfield networks keep, against theory, and modern ones, some seconds",
        text: include_str!("../../configs/hopfield.yaml"),
    },
];

/// The YAML of the shipped configuration of this name.
#[must_use]
pub fn shipped(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|shipped| shipped.name == name).map(|shipped| shipped.text)
}
