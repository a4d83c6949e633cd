//! Downloads from a server that cuts off, lies, drips and stalls.

mod server;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use flate2::{Compression, write::GzEncoder};
use nl_data::fetch::Patience;
use nl_data::registry::{Dataset, Remote};
use nl_data::{
    FetchError, Fetched, Limits, Origin, Split, fetch, fetch_dataset, load_idx_dir, save_idx_dir, synthetic,
};
use server::{Reply, Server};
use sha2::{Digest, Sha256};
use tempfile::{TempDir, tempdir};

const IMAGES: &str = "train-images-idx3-ubyte.gz";

/// A small dataset of four files, as a registry entry and as bytes.
struct Fixture {
    dataset: Dataset,
    split: Split,
    plain: BTreeMap<String, Vec<u8>>,
    packed: BTreeMap<String, Vec<u8>>,
    cache: TempDir,
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

impl Fixture {
    fn new() -> Self {
        let split = synthetic::digits(30, 10, 3);
        let dir = tempdir().unwrap();
        save_idx_dir(&split, dir.path()).unwrap();
        let (mut plain, mut packed, mut files) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for entry in fs::read_dir(dir.path()).unwrap() {
            let path = entry.unwrap().path();
            let content = fs::read(&path).unwrap();
            let name = format!("{}.gz", path.file_name().unwrap().to_str().unwrap());
            let gz = gzip(&content, 9);
            files.push(Remote {
                name: name.clone(),
                bytes: gz.len() as u64,
                sha256: Some(sha256(&gz)),
                unpacked_bytes: content.len() as u64,
                unpacked_sha256: sha256(&content),
            });
            plain.insert(name.clone(), content);
            packed.insert(name, gz);
        }
        files.sort_by(|a, b| b.name.cmp(&a.name)); // images of the training set second
        let dataset = Dataset {
            name: "tiny".into(),
            title: "A tiny dataset".into(),
            classes: 10,
            class_names: Vec::new(),
            licence: "MIT".into(),
            citation: "none".into(),
            mirrors: Vec::new(),
            files,
        };
        Self { dataset, split, plain, packed, cache: tempdir().unwrap() }
    }

    /// A server that answers well, but for the training images.
    fn server(&self, images: impl Fn(Vec<u8>) -> Reply + Send + 'static) -> Server {
        let packed = self.packed.clone();
        Server::start(move |name, _| match packed.get(name) {
            Some(bytes) if name == IMAGES => images(bytes.clone()),
            Some(bytes) => Reply::Good(bytes.clone()),
            None => Reply::NotFound,
        })
    }

    fn fetch(&self, server: &Server) -> Result<Vec<Fetched>, FetchError> {
        self.fetch_from(Some(&Origin::Url(server.url())))
    }

    fn fetch_from(&self, from: Option<&Origin>) -> Result<Vec<Fetched>, FetchError> {
        fetch_dataset(&self.dataset, from, self.cache.path(), &Patience::default(), &mut |_| {})
    }

    /// What lies in the cache's folder beside the lock.
    fn listing(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.cache.path().join("tiny"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != ".lock" && !name.contains("labels"))
            .collect();
        names.sort();
        names
    }

    fn assert_complete(&self) {
        let split = load_idx_dir(self.cache.path().join("tiny"), &Limits::default()).unwrap();
        assert_eq!(split, self.split);
        assert!(!self.listing().iter().any(|name| name.contains(".part")), "{:?}", self.listing());
    }

    fn part(&self) -> std::path::PathBuf {
        self.cache.path().join("tiny").join(format!(".{IMAGES}.part"))
    }

