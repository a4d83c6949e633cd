//! The helper as `cargo xtask fetch` runs it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::thread::spawn;

use tempfile::tempdir;

fn helper(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask-fetch")).args(arguments).output().unwrap()
}

/// Exit code 1, every one of `words` on stderr, nothing on stdout.
fn fails(arguments: &[&str], words: &[&str]) {
    let output = helper(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(1), &b""[..]), "{stderr}");
    for word in ["error: "].iter().chain(words) {
        assert!(stderr.contains(word), "{word:?} is not in: {stderr}");
    }
}

#[test]
fn what_it_is_asked_for_is_checked() {
    let dir = tempdir().unwrap();
    let cache = dir.path().join("cache");
    let cache = cache.to_str().unwrap();
    fails(&[], &["usage: xtask-fetch NAME CACHE [URL]"]);
    fails(&["mnist", cache, "http://127.0.0.1:9", "more"], &["usage"]);
    fails(&["nothing", cache], &["no dataset is called \"nothing\"", "mnist"]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// It can download: the server's answer, and not the lack of TLS, is what it tells.
#[test]
fn it_asks_the_server() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request: Vec<String> =
            BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let _ = stream.write_all(b"HTTP/1.1 404 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        request[0].clone()
    });
    let dir = tempdir().unwrap();
    fails(&["mnist", dir.path().to_str().unwrap(), &url], &[&url, "HTTP status 404", "try another --from"]);
    assert_eq!(asked.join().unwrap(), "GET /train-images-idx3-ubyte.gz HTTP/1.1");
    // No file but the lock is left.
    let left: Vec<_> =
        fs::read_dir(dir.path().join("mnist")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".lock"]);
}
