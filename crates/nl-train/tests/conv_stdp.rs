//! The convolutional STDP run: it learns, ends on the same bits however often it was stopped and with any number of
//! threads, and says what is wrong with data and configuration.

use std::path::Path;

use nl_data::{Choice, Lookup, Source, Split, resolve};
use nl_train::{ConvStdpConfig, ConvStdpRun, ConvStdpSummary, Error, Event, Observer, RunFolder, Silent};

const CONFIG: &str = "
name: tiny
seed: 3
train: 1500
test: 300
layers:
  - stdp: {maps: 16, kernel: 5, padding: 2, threshold: 12, keep: 2, double_every: 80}
    images: 900
    converged: 0.0
    pool: 4
    next: 2
  - stdp: {maps: 24, kernel: 3, padding: 1, threshold: 6, winners: 3, radius: 1, double_every: 60}
    images: 400
    converged: 0.0
    pool: 4
    next: 2
read_out: {epochs: 6, batch: 50, rate: 2.0e-3, l2: 3.0e-3, epsilon: 0.1}
reward: {layer: {maps_per_class: 2, kernel: 4, padding: 0}, epochs: 2}
";

fn config() -> ConvStdpConfig {
    ConvStdpConfig::from_yaml(CONFIG).unwrap()
}

fn digits(seed: u64) -> (Split, Source) {
    let lookup = Lookup { train: 1600, test: 320, seed, ..Lookup::default() };
    resolve("mnist", &Choice::Synthetic, &lookup).unwrap()
}

fn run(path: &Path, threads: usize) -> ConvStdpSummary {
    let (split, source) = digits(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        ConvStdpRun::start(config(), split, source, RunFolder::create(path).unwrap()).unwrap().run(&mut Silent).unwrap()
    })
}

/// Stops at the n-th question whether to.
struct StopAt(std::cell::Cell<u32>);

impl Observer for StopAt {
    fn on_event(&mut self, _: &Event) {}

    fn stop_requested(&self) -> bool {
        self.0.set(self.0.get().saturating_sub(1));
        self.0.get() == 0
    }
}

#[test]
fn it_learns_and_ends_on_the_same_bits_however_it_is_run() {
    let parent = tempfile::tempdir().unwrap();
    let whole = run(&parent.path().join("whole"), 1);
    assert!(whole.test_accuracy.linear > 0.9, "{:?}", whole.test_accuracy);
    assert!(whole.test_accuracy.reward.unwrap() > 0.15, "{:?}", whole.test_accuracy);
    assert_eq!((whole.maps.as_slice(), whole.layers, whole.train_samples), (&[16, 24][..], 2, 1500));
    assert_eq!(whole.stdp_samples, [900, 400]);
    let page = std::fs::read_to_string(&whole.report).unwrap();
    assert!(page.contains("Kernels of the first layer") && page.contains(&whole.weights_sha256));

    let threads = run(&parent.path().join("threads"), 3);
    assert_eq!((threads.test_accuracy, &threads.weights_sha256), (whole.test_accuracy, &whole.weights_sha256));

    // Stopped in every stage, again and again.
    let path = parent.path().join("cut");
    let (split, source) = digits(1);
    let mut run = ConvStdpRun::start(config(), split, source, RunFolder::create(&path).unwrap()).unwrap();
    let mut stops = 0;
    let resumed = loop {
        match run.run(&mut StopAt(6.into())) {
            Ok(summary) => break summary,
            Err(Error::Stopped { folder }) => {
                stops += 1;
                let (split, source) = digits(1);
                run = ConvStdpRun::resume(RunFolder::resume(&folder).unwrap(), split, source).unwrap();
            }
            Err(error) => panic!("{error}"),
        }
    };
    assert!(stops >= 4, "{stops}");
    assert_eq!((resumed.test_accuracy, &resumed.weights_sha256), (whole.test_accuracy, &whole.weights_sha256));
    let lines = |name: &str| std::fs::read_to_string(parent.path().join(name).join("metrics.jsonl")).unwrap();
    assert_eq!(lines("cut"), lines("whole"));
}

#[test]
fn other_images_and_other_networks_are_refused() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("a");
    let (split, source) = digits(1);
    let run = ConvStdpRun::start(config(), split, source, RunFolder::create(&path).unwrap()).unwrap();
    assert!(matches!(run.run(&mut StopAt(2.into())), Err(Error::Stopped { .. })));
    let (split, source) = digits(2);
    let resumed = ConvStdpRun::resume(RunFolder::resume(&path).unwrap(), split, source);
    assert!(matches!(resumed, Err(Error::OtherData { .. })));
    let text = std::fs::read_to_string(path.join("config.yaml")).unwrap();
    assert!(text.contains("maps: 16"), "{text}");
    std::fs::write(path.join("config.yaml"), text.replacen("maps: 16", "maps: 17", 1)).unwrap();
    let (split, source) = digits(1);
    assert!(ConvStdpRun::resume(RunFolder::resume(&path).unwrap(), split, source).is_err());

    let mut wide = config();
    wide.layers[1].stdp.kernel = 40;
    let (split, source) = digits(1);
    let folder = parent.path().join("b");
    let error = ConvStdpRun::start(wide, split, source, RunFolder::create(&folder).unwrap()).err().unwrap();
    assert!(error.to_string().contains("kernel"), "{error}");
    assert!(!folder.exists(), "no trace of a run that could not begin");
}