    fn put_part(&self, bytes: &[u8]) {
        fs::create_dir_all(self.cache.path().join("tiny")).unwrap();
        fs::write(self.part(), bytes).unwrap();
    }
}

#[test]
fn whole_files_then_nothing_more_to_do() {
    let fixture = Fixture::new();
    let server = fixture.server(Reply::Good);
    let fetched = fixture.fetch(&server).unwrap();
    assert!(fetched.iter().all(|file| file.origin.is_some() && file.resumed == 0));
    fixture.assert_complete();
    let again = fixture.fetch(&server).unwrap();
    assert!(again.iter().all(|file| file.origin.is_none()));
    assert_eq!(server.requests().len(), 4, "what is there and right is not asked for again");
}

#[test]
fn a_damaged_file_in_the_cache_is_replaced() {
    let fixture = Fixture::new();
    let server = fixture.server(Reply::Good);
    fixture.fetch(&server).unwrap();
    fs::write(fixture.cache.path().join("tiny").join(IMAGES), b"damaged").unwrap();
    fixture.fetch(&server).unwrap();
    fixture.assert_complete();
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn progress_ends_at_the_total() {
    let fixture = Fixture::new();
    let server = fixture.server(Reply::Good);
    let mut last = BTreeMap::new();
    let from = Origin::Url(server.url());
    fetch_dataset(&fixture.dataset, Some(&from), fixture.cache.path(), &Patience::default(), &mut |progress| {
        last.insert(progress.file.to_owned(), (progress.bytes, progress.total));
    })
    .unwrap();
    assert_eq!(last.len(), 4);
    assert!(last.values().all(|(bytes, total)| bytes == total));
}

#[test]
fn cut_off_then_resumed() {
    let fixture = Fixture::new();
    let cutting = fixture.server(|bytes| Reply::CutAt(bytes, 1000));
    let error = fixture.fetch(&cutting).unwrap_err();
    assert!(matches!(error, FetchError::CutOff { found: 1000, .. }), "{error}");
    assert!(error.to_string().contains("run it again to resume"), "{error}");
    assert_eq!(fs::metadata(fixture.part()).unwrap().len(), 1000, "kept for the next attempt");
    assert!(!fixture.listing().contains(&IMAGES.to_owned()));

    let good = fixture.server(Reply::Good);
    let fetched = fixture.fetch(&good).unwrap();
    assert!(fetched.iter().any(|file| file.resumed == 1000));
    assert!(good.requests().contains(&(IMAGES.to_owned(), Some(1000))));
    fixture.assert_complete();
}

#[test]
fn a_server_that_ignores_the_range_sends_the_whole() {
    let fixture = Fixture::new();
    fixture.put_part(&fixture.packed[IMAGES][..500]);
    let server = fixture.server(Reply::Whole);
    let fetched = fixture.fetch(&server).unwrap();
    assert!(fetched.iter().all(|file| file.resumed == 0));
    fixture.assert_complete();
}

#[test]
fn a_beginning_of_another_file_is_dropped() {
    let fixture = Fixture::new();
    fixture.put_part(&[7; 500]);
    let server = fixture.server(Reply::Good);
    fixture.fetch(&server).unwrap();
    fixture.assert_complete();
    let ranges: Vec<_> = server.requests().into_iter().filter(|(name, _)| name == IMAGES).map(|r| r.1).collect();
    assert_eq!(ranges, [Some(500), None], "resumed, found wrong, taken from the start");
}

#[test]
fn a_part_longer_than_the_file_is_dropped() {
    let fixture = Fixture::new();
    fixture.put_part(&vec![7; fixture.packed[IMAGES].len() + 1]);
    fixture.fetch(&fixture.server(Reply::Good)).unwrap();
    fixture.assert_complete();
}

#[test]
fn wrong_hash_leaves_nothing() {
    let fixture = Fixture::new();
    let server = fixture.server(|mut bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        Reply::Good(bytes)
    });
    let error = fixture.fetch(&server).unwrap_err();
    assert!(matches!(error, FetchError::WrongHash { .. }), "{error}");
    assert_eq!(fixture.listing(), Vec::<String>::new());
}

#[test]
fn same_content_packed_otherwise_is_right() {
    let fixture = Fixture::new();
    let other = gzip(&fixture.plain[IMAGES], 6);
    assert_ne!(other, fixture.packed[IMAGES]);
    fixture.fetch(&fixture.server(move |_| Reply::Unsized(other.clone()))).unwrap();
    fixture.assert_complete();
}

#[test]
fn no_length_declared_and_cut_off() {
    let fixture = Fixture::new();
    let error = fixture.fetch(&fixture.server(|bytes| Reply::Unsized(bytes[..700].to_vec()))).unwrap_err();
    assert!(matches!(error, FetchError::CutOff { found: 700, .. }), "{error}");
}

#[test]
fn not_found() {
    let fixture = Fixture::new();
    let error = fixture.fetch(&fixture.server(|_| Reply::NotFound)).unwrap_err();
    assert!(matches!(error, FetchError::Status { status: 404, .. }), "{error}");
    assert_eq!(fixture.listing(), Vec::<String>::new());
}

#[test]
fn oversized_declared_and_undeclared() {
    let fixture = Fixture::new();
    let big = |bytes: Vec<u8>| [bytes, vec![0; 200_000]].concat();
    for reply in [Reply::Whole as fn(Vec<u8>) -> Reply, Reply::Unsized] {
        let error = fixture.fetch(&fixture.server(move |bytes| reply(big(bytes)))).unwrap_err();
        assert!(matches!(error, FetchError::TooLarge { .. }), "{error}");
        assert_eq!(fixture.listing(), Vec::<String>::new());
    }
}

#[test]
fn a_server_that_drips_or_stalls_is_given_up() {
    let fixture = Fixture::new();
    let mut images = fixture.dataset.clone();
    images.files.retain(|file| file.name == IMAGES);
    let patience = Patience { grace: Duration::from_millis(200), bytes_per_second: 1_000_000, ..Patience::default() };
    for reply in [Reply::Drip as fn(Vec<u8>) -> Reply, Reply::Stall] {
        let server = fixture.server(reply);
        let from = Origin::Url(server.url());
        let error = fetch_dataset(&images, Some(&from), fixture.cache.path(), &patience, &mut |_| {}).unwrap_err();
        assert!(matches!(error, FetchError::TooSlow { .. }), "{error}");
        assert!(fixture.part().exists(), "kept for the next attempt");
    }
    fixture.fetch(&fixture.server(Reply::Good)).unwrap();
    fixture.assert_complete();
}

#[test]
fn mirrors_in_order_and_the_next_goes_on_where_one_was_cut_off() {
    let mut fixture = Fixture::new();
    let absent = fixture.server(|_| Reply::NotFound);
    let cutting = fixture.server(|bytes| Reply::CutAt(bytes, 900));
    let good = fixture.server(Reply::Good);
    fixture.dataset.mirrors = vec![absent.url(), cutting.url(), good.url()];
    let fetched = fixture.fetch_from(None).unwrap();
    let images = fetched.iter().find(|file| file.path.ends_with(IMAGES)).unwrap();
    assert_eq!((images.resumed, images.origin.clone()), (900, Some(format!("{}/{IMAGES}", good.url()))));
    fixture.assert_complete();
}

#[test]
fn all_mirrors_fail() {
    let mut fixture = Fixture::new();
    let absent = fixture.server(|_| Reply::NotFound);
    let cutting = fixture.server(|bytes| Reply::CutAt(bytes, 900));
    fixture.dataset.mirrors = vec![absent.url(), cutting.url()];
    let error = fixture.fetch_from(None).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, FetchError::AllMirrors { .. }), "{text}");
    assert!(text.contains("HTTP status 404") && text.contains("cut off at 900"), "{text}");
}

