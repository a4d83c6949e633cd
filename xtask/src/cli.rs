//! What can be asked for. Parsing does nothing but parse; each command's file does the rest.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use nl_data::Choice;

/// NeuraLearn: neuro-inspired learning on the CPU.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the shell is told, below the help.
const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 an error; 2 a command line that makes no sense; 130 stopped by Ctrl-C (once: with a checkpoint, \
and the command that goes on; twice: at once).
Results go to stdout, everything else to stderr. NO_COLOR is heeded; without a terminal, or with TERM=dumb, progress is \
told in plain lines.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Downloads a dataset into datasets/cache, verified; resumes where a download was cut off.
    Fetch(Fetch),
    /// Trains what a configuration describes, and writes a report.
    Train(Train),
    /// Asks a trained model about test samples.
    Eval(Eval),
    /// Asks a trained model about single images or rows.
    Predict(Predict),
    /// Shows what there is: models, stages, presets …
    List(List),
    /// Trains the brain pipeline, first without labels, then with them, and writes a report.
    Mnist(Mnist),
    /// Lets spiking neurons learn images without labels (Diehl & Cook 2015), and writes a report.
    Stdp(Stdp),
    /// Lets a convolutional network learn features by STDP (Kheradpisheh et al. 2018), reads them out, writes a report.
    ConvStdp(ConvStdp),
    /// Simulates a published spiking network and writes a report.
    Sim(Sim),
    /// Measures a workload.
    Bench(Bench),
}

#[derive(Debug, Args)]
pub(crate) struct Fetch {
    /// The dataset's name in datasets/registry.toml.
    pub(crate) name: String,
    /// A folder that holds the files, or the URL of a mirror; without it, the mirrors of the registry.
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) from: Option<String>,
    /// Where to keep it.
    #[arg(long, value_name = "DIR", default_value = "datasets/cache")]
    pub(crate) cache: PathBuf,
}

/// How many threads work.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Threads {
    /// Worker threads, at most one for each core; the result is the same for any number [default: one for each core].
    #[arg(long = "threads", value_name = "N", value_parser = threads)]
    pub(crate) number: Option<NonZeroUsize>,
    /// More threads than cores, if --threads says so; it is only slower.
    #[arg(long, requires = "number")]
    pub(crate) oversubscribe: bool,
}

/// A prepared configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// About a minute on two cores.
    Quick,
    /// The best accuracy that fits in ten minutes on two cores.
    Full,
}

/// What every run can be told.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// A configuration of your own (YAML, as config.yaml in a run's folder).
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub(crate) config: Option<PathBuf>,
    /// Changes one value of the configuration: `--set stages[0].learn.epochs=3`; may be given more than once.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
    /// The seed of everything random.
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) threads: Threads,
    /// The run's folder; must be new or empty [default: experiments/NAME-TIME].
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub(crate) out: Option<PathBuf>,
    /// Continues the run in this folder, with its configuration.
    #[arg(long, value_name = "DIR")]
    pub(crate) resume: Option<PathBuf>,
    /// Prints the summary as one JSON object on the last line of stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which images.
#[derive(Debug, Args)]
pub(crate) struct Data {
    /// `auto` ($NL_DATASETS, then datasets/cache, then the embedded digits), `synthetic`, or a folder with four IDX files; for a
    /// network of layers also a .csv or .npz file, or a folder of arrays, of tables, or of pictures by class.
    ///
    /// Without it, what the configuration says; the presets say `auto`.
    #[arg(long, value_name = "auto|synthetic|PATH", value_parser = choice)]
    pub(crate) data: Option<Choice>,
}

