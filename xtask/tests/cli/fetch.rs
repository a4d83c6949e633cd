//! Downloads that fail. How each failure comes about is tested in nl-data with a tiny dataset; here, what the user sees.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::thread::spawn;

use nl_data::Registry;

use crate::place::{Place, TRAIN_IMAGES, fails, gzip};

/// The first file of the registry, and so the first to be asked for.
const FIRST: &str = "datasets/cache/mnist/.train-images-idx3-ubyte.gz.part";

/// A server of files on 127.0.0.1 for as long as the test process lives. `reply` gets the file's name, the header line
/// `range` if there is one and the number of the request; it returns status, further header lines, the length to
/// declare, and a body, after which the connection is closed.
fn serve(
    reply: impl Fn(&str, Option<&str>, usize) -> (u16, String, usize, Vec<u8>) + Send + 'static,
) -> (String, Receiver<Option<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (log, ranges) = channel();
    spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream: TcpStream = stream.unwrap();
            let lines: Vec<String> =
                BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let name = lines[0].split([' ', '/']).nth(2).unwrap().to_owned();
            let range = lines.iter().map(|line| line.to_lowercase()).find(|line| line.starts_with("range:"));
            let (status, header, length, body) = reply(&name, range.as_deref(), number);
            let _ = log.send(range);
            // A client that hangs up has seen enough.
            let _ =
                write!(stream, "HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n{header}\r\n")
                    .and_then(|()| stream.write_all(&body));
        }
    });
    (url, ranges)
}

/// The folder of the cache holds no file but the lock.
fn assert_empty(place: &Place) {
    assert_eq!(place.names("datasets/cache"), ["mnist"]);
    assert_eq!(place.names("datasets/cache/mnist"), [".lock"]);
}

#[test]
fn a_name_that_is_unknown() {
    Place::new().refuses("fetch mnits", &["\"mnits\"", "known: mnist"]);
}

#[test]
fn a_folder_that_is_missing_or_has_not_got_it() {
    let place = Place::with_images();
    place.refuses("fetch mnist --from nowhere", &["nowhere: no such folder", "http"]);
    place.refuses("fetch mnist --from images --cache tiny.yaml", &["cannot create the folder tiny.yaml/mnist"]);

    // Four files of the right names, but of other images.
    fails(&mut place.command("fetch mnist --from images"), &[TRAIN_IMAGES, "wrong content", "discarded"]);
    assert_empty(&place);
    let packed = gzip(&fs::read(place.path("images").join(TRAIN_IMAGES)).unwrap());
    fs::remove_file(place.path("images").join(TRAIN_IMAGES)).unwrap();
    fails(&mut place.command("fetch mnist --from images"), &["images has none of", TRAIN_IMAGES]);
    assert_empty(&place);
    place.write(&format!("images/{TRAIN_IMAGES}.gz"), packed);
    fails(&mut place.command("fetch mnist --from images"), &["wrong content", "discarded"]);
    assert_empty(&place);
}

#[test]
fn a_server_that_has_other_files_or_none() {
    let place = Place::new();
    let (url, _) = serve(|_, _, number| match number {
        0 => (404, String::new(), 0, Vec::new()),
        _ => (200, String::new(), 500, vec![7; 500]),
    });
    let line = format!("fetch mnist --from {url}");
    fails(&mut place.command(&line), &[&url, TRAIN_IMAGES, "HTTP status 404", "try another --from"]);
    assert_empty(&place);
    fails(&mut place.command(&line), &[&url, TRAIN_IMAGES, "wrong content", "SHA-256", "discarded"]);
    assert_empty(&place);
}

#[test]
fn nobody_answers() {
    let place = Place::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let line = format!("fetch mnist --from http://{free}");
    fails(&mut place.command(&line), &[&free.to_string(), "no answer", "check the network"]);
    assert_empty(&place);
}

#[test]
fn a_download_that_is_cut_off_goes_on_where_it_ended() {
    let place = Place::new();
    let whole = Registry::builtin().unwrap().get("mnist").unwrap().files[0].bytes as usize;
    let (url, ranges) = serve(move |_, _, number| match number {
        0 => (200, String::new(), whole, vec![7; 1000]),
        // The rest, cut off as well.
        1 => {
            let range = format!("Content-Range: bytes 1000-{}/{whole}\r\n", whole - 1);
            (206, range, whole - 1000, vec![7; 500])
        }
        _ => (404, String::new(), 0, Vec::new()),
    });
    let line = format!("fetch mnist --from {url}");
    for (have, asked) in [(1000, None), (1500, Some("range: bytes=1000-".to_owned()))] {
        let cut = format!("cut off at {have} of {whole} bytes");
        fails(&mut place.command(&line), &[&url, &cut, "run it again to resume"]);
        assert_eq!(ranges.recv().unwrap(), asked);
        assert_eq!(fs::metadata(place.path(FIRST)).unwrap().len(), have, "kept for the next attempt");
    }
    // What is half there is not taken for a dataset.
    let mut command = place.command("mnist --data datasets/cache/mnist --out run");
    place.refuses_command(&mut command, &["no train-images-idx3-ubyte"]);
}

/// Real MNIST, where `$NL_DATASETS` has it in its original files: cut off in the middle, then whole.
#[test]
fn real_files_arrive_whole() {
    let Some(mnist) = real_mnist() else {
        // Its hashes are fixed, so nothing else can stand in for it; nl-data tests the same with a registry of its own.
        eprintln!("NL_DATASETS has no mnist/*.gz: nothing to serve");
        return;
    };
    let place = Place::new();
    let folder = mnist.clone();
    let (url, _) = serve(move |name, range, number| {
        let body = fs::read(folder.join(name)).unwrap();
        let half = body.len() / 2;
        match range {
            Some(_) => {
                let header = format!("Content-Range: bytes {half}-{}/{}\r\n", body.len() - 1, body.len());
                (206, header, body.len() - half, body[half..].to_vec())
            }
            None if number == 0 => (200, String::new(), body.len(), body[..half].to_vec()),
            None => (200, String::new(), body.len(), body),
        }
    });
    let line = format!("fetch mnist --from {url}");
    fails(&mut place.command(&line), &["cut off", "run it again to resume"]);
    let half = fs::metadata(mnist.join(format!("{TRAIN_IMAGES}.gz"))).unwrap().len() / 2;
    for part in [&format!("the first {half} bytes kept")[..], "already there"] {
        let output = place.command(&line).output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && stdout.contains(part), "{stdout}");
        assert_eq!(stdout.matches(": verified").count(), 4, "{stdout}");
    }
    let files = place.names("datasets/cache/mnist");
    assert_eq!(files.len(), 5, "four and the lock: {files:?}");
    for name in files.iter().filter(|name| name.ends_with(".gz")) {
        let fetched = fs::read(place.path("datasets/cache/mnist").join(name)).unwrap();
        assert!(fetched == fs::read(mnist.join(name)).unwrap(), "{name}");
    }
    // A copy from the folder is as good.
    let from = format!("fetch mnist --cache copy --from {}", mnist.display());
    assert!(place.command(&from).output().unwrap().status.success());
    assert_eq!(place.names("copy/mnist"), files);
}

fn real_mnist() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("NL_DATASETS")?).join("mnist");
    let files = Registry::builtin().ok()?.get("mnist")?.files.clone();
    let whole = |name: &str, bytes: u64| fs::metadata(folder.join(name)).is_ok_and(|file| file.len() == bytes);
    files.iter().all(|file| whole(&file.name, file.bytes)).then_some(folder)
}