#[test]
fn nobody_answers() {
    let fixture = Fixture::new();
    let server = fixture.server(Reply::Good);
    let from = Origin::Url(server.url());
    drop(server);
    let error = fixture.fetch_from(Some(&from)).unwrap_err();
    assert!(matches!(error, FetchError::NoAnswer { .. }), "{error}");
}

fn folder(files: &BTreeMap<String, Vec<u8>>, rename: impl Fn(&str) -> String) -> TempDir {
    let dir = tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(dir.path().join(rename(name)), bytes).unwrap();
    }
    dir
}

#[test]
fn from_a_folder_packed_plain_or_dotted() {
    let fixture = Fixture::new();
    for dir in [
        folder(&fixture.packed, str::to_owned),
        folder(&fixture.plain, |name| name.trim_end_matches(".gz").to_owned()),
        folder(&fixture.packed, |name| name.replacen("-idx", ".idx", 1)),
    ] {
        let cache = tempdir().unwrap();
        let from = Origin::Dir(dir.path().to_path_buf());
        fetch_dataset(&fixture.dataset, Some(&from), cache.path(), &Patience::default(), &mut |_| {}).unwrap();
        assert_eq!(load_idx_dir(cache.path().join("tiny"), &Limits::default()).unwrap(), fixture.split);
    }
}