#[derive(Debug, Args)]
pub(crate) struct Train {
    /// A configuration that comes with the program: `cargo xtask list presets`.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["config", "resume"])]
    pub(crate) preset: Option<String>,
    #[command(flatten)]
    pub(crate) data: Data,
    #[command(flatten)]
    pub(crate) common: Common,
    /// Prints the whole configuration with all its keys, commented, and ends.
    #[arg(long)]
    pub(crate) help_config: bool,
    /// Prints what would be run (the images, the layers with shapes, parameters and multiply-accumulates, the stages), and ends.
    #[arg(long, conflicts_with_all = ["resume", "help_config"])]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Eval {
    /// The folder of a finished run.
    #[arg(long, value_name = "DIR")]
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) data: Data,
    #[command(flatten)]
    pub(crate) threads: Threads,
    /// Asks about the images spoilt, too (noise, blur, occlusion, rotation, shift, contrast, each at five severities), and writes a
    /// page of curves, robustness.html, to the folder of the run.
    #[arg(long)]
    pub(crate) robustness: bool,
    /// Prints the scores as one JSON object on the last line of stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Predict {
    /// The folder of a finished run.
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Images as PNG or JPEG, arrays as NPY (of grey images [H, W] or [N, H, W], bytes, or floats from 0 to 1; of others the
    /// samples first), rows as CSV: whatever the model learned.
    #[arg(value_name = "FILE.png|FILE.npy|FILE.csv", required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) threads: Threads,
    /// Prints one JSON object a sample, a line each.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Topic {
    /// What can be trained.
    Models,
    /// What is done with it.
    Stages,
    /// Of what a model of kind `layers` is made.
    Layers,
    /// What a network learns by: `loss` of a stage.
    Losses,
    /// Spiking neurons.
    Neurons,
    /// Learning rules.
    Rules,
    /// From values to spikes.
    Encoders,
    /// From gradients to steps.
    Optimizers,
    /// Configurations that come with the program.
    Presets,
    /// Data sets of the registry.
    Datasets,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// What is listed; without it everything.
    #[arg(value_enum)]
    pub(crate) topic: Option<Topic>,
    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Mnist {
    #[command(flatten)]
    pub(crate) data: Data,
    /// A prepared configuration.
    #[arg(long, value_enum, default_value = "quick", conflicts_with_all = ["config", "resume"])]
    pub(crate) preset: Preset,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Args)]
pub(crate) struct Stdp {
    /// Neurons; there are settings for 100, 400, 1600 and 6400, others take those of the nearest [default: 400].
    #[arg(long, value_name = "N", value_parser = count, conflicts_with_all = ["config", "resume"])]
    pub(crate) neurons: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(crate) data: Data,
    /// `quick`: seconds; `full`: all images, minutes with many neurons.
    #[arg(long, value_enum, default_value = "quick", conflicts_with_all = ["config", "resume"], hide_possible_values = true, value_name = "quick|full")]
    pub(crate) preset: Preset,
    /// The learning rule: diehl-cook (published, the default) or normalised.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["config", "resume"])]
    pub(crate) rule: Option<String>,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// A published network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SimModel {
    /// 4,000 current-based LIF neurons (Vogels & Abbott 2005; Brette et al. 2007, benchmark 2).
    Cuba,
    /// 4,000 conductance-based LIF neurons (benchmark 1).
    Coba,
    /// 4,000 Hodgkin-Huxley neurons (benchmark 3).
    Cobahh,
    /// 12,500 LIF neurons with delta synapses (Brunel 2000).
    Brunel,
}

#[derive(Debug, Args)]
pub(crate) struct Sim {
    /// The network.
    #[arg(value_enum, conflicts_with_all = ["config", "resume"])]
    pub(crate) model: Option<SimModel>,
    /// Biological time [default: 1].
    #[arg(long, value_name = "S", conflicts_with = "resume")]
    pub(crate) seconds: Option<f64>,
    /// Neurons [default: as published].
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    pub(crate) neurons: Option<usize>,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Args)]
pub(crate) struct ConvStdp {
    #[command(flatten)]
    pub(crate) data: Data,
    /// `quick`: some seconds; `full`: all images, a minute or two.
    #[arg(long, value_enum, default_value = "quick", conflicts_with_all = ["config", "resume"], hide_possible_values = true, value_name = "quick|full")]
    pub(crate) preset: Preset,
    /// Layers that learn: 1 or 2.
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with_all = ["config", "resume"])]
    pub(crate) layers: usize,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// More threads than any machine has cores are a mistake in typing.