#[test]
fn from_a_folder_with_a_wrong_or_missing_file() {
    let mut fixture = Fixture::new();
    fixture.packed.get_mut(IMAGES).unwrap()[40] ^= 1;
    let dir = folder(&fixture.packed, str::to_owned);
    let from = Origin::Dir(dir.path().to_path_buf());
    let error = fixture.fetch_from(Some(&from)).unwrap_err();
    assert!(matches!(error, FetchError::WrongHash { .. }), "{error}");
    assert_eq!(fixture.listing(), Vec::<String>::new());
    fs::remove_file(dir.path().join(IMAGES)).unwrap();
    let error = fixture.fetch_from(Some(&from)).unwrap_err();
    assert!(matches!(error, FetchError::NotInFolder { .. }), "{error}");
    let error = fixture.fetch_from(Some(&Origin::Dir(dir.path().join("absent")))).unwrap_err();
    assert!(matches!(error, FetchError::NoFolder { .. }), "{error}");
}

#[test]
fn one_fetch_at_a_time() {
    let fixture = Fixture::new();
    let dir = fixture.cache.path().join("tiny");
    fs::create_dir_all(&dir).unwrap();
    let held = File::create(dir.join(".lock")).unwrap();
    held.lock().unwrap();
    let server = fixture.server(Reply::Good);
    let error = fixture.fetch(&server).unwrap_err();
    assert!(matches!(error, FetchError::Locked { .. }), "{error}");
    drop(held);
    fixture.fetch(&server).unwrap();
    fixture.assert_complete();
}

#[test]
fn a_cache_that_cannot_be_made() {
    let fixture = Fixture::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    let from = Origin::Url("http://127.0.0.1:9/".into());
    let error =
        fetch_dataset(&fixture.dataset, Some(&from), &file.path().join("cache"), &Patience::default(), &mut |_| {})
            .unwrap_err();
    assert!(matches!(error, FetchError::Io { action: "create the folder", .. }), "{error}");
}

/// `/dev/full` answers every write as a full disk does.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing() {
    let fixture = Fixture::new();
    fixture.put_part(b"");
    fs::remove_file(fixture.part()).unwrap();
    std::os::unix::fs::symlink("/dev/full", fixture.part()).unwrap();
    let error = fixture.fetch(&fixture.server(Reply::Good)).unwrap_err();
    assert!(matches!(error, FetchError::Io { action: "write", .. }), "{error}");
    assert!(error.to_string().contains("No space left"), "{error}");
    assert_eq!(fixture.listing(), Vec::<String>::new());
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let error = fetch("mnits", None, Path::new("nowhere"), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("known: mnist"), "{error}");
    assert!(!Path::new("nowhere").exists());
}