const MOST_THREADS: usize = 1024;

fn choice(text: &str) -> Result<Choice, &'static str> {
    if text.is_empty() { Err("use auto, synthetic or the path of a folder") } else { Ok(text.to_owned().into()) }
}

fn count(text: &str) -> Result<NonZeroUsize, &'static str> {
    let number = text.parse().map_err(|_| "expected a number in digits")?;
    NonZeroUsize::new(number).ok_or("expected at least 1")
}

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    match count(text)? {
        number if number.get() > MOST_THREADS => Err(format!("expected at most {MOST_THREADS}")),
        number => Ok(number),
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// One self-supervised training step of the default brain, batch 128.
    BrainSsl,
    /// One supervised training step of the default brain, batch 128.
    BrainSup,
    /// Inference of the default brain, batch 128.
    BrainInfer,
    /// Square f32 matrix products of 256, 512, 1024 and 2048.
    Gemm,
    /// Exact nearest neighbours: 60,000 x 128 keys, 10,000 queries, k = 10.
    Knn,
    /// Learning without labels: 400 neurons, image by image (Diehl & Cook 2015).
    Stdp,
    /// One training step of a spiking network, 784-1000-10 leaky neurons over T steps, batch 128.
    SnnStep,
    /// Inference of the same network.
    SnnInfer,
    /// CUBA: 4,000 neurons, 10 s (Brette et al. 2007, benchmark 2).
    Cuba,
    /// Brunel: 12,500 neurons, 1 s (Brunel 2000).
    Brunel,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// What is measured.
    #[arg(value_enum)]
    pub(crate) workload: Workload,
    #[command(flatten)]
    pub(crate) threads: Threads,
    /// Repetitions whose median is reported.
    #[arg(long, value_name = "N", default_value = "30", value_parser = count)]
    pub(crate) steps: NonZeroUsize,
    /// Steps of time of a spiking network.
    #[arg(long, value_name = "T", default_value = "25", value_parser = count)]
    pub(crate) t: NonZeroUsize,
    /// Prints the figures as one JSON object a line on stdout.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn nonsense_is_refused() {
        for line in [
            "mnist --threads 0",
            "mnist --threads 1025",
            "mnist --no-such-option",
            "mnist --preset huge",
            "mnist --seed -1",
            "mnist --resume a --preset full",
            "mnist --resume a --seed 3",
            "stdp --neurons 0",
            "stdp --resume a --neurons 100",
            "stdp --config a --rule diehl-cook",
            "conv-stdp --resume a --layers 2",
            "conv-stdp --layers x",
            "sim lif",
            "sim cuba --seconds x",
            "sim cuba --resume a",
            "bench",
            "bench gemm --steps 0",
            "bench gemm --oversubscribe",
            "fetch",
        ] {
            let words = std::iter::once("xtask").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_err(), "{line}");
        }
    }

    #[test]
    fn the_documented_lines_parse() {
        for line in [
            "fetch mnist --from ../mirror",
            "mnist",
            "mnist --data synthetic --preset full --seed 3 --threads 2 --out x --json",
            "mnist --resume experiments/x --threads 1",
            "conv-stdp --preset full --layers 2 --seed 3 --json",
            "conv-stdp --resume experiments/x --threads 1",
            "bench brain-ssl --threads 2 --steps 5 --json",
            "bench knn",
            "bench knn --threads 64 --oversubscribe",
            "stdp --neurons 1600 --data auto --preset full --rule diehl-cook --json",
            "stdp --resume experiments/x --threads 1",
            "bench stdp --json",
            "bench cuba --json",
            "sim cuba --seconds 10 --threads 2 --json",
            "sim --resume experiments/x",
        ] {
            let words = std::iter::once("xtask").chain(line.split(' '));
            Cli::try_parse_from(words).unwrap_or_else(|e| panic!("{line}: {e}"));
        }
    }
}
